"""What makes a choice of blocks whole: parts of chosen sections come in, what sites put into texts goes out.

The model judges blocks one at a time. These rules look at what it chose, and each is measured beside it
(docs/extraction.md): hidden blocks, comments under an article, and what the classes call an advertisement of the site
itself go; code, rows, headings, items and paragraphs of a section that is chosen come in, and so do the rest of blocks
that have the same tags and classes around them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from webtext.extract.block import HIDDEN_BY_ATTRIBUTE, HIDDEN_BY_STYLE, OUTSIDE_BITS, Block
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
    """Makes a page's choice whole: `Whole(blocks, features, chances).of(chosen)`."""

    def __init__(self, blocks: Sequence[Block], features: Features, chances: Ints) -> None:
        self._blocks, self._features, self._words, self._chances = blocks, features, features.words, chances
        self._tags, self._parents, self._around = features.tags, features.parents.tolist(), features.around.tolist()
        self._hidden: Flags = (features.hidden & _HIDDEN > 0) & (features.above & _FOLDED == 0)
        self._comments: Flags = features.above & _COMMENTS > 0
        self._intruders: Flags = features.near & _INTRUDERS > 0
        captions = np.array([tag == "figcaption" for tag in features.tags])
        self._captions: Flags = captions[features.place] | captions[features.parents[features.place]]
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
        if self._tags.count("article") != 1:
            return chosen
        inside: Flags = self._features.around & _ARTICLE > 0
        words = self._words[chosen & inside].sum()
        is_one = words >= max(_ONLY_WORDS, _ONLY_SHARE * self._words[chosen].sum())
        kept: Flags = chosen & (inside | (self._chances >= _CERTAINLY)) if is_one else chosen
        return kept

    def _is_content(self, number: int) -> bool:
        outside = self._around[number]
        is_tool = outside & _TOOLS or outside & (_HEADER | _ARTICLE) == _HEADER
        return not (is_tool or self._foreign[number])

    def _may_come_in(self, number: int) -> bool:
        block = self._blocks[number]
        return 2 * block.menu_chars <= len(block.text) and self._is_content(number)

    def _kind(self, block: Block) -> str:
        """Give what a block is: a box in a cell or an item is that."""
        tag, outer = self._tags[block.place], self._tags[self._parents[block.place]]
        return block.kind or (outer if tag == "div" or outer == "blockquote" else tag)

    def _with_sections(self, chosen: Flags) -> Flags:
        """Take in what stands in elements of which most is chosen."""
        sections = self._sections(chosen)
        result, chances, parents = chosen.tolist(), self._chances.tolist(), self._parents
        for number in range(len(result) - 1, -1, -1):
            if result[number]:
                continue
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
                if sections[around]:
                    result[number] = True
                around = parents[around]
        return np.array(result, np.bool_)

    def _sections(self, chosen: Flags) -> list[bool]:
        """Tell of each place whether most of its words are chosen, and enough of them."""
        place, ends = self._features.place, self._features.ends
        columns = np.array([np.bincount(place, column, len(ends)) for column in (self._words, self._words * chosen)])
        sums = np.pad(columns.cumsum(axis=1), ((0, 0), (1, 0)))
        words, taken = sums[:, ends] - sums[:, :-1]
        sections: list[bool] = ((taken >= _SECTION_WORDS) & (taken >= _SECTION_SHARE * words)).tolist()
        return [False, *sections[1:]]

    def _with_introduced(self, chosen: Flags) -> Flags:
        """Take in lists, of links too, that a chosen line with a colon introduces and chosen text follows."""
        result = chosen.copy()
        for number in np.flatnonzero(chosen[:-1] & ~chosen[1:]).tolist():
            end = number + 1
            while end < len(chosen) - 1 and not chosen[end] and self._kind(self._blocks[end]) == "li":
                end += 1
            if chosen[end] and self._blocks[number].text.endswith((":", "\uff1a")):
                before, item, after = (self._parents[self._blocks[one].place] for one in (number, number + 1, end))
                if before == after == self._parents[item]:
                    result[number + 1 : end] = [self._is_content(one) for one in range(number + 1, end)]
        return result

    def _with_small_main(self, chosen: Flags) -> Flags:
        """Take in all of a short main part of which half is chosen: of short pages, the model knows little."""
        for bit in (OUTSIDE_BITS["main"], _ARTICLE):
            inside: Flags = self._features.around & bit > 0
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
        parent = self._parents[before]
        return parent == self._parents[after] and parent in {own, self._parents[own]}

    def _with_like(self, chosen: Flags) -> Flags:
        """Take in blocks of the same path as those chosen, where these are most of them."""
        path = self._features.path
        words, taken = (np.bincount(path, column)[path] for column in (self._words, self._words * chosen))
        is_like = taken >= np.maximum(_LIKE_WORDS, _LIKE_SHARE * words)
        result = chosen.copy()
        for number in np.flatnonzero(is_like & ~chosen & (self._chances >= _LIKELY)).tolist():
            result[number] = self._may_come_in(number)
        return result
