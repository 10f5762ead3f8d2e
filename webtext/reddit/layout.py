"""How a file of submissions is laid out: a dump, one JSON document, or a list or table of URLs; told by its many lines.

A single line decides nothing: a byte order mark, a line that a cut tore, a downloader's log or a hole of NULs may come
first. What is neither of them is refused by its name, where it has one.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from webtext.errors import UsageError
from webtext.urls import canonicalize_url

_SAMPLE_LINES = 1000
_SAMPLE_BYTES = 1 << 20
_LINE = 1 << 17  # bytes without a line end that are no line: objects one behind the other
_TELLING = 1 << 14  # bytes of a line that are looked at: more than a URL has
_DUMP_NAME = re.compile(r"(?:^|/)R[SC]_|\.(?:jsonl?|ndjson)(?:\.|$)", re.IGNORECASE)
BEFORE_OBJECT = b" \t\r\n\xef\xbb\xbf\x1e,["  # what writers of JSON put before an object (RFC 7464, section 2.2)
_DOCUMENT = re.compile(rb"[ \t\r\n\xef\xbb\xbf]*(?:\[\s*(?:\{|\Z)|\{[ \t\r]*\n)")
_URL = re.compile(r"\s*\"?(?:https?:[/\\]{1,2}|//|www\.)[^\s/]", re.IGNORECASE)
_NUMBER = re.compile(r"\s*-?[0-9]+(?:\.[0-9]*)?\s*")
_DELIMITERS = ("\t", ",", ";", "|")
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
# Columns by the names that exporters give them.
_COLUMNS = {
    "url": {"url", "link", "href", "uri", "fetch_url"},
    "karma": {"karma", "score", "ups", "upvotes", "points"},
    "id": {"id", "submission_id", "post_id", "name"},
    "created": {"created", "created_utc", "created_at", "timestamp", "time"},
    "subreddit": {"subreddit"},
}
_OTHERS = (  # first bytes of what people mistake for a dump, where they stand, what it is, and what to do
    (0, b"PK\x03\x04", "a zip", "unpack it"),
    (257, b"ustar", "a tar", "unpack it (`tar xf`)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z", "unpack it"),
    (0, b"Rar!", "a rar", "unpack it"),
    (0, b"PAR1", "Parquet", "write its url and score columns as CSV"),
    (0, b"SQLite format 3\0", "an SQLite database", "export url and score as CSV"),
    (0, b"WARC/", "a WARC", "build from it with `webtext build --warc`"),
    (0, b"%PDF-", "a PDF", "give a dump, a list or a table"),
    (0, b"d8:announce", "a torrent", "download what it names"),
)
_PAGE = re.compile(rb"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file: `kind` is "lines" (a JSON object a line), "document" (one of JSON), "list" or "table"."""

    kind: str
    delimiter: str = ""  # the sign between a table's columns
    columns: tuple[str, ...] = ()  # their names: url, karma, id, created, subreddit; "" where one is of no use
    header: bool = False  # whether the first line names the columns

    @property
    def is_dump(self) -> bool:
        """Tell whether the file holds submissions as JSON."""
        return self.kind in {"lines", "document"}

    @property
    def meaning(self) -> str:
        """Say in a line how the file was understood."""
        match self.kind:
            case "lines":
                return "a dump, a JSON object a line"
            case "document":
                return "a dump, one JSON document"
            case "list":
                return "a list of URLs without karma: who made it vouches for each"
        said = ", ".join(f"{name} in column {place}" for place, name in enumerate(self.columns, 1) if name)
        karma = "" if "karma" in self.columns else "; no karma: who made it vouches for each"
        how = "by its header" if self.header else "by its rows"
        return f"a table of {_NAMES[self.delimiter]}-separated columns: {said} ({how}){karma}"


