"""The transport under `requests`: its own adapter over urllib3's pools, with connections of ours.

A connection here leads only to addresses that the guard permits, keeps to its exchange's time, writes the target
of a request as it stands (urllib3 would encode `%`, `|` and the like once more), and reads what comes as browsers do:
heads by `webtext.warc.http_head`, and chunks that are ended by a line feed alone. All else is urllib3's: pools, TLS,
names in certificates.
"""

import http.client
import io
import re
import resource
import socket
import ssl
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from webtext.connection.addresses import AddressGuard, connect
from webtext.connection.clock import watch
from webtext.warc.http_head import MAX_BYTES, Head, HeadError, read_head

ORIGINAL = "X-Archive-Orig-"  # begins the name of a header that is no longer true of the body, as archives write it
# A request may not hold these (RFC 9112, section 2.2, and RFC 9110, 5.5)
_NOT_IN_A_LINE = re.compile(r"[\x00-\x08\n-\x1f\x7f]")
_NOT_IN_A_TARGET = re.compile(r"[^\x21-\x7e]")  # RFC 9112, section 3.2
_LENGTH = re.compile(r"[0-9]{1,18}")  # a number of bytes; a longer one, or other digits than ASCII's, say nothing
_CHUNK_SIZE = re.compile(rb"[ \t]*0*([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
_NEXT_CHUNK = re.compile(rb"\r?\n([0-9a-fA-F]{1,8})\r?\n")  # between two chunks, as nearly all write it
_CHUNK_LINE = 1 << 14  # bytes of the line before a chunk
# Of a body, and how many of a byte or two: some servers write a body in bits, but no page is written letter by letter.
_MAX_CHUNKS, _MAX_TINY = 1 << 16, 1 << 12
_TINY = 8  # bytes that a chunk has at least, in the mean
_READ = 1 << 16
_CONNECT_SECONDS = 10.0  # the default where the caller has no opinion
_FEWEST_IDLE, _MOST_IDLE = 64, 8192
_LEFT_BY_THE_SERVER = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)  # among them RemoteDisconnected


class _Answer(http.client.HTTPResponse):
    """An answer whose head is read as browsers read it, and whose chunks are undone before anybody looks."""

    def begin(self) -> None:
        """Read the head, and find where the body ends (RFC 9112, section 6.3)."""
        if self.headers is not None:
            return
        try:
            head = read_head(self.fp.readline)
        except HeadError as error:
            raise http.client.HTTPException(str(error)) from error
        if head is None:
            raise http.client.RemoteDisconnected("closed without an answer")
        self.code, self.status, self.reason = head.status, head.status, head.reason
        self.version = 11 if head.version == "HTTP/1.1" else 10
        fields, is_chunked, self.length = framing(head)
        self.headers = self.msg = http.client.HTTPMessage()
        for name, value in fields:
            self.headers[name] = value
        self.chunked = False
        if is_chunked:
            self.fp = io.BufferedReader(_Chunks(self.fp))
        self.will_close = self._closes() or (self.length is None and not is_chunked)

    def _closes(self) -> bool:
        said = ", ".join(self.headers.get_all("Connection", [])).lower()
        return "close" in said or (self.version == 10 and "keep-alive" not in said)


def framing(head: Head) -> tuple[list[tuple[str, str]], bool, int | None]:
    """Find how long an answer's body is: (headers that are true of it dechunked, whether it is chunked, its length).

    A header that says of the body what is not so, or is so no more, is kept under the name that archives give it.

    Raises:
        http.client.HTTPException: two lengths contradict each other.
    """
    said = _values(head, "transfer-encoding").lower().split(",")
    codings = {coding.partition(";")[0].strip(' \t"') for coding in said}
    is_chunked = "chunked" in codings
    given = {length.strip() for length in _values(head, "content-length").split(",")}
    lengths = {int(length) for length in given if _LENGTH.fullmatch(length)}
    if len(lengths) > 1 and not is_chunked:
        raise http.client.HTTPException(f"Content-Length is both {min(lengths)} and {max(lengths)}")
    length = None if is_chunked or not lengths else lengths.pop()
    fields = []
    for name, value in head.headers:
        match name.lower():
            case "transfer-encoding":
                fields.append((ORIGINAL + name, value))
            case "content-length" if length is None or value != str(length):
                fields.append((ORIGINAL + name, value))
            case _:
                fields.append((name, value))
    if head.status in {204, 304} or head.status < 200:
        return fields, False, 0
    return fields, is_chunked, length


