"""One request, and what came of it: the only place where webtext talks to a web server.

Nothing a server does is an exception to the caller: an `Exchange` holds the answer, as it is to be archived, or the
reason why there is none. Size is bounded while the body streams in and decompresses, time for every read and as a
whole, and addresses by the guard. Redirects are not followed here: each hop is a request that the crawl decides upon.
"""

import http.client
import re
import ssl
import time
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict

from webtext.connection.addresses import AddressGuard, ForbiddenAddressError, ResolutionError
from webtext.connection.addresses import tls_context as shared_tls_context
from webtext.connection.clock import allowed_seconds, exchange_time
from webtext.connection.transport import ORIGINAL, GuardedAdapter, most_idle_connections
from webtext.crawl.failures import finds_no_way, name_failure
from webtext.crawl.outcomes import ACCEPTED_STATUS
from webtext.crawl.replay import ReplayAdapter
from webtext.mime import may_be_html
from webtext.permissions.robots import MAX_BYTES as ROBOTS_BYTES
from webtext.permissions.robots import product_token
from webtext.warc.http_body import BodyEncodingError, BodyTooLargeError, ContentDecoder
from webtext.warc.warc_records import HttpResponse

BEGINNING = ROBOTS_BYTES  # bytes of the decoded body kept for sniffing, meta elements, and site files
_PAGE_HEAD = 64 << 10  # bytes, as sent, in which a page's head is looked for when nothing else of it is wanted
_OTHER_BODY = 64 << 10  # bytes kept of the body of a redirect or an error
_READ = 1 << 16
_LENGTH = re.compile(r"[0-9]{1,20}")  # a number of bytes; a longer one, or other digits than ASCII's, say nothing


