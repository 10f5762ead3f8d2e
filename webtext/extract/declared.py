"""What a page's head says: words of its title and description, and which kind of page it is."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from webtext.extract.class_words import kinds_of

_WORD = re.compile(r"\w+")
_STRUCTURED_TYPES = ("article", "product", "discussion")
_KINDS = ("article", "product", "website")
_MAX_STRUCTURED_CHARS = 200_000
_MAX_ADDRESS_CHARS = 2000
# What the page's own address and the classes of its body may name.
_NAMED = {
    "forum": kinds_of("forum thread"),
    "product": kinds_of("product item shop"),
    "blog": kinds_of("blog post article story"),
    "help": kinds_of("help documentation guide wiki"),
    "list": kinds_of("category list collection tag search"),
}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a page's head says.

    Attributes:
        title, description: their words, in lower case.
        numbers: what it says of the kind of page: features that are the same for all blocks, by name.
    """

    title: AbstractSet[str]
    description: AbstractSet[str]
    numbers: dict[str, int]

    @classmethod
    def read(cls, tree: HtmlElement) -> "Declared":
        """Read it from a page."""
        kind = description = address = ""
        structured = []
        for element in tree.iter("meta", "link", "script"):
            if element.tag == "meta":
                name = (element.get("property") or element.get("name") or "").lower()
                if name == "og:type":
                    kind = (element.get("content") or "").lower()
                elif name == "og:url":
                    address = address or element.get("content") or ""
                elif name in {"description", "og:description"}:
                    description = description or element.get("content") or ""
            elif element.tag == "link":
                if element.get("rel") == "canonical":
                    address = element.get("href") or address
            elif element.get("type") == "application/ld+json":
                structured.append((element.text or "")[:_MAX_STRUCTURED_CHARS])
        types = "".join(structured).lower()
        numbers = {f"structured_{one}": int(f'{one}"' in types) for one in _STRUCTURED_TYPES}
        numbers |= {f"kind_{one}": int(one in kind) for one in _KINDS}
        numbers |= _of_address(address[:_MAX_ADDRESS_CHARS])
        body = tree.find("body")
        names = 0 if body is None else kinds_of(f"{body.get('class') or ''} {body.get('id') or ''}")
        numbers |= {f"body_{name}": int(names & kinds > 0) for name, kinds in _NAMED.items()}
        title, words = (set(_WORD.findall(text.lower())) for text in (tree.findtext(".//title") or "", description))
        return cls(title, words, numbers)


def _of_address(address: str) -> dict[str, int]:
    """Say what a page's own address looks like."""
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that are no IPv6 address
        return dict.fromkeys(
            ("address_parts", "address_hyphens", "address_digits", *map("address_{}".format, _NAMED)), 0
        )
    kinds = kinds_of(parts.path) | kinds_of(parts.netloc)
    segments = [segment for segment in parts.path.split("/") if segment]
    last = segments[-1] if segments else ""
    return {
        "address_parts": len(segments) if address else -1,
        "address_hyphens": last.count("-") + last.count("_"),
        "address_digits": sum(map(str.isdecimal, parts.path)),
        **{f"address_{name}": int(kinds & bits > 0) for name, bits in _NAMED.items()},
    }