def _values(head: Head, name: str) -> str:
    return ",".join(value for own, value in head.headers if own.lower() == name)


class _Chunks(io.RawIOBase):
    """A body without its chunks (RFC 9112, section 7.1); trailers are read and dropped.

    As many chunks as have come are undone in one go: some servers send a body in bits of a few bytes.
    """

    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        self._came, self._place = b"", 0  # what was read of the source, and how far it is used
        self._left = 0  # bytes of the present chunk
        self._chunks, self._bytes, self._is_over = 0, 0, False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._source.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Undo what has come; waits for more only where that gives nothing."""
        filled, size = 0, len(buffer)
        while filled < size and not self._is_over:
            if self._place == len(self._came):
                if filled:
                    break
                self._read_on()
            if not self._left:
                if found := _NEXT_CHUNK.match(self._came, self._place):
                    self._place = found.end()
                    self._enter(found[1])
                else:
                    self._begin_chunk()
                continue
            piece = self._came[self._place : self._place + min(self._left, size - filled)]
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._place += len(piece)
            self._left -= len(piece)
        return filled

    def _read_on(self) -> None:
        self._came, self._place = self._came[self._place :] + self._source.read1(_READ), 0
        if not self._came:
            raise http.client.IncompleteRead(b"", self._left)

    def _begin_chunk(self) -> None:
        line = self._line(_CHUNK_LINE)
        if self._chunks and line in {b"\r\n", b"\n"}:
            line = self._line(_CHUNK_LINE)
        found = _CHUNK_SIZE.fullmatch(line)
        if found is None:
            raise http.client.IncompleteRead(b"")
        self._enter(found[1])

    def _enter(self, size: bytes) -> None:
        self._left, self._chunks = int(size, 16), self._chunks + 1
        self._bytes += self._left
        if self._chunks > _MAX_CHUNKS or (self._chunks > _MAX_TINY and self._bytes < _TINY * self._chunks):
            raise http.client.HTTPException(f"{self._chunks:,} chunks for {self._bytes:,} bytes")
        if not self._left:
            self._is_over = True
            self._drop_trailers()

    def _drop_trailers(self) -> None:
        left = MAX_BYTES
        while (line := self._line(left)) not in {b"", b"\r\n", b"\n"}:
            left -= len(line)
            if left <= 0:
                raise http.client.HTTPException(f"trailers of more than {MAX_BYTES:,} bytes")

    def _line(self, most: int) -> bytes:
        """Take a line; what is longer than it may be is cut, and what ends without its end is what there is."""
        end = self._came.find(b"\n", self._place)
        while end < 0 and len(self._came) - self._place < most:
            more = self._source.read1(_READ)
            if not more:
                break
            before = len(self._came) - self._place
            self._came, self._place = self._came[self._place :] + more, 0
            end = self._came.find(b"\n", before)
        stop = min(end + 1 if end >= 0 else len(self._came), self._place + most)
        line, self._place = self._came[self._place : stop], stop
        return line


class _Headers(dict[str, str]):
    """A request's headers as they are written, and beside them its target."""

    target = ""

    def copy(self) -> "_Headers":
        copied = _Headers(self)
        copied.target = self.target
        return copied


