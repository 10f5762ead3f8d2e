"""Replay: an archive answers over HTTP as the web did, under every host name in it."""

import gzip
import http.client
import socket

import pytest
import requests

from webtext.crawl.exchange import Limits, Requester
from webtext.crawl.replay import Archives, serve_archives
from webtext.errors import UsageError
from webtext.warc import warc_reader, warc_records
from webtext.warc.warc_records import HttpResponse

DATE = "2024-05-06T07:08:09Z"
PAGE = b"<html><p>A page.</p>"


def record(url, body=PAGE, status=200, headers=(("Content-Type", "text/html"),), kind="response", **more):
    block = warc_records.encode_response(HttpResponse(status, tuple(headers), body, "Reason"))
    extra = [("WARC-Payload-Digest", more.get("digest", warc_records.payload_digest(body)))]
    return warc_records.encode_record(kind, url, DATE, "application/http; msgtype=response", block, headers=extra)


CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)
ZIPPED = [("Content-Type", "text/html"), ("Content-Encoding", "gzip")]
RECORDS = [
    record("http://plain.test/"),
    record("https://secure.example.com/a?b=c", b"<p>secure"),
    record("http://secure.example.com/a?b=c", b"", 301, [("Location", "https://secure.example.com/a?b=c")]),
    record("http://gone.test/", b"<p>gone", 410),
    record("http://broken.test/", b"", 500),
    record("http://port.test:8080/x", b"<p>port"),
    record(
        "http://zipped.test/",
        gzip.compress(PAGE),
        headers=[("Content-Type", "text/html"), ("Content-Encoding", "gzip")],
    ),
    record("http://unzipped.test/", PAGE, headers=[("Content-Type", "text/html"), ("Content-Encoding", "gzip")]),
    record("http://chunked.test/", CHUNKED, headers=[("Transfer-Encoding", "chunked"), ("Content-Type", "text/html")]),
    record("http://dechunked.test/", PAGE, headers=[("Transfer-Encoding", "chunked"), ("Content-Length", "9999")]),
    record("http://cookies.test/", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Odd", "\xe9")]),
    record("http://empty.test/", b"", 204, []),
    record("http://www.canonical.example.com/page/?utm_source=x#top", b"<p>canonical"),
    record("http://first.test/", b"<p>old"),
    record("http://first.test/", b"<p>new"),
    record("http://again.test/", b"", kind="revisit", digest=warc_records.payload_digest(PAGE)),
    warc_records.encode_record("metadata", "http://notes.test/", DATE, "text/plain", b"HTTP/1.1 200 OK\r\n\r\nno"),
    record("http://robots.test/robots.txt", b"user-agent: *\ndisallow: /", headers=[("Content-Type", "text/plain")]),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("replay") / "web.warc.gz"
    path.write_bytes(b"".join(RECORDS))
    with serve_archives(Archives([path])) as address:
        yield address


@pytest.fixture
def ask(address):
    requester = Requester("webtext/0", Limits(), replay=address)
    yield requester.ask
    requester.close()


@pytest.mark.parametrize(
    ("url", "status", "body"),
    [
        ("http://plain.test/", 200, PAGE),
        ("https://plain.test/", 200, PAGE),  # the same page by its canonical form
        ("https://secure.example.com/a?b=c", 200, b"<p>secure"),
        ("http://secure.example.com/a?b=c", 301, b""),
        # A page goes before a redirect of the same canonical form.
        ("http://www.secure.example.com/a?b=c", 200, b"<p>secure"),
        ("http://gone.test/", 410, b"<p>gone"),
        ("http://broken.test/", 500, b""),
        ("http://port.test:8080/x", 200, b"<p>port"),
        ("http://zipped.test/", 200, PAGE),
        ("http://unzipped.test/", 200, PAGE),
        ("http://chunked.test/", 200, PAGE),
        ("http://empty.test/", 204, b""),
        ("http://canonical.example.com/page", 200, b"<p>canonical"),
        ("http://first.test/", 200, b"<p>new"),
        ("http://again.test/", 200, PAGE),
        ("http://notes.test/", 404, b"not in the archive\n"),
        ("http://unknown.test/", 404, b"not in the archive\n"),
        ("http://unknown.test/robots.txt", 404, b"not in the archive\n"),
    ],
)
def test_answers_are_those_of_the_archive(ask, url, status, body):
    exchange = ask(url)
    assert (exchange.status, exchange.beginning or b"", exchange.outcome) == (status, body, "")


def test_stored_headers_are_sent_and_true_of_the_body(ask):
    assert ask("http://zipped.test/").header("Content-Encoding") == "gzip"
    assert ask("http://unzipped.test/").header("Content-Encoding") == ""
    assert ask("http://dechunked.test/").header("Content-Length") == str(len(PAGE))
    cookies = ask("http://cookies.test/").response
    assert [value for name, value in cookies.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert cookies.header("X-Odd") == "\xe9"
    assert ask("http://secure.example.com/a?b=c").header("Location") == "https://secure.example.com/a?b=c"


def test_server_answers_by_host_header_and_to_others(address):
    base = "http://{}:{}".format(*address)
    assert requests.get(f"{base}/", headers={"Host": "plain.test"}, timeout=60).content == PAGE
    assert (
        requests.get(
            f"{base}/a?b=c", headers={"Host": "secure.example.com"}, timeout=60, allow_redirects=False
        ).status_code
        == 301
    )
    assert requests.get("http://plain.test/", proxies={"http": base}, timeout=60).content == PAGE
    assert requests.head(f"{base}/", headers={"Host": "plain.test"}, timeout=60).headers["Content-Length"] == str(
        len(PAGE)
    )


def test_connections_are_kept(address):
    connection = http.client.HTTPConnection(*address, timeout=60)
    for _ in range(3):
        connection.request("GET", "/", headers={"Host": "plain.test"})
        assert connection.getresponse().read() == PAGE
    connection.close()


def test_several_archives_are_one_web(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}.warc").write_bytes(gzip.decompress(record(f"http://{number}.test/", b"<p>%d" % number)))
    archives = Archives(sorted(tmp_path.glob("*.warc")))
    assert len(archives) == 2
    assert [archives.find(f"http://{number}.test/").body for number in (1, 2)] == [b"<p>1", b"<p>2"]


def test_cut_records_are_left_out(tmp_path):
    whole, cut = (gzip.decompress(record(f"http://{name}.test/", b"x" * 5000)) for name in ("whole", "cut"))
    (tmp_path / "a.warc").write_bytes(whole + cut[:-2000])
    assert len(Archives([tmp_path / "a.warc"])) == 1


def test_what_cannot_be_served_is_one_clear_line(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        Archives([tmp_path / "missing.warc.gz"])
    (tmp_path / "junk.warc.gz").write_bytes(b"junk" * 99)
    with pytest.raises(UsageError, match="holds no WARC record"):
        Archives([tmp_path / "junk.warc.gz"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}"), serve_archives(Archives([]), port):
            pass


def test_real_archive_is_served(realweb):
    archives = Archives([realweb / "web.warc.gz"])
    assert len(archives) == 2179
    with (realweb / "web.warc.gz").open("rb") as stream, serve_archives(archives) as address:
        requester = Requester("webtext/0", Limits(), replay=address)
        for number, stored in enumerate(warc_reader.iter_warc(stream)):
            if number % 20 == 0:
                exchange = requester.ask(stored.url)
                assert (exchange.status, exchange.response.body) == (stored.http().status, stored.http().body)
        requester.close()
