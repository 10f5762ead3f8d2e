"""Overlap figures against an independent computation with Python sets of tuples of words, to the last n-gram."""

import json
import re
import string
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.overlap.benchmarks import Benchmark, Source, read_benchmark
from dedup.overlap.bloom import FilterInfo, NgramFilter
from dedup.overlap.exact_ngrams import ItemGrams
from dedup.overlap.measure import evidence, measure, ngram_overlap
from dedup.overlap.ngrams import Grams, text_ngram_hashes
from dedup.overlap.plan import Lookup, OverlapConfig
from dedup.overlap.probes import WAYS, probe, random_words, recall, upper_bound
from webtext.storage import open_file

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "D", "e"]), max_size=14).map(" ".join)
LEAK = "The quick brown fox jumps over the lazy dog while nine tired wizards vex two jolly old kings."
FILLER = "Nothing of note is written in this paragraph about gardens and the weather of last week."


def plain_words(text, normalizer="gpt2"):
    """Divide a text into words, with no code of ours."""
    lowered = text.lower()
    if normalizer == "gpt3":
        return "".join(character for character in lowered if character.isalnum() or character.isspace()).split()
    return re.sub(r"[\W_]+", " ", lowered).split()


def plain_grams(text, n, normalizer="gpt2"):
    listed = plain_words(text, normalizer)
    return [tuple(listed[start : start + n]) for start in range(len(listed) - n + 1)]


def scanned(benchmarks, corpus, grams):
    lookup = Lookup(benchmarks, OverlapConfig(grams))
    scan = lookup.scan()
    for number, text in enumerate(corpus):
        scan.read(text, f"{number:016x}", f"https://example.org/{number}")
    return lookup, scan


def filter_of(corpus, grams):
    ngram_filter = NgramFilter(FilterInfo(grams, capacity=max(1, sum(len(text) for text in corpus))))
    for text in corpus:
        ngram_filter.add(text_ngram_hashes(text, grams), documents=1)
    return ngram_filter


def measured(benchmarks, corpus, grams):
    lookup, scan = scanned(benchmarks, corpus, grams)
    ngram_filter = filter_of(corpus, grams)
    return [measure(table, ngram_filter, scan) for table in lookup.tables]


def check_against_sets(benchmark, corpus, grams, result):
    """Compare all figures of one set with those of Python sets."""
    n, normalizer = grams.n, grams.normalizer
    held = {gram for text in corpus for gram in plain_grams(text, n, normalizer)}
    whole = "\n".join(benchmark.items) if benchmark.stream else None
    parts = [plain_grams(item, n, normalizer) for item in benchmark.items]
    of_set = plain_grams(whole, n, normalizer) if whole is not None else [gram for part in parts for gram in part]
    row = result.row
    assert (row.ngrams, row.exact_found) == (len(of_set), sum(gram in held for gram in of_set))
    assert (row.found, row.distinct_ngrams) == (row.exact_found, len(set(of_set)))
    assert (row.false_hits, row.missed) == (0, 0)
    lengths = [len(plain_words(item, normalizer)) for item in benchmark.items]
    for position, (item, part) in enumerate(zip(result.items, parts, strict=True)):
        assert (item.position, item.n_words, item.ngrams) == (position, lengths[position], len(part))
        assert item.found == sum(gram in held for gram in part)
        if 0 < lengths[position] < n:
            own = tuple(plain_words(benchmark.items[position], normalizer))
            found = any(own in plain_grams(text, len(own), normalizer) for text in corpus)
            assert item.short_found is found
        else:
            assert item.short_found is None
    assert row.short_items == sum(0 < length < n for length in lengths)
    assert row.empty_items == lengths.count(0)


@given(st.lists(TEXTS, min_size=1, max_size=6), st.lists(TEXTS, max_size=6), st.booleans(), st.integers(1, 5))
@settings(max_examples=150)
def test_figures_are_those_of_python_sets(items, corpus, stream, n):
    if not any(item.strip() for item in items):
        items = [*items, "a"]
    benchmark, grams = Benchmark("set", tuple(items), stream), Grams(n)
    check_against_sets(benchmark, corpus, grams, measured([benchmark], corpus, grams)[0])


@given(st.lists(TEXTS, min_size=1, max_size=8), st.permutations(range(8)))
@settings(max_examples=40)
def test_scans_of_parts_add_up_in_any_order(corpus, order):
    benchmark = Benchmark("set", ("a b c D e a b", "b c", "e e e a"))
    _, whole = scanned([benchmark], corpus, Grams(3))
    total = Lookup([benchmark], OverlapConfig(Grams(3))).scan()
    for place in [place for place in order if place < len(corpus)]:
        part = Lookup([benchmark], OverlapConfig(Grams(3))).scan()
        part.read(corpus[place], f"{place:016x}", f"https://example.org/{place}")
        total.add(part)
    assert {kind: found.tolist() for kind, found in total.counts.items()} == {
        kind: found.tolist() for kind, found in whole.counts.items()
    }
    assert total.sightings == whole.sightings
    assert (total.documents, total.words, total.ngrams) == (whole.documents, whole.words, whole.ngrams)


