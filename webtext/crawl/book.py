"""What a crawl is given and what came of it, on disk: in memory a link is a few numbers.

A slot may have millions of links, and all that is known of one is a kilobyte.
"""

from array import array
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import Any

from webtext.crawl.disk_list import DiskList, in_order
from webtext.crawl.visits import Errand

Row = dict[str, Any]


class Book:
    """The errands of a crawl, numbered in the order of their links' URLs, and the row of each that has one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: DiskList[Row] = DiskList(Row, folder)
        self._errands: DiskList[Errand] = DiskList(Errand, folder)
        self._places = array("q")  # the place of each errand's row in the list of rows; -1: it has none

    def recall(self, row: Row) -> None:
        """Take a row of an earlier run; a later one of the same errand counts in its place."""
        self._rows.append(row)

    def open(self, errands: Iterable[Errand]) -> None:
        """Take the errands, and find the rows that earlier runs have of them."""
        self._errands = in_order(errands, Errand, self._folder, attrgetter("link.url", "url"))
        self._places = array("q", [-1]) * len(self._errands)
        placed = ((row["url"], row["begun_with"], place) for place, row in enumerate(self._rows))
        rows = iter(in_order(placed, tuple[str, str, int], self._folder) if len(self._rows) else ())
        row = last = next(rows, None)
        for number, errand in enumerate(self._errands if row else ()):
            key = errand.link.url, errand.url
            while row is not None and row[:2] <= key:
                last, row = row, next(rows, None)
            if last is not None and last[:2] == key:
                self._places[number] = last[2]

    def __len__(self) -> int:
        return len(self._errands)

    def errand(self, number: int) -> Errand:
        """Give an errand."""
        return self._errands[number]

    def row(self, number: int) -> Row | None:
        """Give the row of an errand; None where it has none."""
        place = self._places[number]
        return None if place < 0 else self._rows[place]

    def enter(self, number: int, row: Row) -> None:
        """Note what came of an errand."""
        self._places[number] = self._rows.append(row)

    def strike(self, number: int) -> None:
        """Forget what came of an errand in an earlier run."""
        self._places[number] = -1
