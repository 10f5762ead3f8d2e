"""A server of trouble: each way to misbehave is a host of its own, `<name>.test`, with the outcome it ought to have."""

import gzip
import socket
import struct
import time
import zlib

import brotli

from tests.double.loopback import LoopbackServer

SITE_FILES = {"/robots.txt", "/ai.txt", "/.well-known/tdmrep.json"}
PAGE = (
    b"<!doctype html><html><head><title>A page</title></head><body><p>"
    + b"Words of a page. " * 20
    + b"</p></body></html>"
)
BODY_LIMIT = 1_000_000
SILENCE = 20  # seconds, more than a crawl of this server waits


def answer(body=PAGE, status="200 OK", *headers, length=True, version="HTTP/1.1"):
    lines = [f"{version} {status}", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: text/html")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def gzip_bomb(pieces=100):
    """Give what becomes a hundred megabytes: one piece, written again, since each ends where nothing refers back."""
    compress, zeros = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS), bytes(1_000_000)
    first, again = (compress.compress(zeros) + compress.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (pieces - 1)


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
        time.sleep(SILENCE)
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
    "robots-bomb": (site_file("/robots.txt", ROBOTS_BOMB), "ok"),
    "robots-disallow": (site_file("/robots.txt", answer(b"User-agent: *\nDisallow: /", ROBOTS)), "robots_disallowed"),
    "robots-us": (site_file("/robots.txt", answer(b"User-Agent: WebText\nDisallow: /", ROBOTS)), "robots_disallowed"),
    "robots-503": (site_file("/robots.txt", answer(b"", "503 Later")), "robots_unreachable"),
    "robots-429": (site_file("/robots.txt", answer(b"", "429 Slow")), "robots_unreachable"),
    "robots-silent": (robots_in_silence, "robots_unreachable"),
    "slow-answer": (lambda *_: time.sleep(SILENCE), "read_timeout"),
    "drip-body": (lambda c, *_: drip(c, answer(b"x" * 999)), "total_timeout"),
    "drip-headers": (lambda c, *_: drip(c, b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 50), "total_timeout"),
    "continue-forever": (lambda c, *_: endless(c, b"HTTP/1.1 100 Continue\r\n\r\n"), "bad_response"),
    "stalled-body": (lambda c, *_: (c.sendall(answer()[:-9]), time.sleep(SILENCE)), "read_timeout"),
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
    "gzip-bomb": (encoded("gzip", gzip_bomb()), "too_large"),
    "brotli-bomb": (encoded("br", brotli.compress(bytes(100_000_000), quality=1)), "too_large"),
    "gzip-twice-bomb": (encoded("gzip, gzip", gzip.compress(gzip_bomb())), "too_large"),
    "gzip-cut": (encoded("gzip", gzip.compress(PAGE)[:-20]), "bad_encoding"),
    "gzip-not": (encoded("gzip", PAGE), "bad_encoding"),
    "encoding-none": (encoded("rot13", PAGE), "ok"),
    "encoding-unknown": (encoded("compress", PAGE), "bad_encoding"),
    "gzip-empty-members": (encoded("gzip, gzip", gzip.compress(gzip.compress(b"") * 200_000)), "too_large"),
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
    "endless-404": (lambda c, *_: (c.sendall(MISSING), endless(c, b"x" * 9999)), "http_404"),
    "error-bad-gzip": (sent(answer(PAGE, "404 No", "Content-Encoding: gzip")), "http_404"),
    "retry-forever": (site_file("/", answer(b"", "429 Slow")), "http_429"),
    "retry-next-year": (site_file("/", answer(b"", "429 Slow", "Retry-After: 31536000")), "http_429"),
    "empty": (sent(answer(b"")), "empty_body"),
    "blank": (sent(answer(b" \r\n\t ")), "empty_body"),
    "pdf": (sent(answer(b"%PDF-1.7 ...", "200 OK", "Content-Type: application/pdf")), "not_html"),
    "pdf-as-html": (sent(answer(b"%PDF-1.7\n%\xe2\xe3" + bytes(99))), "not_html"),
    "binary-as-html": (sent(answer(bytes(range(256)) * 9)), "not_html"),
    "text": (sent(answer(b"Words without markup.", "200 OK", "Content-Type: text/plain")), "not_html"),
    "endless-video": (lambda c, *_: (c.sendall(VIDEO), endless(c, b"x" * 9999)), "not_html"),
    "noai-header": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: noai")), "opt_out"),
    "noai-meta": (sent(answer(NOAI_PAGE)), "opt_out"),
    "noai-for-us": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: webtext: none")), "opt_out"),
    "noai-for-others": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: otherbot: noai")), "ok"),
    "noindex": (sent(answer(PAGE, "200 OK", "X-Robots-Tag: noindex")), "ok"),
    "tdm-header": (sent(answer(PAGE, "200 OK", "TDM-Reservation: 1")), "opt_out"),
    "tdm-file": (
        site_file("/.well-known/tdmrep.json", answer(b'[{"location":"/","tdm-reservation":1}]')),
        "opt_out",
    ),
    "ai-txt": (site_file("/ai.txt", answer(b"User-Agent: *\nDisallow: /", ROBOTS)), "opt_out"),
}
"""Behaviours by name; the crawl asks `http://<name>.test:<port>/` for each."""

BESIDES = {
    "http://private.test:{port}/": "private_address",  # resolves to 10.0.0.1
    "http://rebound.test:{port}/": "private_address",  # its addresses are a public and a private one
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


class TroubleServer(LoopbackServer):
    """Serves `TROUBLES` by host name, one request a connection."""

    def __init__(self, context=None):
        self.context = context
        self.states = {name: {} for name in TROUBLES}
        super().__init__()

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


class _Ported:
    """A connection that writes the server's port where a behaviour says `{port}`."""

    def __init__(self, connection, port):
        self.connection, self.port = connection, str(port).encode()
        self.setsockopt = connection.setsockopt

    def sendall(self, data):
        self.connection.sendall(data.replace(b"{port}", self.port))
