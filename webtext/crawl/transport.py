"""The transport under `requests`: one request on a guarded connection, which is kept open for the host's next one.

A crawl asks a host for a page, rests, and asks for the next. `requests`' own transport keeps a pool of pools and makes
headers, cookies and pools anew for each request, which costs more CPU than the rest of the exchange; here is one that
does just what a crawl needs: connect through the guard, write, read the head, hand over the body as it streams in.
"""

import contextlib
import http.client
import re
import resource
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.util.wait import wait_for_read

from webtext.crawl.addresses import AddressGuard, allowed_seconds, connect

_NOT_IN_A_LINE = re.compile(rb"[\x00-\x08\n-\x1f\x7f]")  # of a request (RFC 9112, section 2.2, and RFC 9110, 5.5)
_NOT_IN_A_TARGET = re.compile(r"[^\x21-\x7e]")  # RFC 9112, section 3.2
_FEWEST_IDLE, _MOST_IDLE = 64, 8192
_LEFT_BY_THE_SERVER = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)  # among them RemoteDisconnected


class Server(NamedTuple):
    """Where connections lead, by which they are kept."""

    scheme: str
    host: str  # without the brackets of an address
    port: int


class _Head(http.client.HTTPResponse):
    """A response whose head is the final one: hints that come before it (RFC 8297) are passed over."""

    def begin(self) -> None:
        super().begin()
        while 100 < self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


class _Answer(requests.Response):
    """A response which, once closed, gives its connection back."""

    give_back: Callable[[bool], None]  # told whether it can be used again
    head: http.client.HTTPResponse

    def close(self) -> None:
        is_whole = self.head.isclosed() or self.head.length == 0
        self.raw.close()
        self.give_back(is_whole and not self.head.will_close)


