"""Submissions out of anybody's Reddit data: Pushshift and Arctic Shift dumps of all eras, comments, lists of URLs.

A line of a dump is a JSON object of up to 113 fields whose names and types changed over twenty years; only the nine to
thirteen that matter are decoded. A line is one or more submissions, or a reason why it is none: never silently nothing.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any, TypeVar

import msgspec

from webtext.outbound import link_problem
from webtext.reddit.layout import BEFORE_OBJECT, Layout, split_row
from webtext.urls import canonicalize_url

MOST_KARMA = 10**8  # no submission has had a hundredth of it: a greater number is damage
_LATEST = 1 << 32  # seconds: the year 2106
_LAYERS = 4  # an answer of the API has so many around a submission: `data`, `children`, `data`
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


Parsed = tuple[Submission | Unusable, ...] | Unusable
Parser = Callable[[bytes], Parsed]


class _Fields(msgspec.Struct, gc=False):
    """What is decoded of a line; every field is missing in some era."""

    url: str | None = None
    url_overridden_by_dest: str | None = None
    score: Number = None
    created_utc: Number = None
    subreddit: str | None = None
    id: str | None = None
    domain: str | None = None
    is_self: Flag = None
    over_18: Flag = None


class _FieldsWithVotes(_Fields, gc=False):
    """What is decoded where an era has no score: a tenth of the time of a line is saved where it has one."""

    ups: Number = None
    downs: Number = None


class _FieldsWithText(_FieldsWithVotes, gc=False):
    """What is decoded where the links in a text are asked for too."""

    selftext: str | None = None
    body: str | None = None


_FIELDS = msgspec.json.Decoder(_Fields)
_FIELDS_WITH_VOTES = msgspec.json.Decoder(_FieldsWithVotes)
_FIELDS_WITH_TEXT = msgspec.json.Decoder(_FieldsWithText)
_TOO_STRICT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LENIENT = json.JSONDecoder(strict=False)  # control characters may stand in strings
_BETWEEN_OBJECTS = " \t\r\n\ufeff\x1e,[]"


def parse_submission(line: bytes) -> Parsed:
    """Read a line of an `RS_*` dump; a self post is unusable."""
    try:
        fields = _FIELDS.decode(line)
        return _submission(_FIELDS_WITH_VOTES.decode(line) if fields.score is None else fields, line)
    except _TOO_STRICT:
        return _each(line, _FIELDS_WITH_VOTES, _submission)


def parse_submission_and_text(line: bytes) -> Parsed:
    """Read a line of an `RS_*` dump; a self post gives the links in its text, if there are any."""
    try:
        return _submission_and_text(_FIELDS_WITH_TEXT.decode(line), line)
    except _TOO_STRICT:
        return _each(line, _FIELDS_WITH_TEXT, _submission_and_text)


def parse_comment(line: bytes) -> Parsed:
    """Read a line of an `RC_*` dump: each distinct link in the comment's text, with the comment's karma."""
    try:
        return _comment(_FIELDS_WITH_TEXT.decode(line), line)
    except _TOO_STRICT:
        return _each(line, _FIELDS_WITH_TEXT, _comment)


def row_parser(layout: Layout, parse_object: Parser) -> Parser:
    """Give what reads a line of a list or table; a JSON object among its lines is read as one."""
    places = {name: place for place, name in enumerate(layout.columns) if name} or {"url": 0}

    def parse_row(line: bytes) -> Parsed:
        if line.lstrip(BEFORE_OBJECT).startswith(b"{"):
            return parse_object(line)
        text = line.decode(errors="replace").strip("\ufeff\r\n")
        cells = [cell.strip() for cell in split_row(text, layout.delimiter)] if layout.delimiter else [text.strip()]
        found = {name: cells[place] for name, place in places.items() if place < len(cells)}
        karma = _karma(found.get("karma"))
        if found.get("karma") and karma is None:
            return Unusable("malformed_line")
        if not found.get("url"):
            return Unusable("no_url")
        if karma is None and layout.header and "karma" in places:
            return Unusable("no_score", found["url"])
        created = _timestamp(found.get("created"))
        return (Submission(found["url"], karma, found.get("subreddit", ""), created, found.get("id", "")),)

    return parse_row


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


def _each(
    line: bytes, decoder: "msgspec.json.Decoder[AnyFields]", parse: Callable[[AnyFields, bytes], Parsed]
) -> Parsed:
    """Read what the fast way is too strict for: bad UTF-8, a comma behind an object, two on a line, an API's answer.

    A line with a NUL in it has lost something: it is malformed.
    """
    found: list[Submission | Unusable] = []
    for fields in _objects(line):
        parsed = Unusable("malformed_line") if fields is None else parse(_fields(fields, decoder), b"")
        found += parsed if isinstance(parsed, tuple) else (parsed,)
    return found[0] if len(found) == 1 and isinstance(found[0], Unusable) else tuple(found)


def _objects(line: bytes) -> Iterator[dict[str, Any] | None]:
    """Yield the JSON objects of a line, unwrapped; None in the place of what is none. One is always yielded."""
    text = line.decode(errors="replace").strip(_BETWEEN_OBJECTS)
    if not text.startswith("{") or "\0" in text:
        yield None
        return
    place = 0
    try:
        while place < len(text):
            found, place = _LENIENT.raw_decode(text, place)
            yield from _unwrapped(found, _LAYERS)
            place += len(text) - place - len(text[place:].lstrip(_BETWEEN_OBJECTS))
    except (ValueError, RecursionError):
        yield None


def _unwrapped(found: Any, layers: int) -> Iterator[dict[str, Any] | None]:
    """Yield the submissions of an answer of the API or of a listing, or the object itself."""
    if not isinstance(found, dict):
        yield None
        return
    inner = found.get("data") if "url" not in found else None
    if isinstance(inner, dict) and isinstance(inner.get("children"), list):
        inner = inner["children"]
    if isinstance(inner, dict):
        inner = [inner]
    if not isinstance(inner, list) or not layers:
        yield found
        return
    for each in inner:
        yield from _unwrapped(each, layers - 1)


def _fields(found: dict[str, Any], decoder: "msgspec.json.Decoder[AnyFields]") -> AnyFields:
    """Take the fields that matter of an object; one of another type than any era's counts as missing."""
    scalars = {name: _scalar(value) for name, value in found.items() if isinstance(value, str | int | float)}
    fields = {name: scalars[name] for name in decoder.type.__struct_fields__ if name in scalars}
    for name, value in list(fields.items()):
        try:
            msgspec.convert({name: value}, decoder.type)
        except msgspec.ValidationError:
            del fields[name]
    return msgspec.convert(fields, decoder.type)