class _Connection(HTTPConnection):
    """A connection that passes the guard."""

    response_class = _Answer

    def __init__(self, *args: Any, guard: AddressGuard, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._guard = guard
        # The request, on a connection that was used before.
        self._asked: tuple[str, _Headers, dict[str, Any]] | None = None

    def _new_conn(self) -> socket.socket:
        try:
            return connect(self._guard, self._dns_host, self.port, self.timeout or _CONNECT_SECONDS)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, str(error)) from error
        except OSError as error:
            raise NewConnectionError(self, error.strerror or str(error)) from error

    def request(  # type: ignore[override]
        self, method: str, _url: str, body: None = None, headers: Any = None, **options: Any
    ) -> None:
        self._asked = None
        if not self.is_closed:
            self._asked = method, headers, options
            watch(self.sock)
        super().request(method, headers.target, body, headers, **options)

    def getresponse(self) -> Any:
        asked, self._asked = self._asked, None
        try:
            answer = super().getresponse()
        except _LEFT_BY_THE_SERVER:
            if asked is None:
                raise
            # It closed the idle connection just as we wrote: such a request is sent again (RFC 9112, section 9.3.1).
            self.close()
            method, headers, options = asked
            super().request(method, headers.target, None, headers, **options)
            answer = super().getresponse()
        # Where requests' jars look for cookies, twice an answer; whose they are is for the crawl to say (`visits`).
        original: Any = answer._original_response  # noqa: SLF001
        original.msg = http.client.HTTPMessage()
        return answer


class _TlsConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except UnicodeError as error:  # a label of the name is empty or too long
            raise requests.exceptions.InvalidURL(str(error)) from error


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # type: ignore[assignment]


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection  # type: ignore[assignment]


class GuardedAdapter(HTTPAdapter):
    """A transport for `requests` whose every connection passes the guard and shares one TLS context. Thread-safe."""

    def __init__(self, guard: AddressGuard, context: ssl.SSLContext, servers: int, connections: int = 1) -> None:
        """Keep connections open for later.

        Args:
            guard: which addresses may be reached.
            context: with which certificates are verified.
            servers: to which connections are kept; those to the one longest unused are closed first.
            connections: kept to a server, as many as ask it at once.
        """
        self._guard, self._context = guard, context
        super().__init__(pool_connections=servers, pool_maxsize=connections)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Make the pools, of guarded connections."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        pools = {"http": partial(_Pool, guard=self._guard), "https": partial(_TlsPool, guard=self._guard)}
        self.poolmanager.pool_classes_by_scheme = pools

    def build_connection_pool_key_attributes(  # type: ignore[override]
        self,
        request: requests.PreparedRequest,
        verify: Any,  # noqa: ARG002 - certificates are always verified
        cert: Any = None,  # noqa: ARG002 - none is shown
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Name the server that a request goes to, and the one TLS context.

        Raises:
            ValueError: the URL does not say.
        """
        parts = urlsplit(str(request.url))
        host = {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}
        return host, {"ssl_context": self._context} if parts.scheme == "https" else {}

    def cert_verify(self, *_: Any) -> None:
        """Leave it to the context: requests would load its authorities into it at each request, for 50 ms."""

    def request_url(self, *_: Any) -> str:
        """Give urllib3 a target that it need not encode; the connection writes the true one."""
        return "/"

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        """Put the target beside the headers, and see that neither breaks out of its line.

        Raises:
            requests.exceptions.InvalidURL: one does.
        """
        lines = _Headers()
        lines.target = self.target_of(request)
        if _NOT_IN_A_TARGET.search(lines.target):
            raise requests.exceptions.InvalidURL(f"{lines.target[:80]!r} cannot stand in a request")
        for name, value in request.headers.items():
            if _NOT_IN_A_LINE.search(name) or _NOT_IN_A_LINE.search(value):
                raise requests.exceptions.InvalidURL("a header cannot stand in a request")
            lines[name] = value.encode("latin-1", "replace").decode("latin-1")
        request.headers = lines  # type: ignore[assignment]

    def target_of(self, request: requests.PreparedRequest) -> str:
        """Give what stands behind GET."""
        return request.path_url


def most_idle_connections() -> int:
    """Tell how many connections a crawl keeps open for later: half of the files that its process may have open.

    More would not help: servers close what is idle for longer than the rests of a few thousand hosts.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST_IDLE, min(files // 2, _MOST_IDLE))
