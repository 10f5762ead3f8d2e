"""Replay: an archive served over HTTP under every host name in it, and the transport that sends a crawl there.

A crawl of an archive is a real crawl: requests, redirects, robots.txt, errors. Only the place where connections lead
is another. The server answers as a proxy does, to the whole URL (which is how the transport asks, so https works too),
and as a plain server, to path and Host header (for a browser or a test).
"""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

import requests

from webtext.connection.addresses import AddressGuard
from webtext.connection.transport import GuardedAdapter
from webtext.errors import UsageError
from webtext.urls import canonicalize_url
from webtext.warc.http_body import dechunk, decode_content
from webtext.warc.warc_reader import iter_warc, read_record
from webtext.warc.warc_records import HttpResponse, WarcRecord, parse_response

_CONNECTIONS = 256  # kept open to the server
# Headers that tell of the connection or of a body's length as it was sent; the server writes its own.
_OF_THE_WIRE = frozenset(
    ("transfer-encoding", "content-length", "connection", "keep-alive", "proxy-connection", "trailer", "upgrade", "te")
)
_ANSWERED = re.compile(rb"HTTP/[\d.]+ 2")
_NOT_FOUND = HttpResponse(404, (("Content-Type", "text/plain"),), b"not in the archive\n", "Not Found")


class ReplayAdapter(GuardedAdapter):
    """A transport that asks one server for every URL of every host, as a proxy is asked: by the whole URL."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        """Send all requests to `address`, and let none go anywhere else."""
        self._server = {"scheme": "http", "host": address[0], "port": address[1]}
        super().__init__(AddressGuard(exempt=frozenset({address})), context, 1, _CONNECTIONS)

    def build_connection_pool_key_attributes(  # type: ignore[override]
        self, *_: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Name the one server."""
        return self._server, {}

    def target_of(self, request: requests.PreparedRequest) -> str:
        """Ask by the whole URL, so that the scheme arrives too."""
        return str(request.url)


class Archives:
    """The responses of some archives, found by URL: exactly, else by canonical form (where the last one stands)."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Index the archives.

        Raises:
            UsageError: one is missing, damaged, or no WARC.
        """
        self._paths = tuple(paths)
        self._exact: dict[str, tuple[int, int, int]] = {}
        self._canonical: dict[str, tuple[int, int, int]] = {}
        self._bodies: dict[str, tuple[int, int, int]] = {}  # places by payload digest, for revisit records
        for number, path in enumerate(self._paths):
            with _open_archive(path) as stream:
                for record in iter_warc(stream, path.name):
                    if record.type in {"response", "revisit"} and record.block[:5] == b"HTTP/" and record.is_whole:
                        self._note(record, (number, record.offset, record.length))

    def _note(self, record: WarcRecord, place: tuple[int, int, int]) -> None:
        self._exact[record.url] = place
        canonical = canonicalize_url(record.url) or record.url
        if _ANSWERED.match(record.block):
            self._canonical[canonical] = place
        else:  # a redirect of a URL to its other form must not hide the page
            self._canonical.setdefault(canonical, place)
        if record.type == "response":
            self._bodies.setdefault(record.headers.get("warc-payload-digest", ""), place)

    def __len__(self) -> int:
        """Count the URLs."""
        return len(self._exact)

    def find(self, url: str) -> HttpResponse | None:
        """Give the stored answer to a URL, its headers true of its body; None where there is none."""
        place = self._exact.get(url) or self._canonical.get(canonicalize_url(url) or url)
        if place is None:
            return None
        record = self._read(place)
        response = parse_response(record.block)
        if record.type == "revisit" and not response.body:
            original = self._bodies.get(record.headers.get("warc-payload-digest", ""))
            if original is not None:
                body = parse_response(self._read(original).block)
                response = HttpResponse(response.status, response.headers, body.body, response.reason)
        return servable(response)

    def _read(self, place: tuple[int, int, int]) -> WarcRecord:
        number, offset, length = place
        with _open_archive(self._paths[number]) as stream:
            return read_record(stream, offset, length)


def _open_archive(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def servable(response: HttpResponse) -> HttpResponse:
    """Make a stored response one that can be sent: dechunked, and without headers that are not true of its body.

    Archives keep bodies as they were sent, or dechunked, or decompressed, often under the headers they were sent with.
    """
    body = response.body
    if "chunked" in response.header("Transfer-Encoding").lower():
        body = dechunk(body)
    dropped = set(_OF_THE_WIRE)
    encoding = response.header("Content-Encoding")
    if encoding and decode_content(body, encoding) == body:
        dropped.add("content-encoding")
    headers = tuple((name, value) for name, value in response.headers if name.lower() not in dropped)
    return HttpResponse(response.status or 502, headers, body, response.reason)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client has gone
            super().handle()

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        response = next((found for url in self._asked() if (found := self.server.archives.find(url))), _NOT_FOUND)
        lines = [f"HTTP/1.1 {response.status} {response.reason}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        has_body = with_body and response.status >= 200 and response.status not in {204, 304}
        lines += [f"Content-Length: {len(response.body)}"] if response.status not in {204, 304} else []
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        self.wfile.write(head + response.body if has_body else head)

    def _asked(self) -> list[str]:
        if self.path.startswith(("http://", "https://")):
            return [self.path]
        host = self.headers.get("Host", "")
        return [f"{scheme}://{host}{self.path}" for scheme in ("http", "https")]

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, archives: Archives, port: int) -> None:
        self.archives = archives
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().process_request(request, client_address)


@contextlib.contextmanager
def serve_archives(archives: Archives, port: int = 0) -> Iterator[tuple[str, int]]:
    """Serve archives on loopback while the block runs; gives the address. Port 0 is any free one.

    Raises:
        UsageError: the port is taken.
    """
    try:
        server = _Server(archives, port)
    except OSError as error:
        raise UsageError(f"cannot serve on port {port}: {error.strerror}; choose another --port") from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
