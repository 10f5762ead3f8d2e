"""A server of trouble: whatever it does, a crawl ends each URL in the right outcome, in bounded time and space.

Each behaviour is a host of its own, `<name>.test`, on a loopback server that writes bytes as it pleases. One crawl asks
them all at once.
"""

import contextlib
import gzip
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from webtext.addresses import AddressGuard, ResolutionError, tls_context
from webtext.archive import URI_PREFIX, PageArchive
from webtext.crawl import Crawl
from webtext.fetch import Limits, Requester, retry_after
from webtext.fetch_config import FetchConfig
from webtext.outcomes import OUTCOMES, is_html, is_outcome, judge_answer
from webtext.records import Link
from webtext.visits import Errand
from webtext.warc import iter_warc, read_record, read_response

PAGE = (
    b"<!doctype html><html><head><title>A page</title></head><body><p>"
    + b"Words of a page. " * 20
    + b"</p></body></html>"
)
BODY_LIMIT = 1_000_000
LIMITS = {"connect_timeout": 1.0, "read_timeout": 1.0, "total_timeout": 2.5, "max_body_bytes": BODY_LIMIT}


def answer(body=PAGE, status="200 OK", *headers, length=True, version="HTTP/1.1"):
    lines = [f"{version} {status}", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: text/html")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def raw_deflate(data):
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compress.compress(data) + compress.flush()


def drip(connection, data, seconds=0.1):
    for place in range(len(data)):
        connection.sendall(data[place : place + 1])
        time.sleep(seconds)


def endless(connection, piece):
    while True:
        connection.sendall(piece)


def reset(connection, data):
    connection.sendall(data)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def sent(data):
    return lambda connection, _path, _state: connection.sendall(data)


def encoded(name, body):
    return sent(answer(body, "200 OK", f"Content-Encoding: {name}"))


def redirected(location, status="302 Found"):
    return sent(answer(b"", status, f"Location: {location}"))


def first_then(first, then, times=1):
    def behave(connection, _path, state):
        state["asked"] = state.get("asked", 0) + 1
        connection.sendall(first if state["asked"] <= times else then)

    return behave


def site_file(path, data, page=PAGE):
    def behave(connection, asked, _state):
        connection.sendall(data if asked == path else answer(page))

    return behave


def with_odd_cookies(connection, path, state):
    """Set cookies that cannot be sent back, and redirect."""
    odd = ("Set-Cookie: a=b\x01c", "Set-Cookie: d\x7f=e", "Set-Cookie: f=g\r\n  h; Path=/")
    sane = "a=b" not in state["headers"] and "f=g h" in state["headers"]
    page = answer() if sane else answer(b"", "500 Oops")
    connection.sendall(page if path == "/there" else answer(b"", "302 Found", "Location: /there", *odd))


def with_cookie(connection, path, state):
    """Redirect to itself until the cookie comes back."""
    welcome = answer(b"", "302 Found", "Location: /", "Set-Cookie: seen=1; Path=/")
    connection.sendall(answer() if "seen=1" in state["headers"] else welcome)


def chain(connection, path, _state):
    number = int(path.rpartition("/")[2] or 0)
    connection.sendall(answer(b"", "301 Moved", f"Location: /{number + 1}"))


def short_chain(connection, path, state):
    if path == "/5":
        connection.sendall(answer())
    else:
        chain(connection, path, state)


def robots_in_silence(connection, path, _state):
    if path == "/robots.txt":
        time.sleep(2)
    connection.sendall(answer())


def looping_robots(connection, path, _state):
    connection.sendall(answer(b"", "302 Found", "Location: /robots.txt") if path == "/robots.txt" else answer())


def chunked(data):
    return sent(answer(data, "200 OK", "Transfer-Encoding: chunked", length=False))


ROBOTS = "200 OK\r\nContent-Type: text/plain"
HUGE_ROBOTS = b"user-agent: *\nallow: /\n" + b"# nothing here\n" * 700_000 + b"user-agent: *\ndisallow: /\n"
MIXED = "<html><meta charset=utf-8><p>caf\u00e9 ".encode() + "caf\u00e9</p>".encode("latin-1")
ROBOTS_BOMB = answer(gzip.compress(HUGE_ROBOTS), "200 OK", "Content-Encoding: gzip")
MISSING = answer(b"", "404 Not Found", length=False)
VIDEO = answer(b"", "200 OK", "Content-Type: video/mp4", length=False)
NOAI_PAGE = PAGE.replace(b"<head>", b"<head><META content='noimageai, NoAI' name=robots>")
WIDE = "<html><p>Wide.</p></html>".encode("utf-16")

# name: (what the server does, the outcome)
TROUBLES = {
    "plain": (sent(answer()), "ok"),
    "length-other-digits": (sent(answer(PAGE, "200 OK", "Content-Length: \u00b2", length=False)), "ok"),
    "length-endless": (sent(answer(PAGE, "200 OK", "Content-Length: " + "9" * 5000, length=False)), "ok"),
    "early-hints": (sent(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer()), "ok"),
    "http10": (sent(answer(length=False, version="HTTP/1.0")), "ok"),
    "http10-kept": (sent(answer(PAGE, "200 OK", "Connection: keep-alive", version="HTTP/1.0")), "ok"),
    "folded-header": (sent(answer(PAGE, "200 OK", "Content-Type: text/html;\r\n\tcharset=utf-8")), "ok"),
    "two-lengths": (sent(answer(PAGE, "200 OK", f"Content-Length: {len(PAGE)}")), "ok"),
    "lengths-differ": (sent(answer(PAGE, "200 OK", "Content-Length: 5")), "bad_response"),
    "lowercase-headers": (sent(b"HTTP/1.1 200 OK\ncontent-type: TEXT/HTML\ncontent-length: 8\n\n<p>x</p>"), "ok"),
    "no-reason": (sent(b"HTTP/1.1 200\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n<p>x</p>"), "ok"),
    "more-than-length": (sent(answer() + b"and more than was said"), "ok"),
    "chunked": (chunked(b"8;a=b\r\n<p>x</p>\r\n0\r\n\r\n"), "ok"),
    "gzip": (encoded("gzip", gzip.compress(PAGE)), "ok"),
    "gzip-members": (encoded("x-gzip", gzip.compress(PAGE) + gzip.compress(b"<p>more</p>")), "ok"),
    "gzip-trailing": (encoded("gzip", gzip.compress(PAGE) + b"junk"), "ok"),
    "brotli": (encoded("br", brotli.compress(PAGE)), "ok"),
    "deflate": (encoded("deflate", zlib.compress(PAGE)), "ok"),
    "deflate-raw": (encoded("deflate", raw_deflate(PAGE)), "ok"),
    "utf16": (sent(answer(WIDE)), "ok"),
    "mixed-charsets": (sent(answer(MIXED, "200 OK", "Content-Type: text/html; charset=ascii")), "ok"),
    "html-as-octets": (sent(answer(PAGE, "200 OK", "Content-Type: application/octet-stream")), "ok"),
    "html-without-type": (sent(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE)), "ok"),
    "many-headers": (sent(answer(PAGE, "200 OK", *(f"X-{n}: {n}" for n in range(80)))), "ok"),
    "bytes-in-headers": (sent(answer(PAGE, "200 OK", "X-Odd: \xe9\xff\x01")), "ok"),
    "redirect-relative": (short_chain, "ok"),
    "redirect-cookie": (with_cookie, "ok"),
    "redirect-international": (redirected("http://b\u00c3\u00bccher.test:{port}/"), "ok"),
    "redirect-odd-cookies": (with_odd_cookies, "ok"),
    "redirect-other-host": (redirected("//plain.test:{port}/there", "308 Permanent"), "ok"),
    "redirect-to-utf8": (site_file("/", answer(b"", "301 M", "Location: /caf\u00c3\u00a9?q=a b")), "ok"),
    "retry-after": (first_then(answer(b"", "429 Slow", "Retry-After: 1"), answer()), "ok"),
    "retry-date": (first_then(answer(b"", "503 Later", "Retry-After: Mon, 01 Jan 2001 00:00:00 GMT"), answer()), "ok"),
    "once-broken": (first_then(b"", answer()), "ok"),
    "robots-401": (site_file("/robots.txt", answer(b"", "401 No")), "ok"),
    "robots-403": (site_file("/robots.txt", answer(b"", "403 No")), "ok"),
    "robots-loop": (looping_robots, "ok"),
    "robots-html": (site_file("/robots.txt", answer(PAGE)), "ok"),
    "robots-huge": (site_file("/robots.txt", answer(HUGE_ROBOTS, ROBOTS)), "ok"),
    "robots-bomb": (
        site_file("/robots.txt", answer(gzip.compress(HUGE_ROBOTS), "200 K", "Content-Encoding: gzip")),
        "ok",
    ),
    "robots-disallow": (site_file("/robots.txt", answer(b"User-agent: *\nDisallow: /", ROBOTS)), "robots_disallowed"),
    "robots-us": (site_file("/robots.txt", answer(b"User-Agent: WebText\nDisallow: /", ROBOTS)), "robots_disallowed"),
    "robots-503": (site_file("/robots.txt", answer(b"", "503 Later")), "robots_unreachable"),
    "robots-429": (site_file("/robots.txt", answer(b"", "429 Slow")), "robots_unreachable"),
    "robots-silent": (robots_in_silence, "robots_unreachable"),
    "slow-answer": (lambda *_: time.sleep(4), "read_timeout"),
    "drip-body": (lambda c, *_: drip(c, answer(b"x" * 999)), "total_timeout"),
    "drip-headers": (lambda c, *_: drip(c, b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 50), "total_timeout"),
    "continue-forever": (lambda c, *_: endless(c, b"HTTP/1.1 100 Continue\r\n\r\n"), "total_timeout"),
    "stalled-body": (lambda c, *_: (c.sendall(answer()[:-9]), time.sleep(4)), "read_timeout"),
    "closed": (lambda *_: None, "connection_error"),
    "reset": (lambda c, *_: reset(c, answer(b"x" * 99)[:-50]), "connection_error"),
    "short-body": (sent(answer()[:-10]), "incomplete"),
    "no-body": (sent(answer()[: -len(PAGE)]), "incomplete"),
    "chunked-garbage": (chunked(b"zz\r\nthis is no chunk\r\n"), "incomplete"),
    "chunked-cut": (chunked(b"ff\r\n<p>only the beginning"), "incomplete"),
    "http09": (sent(PAGE), "bad_response"),
    "ssh": (sent(b"SSH-2.0-OpenSSH_9.6\r\n"), "bad_response"),
    "bad-status": (sent(b"HTTP/1.1 OK 200\r\n\r\n"), "bad_response"),
    "endless-headers": (lambda c, *_: endless(c, b"X-More: and more\r\n" * 99), "bad_response"),
    "endless-status": (lambda c, *_: endless(c, b"HTTP/1.1 200 " + b"x" * 9999), "bad_response"),
    "endless-body": (lambda c, *_: (c.sendall(answer(b"<p>", length=False)), endless(c, b"x" * 9999)), "too_large"),
    "declared-large": (sent(answer(b"", "200 OK", "Content-Length: 99999999999", length=False)), "too_large"),
    "gzip-bomb": (encoded("gzip", gzip.compress(bytes(300_000_000), 9)), "too_large"),
    "brotli-bomb": (encoded("br", brotli.compress(bytes(300_000_000), quality=5)), "too_large"),
    "gzip-twice-bomb": (encoded("gzip, gzip", gzip.compress(gzip.compress(bytes(300_000_000)))), "too_large"),
    "gzip-cut": (encoded("gzip", gzip.compress(PAGE)[:-20]), "bad_encoding"),
    "gzip-not": (encoded("gzip", PAGE), "bad_encoding"),
    "encoding-unknown": (encoded("rot13", PAGE), "bad_encoding"),
    "redirect-loop": (redirected("/"), "redirect_loop"),
    "redirect-ping-pong": (redirected("http://redirect-pong.test:{port}/"), "redirect_loop"),
    "redirect-pong": (redirected("http://redirect-ping-pong.test:{port}/"), "redirect_loop"),
    "redirect-forever": (chain, "too_many_redirects"),
    "redirect-metadata": (redirected("http://169.254.169.254/latest/meta-data/"), "private_address"),
    "redirect-decimal": (redirected("http://2130706433/"), "private_address"),
    "redirect-rebound": (redirected("http://rebound.test:{port}/"), "private_address"),
    "redirect-local": (redirected("http://printer.local:{port}/"), "private_address"),
    "redirect-file": (redirected("file:///etc/passwd"), "bad_redirect"),
    "redirect-nowhere": (sent(answer(b"", "301 Moved")), "bad_redirect"),
    "redirect-nonsense": (redirected("http://[::1/"), "bad_redirect"),
    "status-404": (sent(answer(b"<p>Not here.</p>", "404 Not Found")), "http_404"),
    "status-410": (sent(answer(PAGE, "410 Gone")), "http_410"),
    "status-204": (sent(answer(b"", "204 No Content", length=False)), "http_204"),
    "status-500": (site_file("/", answer(b"", "500 Oops")), "http_500"),
    "status-999": (sent(answer(b"", "999 Denied")), "http_999"),
    "endless-404": (
        lambda c, *_: (c.sendall(answer(b"", "404 No", length=False)), endless(c, b"x" * 9999)),
        "http_404",
    ),
    "error-bad-gzip": (sent(answer(PAGE, "404 No", "Content-Encoding: gzip")), "http_404"),
    "retry-forever": (site_file("/", answer(b"", "429 Slow")), "http_429"),
    "retry-next-year": (site_file("/", answer(b"", "429 Slow", "Retry-After: 31536000")), "http_429"),
    "empty": (sent(answer(b"")), "empty_body"),
    "blank": (sent(answer(b" \r\n\t ")), "empty_body"),
    "pdf": (sent(answer(b"%PDF-1.7 ...", "200 OK", "Content-Type: application/pdf")), "not_html"),
    "pdf-as-html": (sent(answer(b"%PDF-1.7\n%\xe2\xe3" + bytes(99))), "not_html"),
    "binary-as-html": (sent(answer(bytes(range(256)) * 9)), "not_html"),
    "text": (sent(answer(b"Words without markup.", "200 OK", "Content-Type: text/plain")), "not_html"),
    "endless-video": (
        lambda c, *_: (
            c.sendall(answer(b"", "200 K", "Content-Type: video/mp4", length=False)),
            endless(c, b"x" * 9999),
        ),
        "not_html",
    ),
    "noai-header": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: noai")), "opt_out"),
    "noai-meta": (
        sent(answer(PAGE.replace(b"<head>", b"<head><META content='noimageai, NoAI' name=robots>"))),
        "opt_out",
    ),
    "noai-for-us": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: webtext: none")), "opt_out"),
    "noai-for-others": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: otherbot: noai")), "ok"),
    "noindex": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: noindex")), "ok"),
    "tdm-header": (sent(answer(PAGE, "200 OK", "TDM-Reservation: 1")), "opt_out"),
    "tdm-file": (site_file("/.well-known/tdmrep.json", answer(b'[{"location":"/","tdm-reservation":1}]')), "opt_out"),
    "ai-txt": (site_file("/ai.txt", answer(b"User-Agent: *\nDisallow: /", ROBOTS)), "opt_out"),
}
"""Behaviours by name; the crawl asks `http://<name>.test:<port>/` for each."""

