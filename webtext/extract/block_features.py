"""What can be said of a page's blocks in numbers: their text, where they stand, what stands around them.

All of it are whole numbers or quotients of whole numbers, rounded once to 32 bits: the same on every machine. A feature
is a column with a number for each block; `measure` gives all of them by name, and the model picks those that it uses.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from webtext.extract.blocks import OUTSIDE_BITS, Block, Place
from webtext.extract.class_words import KINDS
from webtext.extract.declared import Declared
from webtext.extract.text_counts import COUNTS, count_text

Column = NDArray[np.generic] | float  # a number for each block, or one for all
Ints = NDArray[np.int64]

_TAGS = str.split(
    """p li h1 h2 h3 h4 h5 h6 td th tr dt dd div section article blockquote pre figcaption summary label caption"""
)
_TAG_NUMBERS = {tag: number for number, tag in enumerate(_TAGS, 1)}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# Beyond these the model would know few pages or none: long texts lost four words in five (docs/extraction.md).
_MOST_CHARS, _MOST_BLOCKS = 15_000, 120
_COUNT_CHARS = frozenset(("chars_before", "chars_after", "chars_from_title"))
_COUNT_BLOCKS = frozenset(("index", "from_end", "from_title", "page_long", "prose_before", "prose_after"))
_FAR = 999  # blocks: there is none
_LEVELS = 6  # elements around a block that are measured
_MASSES = (500, 2000)  # characters: the smallest element around a block with so many is measured
_AROUND = (1, 2, -1, -2, -3)  # blocks before and after
_WINDOWS = (3, 8, 20)


def measure(blocks: Sequence[Block], places: Sequence[Place], declared: Declared) -> "Features":
    """Measure a page's blocks (at least one)."""
    page = _Page(blocks, places, declared)
    columns: dict[str, Column] = dict(declared.numbers)
    for part in (_of_text, _of_place, _of_names, _of_elements_around, _of_groups, _of_position, _of_neighbours):
        columns.update(part(page))
    return Features(columns, page.words)


class Features:
    """The features of a page's blocks by name, and the words of each block."""

    def __init__(self, columns: dict[str, Column], words: Ints) -> None:
        self._columns, self.words = columns, words

    def names(self) -> list[str]:
        """Name all of them."""
        return list(self._columns)

    def table(self, names: tuple[str, ...]) -> NDArray[np.float32]:
        """Give the features that are named, each a row with a number for each block."""
        table = np.empty((len(names), len(self.words)), np.float32)
        for row, name in enumerate(names):
            table[row] = self._columns[name]
        for rows, most in _capped(names):
            table[rows] = np.clip(table[rows], -most, most)
        return table


@functools.cache
def _capped(names: tuple[str, ...]) -> tuple[tuple[list[int], int], ...]:
    """Give the rows that count characters and blocks, kept within what most pages for training have."""
    chars, blocks = [], []
    for row, name in enumerate(names):
        if name.endswith("chars") or name in _COUNT_CHARS:
            chars.append(row)
        elif name.endswith(("blocks", "children", "rank", "headings")) or name in _COUNT_BLOCKS:
            blocks.append(row)
    return (chars, _MOST_CHARS), (blocks, _MOST_BLOCKS)


class _Page:
    """A page's blocks and places as arrays, with what several features need."""

    def __init__(self, blocks: Sequence[Block], places: Sequence[Place], declared: Declared) -> None:
        self.blocks, self.places = blocks, places
        self.size = len(blocks)
        self.index = np.arange(self.size)
        title, description = declared.title, declared.description
        counts = np.array([count_text(block.text, title, description) for block in blocks], np.int64)
        self.title_size = max(1, len(title))
        self.counts = dict(zip(COUNTS, counts.T, strict=True))
        self.chars, self.words, self.sentences = (self.counts[name] for name in ("chars", "words", "sentences"))
        self.place = np.array([block.place for block in blocks])
        self.links = np.array([block.links for block in blocks])
        self.link_chars = np.array([block.link_chars for block in blocks])
        self.parent = np.array([place.parent for place in places])
        self.tag = np.array([_TAG_NUMBERS.get(place.tag, 0) for place in places])
        self.depth = np.array([place.depth for place in places])
        self.heading = np.array([_HEADINGS.get(place.tag, 0) for place in places])
        self.path = np.array([place.path for place in places])[self.place]
        self.tag_path = np.array([place.tag_path for place in places])[self.place]
        outside = np.array([places[block.place].outside | block.outside for block in blocks])
        self.outside = {name: (outside & bit > 0) for name, bit in OUTSIDE_BITS.items()}
        prose = (self.words >= 15) & (self.sentences > 0) & (self.link_chars * 2 < self.chars)
        self.prose = prose.astype(np.int64)
        self.total = int(self.chars.sum())
        self.sums = self._sums()

    def _sums(self) -> Ints:
        """Sum over each place what stands in it: characters, in links, blocks, long ones, words, frequent, headings."""
        long = (self.words >= 12) & (self.sentences > 0)
        own = [self.chars, self.link_chars, np.ones(self.size, np.int64), long, self.words, self.counts["frequent"]]
        size = len(self.places)
        sums = np.zeros((size + 1, 7), np.int64)
        np.add.at(sums[1:, :6], self.place, np.stack(own, 1))
        sums[1:, 6] = self.heading > 0
        sums = np.cumsum(sums, axis=0)
        # Places are numbered as they begin, so what stands in one follows it at once.
        ends, parents = list(range(1, size + 1)), self.parent.tolist()
        for number in range(size - 1, 0, -1):
            ends[parents[number]] = max(ends[parents[number]], ends[number])
        children = np.bincount(self.parent[1:], minlength=size)
        return np.concatenate([sums[ends] - sums[:-1], children[:, None]], 1)


