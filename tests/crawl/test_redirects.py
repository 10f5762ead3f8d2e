"""Where answers lead: what is followed, what is not, and what a page is kept for."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from webtext.crawl.config import FetchConfig
from webtext.crawl.cookies import Cookies
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Exchange, Requester
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.redirects import redirect_target, refresh_target
from webtext.crawl.visits import Errand
from webtext.records import Link
from webtext.warc.warc_records import HttpResponse

HERE = "http://a.test/b/c?d"


def answered(*headers, html=b"", url=HERE):
    return Exchange(url, 0, b"", HttpResponse(200, headers, html), html, "", "", "")


def cookies(*values):
    return tuple(("Set-Cookie", value) for value in values)


@pytest.mark.parametrize(
    ("said", "target"),
    [
        (["caf\xe9"], "http://a.test/b/caf%E9"),
        (["/\xc3\xa9?\xe9#x"], "http://a.test/%C3%A9?%E9"),
        (["http://b\xc3\xbccher.test/"], "http://xn--bcher-kva.test/"),
        (["/x", "/x"], "http://a.test/x"),
        (["", "/x?a,b", "/y"], "http://a.test/x?a,b"),
        (["/x?a&amp;b"], "http://a.test/x?a&amp;b"),
        (["///b.test"], "http://b.test/"),
        (["\\\\b.test\\x"], "http://b.test/x"),
        (["https:/b.test"], "https://b.test/"),
        ([""], None),
        ([], None),
        (["javascript:x"], None),
        (["http://[::1"], None),
    ],
)
def test_locations(said, target):
    assert redirect_target(answered(*(("Location", value) for value in said))) == target


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("0; url=/x", "http://a.test/x"),
        ("0;URL='/x'", "http://a.test/x"),
        ('5 , url = "x"', "http://a.test/b/x"),
        ("3;/x", "http://a.test/x"),
        ("0 /x", "http://a.test/x"),
        ("4.9;url=/caf&eacute;", "http://a.test/caf%E9"),
        ("6; url=/x", None),
        ("100000; url=/x", None),
        ("0", None),
        ("0; url=", None),
        ("0; url=c?d", None),
        ("; url=/x", None),
        ("0; url=javascript:x", None),
    ],
)
def test_refreshes(said, target):
    meta = f"<title>x</title><META content=\"{said.replace(chr(34), '&quot;')}\" http-equiv='Refresh'>"
    assert refresh_target(answered(html=meta.encode())) == target
    if "&" not in said:
        assert refresh_target(answered(("Refresh", said))) == target


@pytest.mark.parametrize(
    ("base", "target"),
    [
        (b"", "http://a.test/b/x/y"),
        (b"<base href=http://other.test/c/d>", "http://other.test/c/x/y"),
        (b"<base target=_blank><base href='../e/'>", "http://a.test/e/x/y"),
        (b"<!-- <base href=http://other.test/> -->", "http://a.test/b/x/y"),
        (b"<base href='javascript:x'>", "http://a.test/b/x/y"),
    ],
)
def test_a_meta_refresh_is_relative_to_the_base(base, target):
    html = base + b'<meta http-equiv="refresh" content="0; URL=\n  x/z/../y">'
    assert refresh_target(answered(html=html)) == target
    assert refresh_target(answered(("Refresh", "0; url=z"), html=html)) == "http://a.test/b/z"


WORDS = b"<p>" + b"Words of a page. " * 30
META = b'<meta http-equiv="refresh" content="0;url=/x">'


@pytest.mark.parametrize(
    ("html", "is_followed"),
    [
        (META + WORDS, True),
        (b"<noscript>" + META + b"</noscript><p>You are being redirected.", True),
        (b"<noscript>" + META + b"</noscript>" + WORDS, False),
        (b"<!-- " + META + b" --><script>'" + META + b"'</script>", False),
        (b"<!-- never closed " + META, False),
        (b"<template>" + META + b"</template>", False),
        (b"x" * (70 << 10) + META, False),
    ],
)
def test_where_a_refresh_counts(html, is_followed):
    assert (refresh_target(answered(html=html)) is not None) is is_followed


@pytest.mark.parametrize(
    "piece",
    [b"<meta ", b"<", b"<!--", b"<noscript>", b"<meta content='", b"<meta http-equiv=refresh a=' ", b" a="],
)
def test_a_hostile_page_costs_no_more_than_its_length(piece):
    assert refresh_target(answered(html=b"refresh" + piece * (500_000 // len(piece)))) is None


@pytest.mark.parametrize(
    ("said", "asked", "sent"),
    [
        (["a=1; Domain=.news.test; Path=/"], "http://www.news.test/x", "a=1"),
        (["a=1; domain=news.test"], "http://m.news.test/x", "a=1"),
        (["a=1"], "http://www.news.test/x", ""),
        (["a=1"], "http://login.news.test/x", "a=1"),
        (["a=1; Domain=other.test"], "http://other.test/", ""),
        (["a=1; Domain=test"], "http://x.test/", ""),
        (["a=1", "a=; Max-Age=0"], "http://login.news.test/", ""),
        (["a=1; Max-Age=0"], "http://login.news.test/", ""),
        (["a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT"], "http://login.news.test/", ""),
        (["a=1", "a=; expires=Thu, 01-Jan-70 00:00:01 GMT"], "http://login.news.test/", ""),
        (["a=1; expires=Tue, 01 Jan 69 00:00:00 GMT"], "http://login.news.test/", "a=1"),
        (["a=1; Max-Age=soon; Path=here", 'b=1; max-age="9"'], "http://login.news.test/", "a=1; b=1"),
        (["a=1; Secure"], "http://login.news.test/", ""),
        (["a=1; Path=/y"], "http://login.news.test/x", ""),
        (['a="x y"', "b=1,c=2"], "http://login.news.test/", 'a="x y"; b=1,c=2'),
        (["a=b\x01", "c\x7f=d", "e=" + "f" * 5000], "http://login.news.test/", ""),
        ([f"c{number}=1" for number in range(60)], "http://login.news.test/", "; ".join(f"c{n}=1" for n in range(60))),
    ],
)
def test_cookies(said, asked, sent):
    jar = Cookies()
    for value in said:
        jar.hear("http://login.news.test/", cookies(value))
    assert jar.header(asked) == sent


@pytest.mark.parametrize("suffix", ["co.uk", "github.io", "com", "blogspot.com"])
def test_no_cookie_is_of_a_public_suffix(suffix):
    jar = Cookies()
    jar.hear(f"http://a.{suffix}/", cookies(f"a=1; Domain=.{suffix}"))
    assert jar.header(f"http://b.{suffix}/") == ""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, *headers = self.server.answers.get(self.path, (404,))
        self.send_response(status)
        body = WORDS if status == 200 else b""
        for name, value in [("Content-Type", "text/html"), ("Content-Length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep quiet."""


