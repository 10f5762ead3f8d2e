"""Who may crawl, what the flags of `webtext fetch` say, and what it tells its user."""

import argparse
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from pipelines.commands import cli
from pipelines.commands.fetch import add_arguments, fetch_config
from pipelines.engine.runner import Engine
from pipelines.stages.fetch import run_fetch
from tests.double.linked_web import make_links, record, web_of
from webtext.crawl.config import FetchConfig
from webtext.crawl.contact import contact_problem
from webtext.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
_COMMAND = "import sys; from pipelines.commands.cli import main; sys.exit(main(sys.argv[1:]))"
CONFIG = FetchConfig(delay=0, backoff=0, max_crawl_delay=0)


@pytest.fixture
def web(tmp_path):
    records, expected = web_of(12, 4)
    (tmp_path / "web.warc.gz").write_bytes(b"".join(records))
    return str(tmp_path / "web.warc.gz"), make_links(tmp_path, expected), expected


def test_who_crawls_the_web_must_say_so(web, tmp_path):
    _, links, _ = web
    with pytest.raises(UsageError, match="--contact"):
        run_fetch(links, str(tmp_path / "pages"), CONFIG, Engine(1))


@pytest.mark.parametrize(
    "contact",
    [
        *(
            "you@example.org",
            "mailto:you@gmail.com",
            "your.name@lab.edu",
            "https://example.com/bot",
            "http://10.0.0.1/",
        ),
        *(
            "https://our.example/crawler",
            "https://yourdomain.com/bot",
            "me@localhost",
            "https://intranet/",
            "a b@c.org",
        ),
        *("somebody", "ftp://files.gnu.org/", "https://", "mailto:", "https://your-university.edu", "name@domain.com"),
    ],
)
def test_a_placeholder_is_nobody_who_crawls(web, tmp_path, contact):
    _, links, _ = web
    with pytest.raises(UsageError, match=r"^--contact .*: give your web page or e-mail address"):
        run_fetch(links, str(tmp_path / "pages"), replace(CONFIG, contact=contact), Engine(1))


@pytest.mark.parametrize(
    "contact", ["crawl@webtext.dev", "MAILTO:me@lab.edu", "https://www.cs.cam.ac.uk/~x/bot", "https://examples.dev/"]
)
def test_somebody_who_can_be_reached_crawls(contact):
    assert contact_problem(contact) == ""


@pytest.mark.parametrize(("slots", "message"), [(0, "--slots"), (-3, "--slots")])
def test_slots_are_at_least_one(web, tmp_path, slots, message):
    archive, links, _ = web
    with pytest.raises(UsageError, match=message):
        run_fetch(links, str(tmp_path / "pages"), CONFIG, Engine(1), replay=[archive], slots=slots)


def parse(*flags):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return fetch_config(parser.parse_args(["--output", "x", *flags]))


def test_flags_make_the_configuration():
    assert parse("--contact", "https://crawl.webtext.dev/bot") == FetchConfig(contact="https://crawl.webtext.dev/bot")
    assert parse("--replay", "x.warc") == FetchConfig(delay=0, max_crawl_delay=0, backoff=0)
    assert parse("--replay", "x.warc", "--delay", "2").delay == 2
    assert parse("--ignore-robots", "--opt-outs", "nothing") == FetchConfig(robots=False, opt_outs=())
    assert parse("--opt-outs", "noai, tdm", "--max-pages", "7").opt_outs == ("noai", "tdm")
    config = parse(
        "--refetch-failed",
        "--refetch",
        "dns_error, http_404",
        "--max-time",
        "9.5",
        "--hosts-at-once",
        "8",
        "--product",
        "mybot/2",
    )
    assert parse("--refetch", "dns_error, http_404").refetch == ("dns_error", "http_404")
    assert (config.refetch_failed, config.max_time, config.hosts_at_once, config.token) == (True, 9.5, 8, "mybot")


@pytest.mark.parametrize("flags", [("--delay", "-1"), ("--opt-outs", "nofollow"), ("--hosts-at-once", "0")])
def test_flags_out_of_range_are_refused(flags):
    with pytest.raises(UsageError):
        parse(*flags)


def test_command_line_fetches_and_says_what_became_of_the_links(web, tmp_path, capsys):
    archive, _, expected = web
    assert cli.main(["fetch", "--output", str(tmp_path), "--replay", archive]) == 0
    printed = capsys.readouterr().out
    assert "60 links" in printed
    for reason, number in Counter(outcome for outcome in expected.values() if outcome != "ok").items():
        assert any(reason in line and str(number) in line for line in printed.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "--replay", "missing.warc.gz"], "missing.warc.gz"),
        (["fetch"], "--contact"),
        (["replay", "missing.warc.gz"], "cannot read missing.warc.gz"),
    ],
)
def test_what_the_user_can_mend_is_one_line(web, tmp_path, capsys, arguments, message):
    arguments = [*arguments, "--output", str(tmp_path)] if arguments[0] == "fetch" else arguments
    assert cli.main(arguments) == cli.EXIT_USAGE
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1


def test_replay_command_serves_until_interrupted(web):
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # a background job would not
    command = [sys.executable, "-c", heeding + _COMMAND, "replay", web[0]]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        said = child.stdout.readline()
        port = int(said.rpartition(" (")[0].rpartition(":")[2])
        answer = requests.get(f"http://127.0.0.1:{port}/page/0", headers={"Host": "host0.test"}, timeout=60)
        child.send_signal(signal.SIGINT)
    assert b"Page 0 of host 0." in answer.content
    assert child.returncode == 0


def test_the_ledger_names_the_signal_and_explain_the_line(tmp_path, capsys):
    said = {
        "https://a.test/page": [
            record("https://a.test/robots.txt", b"user-agent: *\n# no\nContent-Signal: ai-train=no\n")
        ],
        "https://b.test/page": [record("https://b.test/page", b"<meta name=robots content=noai><p>text")],
        "https://c.test/page": [record("https://c.test/robots.txt", b"user-agent: *\ndisallow: /page")],
    }
    (tmp_path / "web.warc.gz").write_bytes(b"".join(each for records in said.values() for each in records))
    links = make_links(tmp_path, said)
    done = run_fetch(links, str(tmp_path / "pages"), CONFIG, Engine(1), replay=[str(tmp_path / "web.warc.gz")])
    assert done.counts.rejected == {"opt_out_content_signal": 1, "opt_out_noai": 1, "robots_disallowed": 1}
    evidence = {
        "https://a.test/page": ("opt_out_content_signal", "Content-Signal: ai-train=no (line 3) of robots.txt"),
        "https://b.test/page": ("opt_out_noai", '<meta name="robots" content="noai"> in the page\'s head'),
        "https://c.test/page": ("robots_disallowed", "Disallow: /page (line 2)"),
    }
    for url, (reason, line) in evidence.items():
        assert cli.main(["explain", url, "-o", str(tmp_path)]) == 0
        told = capsys.readouterr().out
        assert reason in told
        assert line in told
