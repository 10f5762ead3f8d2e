"""The main text of a page of any kind: its blocks, judged by a model, and of them those that make the best whole.

The model (`block_model.npz`, made by benchmarks/train_block_model.py) says of each block how likely it is text that a
person would take. What is taken is the set for which the expected F1 over words is greatest: blocks in the order of
their chances, as many as pay. So a page of which little is certain gives more than one of which much is. Where even the
best choice promises little, trafilatura is asked for a second opinion, and the blocks that it takes are added, but
where menus are all that it could add.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from lxml.html import HtmlElement
from numpy.typing import NDArray

from webtext.extract.agreement import blocks_in
from webtext.extract.block import Block
from webtext.extract.block_features import measure
from webtext.extract.blocks import BlockReader
from webtext.extract.declared import Declared
from webtext.extract.embedded import embedded_text
from webtext.extract.text_counts import count_words
from webtext.extract.trees import CERTAIN, Trees, chances_of
from webtext.extract.whole import Whole

_REPEATED_CHARS = 40  # a text that stands on the page twice is taken once, unless it is short
# A page of fewer words may have its text in what it holds for its scripts: where that is so many times more.
_FEW_WORDS, _EMBEDDED_RATIO = 100, 3
_NOTHING = CERTAIN // 5  # a page on which no block has a greater chance has no text
# In hundredths, chosen on half 1 of WCXB (docs/extraction.md): a page of less expected F1 is doubtful; another text has
# at least this share of the words of ours; none is asked for where a greater share of what is left are menus.
_DOUBTFUL, _LEAST_WORDS, _LEFT_LINKS = 65, 75, 80
MODEL = Path(__file__).with_name("block_model.npz")


load_model = functools.cache(Trees.load)


class Choice(NamedTuple):
    """The blocks of a page, which are its text, which never are (`Whole.strange`), and whether another is asked."""

    blocks: list[Block]
    chosen: NDArray[np.bool_]
    strange: NDArray[np.bool_]
    is_doubtful: bool


def choose_blocks(tree: HtmlElement, model: Path = MODEL) -> Choice:
    """Choose the blocks of a page that are its text."""
    reader = BlockReader().read(tree)
    nothing = np.zeros(len(reader.blocks), np.bool_)
    if not reader.blocks:
        return Choice([], nothing, nothing, is_doubtful=True)
    trees = load_model(model)
    features = measure(reader.blocks, reader.places, Declared.read(tree))
    odds = np.concatenate([trees(features.table(trees.names, span)) for span in features.spans()])
    words, chances = features.words, chances_of(odds)
    whole = Whole(reader.blocks, features, chances)
    if chances.max() < _NOTHING:
        return Choice(reader.blocks, nothing, whole.strange, is_doubtful=True)
    best = choose(chances, words)
    chosen = whole.of(best)
    asks = is_doubtful(chances, words, best) and not leaves_links(reader.blocks, chosen)
    return Choice(reader.blocks, chosen, whole.strange, asks)


def is_doubtful(chances: NDArray[np.int64], words: NDArray[np.int64], chosen: NDArray[np.bool_]) -> bool:
    """Tell whether the expected F1 of a choice (see `choose`) is below `_DOUBTFUL` hundredths, in whole numbers."""
    mass = chances * words
    both = int(words[chosen].sum()) * CERTAIN + int(mass.sum())
    return 200 * int(mass[chosen].sum()) < _DOUBTFUL * both


def leaves_links(blocks: Sequence[Block], chosen: NDArray[np.bool_]) -> bool:
    """Tell whether most of what is chosen is no menu, and over `_LEFT_LINKS` hundredths of what is left are menus."""
    chars = np.array([(len(block.text), block.menu_chars) for block in blocks])
    (taken, taken_links), (left, left_links) = chars[chosen].sum(axis=0), chars[~chosen].sum(axis=0)
    return bool(2 * taken_links < taken and 100 * left_links > _LEFT_LINKS * left)


def choose(chances: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Choose blocks so that the expected F1 over words is greatest.

    With blocks taken in the order of their chances p, the expected F1 is about 2 Σ p w over the taken, divided by the
    words of the taken and those expected in the whole, Σ w + Σ p w.
    """
    order = np.argsort(-chances, kind="stable")
    mass, taken = np.cumsum((chances * words)[order]), np.cumsum(words[order])
    best = int(np.argmax(2 * mass / np.maximum(taken * CERTAIN + mass[-1], 1)))
    chosen = np.zeros(len(chances), np.bool_)
    chosen[order[: best + 1]] = True
    return chosen


def main_text(tree: HtmlElement, model: Path = MODEL, second_opinion: Callable[[], str] | None = None) -> str:
    """Give the text of a page: its blocks, each a line or, where it breaks lines itself, several.

    Args:
        tree: the page.
        model: the model of blocks.
        second_opinion: another extractor's text of the page, asked for where the choice is doubtful.
    """
    choice = choose_blocks(tree, model)
    text = _text_of(choice.blocks, choice.chosen)
    is_short = len(text.split(maxsplit=_FEW_WORDS)) <= _FEW_WORDS
    words = count_words(text) if is_short or choice.is_doubtful else _FEW_WORDS  # As many of a long text do.
    if words < _FEW_WORDS:
        embedded = embedded_text(tree)
        if count_words(embedded) > _EMBEDDED_RATIO * words:
            text, words = embedded, count_words(embedded)
    if choice.is_doubtful and second_opinion is not None:
        other = second_opinion()
        if 100 * count_words(other) > _LEAST_WORDS * words:
            return _text_of_both(choice, other)
    return text


def _text_of_both(choice: Choice, other: str) -> str:
    """Add to a choice the blocks of which another text has most; that text itself where it has half of no blocks."""
    blocks = choice.blocks
    agreed = blocks_in([block.text for block in blocks], other)
    if 2 * count_words(_text_of(blocks, agreed)) < count_words(other):
        return other
    return _text_of(blocks, choice.chosen | (agreed & ~choice.strange))


def _text_of(blocks: Sequence[Block], chosen: NDArray[np.bool_]) -> str:
    """Give the text of the chosen blocks; long ones once."""
    seen: set[str] = set()
    texts = []
    for number in np.flatnonzero(chosen).tolist():
        text = blocks[number].text
        if text not in seen or len(text) < _REPEATED_CHARS:
            texts.append(text)
            seen.add(text)
    return "\n".join(texts)