def find_layout(head: bytes, name: str, path: str) -> Layout:
    """Tell how a file is laid out from its beginning, decompressed, and from its name where that tells nothing.

    Args:
        head: its first bytes; a megabyte is plenty.
        name: what it is called.
        path: where it lies, for the message.

    Raises:
        UsageError: it holds neither submissions nor URLs.
    """
    for place, magic, what, remedy in _OTHERS:
        if head.startswith(magic, place):
            raise UsageError(f"{path} is {what}, not a dump: {remedy}")
    if _DOCUMENT.match(head) or (head.startswith(b"{") and len(head) >= _LINE and b"\n" not in head):
        return Layout("document")
    lines = [line for line in head[:_SAMPLE_BYTES].splitlines()[:_SAMPLE_LINES] if line.strip(b" \t\0\xef\xbb\xbf")]
    objects = sum(line.lstrip(BEFORE_OBJECT).startswith(b"{") for line in lines)
    texts = [line[:_TELLING].decode("utf-8", "replace").strip("\ufeff\r\n") for line in lines]
    urls = sum(_holds_url(text) for text in texts if not text.lstrip(" \t,[").startswith("{"))
    if objects and objects >= urls:
        return Layout("lines")
    if texts and (header := _header(texts[0])) is not None:
        return header
    if urls:
        return _by_rows(texts)
    if _DUMP_NAME.search(name):
        return Layout("lines")
    if _PAGE.match(head):
        raise UsageError(f"{path} is a web page, not a dump: the download failed; fetch it again")
    raise UsageError(
        f"{path} holds no submission and no URL in its first {len(lines):,} lines: it is no dump and no list"
    )


def _header(text: str) -> Layout | None:
    """Read a line that names columns, one of which is of URLs; None where it does not."""
    for delimiter in _DELIMITERS:
        cells = [cell.strip().lower() for cell in split_row(text, delimiter)]
        columns = tuple(next((name for name, known in _COLUMNS.items() if cell in known), "") for cell in cells)
        if "url" in columns:
            first = (name if columns.index(name) == place else "" for place, name in enumerate(columns))
            return Layout("table", delimiter, tuple(first), header=True)
    return None


def _holds_url(text: str) -> bool:
    return "://" in text or _URL.match(text) is not None or (text.isascii() and " " not in text and _is_bare(text))


def _is_bare(text: str) -> bool:
    return "." in text and canonicalize_url(text.partition("\t")[0]) is not None


def _by_rows(texts: Sequence[str]) -> Layout:
    """Tell the columns of what has no header: one is of URLs, and the first of whole numbers is karma."""
    for delimiter in _DELIMITERS:
        rows = [split_row(text, delimiter) for text in texts]
        width = Counter(len(row) for row in rows if len(row) > 1).most_common(1)
        if not width or 2 * width[0][1] <= len(rows):
            continue
        columns = list(zip(*(row for row in rows if len(row) == width[0][0]), strict=True))
        url = next((place for place, cells in enumerate(columns) if _are_mostly(_URL.match, cells)), None)
        karma = next((place for place, cells in enumerate(columns) if _are_mostly(_NUMBER.fullmatch, cells)), None)
        if delimiter == "\t" and url == 0:
            return Layout("table", delimiter, ("url", "karma", "id", "created"))
        if url is not None and karma is not None:
            names = {url: "url", karma: "karma"}
            return Layout("table", delimiter, tuple(names.get(place, "") for place in range(len(columns))))
    if any(text.startswith('"') for text in texts):
        return Layout("table", ",", ("url",))
    return Layout("list")


def _are_mostly(matches: Callable[[str], object], cells: Sequence[str]) -> bool:
    return 2 * sum(matches(cell) is not None for cell in cells) > len(cells)


def split_row(text: str, delimiter: str) -> list[str]:
    r"""Split a row into its cells; quotes are undone where they are complete.

    >>> split_row('"http://a.org/x,y",3', ","), split_row("http://a.org/\t3", "\t")
    (['http://a.org/x,y', '3'], ['http://a.org/', '3'])
    """
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text.replace("\0", "")], delimiter=delimiter), [])
    except csv.Error:  # a quoted cell of more than 128 KiB
        return [text]
