"""What a crawl is given and what came of it: in order, found again, on disk, and whole where the disk is full."""

import tracemalloc

import pytest

from webtext.crawl import disk_list
from webtext.crawl.book import Book
from webtext.crawl.disk_list import DiskList
from webtext.crawl.visits import Errand
from webtext.errors import UsageError
from webtext.records import Link


def errand(number, begun_with=None):
    url = f"https://site{number * 7919 % 1009}.test/an-article-of-some-length-{number}.html"
    return Errand(Link(url, url, "", 3, 1, ("books",), None), begun_with or url)


def test_errands_are_numbered_in_the_order_of_their_urls_however_many_pieces_they_fill(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_list, "_PIECE", 7)
    for count in (0, 1, 7, 8, 100):
        kept, errands = Book(tmp_path), [errand(number) for number in range(count)]
        kept.open(iter(errands))
        found = [kept.errand(number) for number in range(len(kept))]
        assert found == sorted(errands, key=lambda each: each.link.url)
        assert all(kept.row(number) is None for number in range(len(kept)))


def test_the_last_row_of_an_errand_counts_and_those_of_others_do_not(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_list, "_PIECE", 3)
    kept, errands = Book(tmp_path), [errand(number) for number in range(20)]
    for turn in (1, 2):
        for each in [*errands[::3], errand(77), errand(3, begun_with="https://elsewhere.test/")]:
            kept.recall({"url": each.link.url, "begun_with": each.url, "turn": turn})
    kept.open(errands)
    known = {each.link.url for each in errands[::3]}
    for number in range(len(kept)):
        each, row = kept.errand(number), kept.row(number)
        assert row == ({"url": each.link.url, "begun_with": each.url, "turn": 2} if each.link.url in known else None)
    kept.strike(0)
    kept.enter(1, {"url": "new"})
    assert (kept.row(0), kept.row(1)) == (None, {"url": "new"})


def test_a_link_takes_a_few_bytes_of_memory_and_no_named_file(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_list, "_PIECE", 500)
    kept, count = Book(tmp_path), 10_000
    tracemalloc.start()
    kept.open(map(errand, range(count)))
    for number in range(count):
        kept.enter(number, {"url": kept.errand(number).url, "outcome": "ok", "detail": "x" * 300})
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 80 * count  # 24 bytes, and what the buffers of files take
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    full = DiskList(str, tmp_path)
    monkeypatch.setattr(full, "_file", open("/dev/full", "wb+", buffering=0))  # noqa: SIM115, PTH123 - a device
    with pytest.raises(UsageError, match=r"cannot write in .*No space left"):
        full.append("record")