class GuardedAdapter(BaseAdapter):
    """A transport for `requests` whose every connection passes the guard and shares one TLS context. Thread-safe."""

    def __init__(self, guard: AddressGuard, context: ssl.SSLContext, most_idle: int) -> None:
        """Keep at most so many connections open that nobody uses; the one of the server longest unused goes first."""
        super().__init__()
        self._guard, self._context, self._most_idle = guard, context, most_idle
        self._idle: OrderedDict[Server, list[socket.socket]] = OrderedDict()
        self._idle_count = 0
        self._lock = threading.Lock()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = True,  # noqa: ARG002 - requests' signature from here on
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Any = None,  # noqa: ARG002
    ) -> requests.Response:
        """Send a request and read the head of its answer.

        Args:
            request: what to ask.
            stream: has no effect; it always does.
            timeout: seconds for connecting; all else keeps to `webtext.crawl.addresses.exchange_time`.
            verify: has no effect; certificates are always verified.
            cert: has no effect; none is shown.
            proxies: has no effect; none is used.

        Raises:
            ForbiddenAddressError: the host is, or resolves to, an address that no request may reach.
            ResolutionError: the host does not resolve.
            requests.exceptions.InvalidURL: the URL or a header cannot be written.
            requests.exceptions.ConnectTimeout: no connection in time.
            OSError: any other trouble of a connection.
            http.client.HTTPException: what came is not HTTP.
        """
        server, lines = self.server_of(request), request_lines(self.target_of(request), request.headers)
        opened = self._take(server)
        if opened is not None:
            try:
                return self._converse(server, opened, lines, request)
            except _LEFT_BY_THE_SERVER:
                pass  # it closed the idle connection just as we wrote: such a request is sent again (RFC 9112, 9.3.1)
        return self._converse(server, self._open(server, timeout), lines, request)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            left = [opened for waiting in self._idle.values() for opened in waiting]
            self._idle.clear()
            self._idle_count = 0
        for opened in left:
            opened.close()

    def server_of(self, request: requests.PreparedRequest) -> Server:
        """Tell where a request goes.

        Raises:
            requests.exceptions.InvalidURL: its URL does not say.
        """
        try:
            parts = urlsplit(str(request.url))
            port = parts.port
        except ValueError as error:
            raise requests.exceptions.InvalidURL(str(error)) from error
        if not parts.hostname:
            raise requests.exceptions.InvalidURL(f"no host in {parts.netloc!r}")
        return Server(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))

    def target_of(self, request: requests.PreparedRequest) -> str:
        """Give what stands behind GET."""
        return request.path_url

    def _open(self, server: Server, seconds: float) -> socket.socket:
        opened = connect(self._guard, server.host, server.port, seconds)
        if server.scheme != "https":
            return opened
        try:
            return self._context.wrap_socket(opened, server_hostname=server.host.rstrip("."))
        except UnicodeError as error:
            opened.close()
            raise requests.exceptions.InvalidURL(str(error)) from error
        except BaseException:
            opened.close()
            raise

    def _converse(
        self, server: Server, opened: socket.socket, lines: bytes, request: requests.PreparedRequest
    ) -> requests.Response:
        head = _Head(opened, method="GET")
        try:
            opened.settimeout(allowed_seconds())
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it closed
                opened.sendall(lines)
            head.begin()
            return self._answer(server, opened, head, request)
        except BaseException:
            head.close()
            opened.close()
            raise

    def _answer(
        self, server: Server, opened: socket.socket, head: http.client.HTTPResponse, request: requests.PreparedRequest
    ) -> requests.Response:
        answer = _Answer()
        answer.status_code, answer.reason, answer.url = head.status, head.reason, str(request.url)
        answer.request, answer.head = request, head
        answer.headers = CaseInsensitiveDict(head.headers.items())
        answer.raw = urllib3.HTTPResponse(
            head, urllib3.HTTPHeaderDict(head.headers.items()), head.status, reason=head.reason,
            preload_content=False, decode_content=False, original_response=head, request_method="GET",
        )  # fmt: skip
        answer.give_back = lambda is_usable: self._keep(server, opened) if is_usable else opened.close()
        return answer

    def _take(self, server: Server) -> socket.socket | None:
        """Give a connection that is kept to a server, if the server has neither closed it nor said more on it."""
        while True:
            with self._lock:
                waiting = self._idle.get(server)
                if not waiting:
                    return None
                opened = waiting.pop()
                self._idle_count -= 1
                if not waiting:
                    del self._idle[server]
            if not wait_for_read(opened, timeout=0.0):
                return opened
            opened.close()

    def _keep(self, server: Server, opened: socket.socket) -> None:
        """Keep a connection for the next request."""
        with self._lock:
            self._idle.setdefault(server, []).append(opened)
            self._idle.move_to_end(server)
            self._idle_count += 1
            if self._idle_count <= self._most_idle:
                return
            oldest, waiting = next(iter(self._idle.items()))
            dropped = waiting.pop(0)
            self._idle_count -= 1
            if not waiting:
                del self._idle[oldest]
        dropped.close()


def most_idle_connections() -> int:
    """Tell how many connections a crawl keeps open for later: half of the files that its process may have open.

    More would not help: servers close what is idle for longer than the rests of a few thousand hosts.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST_IDLE, min(files // 2, _MOST_IDLE))


def request_lines(target: str, headers: Mapping[str, str]) -> bytes:
    """Write the lines of a GET request.

    Raises:
        requests.exceptions.InvalidURL: the target or a header holds what would end its line or be no part of it.
    """
    if _NOT_IN_A_TARGET.search(target):
        raise requests.exceptions.InvalidURL(f"{target[:80]!r} cannot stand in a request")
    lines = [f"{name}: {value}".encode("latin-1", "replace") for name, value in headers.items()]
    if any(_NOT_IN_A_LINE.search(line) for line in lines):
        raise requests.exceptions.InvalidURL("a header cannot stand in a request")
    return b"\r\n".join([f"GET {target} HTTP/1.1".encode(), *lines, b"", b""])
