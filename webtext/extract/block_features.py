"""What can be said of a page's blocks in numbers: their text, where they stand, what stands around them.

All of it are whole numbers or quotients of whole numbers, rounded once to 32 bits: the same on every machine. A feature
is a column with a number for each block; `measure` gives all of them by name, and the model picks those that it uses.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from webtext.extract.block import OUTSIDE_BITS, PLACE_NUMBERS, Block, Places
from webtext.extract.class_words import KINDS
from webtext.extract.declared import Declared
from webtext.extract.text_counts import COUNTS, count_texts

Ints = NDArray[np.int64]
Rows = NDArray[np.floating | np.integer | np.bool_]  # shape (features, blocks)
Part = tuple[tuple[str, ...], Callable[[slice], Rows]]  # the names of features, and what gives them of some blocks

_TAGS = str.split(
    """p li h1 h2 h3 h4 h5 h6 td th tr dt dd div section article blockquote pre figcaption summary label caption"""
)
_TAG_NUMBERS = {tag: number for number, tag in enumerate(_TAGS, 1)}
_HEADING_LEVELS = np.array([0, *(int(tag[1]) if tag in {"h1", "h2", "h3", "h4", "h5", "h6"} else 0 for tag in _TAGS)])
# Beyond these the model would know few pages or none: long texts lost four words in five (docs/extraction.md).
_MOST_CHARS, _MOST_BLOCKS = 15_000, 120
_COUNT_CHARS = frozenset(("chars_before", "chars_after", "chars_from_title"))
_COUNT_BLOCKS = frozenset(("index", "from_end", "from_title", "page_long", "prose_before", "prose_after"))
_AT_ONCE = 1 << 11  # blocks: all of most pages; all features of 30,000 blocks would be a hundred megabytes
_FAR = 999  # blocks: there is none
_LEVELS = 6  # elements around a block that are measured
_MASSES = (500, 2000)  # characters: the smallest element around a block with so many is measured
_AROUND = (1, 2, -1, -2, -3)  # blocks before and after
_WINDOWS = (3, 8, 20)


# The names of features that are measured together, in the order of their rows.
_IN_NAMES = tuple(f"in_{tag}" for tag in OUTSIDE_BITS)
_KIND_NAMES = tuple(f"{name}_{kind}" for name in ("near", "above") for kind in range(len(KINDS)))
_ELEMENT = str.split("chars link_share blocks block_chars long_share share frequent_share headings children")
_AROUND_NAMES = (
    *(f"up{level}_{name}" for level in range(_LEVELS) for name in _ELEMENT),
    *(f"mass{mass}_{name}" for mass in _MASSES for name in (*_ELEMENT, "up")),
)
_GROUP = str.split("blocks chars link_share block_chars sentences rank")
_GROUP_NAMES = tuple(f"{group}_{name}" for group in ("path", "tags") for name in _GROUP)
_NEIGHBOUR_NAMES = (
    *(f"{name}_{by}" for by in _AROUND for name in ("chars", "link_share", "tag", "same_path")),
    *(
        f"within{radius}_{name}"
        for radius in _WINDOWS
        for name in ("chars", "link_share", "frequent_share", "sentences", "prose")
    ),
)


def measure(blocks: Sequence[Block], places: Places, declared: Declared) -> "Features":
    """Measure a page's blocks (at least one)."""
    return Features(_Page(blocks, places, declared), declared)


class Features:
    """The features of a page's blocks by name.

    Attributes:
        words: how many each block has.
        place: the number of the place that each block stands in.
        near, above: the kinds that the classes of each block and two elements around it name, and of all around it.
        around, hidden, path: what its place says: `outside`, `hidden` and `path` of `PLACE_NUMBERS`.
        parents, ends, tags: of the places.
    """

    def __init__(self, page: "_Page", declared: Declared) -> None:
        self.words, self.place, self.path, self.around = page.words, page.place, page.path, page.around
        self.near, self.above, self.hidden = page.near, page.above, page.hidden
        self.parents, self.ends, self.tags = page.parent, page.end, page.tags
        self._page, self._declared = page, declared

    def names(self) -> tuple[str, ...]:
        """Name all of them, in the order on which the model was trained."""
        return tuple(dict.fromkeys(name for names, _ in self._parts for name in names))

    def spans(self) -> list[slice]:
        """Part the blocks into those of which a table is made at a time."""
        size = self._page.size
        return [slice(start, min(size, start + _AT_ONCE)) for start in range(0, size, _AT_ONCE)]

    def table(self, names: tuple[str, ...], span: slice | None = None) -> NDArray[np.float32]:
        """Give the features that are named, each a row with a number for each block of a span, or of all."""
        span = span or slice(0, self._page.size)
        table, most = np.empty((len(names), span.stop - span.start), np.float32), _limits_of(names)
        for given, rows in self._parts:
            wanted, to = _rows_of(given, names)
            table[to] = rows(span).take(wanted, axis=0)
        return np.clip(table, -most, most, out=table)

    @functools.cached_property
    def _parts(self) -> list[Part]:
        page = self._page
        measured = (_of_text, _of_place, _of_names, _of_elements_around, _of_groups, _of_position, _of_neighbours)
        return [_stack(self._declared.numbers), *(part(page) for part in measured)]