@dataclass(frozen=True)
class Limits:
    """What one exchange may take."""

    connect_seconds: float = 10.0
    read_seconds: float = 20.0  # the longest silence, before the answer or within it
    total_seconds: float = 60.0
    body_bytes: int = 10 << 20  # the most of a page, as sent and decompressed

    def __post_init__(self) -> None:
        for name in ("connect_seconds", "read_seconds", "total_seconds", "body_bytes"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, or the reason why there is none."""

    url: str
    began_at: int  # seconds since 1970
    request: bytes  # the request as a WARC request record holds it
    response: HttpResponse | None  # the body as sent, dechunked but still compressed; None: no status line came
    beginning: bytes  # the first bytes of the decoded body, at most `BEGINNING`
    outcome: str  # "" where the answer came whole, else why not (webtext.crawl.outcomes)
    detail: str
    truncated: str  # WARC-Truncated's word: "length", "time", "disconnect", "unspecified"; "" for a whole body
    is_final: bool = False  # a failure that is the same the next time: a name that does not exist
    is_temporary: bool = False  # one that passes, and says nothing of the host: no resolver, no route

    @property
    def status(self) -> int | None:
        """Give the answer's status."""
        return self.response.status if self.response else None

    def header(self, name: str) -> str:
        """Give a header of the answer; "" where there is none."""
        return self.response.header(name) if self.response else ""


class Requester:
    """Asks for URLs, many threads at once, over pooled connections that share one TLS context."""

    def __init__(
        self,
        agent: str,
        limits: Limits,
        *,
        replay: tuple[str, int] | None = None,
        guard: AddressGuard | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare the connections.

        Args:
            agent: the User-Agent, with a contact.
            limits: of each exchange.
            replay: address of a replay server, to which all requests go and to which only they may go.
            guard: which addresses may be reached; by default public ones.
            tls_context: with which certificates are verified; by default by the authorities of certifi.
        """
        product_token(agent)
        self._limits = limits
        self._headers = {
            "User-Agent": agent,
            "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5",
            "Accept-Language": "en;q=1.0,*;q=0.5",
            "Accept-Encoding": "gzip, deflate, br",
        }
        context = tls_context or shared_tls_context()
        if replay is not None:
            adapter: GuardedAdapter = ReplayAdapter(replay, context)
        else:
            adapter = GuardedAdapter(guard or AddressGuard(), context, most_idle_connections())
        self._session = _Session(adapter)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def ask(
        self,
        url: str,
        *,
        cookies: str = "",
        site_file: bool = False,
        any_type: bool = False,
        head_only: bool = False,
        byte_range: tuple[int, int] | None = None,
    ) -> Exchange:
        """Ask for a URL and read the answer, within all limits.

        Args:
            url: absolute, http or https.
            cookies: value of the Cookie header; none is sent where it is "".
            site_file: robots.txt and its like: any content type, and what is beyond the limit is cut off, not an error.
            any_type: read the body whatever its content type.
            head_only: read no more of a page than where its head stands.
            byte_range: first and last byte to ask for; None for all.
        """
        prepared = self._prepare(url, cookies)
        if byte_range is not None:
            prepared.headers["Range"] = "bytes={}-{}".format(*byte_range)
        exchange = _Unfinished(url, int(time.time()), _request_block(prepared))
        with exchange_time(self._limits.total_seconds, self._limits.read_seconds) as seconds_left:
            try:
                self._converse(prepared, exchange, site_file=site_file, any_type=any_type, head_only=head_only)
            except (
                requests.RequestException,
                urllib3.exceptions.HTTPError,
                http.client.HTTPException,
                OSError,
            ) as error:
                timed_out, passes = seconds_left() <= 0, finds_no_way(error)
                exchange.fail(*name_failure(error, timed_out=timed_out), is_temporary=passes)
            except ForbiddenAddressError as error:
                exchange.fail("private_address", str(error))
            except ResolutionError as error:
                exchange.fail("dns_error", str(error), is_final=error.for_good, is_temporary=not error.for_good)
            except BodyTooLargeError as error:
                exchange.fail("too_large", str(error))
            except BodyEncodingError as error:
                exchange.fail("bad_encoding", str(error))
        return exchange.finished()

    def _prepare(self, url: str, cookies: str) -> requests.PreparedRequest:
        """Make the request by hand: `requests` would rewrite the URL, which is as it should be on the wire."""
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.hooks = "GET", url, default_hooks()
        prepared.headers = CaseInsensitiveDict({"Host": urlsplit(url).netloc, **self._headers})
        if cookies:
            prepared.headers["Cookie"] = cookies
        return prepared

    def _converse(
        self, prepared: requests.PreparedRequest, exchange: "_Unfinished", *, head_only: bool, **kind: bool
    ) -> None:
        seconds = self._limits.connect_seconds, self._limits.read_seconds
        answer = self._session.send(prepared, stream=True, allow_redirects=False, timeout=seconds, proxies={})
        try:
            exchange.hear(answer)
            limit, is_strict = self._body_limit(exchange, **kind)
            limit, is_strict = (min(limit, _PAGE_HEAD), False) if head_only else (limit, is_strict)
            exchange.read(answer.raw, limit, is_strict=is_strict)
        finally:
            answer.close()

    def _body_limit(self, exchange: "_Unfinished", *, site_file: bool, any_type: bool) -> tuple[int, bool]:
        """Tell how much of a body is read, and whether more is an error rather than cut off."""
        if site_file:
            return ROBOTS_BYTES, False
        if any_type and exchange.status in {*ACCEPTED_STATUS, 206}:
            return self._limits.body_bytes, True
        if exchange.status not in ACCEPTED_STATUS:
            return min(_OTHER_BODY, self._limits.body_bytes), False
        if not may_be_html(exchange.header("Content-Type")):
            return 0, False
        return self._limits.body_bytes, True


class _Session(requests.Session):
    """A session that leaves redirects to the crawl, which decides upon them one at a time."""

    def __init__(self, adapter: GuardedAdapter) -> None:
        super().__init__()
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self.trust_env = False

    def get_redirect_target(self, _: Any) -> None:
        """Name none: `requests` would read the body of a redirect, however long, and prepare the next request."""


class _Unfinished:
    """An exchange while it goes on; whatever ends it, what was heard so far is kept."""

    def __init__(self, url: str, began_at: int, request: bytes) -> None:
        self._url, self._began_at, self._request = url, began_at, request
        self.status: int | None = None
        self._reason = ""
        self._headers: list[tuple[str, str]] = []
        self._body, self._beginning = bytearray(), bytearray()
        self._outcome = self._detail = self._truncated = ""
        self._is_final = self._is_temporary = False

    def header(self, name: str) -> str:
        size, lower = len(name), name.lower()
        return ", ".join(value for own, value in self._headers if len(own) == size and own.lower() == lower)

    def hear(self, answer: requests.Response) -> None:
        """Note status and headers, in their order and with repeats."""
        self.status, self._reason = answer.status_code, str(answer.reason or "")
        self._headers = list(answer.raw.headers.items())

    def read(self, raw: urllib3.HTTPResponse, limit: int, *, is_strict: bool) -> None:
        """Read the body up to a limit, as sent and decompressed."""
        declared = self.header("Content-Length")
        if is_strict and _LENGTH.fullmatch(declared) and int(declared) > limit:
            self.fail("too_large", f"{declared} bytes declared", truncated="length")
            return
        if limit == 0:
            self._truncated = "unspecified"
            return
        try:
            self._stream(raw, limit, is_strict=is_strict)
        except (BodyTooLargeError, BodyEncodingError):
            if is_strict:
                raise
            self._truncated = "length"

    def _stream(self, raw: urllib3.HTTPResponse, limit: int, *, is_strict: bool) -> None:
        decoder = ContentDecoder(self.header("Content-Encoding"), limit if is_strict else BEGINNING, allowed_seconds)
        while piece := raw.read1(_READ, decode_content=False):
            room = limit - len(self._body)
            if len(piece) > room:
                if is_strict:
                    self.fail("too_large", f"more than {limit:,} bytes sent")
                    return
                piece, self._truncated = piece[:room], "length"
            self._body += piece
            for decoded in decoder.pieces(piece):
                self._beginning += decoded[: BEGINNING - len(self._beginning)]
            if self._truncated:
                return
        decoder.finish()

    def fail(
        self, outcome: str, detail: str, truncated: str = "", *, is_final: bool = False, is_temporary: bool = False
    ) -> None:
        """Note why the exchange did not come to its end; the body of a page that failed is not kept."""
        self._outcome, self._detail = outcome, detail[:200]
        self._is_final, self._is_temporary = is_final, is_temporary
        reasons = {"read_timeout": "time", "total_timeout": "time", "too_large": "length"}
        self._truncated = truncated or reasons.get(outcome, "disconnect")
        self._body.clear()

    def finished(self) -> Exchange:
        response = None
        if self.status is not None:
            headers = tuple(_archived(self._headers, self._body))
            response = HttpResponse(self.status, headers, bytes(self._body), self._reason)
        return Exchange(
            self._url,
            self._began_at,
            self._request,
            response,
            bytes(self._beginning),
            self._outcome,
            self._detail,
            self._truncated if response else "",
            self._is_final,
            self._is_temporary,
        )


def _archived(headers: list[tuple[str, str]], body: bytearray) -> list[tuple[str, str]]:
    """Make headers true of the body as it is kept, which may be cut; what was sent is kept by name."""
    kept, has_length = [], False
    for name, value in headers:
        match name.lower():
            case "content-length" if value != str(len(body)):
                kept.append((ORIGINAL + name, value))
            case lower:
                has_length = has_length or lower == "content-length"
                kept.append((name, value))
    return kept if has_length else [*kept, ("Content-Length", str(len(body)))]


def _request_block(prepared: requests.PreparedRequest) -> bytes:
    lines = [f"GET {prepared.path_url} HTTP/1.1", *(f"{name}: {value}" for name, value in prepared.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def retry_after(exchange: Exchange, now: float) -> float | None:
    """Give the seconds that an answer asks to wait, by its Retry-After header; None where it does not say."""
    value = exchange.header("Retry-After").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def without_body(exchange: Exchange) -> Exchange:
    """Take the body out of an exchange, so that the archive keeps what was said but not what was opted out."""
    assert exchange.response is not None
    headers = tuple(_archived(list(exchange.response.headers), bytearray()))
    bare = replace(exchange.response, headers=headers, body=b"")
    return replace(exchange, response=bare, beginning=b"", truncated="unspecified")