def page(*paragraphs):
    return "\n".join([FILLER, *paragraphs, FILLER.upper()])


LEAKS = {
    "verbatim": page(LEAK),
    "case and punctuation": page(LEAK.upper().replace(" ", "--")),
    "split over paragraphs": page(*(" ".join(LEAK.split()[at : at + 4]) for at in range(0, 18, 4))),
    "inside a long page": "\n".join([FILLER] * 2000 + [LEAK] + [FILLER] * 2000),
}


@pytest.mark.parametrize("way", LEAKS)
def test_a_planted_leak_is_found_whole(way):
    result = measured(
        [Benchmark("set", (LEAK, "Some other words that are nowhere to be seen, at all."))], [LEAKS[way]], Grams()
    )[0]
    assert [item.share for item in result.items] == [1.0, 0.0]
    assert result.row.found == result.row.exact_found == len(LEAK.split()) - 7


def test_near_misses_of_seven_words_are_not_found():
    listed = LEAK.split()
    pieces = [" ".join(listed[at : at + 7]) + f" interruption{at}" for at in range(0, len(listed), 7)]
    result = measured([Benchmark("set", (LEAK,))], [page(*pieces), *(page(piece) for piece in pieces)], Grams())[0]
    assert (result.row.found, result.row.exact_found, result.items[0].share) == (0, 0, 0.0)


def test_a_short_item_is_found_when_all_of_it_stands_in_a_row():
    items = ("vex two jolly", "two vex jolly", "", LEAK)
    result = measured([Benchmark("set", items)], [page(LEAK)], Grams())[0]
    assert [item.short_found for item in result.items] == [True, False, None, None]
    assert (result.row.short_items, result.row.short_found, result.row.empty_items) == (2, 1, 1)


def test_evidence_names_the_documents_the_fullest_first_with_what_they_hold():
    half = " ".join(LEAK.split()[:12])
    corpus = [page(half), page("nothing"), page(LEAK), *(page(half) for _ in range(5))]
    lookup, scan = scanned(
        [Benchmark("other", ("so far apart",)), Benchmark("set", (FILLER[:20], LEAK))], corpus, Grams()
    )
    found = list(evidence(lookup.tables, scan.sightings))
    assert [(one.name, one.position, one.rank, one.url[-1]) for one in found] == [
        ("set", 1, 1, "2"),
        ("set", 1, 2, "0"),
        ("set", 1, 3, "3"),
    ]
    assert (found[0].share, found[0].ngrams_found, found[1].ngrams_found) == (1.0, 11, 5)
    assert found[0].excerpt == LEAK.rstrip(".")
    assert found[1].excerpt == half


def test_an_excerpt_is_the_longest_stretch_that_is_shared():
    listed = LEAK.split()
    corpus = [page(" ".join(listed[:11])) + page(" ".join(listed[-9:]))]
    lookup, scan = scanned([Benchmark("set", (LEAK,))], corpus, Grams())
    (found,) = evidence(lookup.tables, scan.sightings)
    assert (found.excerpt, found.ngrams_found) == (" ".join(listed[:11]), 4 + 2)


def test_a_hit_by_hash_alone_is_not_believed(monkeypatch):
    """With word hashes that all collide, only the words themselves can tell."""
    monkeypatch.setattr(
        "dedup.overlap.exact_ngrams.text_word_hashes", lambda text, _: np.ones(len(plain_words(text)), np.uint64)
    )
    monkeypatch.setattr(
        "dedup.overlap.scan.text_word_hashes", lambda text, _: np.ones(len(plain_words(text)), np.uint64)
    )
    lookup, scan = scanned([Benchmark("set", ("a b c",))], ["d e f"], Grams(3))
    assert scan.collisions > 0
    assert not any(counts.any() for counts in scan.counts.values())
    assert scan.sightings == {}
    assert lookup.tables[0].hashes.size == 1


def test_a_false_hit_of_the_filter_is_denied_by_the_corpus():
    benchmark = Benchmark("set", (LEAK,))
    lookup, scan = scanned([benchmark], [FILLER], Grams())
    lying = filter_of([FILLER, LEAK], Grams())
    result = measure(lookup.tables[0], lying, scan)
    assert (result.row.share, result.row.exact_share, result.row.false_hits) == (1.0, 0.0, 11)
    assert result.items[0].share == 0.0
    lacking = measure(lookup.tables[0], filter_of(["nothing"], Grams()), scanned([benchmark], [LEAK], Grams())[1])
    assert lacking.row.missed == 11


def test_the_overlap_of_a_text_with_a_filter():
    ngram_filter = filter_of([LEAK], Grams())
    assert ngram_overlap(LEAK, ngram_filter) == 1.0
    assert ngram_overlap("too short", ngram_filter) is None


# ------------------------------------------------------------------------------------------------ error, measured


