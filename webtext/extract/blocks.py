"""A page cut into blocks: paragraphs, headings, list items, rows, code, each with where it stands in the page.

A block is what a browser would set as lines of its own: the text between the beginnings and ends of block elements, cut
at two line breaks in a row. White space in it is as in a browser: single spaces, except in preformatted text.
"""

import itertools
import re
from collections.abc import Callable
from typing import ClassVar

from lxml.html import HtmlElement

from webtext.extract.block import (
    HIDDEN_BY_ATTRIBUTE,
    HIDDEN_BY_STYLE,
    HIDDEN_FROM_READERS,
    OUTSIDE_BITS,
    Block,
    Places,
)
from webtext.extract.block_text import BREAK, line_text, preformatted_text
from webtext.extract.class_words import TOOLS, kinds_of, kinds_of_classes
from webtext.extract.html_tags import BLOCK_TAGS, INLINE_TAGS, NO_TEXT_TAGS, PREFORMATTED_TAGS

_STRONG_TAGS = frozenset(("b", "strong", "button", "label"))
_APART_TAGS = frozenset(("a", "button"))  # two in a row are two words, whatever stands between them
# Links and marks that belong to a page's tools: to a heading itself, back from a footnote.
_PERMALINKS = frozenset(("¶", "#", "§", "🔗", "\uf0c1", "↩", "↩︎", "↩\ufe0e", "^", "↑"))
_TEX_TYPES = "math/tex"
_TEX_ANNOTATION = "annotation[@encoding='application/x-tex']"
_TEX_IMAGE = re.compile("latex|math", re.IGNORECASE)
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NAMING = frozenset(("id", "role", "itemprop"))
_HIDERS = frozenset(("style", "hidden", "aria-hidden"))


