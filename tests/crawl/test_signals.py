"""Signals end to end: a crawl of sites that say "no" in every way and place, held to the table in docs/signals.md."""

import re

import pytest

from tests.conftest import ROOT
from tests.double.signal_web import PAGE, PAID, RSL_TYPE, SAYS, SignalWeb
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.outcomes import reason_of
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.permissions.signals import PREFIX, SIGNALS
from webtext.permissions.site import ai_agents
from webtext.records import Link
from webtext.warc.warc_reader import read_response

PLACES = ("robots.txt", "file of its own", "header", "meta", "link", "script")


@pytest.fixture
def web():
    server = SignalWeb()
    yield server
    server.shutdown()
    server.server_close()


def crawl(web, folder, urls, **settings):
    """Crawl URLs; gives the rows by URL."""
    config = FetchConfig(**{"delay": 0.0, "backoff": 0.0, "replay": web.server_address, **settings})
    requester = Requester(config.agent, config.limits, replay=config.replay)
    task = Crawl(config, PageArchive(folder, "pages", roll_bytes=1 << 30, about={}), requester)
    errands = [Errand.of(Link(url, url, "", 3, 1, (), None)) for url in urls]
    task.run(errands)
    requester.close()
    return {errand.link.url: row for errand, row in task.rows()}


def table():
    """Give {(signal, place): (reason, mark)} of the table in the documentation."""
    cells = {}
    for line in (ROOT / "docs" / "signals.md").read_text("utf-8").splitlines():
        found = re.match(rf"\| ([^|]+) \| `({PREFIX}\w+)` \| (.*) \|$", line)
        if found:
            marks = found[3].split(" | ")
            cells |= {(found[1], place): (found[2], mark) for place, mark in zip(PLACES, marks, strict=True)}
    return cells


CELLS = table()


def test_the_table_has_all_signals():
    assert {reason for reason, _ in CELLS.values()} == {PREFIX + name for name in SIGNALS}
    assert {cell for cell, (_, mark) in CELLS.items() if mark != "–"} == set(SAYS)


def test_each_cell_of_the_table(web, tmp_path):
    urls = {cell: web.site(f"site{n}.test", says, cell[1]) for n, (cell, says) in enumerate(SAYS.items())}
    rows = crawl(web, tmp_path, urls.values())
    for cell, url in urls.items():
        (reason, mark), row = CELLS[cell], rows[url]
        assert (cell, row["outcome"]) == (cell, "opt_out" if mark == "✓" else "ok")
        assert PREFIX + row["opt_out"] == reason
        said = SAYS[cell][1] if cell[1] == "header" else ""
        assert said in row["detail"] or "licence" in row["detail"]
        place = {"robots.txt": "robots.txt", "header": "header", "meta": "head"}.get(cell[1], "")
        assert place in row["detail"] or "licence" in row["detail"]
        if row["warc_offset"] is not None and mark == "✓":
            with (tmp_path / row["warc_file"]).open("rb") as stream:
                assert read_response(stream, row["warc_offset"], row["warc_length"]).body == b""
        if cell[1] in {"robots.txt", "file of its own"}:
            assert url not in web.asked


def test_signals_that_are_not_obeyed_are_recorded(web, tmp_path):
    urls = [
        web.site(f"site{n}.test", says, cell[1]) for n, (cell, says) in enumerate(SAYS.items()) if cell[0] != "ai.txt"
    ]
    rows = crawl(web, tmp_path, urls, opt_outs=())
    assert {row["outcome"] for row in rows.values()} == {"ok"}
    found = {row["opt_out"] for row in rows.values()}
    assert found == set(SIGNALS) - {"ai_txt"} | {""}  # nothing is asked for licences, and for files that nobody obeys


def test_a_trainer_that_is_shut_out_is_evidence(web, tmp_path):
    def outcome(robots, **settings):
        web.put("http://x.test/robots.txt", robots)
        web.put("http://x.test/page", PAGE, ("Content-Type", "text/html"))
        folder = tmp_path / str(len(web.asked))
        folder.mkdir()
        row = crawl(web, folder, ["http://x.test/page"], **settings)["http://x.test/page"]
        return reason_of(row["outcome"], row["opt_out"]), row["detail"]

    barred = "User-agent: CCBot\nDisallow: /page\n"
    evidence = "User-agent: CCBot, Disallow: /page (line 2) of robots.txt"
    assert outcome(barred) == ("opt_out_ai_agents", evidence)
    assert outcome(barred.replace("/page", "/other"))[0] == "ok"
    assert outcome("User-agent: SomeSearchBot\nDisallow: /\n")[0] == "ok"
    assert outcome(barred + "User-agent: webtext\nAllow: /\n")[0] == "ok"  # who is named is judged by that alone
    assert outcome(barred, opt_outs=("noai",)) == ("ok", evidence)


def test_the_list_of_trainers_has_sources_and_dates():
    lines = (ROOT / "webtext" / "permissions" / "ai_agents.txt").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert [row[0] for row in rows] == list(ai_agents())
    assert all(re.fullmatch(r"https://\S+", row[2]) and re.fullmatch(r"20\d\d-\d\d-\d\d", row[3]) for row in rows)
    known = {"GPTBot", "CCBot", "Google-Extended", "ClaudeBot", "Bytespider", "Applebot-Extended", "meta-externalagent"}
    assert known <= set(ai_agents())


def test_licences_are_asked_for_once_wherever_they_lie(web, tmp_path):
    link = f'<link rel="license" type="{RSL_TYPE}" href="http://licences.test/a.xml">'
    web.put("http://licences.test/a.xml", status=301)
    web.answers["http://licences.test/a.xml"] = 301, (("Location", "/b.xml"),), b""
    web.put("http://licences.test/b.xml", PAID.replace('url="/"', 'url="/page1*"'))
    urls = [f"http://x.test/page{n}" for n in range(20)]
    for url in urls:
        web.put(url, PAGE.format(link), ("Content-Type", "text/html"))
    rows = crawl(web, tmp_path, urls)
    refused = {url for url, row in rows.items() if row["opt_out"] == "rsl"}
    assert refused == {url for url in urls if "/page1" in url}
    assert {row["outcome"] for row in rows.values()} == {"ok", "opt_out"}
    assert [url for url in web.asked if "licences" in url] == [
        "http://licences.test/a.xml",
        "http://licences.test/b.xml",
    ]
    assert len(web.asked) == len(set(web.asked))
    again = crawl(web, tmp_path, [*urls, "http://x.test/page1x"])
    assert {url: again[url] for url in urls} == rows  # read back from the archive


@pytest.mark.parametrize(
    "place", ["http://10.0.0.1/a.xml", "http://gone.test/a.xml", "ftp://x.test/a.xml", "http://[", "mailto:a@b.test"]
)
def test_licences_that_cannot_be_had(web, tmp_path, place):
    web.put("http://gone.test/a.xml", status=503)
    html = PAGE.format(f'<link rel="license" type="{RSL_TYPE}" href="{place}">')
    web.put("http://x.test/page", html, ("Content-Type", "text/html"))
    row = crawl(web, tmp_path, ["http://x.test/page"], max_attempts=1)["http://x.test/page"]
    assert (row["outcome"], row["opt_out"]) == ("opt_out", "rsl")
    assert place in row["detail"]
