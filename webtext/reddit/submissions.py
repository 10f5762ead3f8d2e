"""Submissions out of anybody's Reddit data: Pushshift and Arctic Shift dumps of all eras, comments, lists of URLs.

A line of a dump is a JSON object of up to 113 fields whose names and types changed over twenty years; only the eleven
that matter are decoded. A line is one or more submissions, or a reason why it is none: never silently nothing.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import TypeVar

import msgspec

from webtext.urls import canonicalize_url

MOST_KARMA = 10**8  # no submission has had a hundredth of it: a greater number is damage
_LATEST = 1 << 32  # seconds: the year 2106
_SNIFFED_LINES = 16
_DUMP_NAME = re.compile(r"(?:^|/)R[SC]_|\.(?:jsonl?|ndjson)(?:\.|$)", re.IGNORECASE)
_URL_IN_TEXT = re.compile(r"https?://[^\s<>\[\]\"|\\^`{}]+", re.IGNORECASE)
_TRAILING = ".,;:!?*_~'\u2019\u201d"

AnyFields = TypeVar("AnyFields", bound="_Fields")
Number = int | float | str | None
Flag = bool | int | str | None


class Submission(msgspec.Struct, frozen=True, gc=False):
    """A URL that somebody posted, as posted."""

    url: str
    karma: int | None  # None: from a list that gives none; whoever made the list vouches for it
    subreddit: str = ""
    created: int | None = None
    id: str = ""  # "" where the source gives none
    over_18: bool = False


class Unusable(msgspec.Struct, frozen=True, gc=False):
    """A line that is no submission of a link: `malformed_line`, `no_url`, `no_score`, `self_post` or `no_link`."""

    reason: str
    url: str = ""


Parsed = tuple[Submission, ...] | Unusable
Parser = Callable[[bytes], Parsed]


class _Fields(msgspec.Struct, gc=False):
    """What is decoded of a line; every field is missing in some era."""

    url: str | None = None
    url_overridden_by_dest: str | None = None
    score: Number = None
    ups: Number = None
    downs: Number = None
    created_utc: Number = None
    subreddit: str | None = None
    id: str | None = None
    domain: str | None = None
    is_self: Flag = None
    over_18: Flag = None


class _FieldsWithText(_Fields, gc=False):
    """What is decoded where the links in a text are asked for too."""

    selftext: str | None = None
    body: str | None = None


_FIELDS = msgspec.json.Decoder(_Fields)
_FIELDS_WITH_TEXT = msgspec.json.Decoder(_FieldsWithText)


def parse_submission(line: bytes) -> Parsed:
    """Read a line of an `RS_*` dump; a self post is unusable."""
    fields = _decode(line, _FIELDS)
    if fields is None:
        return Unusable("malformed_line")
    url = fields.url or fields.url_overridden_by_dest or ""
    if _is_self_post(fields):
        return Unusable("self_post", url)
    return _submit(fields, url)


def parse_submission_and_text(line: bytes) -> Parsed:
    """Read a line of an `RS_*` dump; a self post gives the links in its text, if there are any."""
    fields = _decode(line, _FIELDS_WITH_TEXT)
    if fields is None:
        return Unusable("malformed_line")
    url = fields.url or fields.url_overridden_by_dest or ""
    if not _is_self_post(fields):
        return _submit(fields, url)
    return _submit_links(fields, fields.selftext or "", "t3_") or Unusable("self_post", url)


def parse_comment(line: bytes) -> Parsed:
    """Read a line of an `RC_*` dump: each distinct link in the comment's text, with the comment's karma."""
    fields = _decode(line, _FIELDS_WITH_TEXT)
    if fields is None or fields.body is None:
        return Unusable("malformed_line")
    return _submit_links(fields, fields.body, "t1_") or Unusable("no_link")


def parse_listed(line: bytes) -> Parsed:
    r"""Read a line of a list: a URL alone, or `url<TAB>karma`, which `<TAB>id<TAB>created` may follow."""
    columns = [column.strip() for column in line.decode(errors="replace").split("\t")]
    columns += [""] * (4 - len(columns))
    url, score, identity, created = columns[:4]
    karma = _karma(score)
    if score and karma is None:
        return Unusable("malformed_line")
    return (Submission(url, karma, "", _timestamp(created), identity),) if url else Unusable("no_url")


def find_parser(lines: list[bytes], name: str, *, self_posts: bool = False) -> Parser:
    """Tell from the first lines of a file, and from its name where they are damaged, how to read it.

    A line that is a JSON object makes it a dump, one with a URL a list.
    """
    dump = parse_submission_and_text if self_posts else parse_submission
    for line in lines[:_SNIFFED_LINES]:
        if line.lstrip().startswith(b"{"):
            return dump
        if b"://" in line or line.startswith(b"www."):
            return parse_listed
    return dump if _DUMP_NAME.search(name) else parse_listed


def is_header(line: bytes) -> bool:
    """Tell whether a list's first line names its columns."""
    return line.split(b"\t", maxsplit=1)[0].strip().lower() == b"url"


