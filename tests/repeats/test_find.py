"""Lines and passages that come again: counted by distinct documents and hosts, cut to the word."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels.hashes import distinct
from dedup.repeats.cuts import Windows, line_cuts, passage_cuts, repeat_cuts, without
from dedup.repeats.find import RepeatsConfig, line_hashes, repeated_lines, shared_windows, tally_lines, window_hashes
from webtext.text import words

LINES = st.lists(
    st.sampled_from(["Share this now", "share THIS now!", "one two", "A line of text", "", "- ß İx, a"]), max_size=5
)
PAGES = st.lists(st.tuples(st.sampled_from(["a.test", "b.test", "c.test"]), LINES.map("\n".join)), max_size=12)
TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "B", "c.", "(d", "İ,", "\n", "-\n"]), max_size=16).map(" ".join), max_size=5
)
CONFIG = RepeatsConfig(min_documents=2)


@given(PAGES, st.integers(1, 4), st.integers(1, 3), st.integers(1, 12))
def test_repeats_are_counted_by_distinct_documents_and_hosts(pages, min_documents, min_hosts, cut):
    tallies = [tally_lines((host, line_hashes(text)) for host, text in part) for part in (pages[:cut], pages[cut:])]
    hashes, documents, hosts = repeated_lines(np.concatenate(tallies[::-1]), min_documents, min_hosts)
    seen = defaultdict(lambda: (set(), set()))
    for number, (host, text) in enumerate(pages):
        for hashed in line_hashes(text).tolist():
            seen[hashed][0].add(number)
            seen[hashed][1].add(host)
    expected = sorted(
        (hashed, len(numbers), len(names))
        for hashed, (numbers, names) in seen.items()
        if len(numbers) >= min_documents and len(names) >= min_hosts
    )
    assert list(zip(hashes.tolist(), documents.tolist(), hosts.tolist(), strict=True)) == expected


@given(LINES.map("\n".join))
def test_a_line_is_its_words_if_it_has_enough(text):
    expected = {tuple(words(line)) for line in text.split("\n") if len(words(line)) >= 3}
    assert len(line_hashes(text)) == len(expected)


@given(LINES.map("\n".join), LINES.map("\n".join))
def test_only_the_repeated_lines_go(text, other):
    cuts = line_cuts(text, dict.fromkeys(line_hashes(other).tolist(), 7), CONFIG)
    gone = {tuple(words(line)) for line in other.split("\n") if len(words(line)) >= 3}
    expected = [line for line in text.split("\n") if tuple(words(line)) not in gone]
    assert without(text, [(cut.start, cut.stop) for cut in cuts]) == "\n".join(expected).strip()
    assert {(cut.why, cut.documents) for cut in cuts} <= {("line", 7)}


def test_what_one_document_repeats_is_no_repeat():
    rows = tally_lines([("a.test", line_hashes("same line again\n" * 9)), ("b.test", distinct(np.empty(0, np.uint64)))])
    assert repeated_lines(rows, 2, 1)[0].tolist() == []
    assert repeated_lines(rows, 1, 1)[1].tolist() == [1]


def shared(texts, size):
    """Give the shared windows of each text, as the pipeline hands them to it."""
    rows = [np.empty((0, 3), np.int64)]
    for place, text in enumerate(texts):
        first, second = window_hashes(text, size)
        rows.append(np.stack([first.view(np.int64), second.view(np.int64), np.full(len(first), place)], axis=1))
    found = shared_windows(np.concatenate(rows))
    found = found[np.lexsort((found[:, 1].view(np.uint64), found[:, 0]))]
    own = [found[found[:, 0] == place] for place in range(len(texts))]
    return [Windows(rows[:, 1].copy().view(np.uint64), rows[:, 2]) for rows in own]


def words_that_stay(texts, size):
    """Say by sets of tuples what stays of each text: all but the words that lie in windows of earlier texts only."""
    split = [words(text) for text in texts]
    holders = defaultdict(set)
    for number, own in enumerate(split):
        for at in range(len(own) - size + 1):
            holders[tuple(own[at : at + size])].add(number)
    for number, own in enumerate(split):
        goes, stays = set(), set()
        for at in range(len(own) - size + 1):
            held = holders[tuple(own[at : at + size])]
            if len(held) > 1:
                (stays if min(held) == number else goes).update(range(at, at + size))
        yield [word for at, word in enumerate(own) if at not in goes - stays]


@given(TEXTS, st.integers(1, 4))
def test_exactly_the_words_of_passages_that_stay_elsewhere_go(texts, size):
    for text, windows, expected in zip(texts, shared(texts, size), words_that_stay(texts, size), strict=True):
        cuts = sorted(passage_cuts(text, windows, size))
        assert words(without(text, [(cut.start, cut.stop) for cut in cuts])) == expected
        assert all(one.stop <= other.start for one, other in pairwise(cuts))
        assert all(cut.start < cut.stop and cut.why == "passage" and cut.documents > 1 for cut in cuts)


@given(TEXTS, st.integers(1, 3))
def test_every_repeated_passage_stays_whole_in_one_text(texts, size):
    left = [
        words(without(text, [(cut.start, cut.stop) for cut in passage_cuts(text, windows, size)]))
        for text, windows in zip(texts, shared(texts, size), strict=True)
    ]
    for text in texts:
        own = words(text)
        for at in range(len(own) - size + 1):
            window = own[at : at + size]
            holders = [one for one in texts if any(words(one)[n : n + size] == window for n in range(len(words(one))))]
            if len(set(map(id, holders))) > 1:
                assert any(other[n : n + size] == window for other in left for n in range(len(other)))


@given(LINES.map("\n".join), TEXTS, st.integers(3, 4))
def test_cuts_of_both_kinds_are_apart_and_lie_in_the_text_as_it_was(boilerplate, texts, size):
    config = RepeatsConfig(min_documents=2, min_words=1, passage_words=size)
    repeated = dict.fromkeys(line_hashes(boilerplate, 1).tolist(), 2)
    mixed = [f"{text}\n{boilerplate}\n{text}" for text in texts]
    lines = [[(cut.start, cut.stop) for cut in line_cuts(text, repeated, config)] for text in mixed]
    left = [without(text, cuts) for text, cuts in zip(mixed, lines, strict=True)]
    for text, windows, expected in zip(mixed, shared(left, size), words_that_stay(left, size), strict=True):
        cuts = repeat_cuts(text, repeated, windows, config)
        assert words(without(text, [(cut.start, cut.stop) for cut in cuts])) == expected
        assert all(one.stop <= other.start for one, other in pairwise(cuts))


def test_what_surrounds_a_passage_reads_on():
    stays = "They all said it then: one two three four five. And left."
    texts = [
        stays,
        "“One two three four five.” So they said.\nNext line.",
        "Before.\n- One two\nthree four five!\nAfter.",
        "He said (one two\nthree four five) twice.",
    ]
    left = [
        without(text, [(cut.start, cut.stop) for cut in passage_cuts(text, windows, 5)])
        for text, windows in zip(texts, shared(texts, 5), strict=True)
    ]
    assert left == [stays, "So they said.\nNext line.", "Before.\nAfter.", "He said (\ntwice."]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_hosts": 0}, "min_hosts must be 1 or more, not 0"),
        ({"min_documents": 1}, r"in 2 documents or more \(0: leave lines\), not 1"),
        ({"min_documents": -3}, "not -3"),
        ({"passage_words": 2}, r"has 3 words or more \(0: leave passages\), not 2"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(values, message):
    with pytest.raises(ValueError, match=message):
        RepeatsConfig(**values)
