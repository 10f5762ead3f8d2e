"""What a page's head says of its text, and how its blocks compare with that."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from lxml.html import HtmlElement
from numpy.typing import NDArray

from webtext.extract.blocks import Block

_WORD = re.compile(r"\w+")
_STRUCTURED_TYPES = ("article", "product", "faqpage", "discussion", "qapage", "itemlist", "recipe", "blogposting")
_MAX_COMPARED_CHARS = 2000
_MAX_STRUCTURED_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Declared:
    """What a page's head says: title and description, kinds of page in Open Graph and schema.org."""

    title: str
    description: str
    kind: str
    structured: str

    @classmethod
    def read(cls, tree: HtmlElement) -> "Declared":
        """Read it from a page."""
        kind = description = ""
        for meta in tree.iter("meta"):
            name = (meta.get("property") or meta.get("name") or "").lower()
            if name == "og:type":
                kind = (meta.get("content") or "").lower()
            elif name in {"description", "og:description"}:
                description = description or meta.get("content") or ""
        scripts = (one.text or "" for one in tree.iter("script") if one.get("type") == "application/ld+json")
        structured = "".join(text[:_MAX_STRUCTURED_CHARS] for text in scripts).lower()
        return cls(tree.findtext(".//title") or "", description, kind, structured)


def compare(blocks: Sequence[Block], declared: Declared) -> dict[str, NDArray[np.generic]]:
    """Compare blocks with what the page's head says, and tell which kinds of page it names."""
    title, description = (set(_WORD.findall(text.lower())) for text in (declared.title, declared.description))
    shares = np.zeros((3, len(blocks)))
    for number, block in enumerate(blocks):
        words = _WORD.findall(block.text[:_MAX_COMPARED_CHARS].lower())
        if words:
            in_title = 0 if title.isdisjoint(words) else sum(map(title.__contains__, words))
            shares[0, number] = in_title / len(words)
            shares[1, number] = min(in_title, len(title)) / max(1, len(title))
            if not description.isdisjoint(words):
                shares[2, number] = sum(map(description.__contains__, words)) / len(words)
    columns: dict[str, NDArray[np.generic]] = {
        "in_title": shares[0],
        "of_title": shares[1],
        "in_description": shares[2],
    }
    for kind in _STRUCTURED_TYPES:
        columns[f"structured_{kind}"] = np.full(len(blocks), f'{kind}"' in declared.structured)
    for kind in ("article", "product", "website"):
        columns[f"kind_{kind}"] = np.full(len(blocks), kind in declared.kind)
    return columns
