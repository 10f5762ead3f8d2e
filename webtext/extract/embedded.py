"""Text that a page holds as data for its scripts: what there is to read of a page that scripts would draw.

Two kinds: the parts of JSON-LD that schema.org defines as text (`articleBody`, `text`, `reviewBody`), and, of the state
that frameworks leave for their scripts (`__NEXT_DATA__`, `window.__INITIAL_STATE__ = {…}`), strings that read as prose.
"""

import json
import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from webtext.extract.blocks import BlockReader
from webtext.extract.tree import parse_html

_TEXT_KEYS = frozenset(("articleBody", "text", "reviewBody"))
_MAX_CHARS = 2_000_000  # the most of one script
_MAX_VALUES = 20_000  # the most of one script
_ASSIGNED = re.compile(r"\s*(?:window|self|globalThis)\s*(?:\.\s*\w+|\[[^\]]{1,80}\])\s*=\s*(?=[{\[])")
_PROSE_WORDS = 12
_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u0964\u06d4\u061f](?:[\s\"'\u201d\u2019)<]|$)")
_CODE = re.compile(r"[{}]|=>|</?(?:script|style|svg)|\bfunction\b|&&|\|\|")
_TAG = re.compile(r"<[a-zA-Z/]")


def embedded_text(tree: HtmlElement) -> str:
    """Give the text that a page's data hold, a paragraph a line, "" where there is none."""
    lines: dict[str, None] = {}
    for script in tree.iter("script"):
        for value in _texts(script.get("type") or "", (script.text or "")[: _MAX_CHARS + 1]):
            lines.update(dict.fromkeys(_lines(value)))
    return "\n".join(lines)


def _texts(kind: str, source: str) -> Iterator[str]:
    """Yield what there is to read in the data of a script."""
    if len(source) > _MAX_CHARS:
        return
    if kind == "application/ld+json":
        yield from (value for key, value in _strings(source) if key in _TEXT_KEYS)
    elif kind == "application/json":
        yield from (value for _, value in _strings(source) if _is_prose(value))
    elif assigned := _ASSIGNED.match(source):
        yield from (value for _, value in _strings(source[assigned.end() :]) if _is_prose(value))


def _strings(source: str) -> Iterator[tuple[str, str]]:
    """Yield the strings of a JSON document, in order, each with the key of the object that it stands in."""
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(source.lstrip())
    except (ValueError, RecursionError):
        return
    pending = [("", value)]
    for _ in range(_MAX_VALUES):
        if not pending:
            return
        key, value = pending.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, list):
            pending += [(key, inner) for inner in reversed(value)]
        elif isinstance(value, dict):
            pending += reversed(value.items())


def _is_prose(text: str) -> bool:
    plain = _TAG.search(text) is None
    return (
        len(text.split()) >= _PROSE_WORDS
        and _SENTENCE_END.search(text) is not None
        and not (plain and _CODE.search(text))
    )


def _lines(text: str) -> Iterator[str]:
    if _TAG.search(text) and (tree := parse_html(f"<body>{text}</body>")) is not None:
        yield from (block.text for block in BlockReader().read(tree).blocks)
    else:
        yield from (line for part in text.split("\n") if (line := " ".join(part.split())))
