"""The stage: links to a published archive whose rows are the links, however many slots and however often begun."""

import contextlib
import itertools
import socket
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.commands import cli
from pipelines.engine.runner import Engine
from pipelines.stages import fetch
from pipelines.stages.build import BuildConfig, run_build
from pipelines.stages.fetch import count_pages, run_fetch
from pipelines.stages.slots import slot_of
from pipelines.stages.stage import find_manifest
from tests.double.linked_web import make_links, web_of
from webtext import storage
from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Requester
from webtext.crawl.outcomes import is_outcome
from webtext.errors import UsageError
from webtext.manifest import Counts
from webtext.records import Page, Rejection
from webtext.tables import read_records
from webtext.warc import warc_reader
from webtext.warc.warc_reader import read_response

ROOT = Path(__file__).resolve().parents[2]
CONFIG = FetchConfig(delay=0, backoff=0, max_crawl_delay=0)


@pytest.fixture
def web(tmp_path):
    records, expected = web_of(12, 4)
    (tmp_path / "web.warc.gz").write_bytes(b"".join(records))
    return str(tmp_path / "web.warc.gz"), make_links(tmp_path, expected), expected


def rows_of(directory, kind=Page, pattern="index-*.parquet"):
    found = []
    for name in storage.list_files(directory, pattern):
        with storage.open_file(storage.join(directory, name)) as stream:
            found += read_records(stream, kind)
    return sorted(found, key=lambda row: row.url)


def bodies_of(directory):
    bodies = {}
    for page in rows_of(directory):
        if page.outcome == "ok":
            with Path(directory, page.warc_file).open("rb") as stream:
                bodies[page.url] = read_response(stream, page.warc_offset, page.warc_length).body
    return bodies


def test_each_link_has_one_row_and_each_failure_one_rejection(web, tmp_path):
    archive, links, expected = web
    pages = str(tmp_path / "pages")
    done = run_fetch(links, pages, CONFIG, Engine(1), replay=[archive])
    rows = rows_of(pages)
    assert {row.url: row.outcome for row in rows} == expected and len(rows) == len(expected)
    rejections = rows_of(pages, Rejection, "rejections-*.parquet")
    assert {(one.url, one.stage, one.reason) for one in rejections} == {
        (url, "fetch", outcome) for url, outcome in expected.items() if outcome != "ok"
    }
    assert done.counts == Counts(60, Counter(expected.values())["ok"], count_pages(pages).rejected)
    assert find_manifest(pages) == done
    assert not Path(pages + ".unfinished").exists()
    assert {(row.submissions, row.subreddits, row.first_posted) for row in rows} == {
        (1, ("news", "science"), 1_500_000_000)
    }
    assert sorted(row.karma for row in rows) == list(range(3, 63))
    short = next(row for row in rows if row.url == "https://short.test/0")
    assert (short.fetch_url, short.final_url, short.host) == (short.url, "https://host0.test/page/0", "host0.test")
    assert b"Page 0 of host 0." in bodies_of(pages)[short.url]


def test_a_finished_stage_is_not_done_again(web, tmp_path):
    archive, links, _ = web
    pages = str(tmp_path / "pages")
    first = run_fetch(links, pages, CONFIG, Engine(1), replay=[archive])
    times = {path.name: path.stat().st_mtime_ns for path in Path(pages).iterdir()}
    assert run_fetch(links, pages, CONFIG, Engine(1), replay=[archive]) == first
    assert {path.name: path.stat().st_mtime_ns for path in Path(pages).iterdir()} == times


def test_slots_and_processes_change_nothing_but_places(web, tmp_path):
    archive, links, _ = web
    found = []
    for name, slots, workers in (("one", 1, 1), ("many", 5, 2)):
        pages = str(tmp_path / name)
        run_fetch(links, pages, CONFIG, Engine(workers), replay=[archive], slots=slots)
        rows = [(row.url, row.final_url, row.status, row.outcome, row.digest, row.karma) for row in rows_of(pages)]
        found.append((rows, bodies_of(pages)))
    assert found[0] == found[1]
    for name in ("one", "many"):
        run_build(str(tmp_path / name), str(tmp_path / f"{name}-built"), BuildConfig(), Engine(1))
    corpora = (Path(tmp_path, f"{name}-built", "corpus/data").glob("*.parquet") for name in ("one", "many"))
    one, many = ({path.name: path.read_bytes() for path in paths} for paths in corpora)
    assert len(one) == 2 and one == many