BESIDES = {
    "http://private.test:{port}/": "private_address",  # resolves to 10.0.0.1
    "http://rebound.test:{port}/": "private_address",  # to a public and a private address
    "http://nobody.test:{port}/": "dns_error",
    "http://refused.test:{refused}/": "connection_error",
    "http://full.test:{full}/": "connect_timeout",
    "https://plain.test:{port}/": "tls_error",  # no TLS there
    "https://secure.test:{tls}/": "ok",
    "https://other.test:{tls}/": "tls_error",  # the certificate is another host's
    "https://untrusted.test:{untrusted}/": "tls_error",
    "http://secure.test:{tls}/": "connection_error",  # plain words to a TLS server
    "http://127.0.0.1:{port}/": "private_address",
    "http://plain.test:22/": "private_address",
    "http://[::1/": "bad_url",
    "http://intranet/": "private_address",
}


class TroubleServer:
    """Serves `TROUBLES` by host name, each connection in a thread, one request each."""

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.states = {name: {} for name in TROUBLES}
        self.requests = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                self.answer(connection)
        except OSError:  # the client has gone, as it should
            connection.close()

    def answer(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            if head.startswith(b"\x16"):  # a TLS greeting
                connection.sendall(answer(b"", "400 Bad Request"))
                return
            piece = connection.recv(65536)
            if not piece:
                return
            head += piece
        target = head.split(b" ")[1].decode()
        host = next(line[6:] for line in head.decode("latin-1").split("\r\n") if line.startswith("Host: "))
        name, path = host.partition(".test")[0], "/" + target.partition("://")[2].partition("/")[2]
        path = target if target.startswith("/") else path
        self.requests.append((name, path, head))
        if name not in TROUBLES or (path in SITE_FILES and not name.startswith(("robots", "tdm", "ai"))):
            connection.sendall(answer(b"", "404 Not Found") if path in SITE_FILES else answer())
            return
        behave, _ = TROUBLES[name]
        self.states[name]["headers"] = head.decode("latin-1")
        behave(_Ported(connection, self.port), path, self.states[name])

    def close(self):
        self.listener.close()


class _Ported:
    """A connection that writes the server's port where a behaviour says `{port}`."""

    def __init__(self, connection, port):
        self.connection, self.port = connection, str(port).encode()
        self.setsockopt = connection.setsockopt

    def sendall(self, data):
        self.connection.sendall(data.replace(b"{port}", self.port))


SITE_FILES = {"/robots.txt", "/ai.txt", "/.well-known/tdmrep.json"}


@pytest.fixture(scope="module")
def server():
    server = TroubleServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Make two self-signed certificates for secure.test: the first is trusted by the crawl, the second is not."""
    folder = tmp_path_factory.mktemp("certificates")
    contexts = []
    for name in ("trusted", "untrusted"):
        key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
        make_certificate("secure.test", key, certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        contexts.append(context)
    return folder / "trusted.pem", *contexts


def make_certificate(host, key_path, certificate_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key_path.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    certificate_path.write_bytes(certificate.public_bytes(encoding))


@pytest.fixture(scope="module")
def full_listener():
    """Give the port of a server that accepts nobody and whose queue is full, so that connecting takes for ever."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def resolve(host, port):
    if host == "nobody.test":
        raise ResolutionError("Name or service not known", for_good=True)
    return {"private.test": ["10.0.0.1"], "rebound.test": ["93.184.215.14", "127.0.0.2"]}.get(host, ["127.0.0.1"])


def link(url):
    return Link(url, url, "host", 3, 1, ("news",), 0)


def unused_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def crawled(server, certificates, full_listener, tmp_path_factory):
    """Crawl all the trouble at once; gives (outcome expected, row of the index) by URL, and the archive's folder."""
    authorities, trusted, untrusted = certificates
    with contextlib.ExitStack() as stack:
        tls, other = (stack.enter_context(contextlib.closing(TroubleServer(c))) for c in (trusted, untrusted))
        ports = {"port": server.port, "tls": tls.port, "untrusted": other.port}
        ports |= {"full": full_listener, "refused": unused_port()}
        expected = {f"http://{name}.test:{server.port}/": outcome for name, (_, outcome) in TROUBLES.items()}
        expected |= {url.format(**ports): outcome for url, outcome in BESIDES.items()}
        config = FetchConfig(
            delay=0.01, hosts_at_once=200, max_redirects=5, max_attempts=2, backoff=0.05, max_backoff=5, **LIMITS
        )
        guard = AddressGuard(frozenset(("127.0.0.1", port) for port in ports.values()), resolve)
        requester = Requester(config.agent, config.limits, guard=guard, tls_context=tls_context(str(authorities)))
        folder = tmp_path_factory.mktemp("archive")
        archive = PageArchive(folder, "pages", roll_bytes=100_000, about={})
        crawl = Crawl(config, archive, requester)
        errands = [Errand.of(link(url)) for url in expected]
        crawl.run(errands)
        requester.close()
        rows = {errand.link.url: row for errand, row in crawl.rows(errands)}
    return {url: (expected[url], rows[url]) for url in expected}, folder


def test_every_trouble_ends_in_its_outcome(crawled):
    found, _ = crawled
    assert {url: row["outcome"] for url, (_, row) in found.items()} == {url: want for url, (want, _) in found.items()}
    assert len(found) >= 80
    assert all(is_outcome(row["outcome"]) for _, row in found.values())


def test_pages_that_came_are_in_the_archive_with_their_bodies(crawled):
    found, folder = crawled
    bodies = {}
    for _, row in found.values():
        if row["outcome"] == "ok":
            with (folder / row["warc_file"]).open("rb") as stream:
                name = row["url"].split("//")[1].split(".test")[0]
                bodies[name] = read_response(stream, row["warc_offset"], row["warc_length"]).body
    others = {
        "lowercase-headers": b"<p>x</p>",
        "no-reason": b"<p>x</p>",
        "chunked": b"<p>x</p>",
        "gzip-members": PAGE + b"<p>more</p>",
        "utf16": WIDE,
        "mixed-charsets": MIXED,
    }
    assert bodies == {name: others.get(name, PAGE) for name in bodies}


def test_bodies_of_errors_are_cut(crawled):
    found, folder = crawled
    row = next(row for url, (_, row) in found.items() if "//endless-404." in url)
    with (folder / row["warc_file"]).open("rb") as stream:
        assert len(read_response(stream, row["warc_offset"], row["warc_length"]).body) == 64 << 10
        assert read_record(stream, row["warc_offset"], row["warc_length"]).headers["warc-truncated"] == "length"


def test_what_opted_out_leaves_no_body(crawled):
    found, folder = crawled
    signals = {}
    for _, row in found.values():
        if row["outcome"] == "opt_out":
            signals[row["url"].split("//")[1].split(".test")[0]] = row["opt_out"]
            assert row["detail"] == row["opt_out"]  # so it stands in the ledger too
            if row["warc_offset"] is not None:
                with (folder / row["warc_file"]).open("rb") as stream:
                    assert read_response(stream, row["warc_offset"], row["warc_length"]).body == b""
    assert signals == {
        "noai-header": "noai",
        "noai-meta": "noai",
        "noai-for-us": "none",
        "tdm-header": "tdm",
        "tdm-file": "tdm",
        "ai-txt": "ai_txt",
    }
    noindex = next(row for _, row in found.values() if "//noindex." in row["url"])
    assert (noindex["outcome"], noindex["opt_out"]) == ("ok", "noindex")


def test_failures_and_redirects_are_recorded(crawled):
    found, folder = crawled
    kinds = {}
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in iter_warc(stream):
                kinds.setdefault(record.url, []).append(record.type)
    by_name = {url.split("//")[1].split(".test")[0]: url for url in found if url.startswith("http://")}
    assert kinds[by_name["status-404"]] == ["request", "response"]
    assert kinds[by_name["closed"]] == ["request"]
    assert kinds[by_name["redirect-relative"]] == ["request", "response"]
    assert all(kinds[URI_PREFIX + url] == ["metadata"] for url in by_name.values())
    assert kinds[by_name["redirect-relative"] + "5"] in (["request", "response"], ["request", "revisit"])


def test_bodies_that_are_known_are_revisits(crawled):
    _, folder = crawled
    responses, revisits, requests = {}, [], set()
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in iter_warc(stream):
                if record.type == "response":
                    responses[record.record_id] = record.headers["warc-payload-digest"]
                elif record.type == "revisit":
                    revisits.append(record.headers)
                elif record.type == "request":
                    requests.add(record.headers.get("warc-concurrent-to"))
    assert revisits
    assert {one["warc-record-id"] for one in revisits} <= requests
    assert all(responses[one["warc-refers-to"]] == one["warc-payload-digest"] for one in revisits)


def test_requests_are_honest_and_cookies_stay_at_home(crawled, server):
    heads = [head.decode() for _, _, head in server.requests]
    assert all("User-Agent: webtext/" in head for head in heads)
    with_cookies = {name for name, _, head in server.requests if b"Cookie:" in head}
    assert with_cookies == {"redirect-cookie", "redirect-odd-cookies"}


def test_site_files_are_asked_for_once(crawled, server):
    asked = [(name, path) for name, path, _ in server.requests if path in SITE_FILES]
    again = {name for name, path in asked if asked.count((name, path)) > 1}
    assert again <= {"robots-503", "robots-429", "robots-silent", "robots-loop", "plain"}  # plain: also by https


_MEMORY = """
import resource, sys
from webtext.fetch import Limits, Requester
requester = Requester("webtext/0", Limits(1, 1, 5, 1_000_000), replay=("127.0.0.1", int(sys.argv[1])))
requester.ask("http://plain.test/")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[2:]:
    print(requester.ask(f"http://{name}.test/", site_file=name == "robots-huge").outcome or "whole")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_bounded(server):
    names = ["gzip-bomb", "brotli-bomb", "gzip-twice-bomb", "endless-body", "endless-headers", "endless-video"]
    command = [sys.executable, "-c", _MEMORY, str(server.port), *names, "robots-huge"]
    *outcomes, growth = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert outcomes == ["too_large"] * 4 + ["bad_response", "whole", "whole"]
    assert int(growth) < 40_000  # KiB; any of the bombs alone is 300,000


@pytest.mark.parametrize(
    ("content_type", "body", "html"),
    [
        ("text/html", b"words without any markup", True),
        ("TEXT/HTML; charset=x", b"<p>", True),
        ("application/xhtml+xml", b"<?xml version='1.0'?><html>", True),
        ("", b"\xef\xbb\xbf  <!-- a --> <!DOCTYPE HTML>", True),
        ("text/plain", b"<html lang=en>", True),
        ("text/xml", b"<?xml version='1.0'?><html xmlns='...'>", True),
        ("application/xml", b"<?xml version='1.0'?><rss>", False),
        ("text/plain", b"The <html> element", False),
        ("application/json", b"<html>", False),
        ("image/png", b"<html>", False),
        ("text/html", b"\x89PNG\r\n\x1a\n" + bytes(50), False),
        ("text/html", b"GIF89a", False),
        ("text/html", b"PK\x03\x04 <html>", False),
        ("text/html; charset=utf-16", "<p>wide</p>".encode("utf-16-le"), True),
        ("text/html", "<html><p>wide</p>".encode("utf-16-be"), True),
        ("text/html", b"<p>one \x00 nul in a page" + b"x" * 1000, True),
    ],
)
def test_html_is_told_by_type_and_first_bytes(content_type, body, html):
    assert is_html(content_type, body) is html
    assert judge_answer(200, content_type, body) == ("ok" if html else "not_html")


def test_retry_after_is_seconds_or_a_date(server):
    requester = Requester("webtext/0", Limits(1, 1, 5), replay=("127.0.0.1", server.port))
    exchange = requester.ask("http://retry-next-year.test/")
    assert retry_after(exchange, 0) == 31536000
    server.states["retry-date"].clear()
    exchange = requester.ask("http://retry-date.test/")
    assert retry_after(exchange, 978307200 - 60) == 60
    assert retry_after(exchange, 978307200 + 60) == 0
    assert retry_after(requester.ask("http://plain.test/"), 0) is None
    requester.close()


def test_the_documentation_has_the_table_of_outcomes():
    page = (Path(__file__).parent.parent / "docs" / "fetch.md").read_text()
    table = "\n".join(f"| `{outcome}` | {meaning} |" for outcome, meaning in OUTCOMES.items())
    assert f"|---|---|\n{table}\n\n" in page


def test_outcomes_are_a_closed_set():
    assert is_outcome("http_404") and is_outcome("ok")
    assert not is_outcome("http_40") and not is_outcome("other")
    assert all(text == text.strip() and text for text in OUTCOMES.values())


@pytest.mark.parametrize("agent", ["", " x", "1bot/2"])
def test_agents_begin_with_a_product_token(agent):
    with pytest.raises(ValueError, match="product token"):
        Requester(agent, Limits())


@pytest.mark.parametrize("name", ["connect_seconds", "read_seconds", "total_seconds", "body_bytes"])
def test_limits_are_positive(name):
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})