@functools.lru_cache(maxsize=64)
def _rows_of(given: tuple[str, ...], names: tuple[str, ...]) -> Ints:
    """Give the rows of a part that are named, and the rows of a table that they go to; of two of a name the last."""
    pairs = [(row, names.index(name)) for row, name in enumerate(given) if name in names]
    return np.array(pairs, np.int64).reshape(-1, 2).T


@functools.lru_cache(maxsize=8)
def _limits_of(names: tuple[str, ...]) -> NDArray[np.float32]:
    """Give within what features are kept, shape (features, 1)."""
    return np.array([[_most(name)] for name in names], np.float32)


def _most(name: str) -> float:
    """Give the most that a count of characters or blocks is in most pages for training."""
    if name.endswith("chars") or name in _COUNT_CHARS:
        return _MOST_CHARS
    is_count = name.endswith(("blocks", "children", "rank", "headings")) or name in _COUNT_BLOCKS
    return _MOST_BLOCKS if is_count else np.inf


def _stack(columns: Mapping[str, NDArray[np.generic] | float]) -> Part:
    """Make features of columns, each a number for each block, or one for all."""

    def rows(span: slice) -> Rows:
        rows = np.empty((len(columns), span.stop - span.start), np.float32)
        for row, column in enumerate(columns.values()):
            rows[row] = column[span] if isinstance(column, np.ndarray) else column
        return rows

    return tuple(columns), rows


def _bits(numbers: Ints, count: int) -> NDArray[np.uint8]:
    """Give the lowest bits of whole numbers, shape (count, numbers)."""
    octets = numbers.astype("<i8").view(np.uint8).reshape(len(numbers), 8)
    return np.unpackbits(octets, axis=1, count=count, bitorder="little").T


_BLOCK_NUMBERS = attrgetter("place", "link_chars", "strong_chars", "links", "cells", "names", "outside")


def _columns(rows: Iterable[Sequence[int]], width: int) -> Ints:
    """Give the columns of rows of numbers, shape (width, rows)."""
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, width).T.copy()


class _Page:
    """A page's blocks and places as arrays, with what several features need."""

    def __init__(self, blocks: Sequence[Block], places: Places, declared: Declared) -> None:
        self.size = len(blocks)
        self.index = np.arange(self.size)
        self.texts = [block.text for block in blocks]
        self.title_size = max(1, len(declared.title))
        self.counts = dict(zip(COUNTS, count_texts(self.texts, declared.title, declared.description), strict=True))
        self.chars, self.words, self.sentences = (self.counts[name] for name in ("chars", "words", "sentences"))
        of_blocks, of_places = _columns(map(_BLOCK_NUMBERS, blocks), 7), _columns(places.rows, len(PLACE_NUMBERS))
        self.place, self.link_chars, self.strong_chars, self.links, self.cells, names, outside = of_blocks
        self.parent, self.depth, named = of_places[:3]
        own, self.above, self.around, self.hidden, self.path, self.tag_path = of_places[2:].take(self.place, axis=1)
        outer = self.parent[self.place]
        self.near = names | own | named[outer] | named[self.parent[outer]]
        self.every = names | self.above
        self.tags, self.end = places.tags, np.array(places.ends)
        self.tag = np.array([_TAG_NUMBERS.get(tag, 0) for tag in self.tags])
        self.heading = _HEADING_LEVELS[self.tag]
        self.outside = _bits(self.around | outside, len(OUTSIDE_BITS))
        prose = (self.words >= 15) & (self.sentences > 0) & (self.link_chars * 2 < self.chars)
        self.prose = prose.astype(np.int64)
        self.total = int(self.chars.sum())
        self.sums = self._sums()

    def _sums(self) -> Ints:
        """Sum over each place what stands in it, shape (8, places).

        Characters, in links, blocks, long ones, words, frequent, headings, and elements just in it.
        """
        size = len(self.parent)
        long = (self.words >= 12) & (self.sentences > 0)
        own = np.array(
            [self.chars, self.link_chars, np.ones_like(self.chars), long, self.words, self.counts["frequent"]]
        )
        order = np.argsort(self.place, kind="stable")
        # These are sums over what stands before each place.
        before = np.zeros((7, size + 1), np.int64)
        firsts = self.place[order].searchsorted(np.arange(size + 1))
        before[:6] = _running(own.take(order, axis=1)).take(firsts, axis=1)
        np.cumsum(self.heading > 0, out=before[6, 1:])
        children = np.bincount(self.parent[1:], minlength=size)
        return np.concatenate([before.take(self.end, axis=1) - before[:, :-1], children[None]])