def test_a_host_is_asked_by_its_slot_alone(web, tmp_path):
    archive, links, _ = web
    pages = str(tmp_path / "pages")
    run_fetch(links, pages, CONFIG, Engine(1), replay=[archive], slots=5)
    files = {}
    for path in Path(pages).glob("*.warc.gz"):
        with path.open("rb") as stream:
            for one in warc_reader.iter_warc(stream):
                if one.type == "request":
                    files.setdefault(one.url.split("/")[2], set()).add(int(path.name.split("-")[1]))
    assert files == {host: {slot_of(host, 5)} for host in files}
    assert len(files) == 13


def test_limits_leave_links_for_the_next_run(web, tmp_path):
    archive, links, expected = web
    pages = str(tmp_path / "pages")
    first = run_fetch(
        links, pages, FetchConfig(delay=0, backoff=0, max_crawl_delay=0, max_pages=20), Engine(1), replay=[archive]
    )
    assert first.counts.rejected["not_fetched"] == 40
    run_fetch(links, pages, CONFIG, Engine(1), replay=[archive])
    assert {row.url: row.outcome for row in rows_of(pages)} == expected


def test_failures_are_fetched_again_when_told_to(web, tmp_path):
    archive, links, expected = web
    pages = str(tmp_path / "pages")
    run_fetch(links, pages, CONFIG, Engine(1), replay=[archive])
    before = {row.url: row.fetched_at for row in rows_of(pages) if row.outcome == "ok"}
    size = sum(path.stat().st_size for path in Path(pages).glob("*.warc.gz"))
    again = replace(CONFIG, refetch_failed=True)
    run_fetch(links, pages, again, Engine(1), replay=[archive])
    assert {row.url: row.outcome for row in rows_of(pages)} == expected
    assert {row.url: row.fetched_at for row in rows_of(pages) if row.outcome == "ok"} == before
    assert sum(path.stat().st_size for path in Path(pages).glob("*.warc.gz")) > size


def test_a_crawl_under_way_says_how_far_it_is(web, tmp_path, monkeypatch):
    archive, links, expected = web
    pages = str(tmp_path / "pages")
    monkeypatch.setattr("pipelines.engine.progress._SECONDS", 0.02)
    seen, has_seen_some, ended = [], threading.Event(), threading.Event()

    def look():
        while not ended.wait(0.01):
            with contextlib.suppress(UsageError, FileNotFoundError):  # it is published meanwhile
                seen.append(fetch.count_or_look(pages + ".unfinished"))
                if 0 < seen[-1].kept < Counter(expected.values())["ok"]:
                    has_seen_some.set()

    asked, ask = itertools.count(), Requester.ask

    def patiently(*given, **more):
        """Hold a request in the midst of the crawl until it was seen how far that is."""
        if next(asked) == 3 * len(expected) // 2:
            has_seen_some.wait(60)
        return ask(*given, **more)

    monkeypatch.setattr(Requester, "ask", patiently)
    watcher = threading.Thread(target=look)
    watcher.start()
    run_fetch(links, pages, CONFIG, Engine(1), replay=[archive])
    ended.set()
    watcher.join()
    assert {counts.given for counts in seen} - {0} == {len(expected)}
    assert has_seen_some.is_set()
    assert not list(Path(pages).glob(".progress*"))


def test_links_that_are_added_are_all_that_is_asked_for(web, tmp_path):
    archive, _, expected = web
    pages = str(tmp_path / "pages")
    some = make_links(tmp_path / "some", list(expected)[:25])
    run_fetch(some, pages, CONFIG, Engine(1), replay=[archive])
    before = {row.url: (row.warc_file, row.warc_offset) for row in rows_of(pages)}
    with pytest.MonkeyPatch.context() as patch:
        asked = []
        ask = Requester.ask
        patch.setattr(Requester, "ask", lambda self, url, **more: asked.append(url) or ask(self, url, **more))
        run_fetch(make_links(tmp_path / "all", expected), pages, CONFIG, Engine(1), replay=[archive])
    assert {row.url: row.outcome for row in rows_of(pages)} == expected
    assert {row.url: (row.warc_file, row.warc_offset) for row in rows_of(pages) if row.url in before} == before
    assert not before.keys() & set(asked) - {f"https://host{number}.test/page/0" for number in range(12)}


