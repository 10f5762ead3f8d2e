"""Heads of HTTP answers, read as browsers and archives read them: by the crawl from a socket, and from WARC records.

A head that breaks the rules is common, and often the only thing wrong with a page. So what cannot be read of it is
passed over, and all else counts: a line that is no field must not hide those behind it, which say how the body is
encoded, where the page has moved, and what its site forbids.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

# The most of a head, the hints before it among them: Chromium reads as many ("ERR_RESPONSE_HEADERS_TOO_BIG")
MAX_BYTES = 256 << 10
# Up to four bytes before it, and no blank behind the status, are passed over as Chromium does.
_STATUS_LINE = re.compile(rb".{0,4}?(HTTP/[0-9](?:\.[0-9]+)?)[ \t]+([0-9]{3})(?![0-9])(.*)", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_BLANKS = b" \t\r\n\x00"  # nothing else: a value may end in a byte that Latin-1 calls a space
_DANGEROUS = bytes.maketrans(b"\r\n\x00", b"   ")  # within a value (RFC 9110, section 5.5)
_SWITCHING_PROTOCOLS = 101
_MOST_HINTS = 100  # heads before the final one; servers send one or two


class HeadError(Exception):
    """What came is no head of an HTTP answer, or it has no end within the limit."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer: headers as (name, value) in their order, names as they were written."""

    version: str  # "HTTP/1.1"
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]  # bytes as Latin-1


def read_head(read_line: Callable[[int], bytes], limit: int = MAX_BYTES) -> Head | None:
    r"""Read the head of the final answer; hints before it (status 1xx, RFC 9110, section 15.2) are passed over.

    Args:
        read_line: gives the next line with its end, of at most so many bytes; b"" at the end of what there is.
        limit: bytes that are read at most.

    Returns:
        The head, or None where nothing came. Where it has no end, what came of it.

    Raises:
        HeadError: it does not begin with a status line, goes beyond the limit, or comes behind too many hints.

    >>> import io
    >>> read_head(io.BytesIO(b"HTTP/1.0 404\nno field\nContent-Type : text/html\n\ngone").readline)
    Head(version='HTTP/1.0', status=404, reason='', headers=(('Content-Type', 'text/html'),))
    """
    lines = _Lines(read_line, limit)
    head: Head | None = None
    for _ in range(_MOST_HINTS):
        first = lines.next()
        while first and not first.strip(_BLANKS):  # empty lines (as RFC 9112, section 2.2, has it before requests)
            first = lines.next()
        if not first:
            return head
        found = _STATUS_LINE.fullmatch(first.rstrip(_BLANKS))
        if found is None:
            raise HeadError(f"no status line, but {first[:40]!r}")
        version, status, reason = found.groups(default=b"")
        headers = _read_fields(lines)
        head = Head(version.decode().upper(), int(status), _text(reason), headers)
        if not 100 <= head.status < 200 or head.status == _SWITCHING_PROTOCOLS:
            return head
    raise HeadError(f"more than {_MOST_HINTS} hints before an answer")


class _Lines:
    """The lines of a head, never more than a limit."""

    def __init__(self, read_line: Callable[[int], bytes], limit: int) -> None:
        self._read_line, self._left, self._limit = read_line, limit, limit

    def next(self) -> bytes:
        line = self._read_line(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise HeadError(f"a head of more than {self._limit:,} bytes")
        return line


def _read_fields(lines: _Lines) -> tuple[tuple[str, str], ...]:
    """Read header lines up to the empty one.

    What is no field is passed over with the lines that continue it; so are lines that begin with a blank before the
    first field (RFC 9112, section 2.2). A blank before the colon is cut off (section 5.1), a bare CR is a space
    (section 2.2), and a line that begins with a blank continues the last field (section 5.2).
    """
    fields: list[tuple[str, str]] = []
    continued: dict[int, list[str]] = {}  # the lines of a field's value, by its place
    is_field = False  # whether the last line that began one was a field
    while line := lines.next():
        if line in {b"\r\n", b"\n"}:
            break
        if line[:1] in {b" ", b"\t"}:
            if is_field:
                continued.setdefault(len(fields) - 1, [fields[-1][1]]).append(_text(line))
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        is_field = bool(colon) and _NAME.fullmatch(name) is not None
        if is_field:
            fields.append((name.decode("ascii"), _text(value)))
    for place, parts in continued.items():
        fields[place] = fields[place][0], " ".join(filter(None, parts))
    return tuple(fields)


def _text(value: bytes) -> str:
    value = value.strip(_BLANKS)
    if b"\r" in value or b"\x00" in value:
        value = value.translate(_DANGEROUS)
    return value.decode("latin-1")