class BlockReader:
    """Reads the blocks of a page: `BlockReader().read(tree)`, then `blocks` and `places`."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.places = Places()
        self._paths: dict[tuple[int, str, str], tuple[int, int]] = {}
        self._tag_paths: dict[tuple[int, str], int] = {}
        self._place = 0
        self._rows, self._ends, self._tags = self.places.rows, self.places.ends, self.places.tags
        self._links = self._strongs = self._preformatted = 0  # how many surround what is being read
        self._begin_block()

    def _begin_block(self, names: int = 0, outside: int = 0) -> None:
        """Have read nothing since the last block ended; names and outside are as in `Block`."""
        self._pieces: list[str] = []
        self._link_chars = self._strong_chars = self._links_read = 0
        self._names, self._outside = names, outside

    def read(self, tree: HtmlElement) -> "BlockReader":
        """Read a page, in the order of its source."""
        if tree.tag == "html":  # its body, and what parsers put beside it
            self._read_inside(tree)
        else:
            self._visit(tree)
        self._end_block()
        self._ends[0] = len(self._rows)
        return self

    def _visit(self, element: HtmlElement) -> None:
        tag = element.tag
        self._visits.get(tag, BlockReader._visit_custom)(self, element, tag)

    def _read_inside(self, element: HtmlElement) -> None:
        if (text := element.text) and (self._pieces or not text.isspace() or self._preformatted):
            self._add(text)
        visits, custom = self._visits, BlockReader._visit_custom
        for child in element[:]:  # A list takes a third of the time that an iterator does.
            tag = child.tag
            visits.get(tag, custom)(self, child, tag)
            if (text := child.tail) and (self._pieces or not text.isspace() or self._preformatted):
                self._add(text)

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        if self._links or self._strongs:
            chars = len(text.strip())
            self._link_chars += chars if self._links else 0
            self._strong_chars += chars if self._strongs else 0

    def _add_some(self, text: str | None) -> None:
        if text and (self._pieces or not text.isspace() or self._preformatted):
            self._add(text)

    def _leave(self, _element: HtmlElement, _tag: str) -> None:
        """Read nothing of what is no text."""

    def _visit_custom(self, element: HtmlElement, tag: str) -> None:
        """Read a custom element: in the middle of text or on its own. Comments have a function for a tag."""
        if isinstance(tag, str):
            if _touches_text(element):
                self._visit_inline(element, tag)
            else:
                self._visit_block(element, tag)

    def _visit_template(self, element: HtmlElement, tag: str) -> None:
        if element.get("shadowrootmode") is not None:
            self._visit_block(element, tag)

    def _visit_noscript(self, element: HtmlElement, tag: str) -> None:
        if "".join(element.itertext()).strip():  # no image for those without scripts
            self._visit_block(element, tag)

    def _visit_block(self, element: HtmlElement, tag: str) -> None:
        if self._pieces or self._outside or self._names:
            self._end_block()
        around = self._place
        if self._enter(element, tag):
            if tag != "tr" or not self._read_row(element):
                self._read_inside(element)
                if self._pieces or self._outside or self._names:
                    self._end_block()
            self._ends[self._place] = len(self._rows)
            self._place = around

    def _visit_preformatted(self, element: HtmlElement, tag: str) -> None:
        self._end_block()
        self._preformatted += 1
        self._visit_block(element, tag)
        self._preformatted -= 1

    def _visit_inline(self, element: HtmlElement, _tag: str) -> None:
        if self._note(element):
            self._read_inside(element)

    def _note(self, element: HtmlElement) -> bool:
        """Note what the classes of an inline element name; tell whether it is to be read."""
        names, hidden = "", 0
        for name, value in element.items():
            if name == "class":
                names = value
            elif name in _HIDERS:
                hidden |= _hiding(name, value)
        if hidden & (HIDDEN_BY_STYLE | HIDDEN_BY_ATTRIBUTE) and "math" not in names:
            return False
        if names:
            kinds = kinds_of_classes(names)
            if kinds == TOOLS:
                return False
            self._names |= kinds
        return True

    def _visit_link(self, element: HtmlElement, _tag: str) -> None:
        if not self._note(element) or (len(element) == 0 and (element.text or "").strip() in _PERMALINKS):
            return
        if _follows_at_once(element):
            self._pieces.append(" ")
        self._links_read += 1
        self._outside |= OUTSIDE_BITS["a"]
        self._links += 1
        self._read_inside(element)
        self._links -= 1

    def _visit_strong(self, element: HtmlElement, tag: str) -> None:
        """Read a button, a label or bold type."""
        if not self._note(element):
            return
        if tag in _APART_TAGS and _follows_at_once(element):
            self._pieces.append(" ")
        self._outside |= OUTSIDE_BITS.get(tag, 0)
        self._strongs += 1
        self._read_inside(element)
        self._strongs -= 1

    def _break_line(self, _element: HtmlElement, _tag: str) -> None:
        """Take a line break; after another, with nothing but space between, the block ends."""
        pieces = self._pieces
        if self._preformatted:
            pieces.append("\n")
        elif pieces:
            if pieces[-1] == BREAK or (len(pieces) > 1 and pieces[-2] == BREAK and not pieces[-1].strip()):
                self._end_block()
            else:
                pieces.append(BREAK)

    def _add_formula(self, element: HtmlElement, tag: str) -> None:
        """Take the TeX of a formula that a script or an image stands for."""
        if tag == "script":
            if (element.get("type") or "").startswith(_TEX_TYPES):
                self._add_some(element.text)
        elif _TEX_IMAGE.search(element.get("class") or ""):
            tex, before = element.get("alt"), element.getprevious()
            # MediaWiki has the same formula in MathML before the image.
            if before is None or before.findtext(f".//{_TEX_ANNOTATION}") != tex:
                self._add_some(tex)

    def _visit_semantics(self, element: HtmlElement, tag: str) -> None:
        """Take a formula's TeX where MathML is annotated with it; else read its signs."""
        if tex := element.findtext(_TEX_ANNOTATION):
            self._add_some(tex)
        else:
            self._visit_inline(element, tag)

    # What is done with an element, by its tag.
    _visits: ClassVar[dict[str, Callable[["BlockReader", HtmlElement, str], None]]] = {
        **dict.fromkeys(NO_TEXT_TAGS, _leave),
        **dict.fromkeys(BLOCK_TAGS, _visit_block),
        **dict.fromkeys(PREFORMATTED_TAGS, _visit_preformatted),
        "template": _visit_template,
        "noscript": _visit_noscript,
        **dict.fromkeys(INLINE_TAGS, _visit_inline),
        **dict.fromkeys(_STRONG_TAGS, _visit_strong),
        "a": _visit_link,
        "br": _break_line,
        "semantics": _visit_semantics,
        "script": _add_formula,
        "img": _add_formula,
    }

    def _enter(self, element: HtmlElement, tag: str) -> bool:
        """Note the place of a block element, and be in it; tell whether it is to be read."""
        names, own, hidden = "", kinds_of(tag) if "-" in tag else 0, 0
        for name, value in element.items():
            if name == "class":
                names, kinds = value, kinds_of_classes(value)
                if kinds == TOOLS:
                    return False
                own |= kinds
            elif name in _NAMING:
                own |= kinds_of(value)
            elif name in _HIDERS:
                hidden |= _hiding(name, value)
        number, rows = self._place, self._rows
        _, depth, _, all_names, outside, hidden_outside, path, tag_path = rows[number]
        path, tag_path = self._paths.get((path, tag, names)) or self._new_paths(path, tag_path, tag, names)
        outside |= OUTSIDE_BITS.get(tag, 0)
        self._place = len(rows)
        rows.append((number, depth + 1, own, all_names | own, outside, hidden_outside | hidden, path, tag_path))
        self._ends.append(0)
        self._tags.append(tag)
        return True

    def _new_paths(self, path: int, tag_path: int, tag: str, names: str) -> tuple[int, int]:
        """Number the path of an element in another, by tags and classes and by tags alone."""
        own = self._tag_paths.setdefault((tag_path, tag), len(self._tag_paths) + 1)
        return self._paths.setdefault((path, tag, names), (len(self._paths) + 1, own))

    def _end_block(self) -> None:
        if self._pieces:
            text = "".join(self._pieces)
            if self._preformatted:
                self._append(preformatted_text(text), "pre")
            else:
                self._append(line_text(text))
        elif not (self._outside or self._names):
            return
        if self._links:  # a link around blocks speaks of each of them
            self._begin_block(self._names, self._outside)
        else:
            self._begin_block()

    def _append(self, text: str, kind: str = "", cells: int = 0) -> None:
        if text and not text.isspace():
            size = len(text)
            link_chars = min(size, self._link_chars)
            strong_chars = min(size, self._strong_chars)
            links, names, outside = self._links_read, self._names, self._outside
            self.blocks.append(Block(text, self._place, kind, link_chars, strong_chars, links, cells, names, outside))

    def _read_row(self, row: HtmlElement) -> bool:
        """Read a row of a table as one block, if its cells hold no blocks of their own (or one paragraph each)."""
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        if len(cells) < 2 or not all(map(_is_simple, cells)):
            return False
        texts, numbers = [], 0
        for cell in cells:
            is_code = "code" in (cell.get("class") or "")
            self._preformatted += is_code
            self._read_cell(cell)
            self._preformatted -= is_code
            raw, self._pieces = "".join(self._pieces), []
            texts.append(preformatted_text(raw) if is_code else " ".join(raw.replace(BREAK, " ").split()))
            numbers += is_code
        texts = [text for text in texts if text]
        if numbers:  # a line of code, and its number
            self._append("\n".join(text for text in texts if not text.isdecimal()), "pre")
        else:
            self._append("\t".join(texts), "row", len(cells))
        self._begin_block()
        return True

    def _read_cell(self, cell: HtmlElement) -> None:
        self._add_some(cell.text)
        for child in cell:
            if child.tag in {"p", "div"}:
                self._read_cell(child)
            else:
                self._visit(child)
            self._add_some(child.tail)


def _hiding(name: str, value: str) -> int:
    """Tell how an attribute hides its element."""
    if name == "style":
        return HIDDEN_BY_STYLE if _HIDING.search(value) else 0
    if name == "hidden":
        return HIDDEN_BY_ATTRIBUTE
    return HIDDEN_FROM_READERS if value == "true" else 0


def _text_before(element: HtmlElement) -> str:
    before, parent = element.getprevious(), element.getparent()
    text = before.tail if before is not None else parent.text if parent is not None else None
    return text or ""


def _touches_text(element: HtmlElement) -> bool:
    return bool((element.tail or "").strip() or _text_before(element).strip())


def _follows_at_once(element: HtmlElement) -> bool:
    before = element.getprevious()
    return before is not None and before.tag in _APART_TAGS and not before.tail


def _is_simple(cell: HtmlElement) -> bool:
    """Tell whether a cell of a table holds text without blocks, or one paragraph."""
    if len(cell) == 0:
        return True
    blocks = list(itertools.islice((inner.tag for inner in cell.iterdescendants() if inner.tag in BLOCK_TAGS), 2))
    return not blocks or (len(cell) == 1 and len(blocks) == 1 and blocks[0] in {"p", "div"})