def test_an_archive_of_other_rules_is_not_gone_on_with(web, tmp_path):
    """From the web it is left to the user, who may have no other copy; of a replay it is begun anew."""
    archive, links, expected = web
    pages = str(tmp_path / "pages")
    run_fetch(links, pages, CONFIG, Engine(1), replay=[archive], slots=3)
    run_fetch(links, pages, replace(CONFIG, robots=False), Engine(1), replay=[archive])
    assert Counter(row.outcome for row in rows_of(pages))["robots_disallowed"] == 0
    contact = replace(CONFIG, contact="https://crawl.webtext.dev/us")
    with pytest.raises(UsageError, match="fetched by other rules"):
        run_fetch(links, pages, contact, Engine(1))
    Path(pages).rename(pages + ".unfinished")
    run_fetch(links, pages, CONFIG, Engine(1), replay=[archive])
    assert {row.url: row.outcome for row in rows_of(pages)} == expected
    Path(pages).rename(pages + ".unfinished")
    with pytest.raises(UsageError, match="fetched by other rules"):
        run_fetch(links, pages, contact, Engine(1))


def test_settings_that_are_no_rules_change_nothing(web, tmp_path):
    archive, links, _ = web
    pages = str(tmp_path / "pages")
    first = run_fetch(links, pages, CONFIG, Engine(1), replay=[archive])
    other = replace(CONFIG, contact="mailto:crawl@webtext.dev", hosts_at_once=3, total_timeout=99.0, delay=0.5)
    assert run_fetch(links, pages, other, Engine(1), replay=[archive]) == first


def test_hosts_at_once_beyond_the_file_limit_are_one_line(web, tmp_path, monkeypatch):
    archive, links, _ = web
    monkeypatch.setattr("pipelines.stages.fetch.resource.getrlimit", lambda _: (256, 256))
    config = replace(CONFIG, hosts_at_once=500)
    with pytest.raises(UsageError, match=r"--hosts-at-once 500 needs 564 open files and 256 .* at most 192 hosts"):
        run_fetch(links, str(tmp_path / "pages"), config, Engine(1), replay=[archive])


def test_an_outage_is_one_line_and_the_next_run_goes_on(tmp_path, capsys, monkeypatch):
    def nobody(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    (tmp_path / "posted.tsv").write_text("".join(f"http://site{number}.example.net/\t5\n" for number in range(8)))
    assert cli.main(["harvest", "-s", str(tmp_path / "posted.tsv"), "-o", str(tmp_path)]) == 0
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    command = ["fetch", "-o", str(tmp_path), "--contact", "crawl@webtext.dev", "--backoff", "0", "--delay", "0"]
    command += ["--outage-pause", "0.01", "--workers", "1"]
    for _ in range(2):
        capsys.readouterr()
        assert cli.main(command) == 2
        told = capsys.readouterr().err.splitlines()[-1]
        assert told.startswith("webtext fetch: no network: 8 hosts in a row could not be reached")
        assert not (tmp_path / "pages").exists()
    assert cli.main([*command, "--max-pages", "1", "--refetch", "dns"]) == 2
    assert "no such outcome: dns" in capsys.readouterr().err


def test_all_outcomes_of_real_pages_are_known(realweb, tmp_path):
    with (realweb / "web.warc.gz").open("rb") as stream:
        urls = [one.url for one in warc_reader.iter_warc(stream)][::20]
    links = make_links(tmp_path, urls)
    pages = str(tmp_path / "pages")
    run_fetch(links, pages, CONFIG, Engine(1), replay=[str(realweb / "web.warc.gz")])
    rows = rows_of(pages)
    assert len(rows) == len(urls)
    assert Counter(row.outcome for row in rows) == {"ok": len(urls)}
    assert all(is_outcome(row.outcome) for row in rows)
