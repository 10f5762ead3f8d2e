"""Captures of dead links, against a double of the two archives' interfaces."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.captures import Capture, CaptureIndex, CaptureSearch, nearest
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.records import Link
from webtext.warc import warc_records
from webtext.warc.warc_reader import read_response
from webtext.warc.warc_records import HttpResponse

POSTED = 1_450_000_000  # 13 December 2015
DEAD = "http://dead.test/page?a=b"
STAMPS = ["20100101000000", "20151201000000", "20151220000000", "20200101000000"]
CRAWLS = ["CC-MAIN-2017-51", "CC-MAIN-2016-07", "CC-MAIN-2015-48", "CC-MAIN-2012", "CC-MAIN-2008-2009", "odd"]


def page_of(stamp):
    return f"<html><p>As it was on {stamp}.</p></html>".encode()


def record_of(stamp):
    response = HttpResponse(200, (("Content-Type", "text/html"),), page_of(stamp), "OK")
    block = warc_records.encode_response(response)
    return warc_records.encode_record(
        "response", DEAD, "2015-12-01T00:00:00Z", "application/http; msgtype=response", block
    )


RECORDS = [record_of(stamp) for stamp in STAMPS]
SEGMENT = b"".join(RECORDS)


class Archives(BaseHTTPRequestHandler):
    """Answers as Wayback's and Common Crawl's servers do, and as a web in which `alive.test` alone is alive."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urlsplit(self.path)
        self.server.asked.append(self.path)
        answer = {
            "web.archive.org": self.wayback,
            "index.commoncrawl.org": self.index,
            "data.commoncrawl.org": self.data,
            "alive.test": lambda _: (200, "text/html", page_of("today")),
        }.get(parts.hostname, lambda _: (404, "text/html", b"<p>gone"))
        status, kind, body = answer(parts)
        self.wfile.write(
            f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )

    def wayback(self, parts):
        if self.server.broken:
            return 200, "text/html", self.server.broken
        if parts.path == "/cdx/search/cdx":
            fields = parse_qs(parts.query)
            found = STAMPS if fields["url"] == [DEAD] else []
            names = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
            rows = [["test,dead)/page", stamp, DEAD, "text/html", "200", "X", "9"] for stamp in found]
            return 200, "application/json", json.dumps([names, *rows] if rows else []).encode()
        stamp, _, url = self.path.partition("/web/")[2].partition("id_/")
        return (200, "text/html", page_of(stamp)) if unquote(url) == DEAD else (404, "text/html", b"")

    def index(self, parts):
        if parts.path == "/collinfo.json":
            host = "https://index.commoncrawl.org"
            crawls = [{"id": name, "cdx-api": f"{host}/{name}-index"} for name in CRAWLS]
            return 200, "application/json", self.server.broken or json.dumps(crawls).encode()
        url = parse_qs(parts.query)["url"][0]
        if url != DEAD or parts.path != "/CC-MAIN-2016-07-index":
            return 404, "application/json", b'{"message": "No Captures found"}'
        offset, lines = 0, []
        for stamp, length in zip(STAMPS, map(len, RECORDS), strict=True):
            row = {"url": DEAD, "timestamp": stamp, "filename": "crawl-data/x.warc.gz", "offset": str(offset)}
            lines.append(json.dumps({**row, "length": str(length), "status": "200"}))
            offset += length
        return 200, "text/x-ndjson", "\n".join(lines).encode()

    def data(self, parts):
        assert parts.path == "/crawl-data/x.warc.gz"
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        return 206, "application/octet-stream", SEGMENT[first : last + 1]

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def archives():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archives)
    server.asked, server.broken = [], b""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def crawl(server, folder, urls, **settings):
    config = FetchConfig(delay=0, backoff=0, robots=False, opt_outs=(), replay=server.server_address, **settings)
    requester = Requester(config.agent, config.limits, replay=config.replay)
    task = Crawl(config, PageArchive(folder, "pages", roll_bytes=10**9, about={}), requester)
    errands = [Errand.of(Link(url, url, "", 3, 1, (), POSTED)) for url in urls]
    task.run(errands)
    requester.close()
    return {errand.link.url: row for errand, row in task.rows()}