def _scalar(value: str | float) -> str | float:
    """Make a string encodable: JSON may escape half a surrogate pair."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _submission(fields: _Fields, line: bytes) -> Parsed:
    url = fields.url or fields.url_overridden_by_dest or ""
    if not url and b'"data"' in line:
        return _each(line, _FIELDS_WITH_VOTES, _submission)
    if fields.is_self is True or _is_self_post(fields):
        return Unusable("self_post", url)
    return _submit(fields, url if fields.url_overridden_by_dest is None else _destination(fields, url))


def _submission_and_text(fields: _FieldsWithText, line: bytes) -> Parsed:
    if not _is_self_post(fields):
        url = fields.url or fields.url_overridden_by_dest or ""
        if not url and b'"data"' in line:
            return _each(line, _FIELDS_WITH_TEXT, _submission_and_text)
        return _submit(fields, _destination(fields, url))
    url = fields.url or fields.url_overridden_by_dest or ""
    return _submit_links(fields, fields.selftext or "", "t3_") or Unusable("self_post", url)


def _comment(fields: _FieldsWithText, line: bytes) -> Parsed:
    if fields.body is None:
        return _each(line, _FIELDS_WITH_TEXT, _comment) if b'"data"' in line else Unusable("malformed_line")
    return _submit_links(fields, fields.body, "t1_") or Unusable("no_link")


def _destination(fields: _Fields, url: str) -> str:
    """Give the page that a submission leads to where its `url` is only its own place on Reddit."""
    leads_to = fields.url_overridden_by_dest
    if leads_to and leads_to != url and link_problem(url) == "reddit_internal":
        return leads_to
    return url


def _is_self_post(fields: _Fields) -> bool:
    if fields.is_self and _truth(fields.is_self):
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
    created = fields.created_utc
    if type(created) is not int or not 0 < created < _LATEST:
        created = _timestamp(created)
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
    if fields.score is not None or not isinstance(fields, _FieldsWithVotes):
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
