"""Answers of servers after public bug reports, from the folder of cases where there is one.

Each case says which outcomes are right; a page that is `ok` must stand in the archive byte for byte.
"""

import importlib
import sys

import pytest

from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.records import Link
from webtext.urls import canonicalize_url, fetch_url
from webtext.warc.warc_reader import read_response

SETS = ("cases_http", "cases_lines", "cases_more", "cases_robots")


@pytest.fixture(scope="module")
def modules(front):
    """Import the cases and their server; gives a function from name to module."""
    folder = str(front)
    sys.path.insert(0, folder)
    before = set(sys.modules)
    yield importlib.import_module
    sys.path.remove(folder)
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", SETS)
def test_every_case_ends_as_the_standards_say(modules, name, tmp_path):
    found = modules(name)
    server = modules("server").Server(found.CASES)
    config = FetchConfig(
        delay=0, backoff=0, hosts_at_once=64, read_timeout=4, total_timeout=12, replay=("127.0.0.1", server.port)
    )
    requester = Requester(config.agent, config.limits, replay=config.replay)
    crawl = Crawl(config, PageArchive(tmp_path, "pages", roll_bytes=1 << 30, about={}), requester)
    links = {url: Link(canonicalize_url(url), fetch_url(url), "", 3, 1, (), None) for url, _, _ in found.LINKS}
    crawl.run([Errand.of(link) for link in links.values()])
    requester.close()
    server.close()
    found_rows = {errand.url: row for errand, row in crawl.rows()}
    rows = {url: found_rows[link.fetch_url] for url, link in links.items()}
    wrong = []
    for url, wanted, note in found.LINKS:
        row = rows[url]
        outcome = "opt_out" if row["outcome"].startswith("opt_out_") else row["outcome"]
        if outcome not in wanted.split("|") and not note.startswith(("soft", "not counted")):
            wrong.append((url, row["outcome"], row["detail"], row["final_url"], note))
        elif row["outcome"] == "ok" and found.BODY is not None and not note.startswith(("soft", "not counted")):
            with (tmp_path / row["warc_file"]).open("rb") as stream:
                if read_response(stream, row["warc_offset"], row["warc_length"]).body != found.BODY:
                    wrong.append((url, "another body", note))
    assert wrong == []