@pytest.mark.parametrize("kind", ["wayback", "commoncrawl"])
def test_dead_links_get_the_capture_nearest_to_their_post(archives, tmp_path, kind):
    urls = [DEAD, "http://never.test/captured", "http://alive.test/"]
    rows = crawl(archives, tmp_path, urls, captures=kind)
    assert {url: row["outcome"] for url, row in rows.items()} == dict(zip(urls, ["ok", "http_404", "ok"], strict=True))
    row = rows[DEAD]
    assert (row["final_url"], row["host"], row["status"]) == (DEAD, "dead.test", 200)
    assert row["detail"] == f"captured 2015-12-20T00:00:00Z by {kind}"
    with (tmp_path / row["warc_file"]).open("rb") as stream:
        assert read_response(stream, row["warc_offset"], row["warc_length"]).body == page_of("20151220000000")
    never = rows["http://never.test/captured"]
    assert (never["final_url"], never["status"]) == ("http://never.test/captured", 404)
    assert any(url.endswith("collinfo.json") for url in archives.asked) == (kind == "commoncrawl")
    asked = len(archives.asked)
    assert crawl(archives, tmp_path, urls, captures=kind) == rows
    assert len(archives.asked) == asked


def test_without_captures_no_archive_is_asked(archives, tmp_path):
    assert crawl(archives, tmp_path, [DEAD])[DEAD]["outcome"] == "http_404"
    assert archives.asked == [DEAD]


@pytest.mark.parametrize("kind", ["wayback", "commoncrawl"])
@pytest.mark.parametrize("broken", [b"<html>Down for maintenance", b"[[", b'{"a": 1}', b"[1, [2]]", b"null"])
def test_answers_that_make_no_sense_leave_the_link_as_it_was(archives, tmp_path, kind, broken):
    archives.broken = broken
    row = crawl(archives, tmp_path, [DEAD], captures=kind)[DEAD]
    assert (row["outcome"], row["final_url"], row["status"]) == ("http_404", DEAD, 404)


def test_the_nearest_capture_is_a_function_of_the_captures():
    captures = [Capture("u", taken, f"s{source}") for taken in (90, 110, 130) for source in (2, 1)]
    assert nearest(iter(captures), 100) == Capture("u", 90, "s1")
    assert nearest(iter(captures[::-1]), 100) == Capture("u", 90, "s1")
    assert nearest(iter(captures), 125) == Capture("u", 130, "s1")
    assert nearest(iter([]), 100) is None


def test_common_crawl_is_asked_by_date():
    index = CaptureIndex("commoncrawl")
    assert CaptureSearch(index, DEAD, POSTED).next_url.endswith("/collinfo.json")
    index.learn(json.dumps([{"id": name, "cdx-api": name} for name in CRAWLS]).encode())
    names = [question.partition("?")[0] for question in index.questions(DEAD, POSTED)]
    assert names == ["CC-MAIN-2015-48", "CC-MAIN-2016-07", "CC-MAIN-2017-51"]


@given(st.binary(max_size=200), st.sampled_from(["wayback", "commoncrawl"]))
def test_any_bytes_are_read(answer, kind):
    index = CaptureIndex(kind)
    index.learn(answer)
    assert all(isinstance(capture, Capture) for capture in index.captures(answer))


def test_only_known_archives_are_asked():
    with pytest.raises(ValueError, match="captures come from"):
        FetchConfig(captures="elsewhere")


def test_a_capture_whose_url_holds_half_a_surrogate_pair_is_left_out():
    rows = b'[["original","timestamp"],["http://a.example/\\ud800","20170101000000"],[1,"20170101000000"]]'
    assert list(CaptureIndex("wayback").captures(rows)) == []
    row = b'{"url": "http://a/\\ud800", "timestamp": "20170101000000", "filename": "f", "offset": "1", "length": "2"}'
    assert list(CaptureIndex("commoncrawl").captures(row)) == []
