"""The n-gram filter: nothing added is ever missed, its error is what theory says, and its file is what it was."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.kernels import ngram_kernels
from dedup.kernels.hashes import mix64
from dedup.overlap import bloom
from dedup.overlap.bloom import (
    FilterInfo,
    NgramFilter,
    blocks_needed,
    check_memory,
    false_positive_rate,
    filter_bytes,
    merge_filters,
    read_filter,
    write_filter,
)
from dedup.overlap.ngrams import Grams
from webtext.errors import UsageError

KEYS = st.lists(st.integers(0, 2**64 - 1), max_size=60)


def keys(count, start=0):
    return mix64(np.arange(start, start + count, dtype=np.uint64))


def made(values, capacity=100, **kind):
    ngram_filter = NgramFilter(FilterInfo(Grams(**kind), capacity=capacity))
    ngram_filter.add(np.array(values, np.uint64), documents=1)
    return ngram_filter


def written(ngram_filter):
    stream = io.BytesIO()
    write_filter(stream, ngram_filter)
    return stream.getvalue()


def table_by_definition(values, blocks):
    table = [0] * (blocks * ngram_kernels.BLOCK_WORDS)
    for key in values:
        start = ngram_kernels.block_of(key, blocks) * ngram_kernels.BLOCK_WORDS
        for word, bit in enumerate(ngram_kernels.bits_of(key)):
            table[start + word] |= 1 << bit
    return table


@given(KEYS, st.integers(1, 50))
@settings(max_examples=40)
def test_both_forms_are_the_definition(values, blocks):
    array = np.array(values, np.uint64)
    expected = table_by_definition(values, blocks)
    fast, slow = (np.zeros(blocks * ngram_kernels.BLOCK_WORDS, np.uint64) for _ in range(2))
    ngram_kernels.add(fast, array)
    ngram_kernels.add_in_numpy(slow, blocks, array)
    assert fast.tolist() == slow.tolist() == expected
    others = keys(200)
    found = ngram_kernels.contains(fast, others)
    assert found.tolist() == ngram_kernels.contains_in_numpy(fast, blocks, others).tolist()


@given(KEYS)
def test_nothing_added_is_missed(values):
    assert made(values).contains(np.array(values, np.uint64)).all()


@given(KEYS, KEYS)
@settings(max_examples=30)
def test_a_merge_is_the_filter_of_all(first, second):
    both = made([*first, *second])
    one, other = made(first), made(second)
    one.merge(other)
    assert one.table.tolist() == both.table.tolist()
    assert (one.info.ngrams, one.info.documents) == (len(first) + len(second), 2)


def test_merging_in_any_order_gives_the_same_file():
    parts = [keys(50, start) for start in (0, 50, 100)]
    orders = [(0, 1, 2), (2, 0, 1), (1, 2, 0)]
    files = {written(merge_filters(made(parts[place]) for place in order)) for order in orders}
    assert len(files) == 1


def test_filters_of_different_kinds_do_not_merge():
    with pytest.raises(UsageError, match="13-grams"):
        made([1]).merge(made([1], n=13))
    with pytest.raises(UsageError, match="equal in kind and size"):
        made([1]).merge(made([1], capacity=10**6))
    with pytest.raises(ValueError, match="no filter to merge"):
        merge_filters([])


# Of sizes that are powers of two and not: one widely used filter is right for powers of two only, another for none.
@pytest.mark.parametrize("capacity", [1 << 16, 100_003, 1_000_000])
@pytest.mark.parametrize("error_rate", [1e-2, 1e-3, 1e-4])
def test_the_rate_is_below_what_is_promised_and_as_computed(capacity, error_rate):
    ngram_filter = NgramFilter(FilterInfo(error_rate=error_rate, capacity=capacity))
    ngram_filter.add(keys(capacity))
    probes = 2_000_000
    hits = int(ngram_filter.contains(keys(probes, 1 << 40)).sum())
    expected = probes * ngram_filter.rate()
    assert hits <= probes * error_rate
    assert abs(hits - expected) <= 5 * max(1.0, expected) ** 0.5
    theory = false_positive_rate(capacity, len(ngram_filter.table) // ngram_kernels.BLOCK_WORDS)
    assert 0.5 * theory < ngram_filter.rate() < 2 * theory


def test_every_word_of_every_block_is_reached():
    ngram_filter = NgramFilter(FilterInfo(capacity=10_007))
    ngram_filter.add(keys(20 * 10_007))
    assert (ngram_filter.table != 0).all()


def test_sizes_are_the_fewest_that_keep_the_rate():
    for count in (1, 1000, 10**6, 10**9):
        blocks = blocks_needed(count, 1e-8)
        assert false_positive_rate(count, blocks) <= 1e-8 / (2 if count >= 1 << 24 else 8)
        if blocks > 1:
            assert false_positive_rate(count, int(blocks * 0.99)) > 1e-8 / (2 if count >= 1 << 24 else 8)
    assert 7 < filter_bytes(2 * 10**8) / (2 * 10**8) < 7.3


def test_rates_grow_with_keys():
    rates = [false_positive_rate(count, 1000) for count in (0, 10, 10_000, 20_000, 40_000)]
    assert rates[0] == 0
    assert rates == sorted(rates)


@given(KEYS)
@settings(max_examples=20)
def test_a_file_gives_the_filter_back(values):
    ngram_filter = made(values, n=13, normalizer="gpt3")
    back = read_filter(io.BytesIO(written(ngram_filter)), "f")
    assert back.info == ngram_filter.info
    assert back.table.tolist() == ngram_filter.table.tolist()


def test_a_file_is_as_the_page_on_its_format_says():
    content = written(made([7]))
    assert content[:8] == b"\x89NGF\r\n\x1a\n"
    assert content[8:12] == (1).to_bytes(4, "little")
    length = int.from_bytes(content[12:16], "little")
    assert (16 + length) % 128 == 0
    header = json.loads(content[16 : 16 + length])
    assert header["blocks"] * 128 == len(content) - 16 - length
    assert (header["n"], header["normalizer"], header["hash"], header["ngrams"]) == (8, "gpt2", "webtext-2", 1)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: content + b"x", "damaged"),
        (lambda content: content[:-1] + b"\xff", "damaged"),
        (lambda content: b"PAR1" + content, "no n-gram filter"),
        (lambda content: content[:0], "no n-gram filter"),
        (lambda content: content[:8] + b"\x02" + content[9:], "of version 2"),
        (lambda content: content.replace(b"webtext-2", b"webtext-9"), "hash webtext-9"),
        (lambda content: content.replace(b'"blocks"', b'"blakes"'), "header of f is damaged"),
        (lambda content: content[:16] + b"}" + content[17:], "header of f is damaged"),
    ],
)
def test_a_damaged_file_is_refused(damage, said):
    with pytest.raises(UsageError, match=said):
        read_filter(io.BytesIO(damage(written(made([7])))), "f")


def test_a_filter_too_large_for_the_machine_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(bloom, "machine_memory", lambda: 1_000_000)
    check_memory(800_000)
    with pytest.raises(UsageError, match=r"takes 900,000 bytes, more than the 800,000"):
        check_memory(900_000)
    with pytest.raises(UsageError, match=r"500,000 bytes 2 times"):
        check_memory(500_000, copies=2)


def test_a_filter_beyond_the_format_is_refused_before_memory_is_taken():
    with pytest.raises(UsageError, match="beyond the format"):
        NgramFilter(FilterInfo(capacity=10**11))


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="1 n-gram or more"):
        FilterInfo(capacity=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        FilterInfo(error_rate=1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        blocks_needed(10, 0)
