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
    names: int = 0
    outside: int = 0

    @property
    def menu_chars(self) -> int:
        """Characters in links, as of a menu: none where the block ends as a sentence does."""
        return 0 if self.text.endswith((".", "!", "?")) else self.link_chars


class Places:
    """The block elements of a page, numbered as they begin: those in one follow it. The first stands for the page.

    Attributes:
        tags: of each.
        ends: of each, the number of the first after it that is not in it.
        rows: of each, as `PLACE_NUMBERS`.
    """

    def __init__(self) -> None:
        self.tags, self.ends, self.rows = [""], [0], [(0,) * len(PLACE_NUMBERS)]


# Of a place: the number of the one around it, how many are around it, the kinds that its classes name (`class_words`),
# and those of all around it, too, what they are as `OUTSIDE_BITS`, what hides them, and two numbers that are the same
# for the same tags and classes from the root on, and for the same tags.
PLACE_NUMBERS = str.split("parent depth names all_names outside hidden path tag_path")