TO_X = ("Refresh", "0; url=/x")


@pytest.mark.parametrize(
    ("answers", "final", "outcome"),
    [
        ({"/start": (200, TO_X), "/x": (200,)}, "/x", "ok"),
        ({"/start": (200, TO_X), "/x": (302, ("Location", "/y")), "/y": (200,)}, "/y", "ok"),
        ({"/start": (200, TO_X)}, "/start", "ok"),
        ({"/start": (200, TO_X), "/x": (302, ("Location", "/y"))}, "/start", "ok"),
        ({"/start": (200, TO_X), "/x": (302, ("Location", "/start"))}, "/start", "ok"),
        ({"/start": (200, ("Refresh", "0; url=http://10.0.0.1/"))}, "/start", "ok"),
        ({"/start": (302, ("Location", "/a")), "/a": (200, TO_X)}, "/a", "ok"),
        ({"/start": (404, TO_X), "/x": (200,)}, "/start", "http_404"),
        ({"/start": (302, TO_X), "/x": (200,)}, "/x", "ok"),
    ],
)
def test_a_page_is_kept_where_its_refresh_leads_to_none(tmp_path, answers, final, outcome):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers = {f"http://a.test{path}": answer for path, answer in answers.items()}
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    config = FetchConfig(delay=0, backoff=0, replay=server.server_address)
    requester = Requester(config.agent, config.limits, replay=config.replay)
    crawl = Crawl(config, PageArchive(tmp_path, "pages", roll_bytes=1 << 30, about={}), requester)
    errand = Errand.of(Link("https://a.test/start", "http://a.test/start", "", 3, 1, (), None))
    crawl.run([errand])
    requester.close()
    server.shutdown()
    server.server_close()
    ((_, row),) = crawl.rows()
    assert (row["final_url"], row["outcome"]) == (f"http://a.test{final}", outcome)
    assert row["warc_offset"] is not None