def _running(rows: Ints) -> Ints:
    """Sum what stands before each column, and all at last."""
    sums = np.zeros((len(rows), rows.shape[1] + 1), np.int64)
    np.cumsum(rows, axis=1, out=sums[:, 1:])
    return sums


def _of_text(page: _Page) -> Part:
    counts = page.counts
    chars, words, plain = (np.maximum(counts[name], 1) for name in ("chars", "words", "plain"))
    first: dict[str, int] = {}
    first_like = np.array(list(map(first.setdefault, page.texts, range(page.size))))
    columns = {
        **{name: counts[name] for name in ("lower", "commas", "ends", "lines")},
        "lower_share": counts["lower"] / words,
        "link_share": page.link_chars / chars,
        "links": page.links,
        "strong_share": page.strong_chars / chars,
        "cells": page.cells,
        "again": first_like < page.index,
        "often": np.bincount(first_like)[first_like],
        "in_title": counts["in_title"] / plain,
        "of_title": np.minimum(counts["in_title"], page.title_size) / page.title_size,
        "in_description": counts["in_description"] / plain,
    }
    return _stack(columns)


def _of_place(page: _Page) -> Part:
    columns: dict[str, Rows | float] = {
        "tag": page.tag[page.place],
        # The model was trained with these two here; `_of_neighbours` says what they are.
        **dict.fromkeys(("tag_1", "tag_2"), np.nan),
        "depth": page.depth[page.place],
        **dict(zip(_IN_NAMES, page.outside, strict=True)),
        **{f"hidden_{bit}": page.hidden & bit > 0 for bit in (1, 2, 4)},
    }
    for name in ("article", "main"):
        columns[f"page_in_{name}"] = int(page.chars[page.outside[_IN_NAMES.index(f"in_{name}")] > 0].sum()) / max(
            1, page.total
        )
        columns[f"page_{name}s"] = page.tags.count(name)
    return _stack(columns)


def _of_names(page: _Page) -> Part:
    """Tell which kinds the classes of the block and two elements around it name, and of all around it."""
    both = page.near, page.every
    return _KIND_NAMES, lambda span: np.concatenate([_bits(names[span], len(KINDS)) for names in both])


def _of_elements_around(page: _Page) -> Part:
    chars, link_chars, blocks, long, words, frequent, headings, children = page.sums
    some_blocks = np.maximum(blocks, 1)
    of_places = np.array(
        [
            chars,
            link_chars / np.maximum(chars, 1),
            blocks,
            chars / some_blocks,
            long / some_blocks,
            chars / max(1, page.total),
            frequent / np.maximum(words, 1),
            headings,
            children,
        ],
        np.float32,
    )
    heavy = [_heavy(page, mass) for mass in _MASSES]

    def rows(span: slice) -> Rows:
        place = page.place[span]
        around = [place]
        for _ in range(_LEVELS - 1):
            around.append(page.parent[around[-1]])
        rows, own = np.empty((len(_AROUND_NAMES), len(place)), np.float32), len(of_places)
        by_level = rows[: _LEVELS * own].reshape(_LEVELS, own, len(place))
        for number, element in enumerate(around):
            by_level[number] = of_places.take(element, axis=1)
        by_mass = rows[_LEVELS * own :].reshape(len(_MASSES), own + 1, len(place))
        for number, places in enumerate(heavy):
            element = places[place]
            by_mass[number, :-1] = of_places.take(element, axis=1)
            by_mass[number, -1] = page.depth[place] - page.depth[element]
        return rows

    return _AROUND_NAMES, rows