def test_random_probes_find_nothing_and_a_full_filter_is_caught():
    honest = probe(filter_of([random_words(5000, 99)], Grams()), 100_000)
    assert (honest.hits, round(honest.upper_bound * 1e5, 3)) == (0, 2.996)
    broken = filter_of([LEAK], Grams())
    broken.table[:] = np.uint64(2**64 - 1)
    assert probe(broken, 1000).hits == 1000
    assert probe(broken, 1000).table_rate == 1.0


def test_probes_are_different_and_the_same_each_time():
    listed = random_words(20_000, 3).split()
    assert len(set(listed)) == len(listed)
    assert {len(word) for word in listed} == {8}
    assert set("".join(listed)) == set(string.ascii_lowercase)
    assert random_words(20_000, 4).split()[0] not in listed


@pytest.mark.parametrize("hits", [0, 1, 7, 60])
def test_the_upper_bound_is_clopper_and_pearsons(hits):
    beta = pytest.importorskip("scipy.stats").beta
    assert upper_bound(hits, 10_000) == pytest.approx(beta.ppf(0.95, hits + 1, 10_000 - hits), rel=1e-9)


def test_the_upper_bound_of_nothing_but_hits_is_one():
    assert upper_bound(5, 5) == 1.0


def test_planted_items_are_all_found_and_near_misses_are_not():
    tables = [ItemGrams(Benchmark("set", (LEAK, random_words(40, 5), "too short", FILLER)), Grams())]
    for found in recall(tables, [FILLER + "\n" + FILLER, "One page more,\nwith two lines."]):
        assert found.items == 2  # the filler is in the pages already: it proves nothing
        expected = 0 if found.way == "near_miss" else 2
        assert (found.found_by_filter, found.found_by_scan) == (expected, expected)


def test_recall_notices_a_scan_that_is_blind_to_capitals(monkeypatch):
    monkeypatch.setattr(
        "dedup.overlap.scan.text_word_hashes",
        lambda text, _: np.array([hash(word) % 2**60 for word in text.split()], np.uint64),
    )
    tables = [ItemGrams(Benchmark("set", (LEAK,)), Grams())]
    assert {found.way: found.found_by_scan for found in recall(tables, [FILLER])} == dict.fromkeys(WAYS, 0)


# --------------------------------------------------------------------------------------------------- real benchmarks


def read(path, name="set"):
    return read_benchmark(Source(name, str(path)), open_file)


@pytest.mark.thorough  # Every benchmark is compared above; these figures are the docs' own.
def test_ptb_test_against_ptb_valid_and_against_itself(realweb):
    """The figures that docs/overlap.md quotes."""
    folder = realweb / "benchmarks"
    test, valid = (read(folder / f"ptb.{split}.txt", split) for split in ("test", "valid"))
    result = measured([test], ["\n".join(valid.items)], Grams())[0]
    check_against_sets(test, ["\n".join(valid.items)], Grams(), result)
    assert (result.row.ngrams, result.row.found) == (79_071, 796)
    itself = measured([test], ["\n".join(test.items)], Grams())[0]
    assert (itself.row.share, itself.row.exact_share) == (1.0, 1.0)
    assert {item.share for item in itself.items} == {1.0, None}


@pytest.mark.slow
@pytest.mark.parametrize(
    "grams", [Grams(5), *(pytest.param(grams, marks=pytest.mark.thorough) for grams in (Grams(), Grams(4, "gpt3")))]
)
def test_every_benchmark_of_realweb_equals_python_sets(realweb, grams):
    """On the gold texts of realweb's pages; n of 5 and 4 so that there is something to find."""
    with (realweb / "gold.jsonl").open(encoding="utf-8") as stream:
        corpus = ["\n".join(json.loads(line).get("with") or []) for line in stream]
    paths = sorted((realweb / "benchmarks").glob("*.*"))
    benchmarks = [read(path, path.name) for path in paths]
    assert len(benchmarks) == 9
    held = Counter(gram for text in corpus for gram in set(plain_grams(text, grams.n, grams.normalizer)))
    for benchmark, result in zip(benchmarks, measured(benchmarks, corpus, grams), strict=True):
        whole = "\n".join(benchmark.items)
        of_set = (
            plain_grams(whole, grams.n, grams.normalizer)
            if benchmark.stream
            else [gram for item in benchmark.items for gram in plain_grams(item, grams.n, grams.normalizer)]
        )
        assert (result.row.ngrams, result.row.exact_found) == (len(of_set), sum(gram in held for gram in of_set))
        assert (result.row.found, result.row.false_hits, result.row.missed) == (result.row.exact_found, 0, 0)


def test_books_cost_no_more_memory_than_pages():
    """A text of 1 MB has 170,000 words; twenty times that, a hundred times over, once asked for gigabytes."""
    tables = [ItemGrams(Benchmark("b", tuple(f"{FILLER} item {number} here it is" for number in range(100))), Grams())]
    tracemalloc.start()
    found = recall(tables, ["word " * 200_000 + str(number) for number in range(10)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert all(one.found_by_scan == one.found_by_filter == one.items for one in found if one.way != "near_miss")
