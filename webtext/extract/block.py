"""A block of a page's text and the place that it stands in: what the reader of blocks notes of them."""

from dataclasses import dataclass

_OUTSIDE_TAGS = str.split(
    """nav header footer aside form article main table ul ol figure button label dialog a section blockquote dl
    details noscript li p"""
)
OUTSIDE_BITS = {tag: 1 << bit for bit, tag in enumerate(_OUTSIDE_TAGS)}
HIDDEN_BY_STYLE, HIDDEN_BY_ATTRIBUTE, HIDDEN_FROM_READERS = 1, 2, 4


@dataclass(slots=True)
class Block:
    """A block of text.

    Attributes:
        text: lines of single-spaced text; preformatted as it stands.
        place: which of the page's places it stands in.
        kind: "", "pre" (preformatted) or "row" (of a table, cells parted by tabs).
        link_chars, strong_chars: characters in links, and in bold type, labels and buttons.
        links, cells: how many of them.
        in_link: whether a link surrounds it.
        names: kinds that the classes of inline elements in it name (`class_words`).
        outside: inline elements in it or around it, as `OUTSIDE_BITS`.
    """

    text: str
    place: int
    kind: str = ""
    link_chars: int = 0
    strong_chars: int = 0
    links: int = 0
    cells: int = 0
    in_link: bool = False
    names: int = 0
    outside: int = 0

    @property
    def menu_chars(self) -> int:
        """Characters in links, as of a menu: none where the block ends as a sentence does."""
        return 0 if self.text.endswith((".", "!", "?")) else self.link_chars


@dataclass(slots=True)
class Place:
    """A block element: its parent's number, tag, and what it and those around it say.

    Places are numbered as they begin: those in one follow it, up to its `end`.
    """

    parent: int
    tag: str
    depth: int = 0
    names: int = 0
    all_names: int = 0
    outside: int = 0
    hidden: int = 0
    path: int = 0  # the same number, the same tags and classes from the root on
    tag_path: int = 0
    end: int = 0
