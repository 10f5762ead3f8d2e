"""Files that others wrote, read in one way: bytes become text or JSON objects, or one line says where they do not.

Tolerated as editors and exports make them: a byte order mark, gzip, CR LF, one JSON list in place of lines, halves of
surrogate pairs. Everything else that is wrong is a `UsageError` with the file and the line.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from webtext.errors import UsageError

_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: Path) -> bytes:
    """Read a file of the user's. Raises UsageError where there is none, or it may not be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise UsageError(f"{path} {reason}") from error


def text_of(data: bytes, name: str) -> str:
    r"""Decode a file: UTF-8, or UTF-16 with its byte order mark (PowerShell's `>`), gzip or not; line ends become "\n".

    Raises:
        UsageError: it is neither, or not whole, or has no text.
    """
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{name} is gzip that cannot be read: {error}") from error
    encoding = "UTF-16" if data.startswith(_UTF_16) else "UTF-8"
    try:
        text = data.decode("utf-8-sig" if encoding == "UTF-8" else "utf-16")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line} is not {encoding}: {error.reason} at byte {error.start}") from error
    if not text.strip():
        raise UsageError(f"{name} is empty")
    return text.replace("\r\n", "\n")


def list_lines(data: bytes) -> list[tuple[int, str]]:
    r"""Read a list that a person wrote: (number, line), without blank ones and those that begin with #.

    UTF-8, or UTF-16 with its byte order mark (PowerShell's `>`); what is neither is replaced.

    >>> list_lines("http://a.org/\r\n# mine\r\n\r\n".encode("utf-16"))
    [(1, 'http://a.org/')]
    """
    text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig", errors="replace")
    lines = enumerate((line.strip() for line in text.splitlines()), 1)
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def json_objects(data: bytes, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, object) of JSON lines, or of one JSON list (then the place in it).

    Raises:
        UsageError: a line is not JSON, or not an object.
    """
    text = text_of(data, name)
    listed = text.lstrip().startswith("[")
    for number, line in [(1, text)] if listed else enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value = _parse(line, f"{name}:{number}")
        for place, row in enumerate(value if listed else [value], number):
            if not isinstance(row, dict):
                raise UsageError(f"{name}:{place} is not a JSON object: an item is an object with fields of text")
            yield place, row


def json_object(data: bytes, name: str) -> dict[str, Any]:
    """Parse a file that is one JSON object. Raises UsageError where it is not."""
    value = _parse(text_of(data, name), name)
    if not isinstance(value, dict):
        raise UsageError(f"{name} is not a JSON object")
    return value


def _parse(text: str, where: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON: {error}") from error
    return _whole(value) if "\\ud" in text.lower() else value


def _whole(value: Any) -> Any:
    """A JSON value in which halves of surrogate pairs, which no file can hold as UTF-8, are U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {key: _whole(one) for key, one in value.items()} if isinstance(value, dict) else value


def field(where: str, row: Mapping[str, Any], name: str, kind: type | tuple[type, ...] = str) -> Any:
    """A field of an object. Raises UsageError where it is missing, null or of another kind."""
    if name not in row:
        raise UsageError(f"{where} has no field {name!r} but {', '.join(map(str, row))}")
    value = row[name]
    if not isinstance(value, kind):
        wanted = " or ".join(_KINDS[one] for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise UsageError(f"{where}: {name!r} should be {wanted}, not {json.dumps(value)[:60]}")
    return value


_KINDS = {str: "text", list: "a list", int: "a number", dict: "an object"}


def texts(where: str, row: Mapping[str, Any], name: str) -> list[str]:
    """A field that is a list of texts, at least one. Raises UsageError where it is not."""
    values = field(where, row, name, list)
    if not values or not all(isinstance(value, str) for value in values):
        raise UsageError(f"{where}: {name!r} should be a list of texts, not {json.dumps(values)[:60]}")
    return list(values)


def pick(where: str, row: Mapping[str, Any], name: str, count: int, first: int = 0) -> int:
    """The position, from 0, that a field names among `count` options, which it counts from `first`.

    A number in quotes is one. Raises UsageError for a position that is not there: test sets without answers have -1.
    """
    value = field(where, row, name, (int, str))
    place = int(value) - first if str(value).strip().lstrip("-").isdecimal() else -1
    if isinstance(value, bool) or not 0 <= place < count:
        raise UsageError(f"{where}: {name!r} is {json.dumps(value)}, which is none of the {count} options")
    return place