def _heavy(page: _Page, mass: int) -> Ints:
    """Give, for each place, the smallest one around it, or itself, with so many characters; else the first."""
    heavy = np.where(page.sums[0] < mass, page.parent, np.arange(len(page.parent)))
    while True:  # each time twice as many elements further out
        further = heavy[heavy]
        if (further == heavy).all():
            return further
        heavy = further


def _of_groups(page: _Page) -> Part:
    """Measure the blocks that have the same tags and classes around them, and those with the same tags."""
    group = np.concatenate([2 * page.path, 2 * page.tag_path + 1])
    sizes = np.bincount(group)
    chars, link_chars, sentences = (
        np.bincount(group, np.concatenate([column, column]))[group]
        for column in (page.chars, page.link_chars, page.sentences)
    )
    size, order = sizes[group], np.argsort(group, kind="stable")
    rank = np.empty_like(group)
    rank[order] = np.arange(len(group)) - (np.cumsum(sizes) - sizes)[group[order]]
    columns = [size, chars, link_chars / np.maximum(chars, 1), chars / size, sentences / size, rank]
    rows = np.array(columns, np.float32)
    by_group = rows.reshape(len(rows), 2, page.size).swapaxes(0, 1).reshape(-1, page.size)
    return _GROUP_NAMES, lambda span: by_group[:, span]


def _before(flags: NDArray[np.bool_]) -> Ints:
    """Give the number of the last block, up to each, that is flagged; -1 where none is."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), -1))


def _after(flags: NDArray[np.bool_]) -> Ints:
    """Give the number of the first block, from each on, that is flagged; far beyond the last where none is."""
    numbers = np.where(flags, np.arange(len(flags)), len(flags) + _FAR)
    return np.minimum.accumulate(numbers[::-1])[::-1]


def _of_position(page: _Page) -> Part:
    index, size, before = page.index, page.size, np.cumsum(page.chars) - page.chars
    level = page.heading[page.place]
    titles = np.flatnonzero(level == 1)
    title = int(titles[0]) if len(titles) else -1
    last_heading, next_heading = _before(level > 0), _after(level > 0)
    last_prose, next_prose = _before(page.prose > 0), _after(page.prose > 0)
    prose = np.cumsum(page.prose)
    columns = {
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
        "page_link_share": int(page.sums[1, 0]) / max(1, page.total),
        "page_blocks": size,
        "page_long": page.sums[3, 0],
    }
    return _stack(columns)


def _of_neighbours(page: _Page) -> Part:
    size, first, last = page.size, max(_AROUND), -min(_AROUND)
    padded = np.zeros((4, first + size + last))
    padded[:, first : first + size] = (
        page.chars,
        page.link_chars / np.maximum(page.chars, 1),
        page.tag[page.place],
        page.path,
    )
    own = (page.chars, page.link_chars, page.counts["frequent"], page.words, page.sentences, page.prose)
    sums, radius = _running(np.array(own)), np.array(_WINDOWS)[:, None]

    def rows(span: slice) -> Rows:
        index = page.index[span]
        rows = np.empty((len(_NEIGHBOUR_NAMES), len(index)), np.float32)
        shifted = rows[: 4 * len(_AROUND)].reshape(-1, 4, len(index))
        for number, by in enumerate(_AROUND):
            shifted[number] = padded[:, first - by + span.start : first - by + span.stop]
            shifted[number, 3] = padded[3, first - by + span.start : first - by + span.stop] == page.path[span]
        begins, ends = np.maximum(0, index - radius), np.minimum(size, index + radius + 1)
        within = sums.take(ends, axis=1)
        within -= sums.take(begins, axis=1)
        chars, link_chars, frequent, words, sentences, prose = within
        windows = rows[len(shifted) * 4 :].reshape(len(_WINDOWS), -1, len(index)).swapaxes(0, 1)
        shares = link_chars / np.maximum(chars, 1), frequent / np.maximum(words, 1)
        for row, column in zip(windows, (chars, *shares, sentences, prose), strict=True):
            row[:] = column
        return rows

    return _NEIGHBOUR_NAMES, rows
