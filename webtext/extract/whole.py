"""What makes a choice of blocks whole: parts of chosen sections come in, what sites put into texts goes out.

The model judges blocks one at a time. These rules look at what it chose, and each is measured beside it
(docs/extraction.md): hidden blocks, comments under an article, and what the classes call an advertisement of the site
itself go; code, rows, headings, items and paragraphs of a section that is chosen come in, and so do the rest of blocks
that have the same tags and classes around them.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from webtext.extract.block import HIDDEN_BY_ATTRIBUTE, HIDDEN_BY_STYLE, OUTSIDE_BITS, Block, Place
from webtext.extract.block_features import Features
from webtext.extract.class_words import kinds_of
from webtext.extract.trees import CERTAIN

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

_HIDDEN = HIDDEN_BY_STYLE | HIDDEN_BY_ATTRIBUTE
_FOLDED = kinds_of("faq tab carousel")  # what is hidden in these is shown at a click
_COMMENTS = kinds_of("comment")
_INTRUDERS = kinds_of("newsletter cookie related share modal promo")
_TOOLS = sum(OUTSIDE_BITS[tag] for tag in ("nav", "footer", "aside", "form", "button", "dialog", "noscript"))
_HEADER, _ARTICLE = OUTSIDE_BITS["header"], OUTSIDE_BITS["article"]
_SURE = 3 * CERTAIN // 4
# An article has this share of the chosen words outside comments: then these are under it.
_ARTICLE_SHARE, _ARTICLE_WORDS = 0.6, 80
_SECTION_SHARE, _SECTION_WORDS, _SECTION_LEVELS = 0.75, 40, 4  # chosen of an element around a block: a section
_LIKE_SHARE, _LIKE_WORDS = 0.5, 10  # chosen of the blocks with the same tags and classes around them
_LIKELY, _CERTAINLY = CERTAIN // 20, 9 * CERTAIN // 10
_SMALL_WORDS = 120
_ONLY_SHARE, _ONLY_WORDS = 0.5, 100  # the only article of a page has this share of the chosen words
# The least chance with which a block of a chosen section comes in, by what it is.
_LEAST = {
    "pre": 0,
    **dict.fromkeys(("row", "td", "th"), CERTAIN // 50),
    **dict.fromkeys(("h2", "h3", "h4", "h5", "h6", "dt", "summary"), CERTAIN // 8),
    **dict.fromkeys(("li", "dd"), _LIKELY),
    "p": CERTAIN // 2,
    "blockquote": CERTAIN // 10,
}
_CELLS = frozenset(("td", "th"))
_TABLE_LEVELS = 3  # more: a cell stands in a row, a body and a table
_HEADS = frozenset(("h2", "h3", "h4", "h5", "h6", "dt", "summary"))


class Whole:
    """Makes a page's choice whole: `Whole(blocks, places, features, chances).of(chosen)`."""

    def __init__(self, blocks: Sequence[Block], places: Sequence[Place], features: Features, chances: Ints) -> None:
        self._blocks, self._places, self._words, self._chances = blocks, places, features.words, chances
        self._hidden: Flags = (features.hidden & _HIDDEN > 0) & (features.above & _FOLDED == 0)
        self._comments: Flags = features.above & _COMMENTS > 0
        self._intruders: Flags = features.near & _INTRUDERS > 0
        captions = np.array([place.tag == "figcaption" for place in places])
        self._captions: Flags = captions[features.place] | captions[features.parent]
        self._foreign: list[bool] = (self._hidden | self._captions | self._intruders).tolist()

    @property
    def strange(self) -> Flags:
        """What is no text of the page, whoever takes it: hidden, a caption, or what the classes call the site's own."""
        flags: Flags = self._hidden | self._captions | (self._intruders & (self._chances < _SURE))
        return flags

    def of(self, chosen: Flags) -> Flags:
        """Give the choice without what does not belong to it, and with what does."""
        if not chosen.any():
            return chosen
        words = self._words
        chosen = self._mostly(chosen & ~self._hidden, chosen)
        article = chosen & ~self._comments
        if words[article].sum() >= max(_ARTICLE_WORDS, _ARTICLE_SHARE * words[chosen].sum()):
            chosen = article
        chosen = self._mostly(chosen & ~self._captions, chosen) & ~(self._intruders & (self._chances < _SURE))
        chosen = self._without_neighbours(chosen)
        return self._with_small_main(self._with_like(self._with_introduced(self._with_sections(chosen))))

    def _mostly(self, part: Flags, chosen: Flags) -> Flags:
        """Give a part of a choice; all of it where the part has under half of the words, as where captions are text."""
        return part if 2 * self._words[part].sum() >= self._words[chosen].sum() else chosen

    def _without_neighbours(self, chosen: Flags) -> Flags:
        """Leave what stands outside the only article of a page, if nearly all that is chosen stands in it."""
        if sum(place.tag == "article" for place in self._places) != 1:
            return chosen
        outside = [self._places[block.place].outside for block in self._blocks]
        inside: Flags = np.array(outside) & _ARTICLE > 0
        words = self._words[chosen & inside].sum()
        is_one = words >= max(_ONLY_WORDS, _ONLY_SHARE * self._words[chosen].sum())
        kept: Flags = chosen & (inside | (self._chances >= _CERTAINLY)) if is_one else chosen
        return kept

    def _is_content(self, number: int) -> bool:
        outside = self._places[self._blocks[number].place].outside
        is_tool = outside & _TOOLS or outside & (_HEADER | _ARTICLE) == _HEADER
        return not (is_tool or self._foreign[number])

    def _may_come_in(self, number: int) -> bool:
        block = self._blocks[number]
        return 2 * block.menu_chars <= len(block.text) and self._is_content(number)

    def _kind(self, block: Block) -> str:
        """Give what a block is: a box in a cell or an item is that."""
        place = self._places[block.place]
        outer = self._places[place.parent].tag
        return block.kind or (outer if place.tag == "div" or outer == "blockquote" else place.tag)

    def _with_sections(self, chosen: Flags) -> Flags:
        """Take in what stands in elements of which most is chosen."""
        places = self._places
        words, taken = [0] * len(places), [0] * len(places)
        for block, is_chosen, count in zip(self._blocks, chosen.tolist(), self._words.tolist(), strict=True):
            words[block.place] += count
            taken[block.place] += count if is_chosen else 0
        for number in range(len(places) - 1, 0, -1):
            words[places[number].parent] += words[number]
            taken[places[number].parent] += taken[number]
        sections = {
            number
            for number in range(1, len(places))
            if taken[number] >= _SECTION_WORDS and taken[number] >= _SECTION_SHARE * words[number]
        }
        result, chances = chosen.tolist(), self._chances.tolist()
        for number in range(len(result) - 1, -1, -1):
            if self._is_between(number, result):
                result[number] = self._may_come_in(number)
            block = self._blocks[number]
            tag = self._kind(block)
            least = _LEAST.get(tag)
            if result[number] or least is None or chances[number] < least or not self._may_come_in(number):
                continue
            if tag in _HEADS and not (number + 1 < len(result) and result[number + 1]):
                continue
            around = block.place
            for _ in range(_SECTION_LEVELS + (_TABLE_LEVELS if tag in _CELLS or block.kind else 0)):
                if around in sections:
                    result[number] = True
                around = places[around].parent
        return np.array(result, np.bool_)

    def _with_introduced(self, chosen: Flags) -> Flags:
        """Take in lists, of links too, that a chosen line with a colon introduces and chosen text follows."""
        result = chosen.copy()
        for number in np.flatnonzero(chosen[:-1] & ~chosen[1:]).tolist():
            end = number + 1
            while end < len(chosen) - 1 and not chosen[end] and self._kind(self._blocks[end]) == "li":
                end += 1
            if chosen[end] and self._blocks[number].text.endswith((":", "\uff1a")):
                before, item, after = (
                    self._places[self._blocks[one].place].parent for one in (number, number + 1, end)
                )
                if before == after == self._places[item].parent:
                    result[number + 1 : end] = [self._is_content(one) for one in range(number + 1, end)]
        return result

    def _with_small_main(self, chosen: Flags) -> Flags:
        """Take in all of a short main part of which half is chosen: of short pages, the model knows little."""
        outside = np.array([self._places[block.place].outside for block in self._blocks])
        for bit in (OUTSIDE_BITS["main"], _ARTICLE):
            inside: Flags = outside & bit > 0
            words = self._words[inside].sum()
            if 0 < words <= _SMALL_WORDS and 2 * self._words[inside & chosen].sum() >= words:
                comes_in = [is_inside and self._may_come_in(number) for number, is_inside in enumerate(inside)]
                chosen = chosen | np.array(comes_in)
                break
        return chosen

    def _is_between(self, number: int, chosen: Sequence[bool]) -> bool:
        """Tell whether a block stands between two that are chosen, all three in one element."""
        if not 0 < number < len(chosen) - 1 or chosen[number] or not (chosen[number - 1] and chosen[number + 1]):
            return False
        before, own, after = (self._blocks[number + by].place for by in (-1, 0, 1))
        parent = self._places[before].parent
        return parent == self._places[after].parent and parent in {own, self._places[own].parent}

    def _with_like(self, chosen: Flags) -> Flags:
        """Take in blocks of the same path as those chosen, where these are most of them."""
        paths = [self._places[block.place].path for block in self._blocks]
        words: Counter[int] = Counter()
        taken: Counter[int] = Counter()
        for path, is_chosen, count in zip(paths, chosen.tolist(), self._words.tolist(), strict=True):
            words[path] += count
            taken[path] += count if is_chosen else 0
        result = chosen.copy()
        for number, path in enumerate(paths):
            is_like = taken[path] >= max(_LIKE_WORDS, _LIKE_SHARE * words[path])
            if is_like and not result[number] and self._chances[number] >= _LIKELY:
                result[number] = self._may_come_in(number)
        return result