def extract_links(text: str) -> Iterator[str]:
    """Yield the http(s) links in a post's Markdown, in order; Reddit's HTML escapes are undone.

    >>> list(extract_links("See [it](http://a.org/b_(c)?x=1&amp;y=2), or https://d.org."))
    ['http://a.org/b_(c)?x=1&y=2', 'https://d.org']
    """
    for match in _URL_IN_TEXT.finditer(unescape(text)):
        url = match[0].rstrip(_TRAILING)
        while url.endswith(")") and url.count(")") > url.count("("):
            url = url[:-1].rstrip(_TRAILING)
        yield _cut_at_unmatched(url)


def _cut_at_unmatched(url: str) -> str:
    """Cut a URL where a bracket closes that it did not open: there ends the Markdown link around it."""
    depth = 0
    for place, character in enumerate(url):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return url[:place]
    return url


def _decode(line: bytes, decoder: "msgspec.json.Decoder[AnyFields]") -> "AnyFields | None":
    """Decode a line; None where it is no JSON object. The slow way takes what the fast one is too strict for."""
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        found = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    scalars = {name: _scalar(value) for name, value in found.items() if isinstance(value, str | int | float)}
    fields = {name: scalars[name] for name in decoder.type.__struct_fields__ if name in scalars}
    for name, value in list(fields.items()):
        try:
            msgspec.convert({name: value}, decoder.type)
        except msgspec.ValidationError:  # a field of another type than any era's counts as missing
            del fields[name]
    return msgspec.convert(fields, decoder.type)


def _scalar(value: str | float) -> str | float:
    """Make a string encodable: JSON may escape half a surrogate pair."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _is_self_post(fields: _Fields) -> bool:
    if fields.is_self is True or (fields.is_self and _truth(fields.is_self)):
        return True
    return fields.domain is not None and fields.domain.startswith("self.")


def _submit(fields: _Fields, url: str) -> Parsed:
    if not url:
        return Unusable("no_url")
    score = fields.score
    karma = score if type(score) is int and abs(score) <= MOST_KARMA else _score(fields)
    if karma is None:
        return Unusable("no_score", url)
    over_18 = fields.over_18 is not False and _truth(fields.over_18)
    created = _timestamp(fields.created_utc)
    return (Submission(url, karma, fields.subreddit or "", created, fields.id or "", over_18),)


def _submit_links(fields: _Fields, text: str, kind: str) -> Parsed | None:
    """Make a submission of each distinct link in a text; None where there is none."""
    links = {canonicalize_url(url) or url: url for url in reversed(list(extract_links(text)))}
    if not links:
        return None
    karma = _score(fields)
    if karma is None:
        return Unusable("no_score")
    created, over_18 = _timestamp(fields.created_utc), _truth(fields.over_18)
    return tuple(
        Submission(
            url, karma, fields.subreddit or "", created, f"{kind}{fields.id} {key}" if fields.id else "", over_18
        )
        for key, url in sorted(links.items())
    )


def _score(fields: _Fields) -> int | None:
    """Give the karma of a submission: `score`, or `ups` less `downs` where an era has no score."""
    if fields.score is not None:
        return _karma(fields.score)
    ups = _karma(fields.ups)
    return None if ups is None else ups - (_karma(fields.downs) or 0)


def _karma(value: Number) -> int | None:
    number = _integer(value)
    return number if number is not None and abs(number) <= MOST_KARMA else None


def _timestamp(value: Number) -> int | None:
    seconds = _integer(value)
    return seconds if seconds is not None and 0 < seconds < _LATEST else None


def _integer(value: Number) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            value = float(value)
        except ValueError:
            return None
    return int(value) if isinstance(value, float) and math.isfinite(value) else None


def _truth(value: Flag) -> bool:
    return value.lower() in {"true", "1"} if isinstance(value, str) else bool(value)