def _of_text(page: _Page) -> dict[str, Column]:
    counts = page.counts
    chars, words, plain = (np.maximum(counts[name], 1) for name in ("chars", "words", "plain"))
    often = Counter(block.text for block in page.blocks)
    return {
        **{name: counts[name] for name in ("lower", "commas", "ends", "lines")},
        "lower_share": counts["lower"] / words,
        "link_share": page.link_chars / chars,
        "links": page.links,
        "strong_share": np.array([block.strong_chars for block in page.blocks]) / chars,
        "cells": np.array([block.cells for block in page.blocks]),
        "again": np.array(_are_repeated(page.blocks)),
        "often": np.array([often[block.text] for block in page.blocks]),
        "in_title": counts["in_title"] / plain,
        "of_title": np.minimum(counts["in_title"], page.title_size) / page.title_size,
        "in_description": counts["in_description"] / plain,
    }


def _are_repeated(blocks: Sequence[Block]) -> list[bool]:
    seen: set[str] = set()
    repeated = []
    for block in blocks:
        repeated.append(block.text in seen)
        seen.add(block.text)
    return repeated


def _of_place(page: _Page) -> dict[str, Column]:
    place, parent, tag = page.place, page.parent, page.tag
    hidden = np.array([page.places[number].hidden for number in place])
    columns: dict[str, Column] = {
        "tag": tag[place],
        "tag_1": tag[parent[place]],
        "tag_2": tag[parent[parent[place]]],
        "depth": page.depth[place],
        **{f"in_{name}": column for name, column in page.outside.items()},
        **{f"hidden_{bit}": hidden & bit > 0 for bit in (1, 2, 4)},
    }
    for name in ("article", "main"):
        share = page.chars[page.outside[name]].sum() / max(1, page.total)
        columns[f"page_in_{name}"] = share
        columns[f"page_{name}s"] = sum(one.tag == name for one in page.places)
    return columns


def _of_names(page: _Page) -> dict[str, Column]:
    """Tell which kinds the classes of the block and two elements around it name, and of all around it."""
    places = page.places
    near, every = [], []
    for block in page.blocks:
        place = places[block.place]
        outer = places[place.parent]
        near.append(block.names | place.names | outer.names | places[outer.parent].names)
        every.append(block.names | place.all_names)
    columns: dict[str, Column] = {}
    for name, values in (("near", near), ("above", every)):
        bits = np.array(values, np.int64)[:, None] >> np.arange(len(KINDS)) & 1
        columns.update({f"{name}_{kind}": column for kind, column in enumerate(bits.T)})
    return columns


def _of_element(page: _Page, element: Ints, name: str) -> Iterator[tuple[str, Column]]:
    chars, link_chars, blocks, long, words, frequent, headings, children = page.sums[element].T
    yield f"{name}_chars", chars
    yield f"{name}_link_share", link_chars / np.maximum(chars, 1)
    yield f"{name}_blocks", blocks
    yield f"{name}_block_chars", chars / np.maximum(blocks, 1)
    yield f"{name}_long_share", long / np.maximum(blocks, 1)
    yield f"{name}_share", chars / max(1, page.total)
    yield f"{name}_frequent_share", frequent / np.maximum(words, 1)
    yield f"{name}_headings", headings
    yield f"{name}_children", children


def _of_elements_around(page: _Page) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    element = page.place
    for level in range(_LEVELS):
        columns.update(_of_element(page, element, f"up{level}"))
        element = page.parent[element]
    for mass in _MASSES:
        element = page.place
        while (small := (page.sums[element, 0] < mass) & (element > 0)).any():
            element = np.where(small, page.parent[element], element)
        columns.update(_of_element(page, element, f"mass{mass}"))
        columns[f"mass{mass}_up"] = page.depth[page.place] - page.depth[element]
    return columns


def _of_groups(page: _Page) -> dict[str, Column]:
    """Measure the blocks that have the same tags and classes around them, and those with the same tags."""
    columns: dict[str, Column] = {}
    for name, paths in (("path", page.path), ("tags", page.tag_path)):
        _, group, sizes = np.unique(paths, return_inverse=True, return_counts=True)
        sums = np.zeros((len(sizes), 3), np.int64)
        np.add.at(sums, group, np.stack([page.chars, page.link_chars, page.sentences], 1))
        chars, link_chars, sentences = sums[group].T
        size = sizes[group]
        order = np.argsort(group, kind="stable")
        rank = np.empty(page.size, np.int64)
        rank[order] = page.index - (np.cumsum(sizes) - sizes)[group[order]]
        columns[f"{name}_blocks"] = size
        columns[f"{name}_chars"] = chars
        columns[f"{name}_link_share"] = link_chars / np.maximum(chars, 1)
        columns[f"{name}_block_chars"] = chars / size
        columns[f"{name}_sentences"] = sentences / size
        columns[f"{name}_rank"] = rank
    return columns


def _before(flags: NDArray[np.bool_]) -> Ints:
    """Give the number of the last block, up to each, that is flagged; -1 where none is."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), -1))


def _after(flags: NDArray[np.bool_]) -> Ints:
    """Give the number of the first block, from each on, that is flagged; far beyond the last where none is."""
    numbers = np.where(flags, np.arange(len(flags)), len(flags) + _FAR)
    return np.minimum.accumulate(numbers[::-1])[::-1]


def _of_position(page: _Page) -> dict[str, Column]:
    index, size, before = page.index, page.size, np.cumsum(page.chars) - page.chars
    level = page.heading[page.place]
    titles = np.flatnonzero(level == 1)
    title = int(titles[0]) if len(titles) else -1
    last_heading, next_heading = _before(level > 0), _after(level > 0)
    last_prose, next_prose = _before(page.prose > 0), _after(page.prose > 0)
    prose = np.cumsum(page.prose)
    return {
        "position": index / size,
        "index": index,
        "from_end": size - index,
        "chars_position": before / max(1, page.total),
        "chars_before": before,
        "chars_after": page.total - before,
        "titles": len(titles),
        "from_title": index - title if title >= 0 else -_FAR,
        "chars_from_title": before - before[title] if title >= 0 else -_FAR * _FAR,
        "heading": level,
        "from_heading": index - last_heading,
        "to_heading": next_heading - index,
        "under_heading": np.where(last_heading >= 0, level[last_heading], 0),
        "from_prose": np.where(last_prose >= 0, index - last_prose, _FAR),
        "to_prose": next_prose - index,
        "prose_before": prose - page.prose,
        "prose_after": prose[-1] - prose,
        "page_chars": page.total,
        "page_link_share": page.sums[0, 1] / max(1, page.total),
        "page_blocks": size,
        "page_long": page.sums[0, 3],
    }


def shift(column: NDArray[np.generic], by: int) -> NDArray[np.generic]:
    """Give each block the number of the one that is so many before it (after it, if negative); 0 beyond."""
    shifted = np.zeros_like(column)
    if 0 < by < len(column):
        shifted[by:] = column[:-by]
    elif -len(column) < by < 0:
        shifted[:by] = column[-by:]
    return shifted


def window(column: NDArray[np.generic], radius: int) -> NDArray[np.generic]:
    """Sum whole numbers over each block and so many before and after it."""
    sums = np.concatenate(([0], np.cumsum(column)))
    index = np.arange(len(column))
    return sums[np.minimum(len(column), index + radius + 1)] - sums[np.maximum(0, index - radius)]


def _of_neighbours(page: _Page) -> dict[str, Column]:
    link_share = page.link_chars / np.maximum(page.chars, 1)
    tag, frequent = page.tag[page.place], page.counts["frequent"]
    columns: dict[str, Column] = {}
    for by in _AROUND:
        columns[f"chars_{by}"] = shift(page.chars, by)
        columns[f"link_share_{by}"] = shift(link_share, by)
        columns[f"tag_{by}"] = shift(tag, by)
        columns[f"same_path_{by}"] = shift(page.path, by) == page.path
    for radius in _WINDOWS:
        around = window(page.chars, radius)
        columns[f"within{radius}_chars"] = around
        columns[f"within{radius}_link_share"] = window(page.link_chars, radius) / np.maximum(around, 1)
        columns[f"within{radius}_frequent_share"] = window(frequent, radius) / np.maximum(window(page.words, radius), 1)
        columns[f"within{radius}_sentences"] = window(page.sentences, radius)
        columns[f"within{radius}_prose"] = window(page.prose, radius)
    return columns
