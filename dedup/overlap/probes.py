"""How far an overlap report can be trusted: random probes for false alarms, planted items for what is missed.

GPT-2's authors generated a million random strings and found none of them in their filters (paper, section 4). The same
is done here in every run, with the bound that so many probes prove. And items are planted into a copy of some of the
corpus's documents in the ways in which a page may hold them; a filter and a scan of that copy must find every one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dedup.kernels.hashes import Hashes, distinct, mix64, ngram_hashes, word_hashes
from dedup.overlap.bloom import FilterInfo, NgramFilter
from dedup.overlap.exact_ngrams import ItemGrams, build_index
from dedup.overlap.ngrams import Grams, text_ngram_hashes, text_words
from dedup.overlap.scan import Scan

PROBES = 1_000_000  # GPT-2 paper, section 4
CONFIDENCE = 0.95
_CHUNK = 1 << 20
_LETTERS = 8  # A random word has so many: of 26^8 words, a random 8-gram is in no corpus.
_STEP = np.uint64(0x9E3779B97F4A7C15)  # The counter that is mixed goes by this: the golden ratio times 2^64.
_BISECTIONS = 200


@dataclass(frozen=True)
class Probed:
    """What random probes of a filter have shown."""

    probes: int
    hits: int
    upper_bound: float  # the false-positive rate is below it, with 95 % confidence
    table_rate: float  # the rate that the filter's own bits come to


def random_ngrams(grams: Grams, count: int, seed: int = 0) -> Iterator[Hashes]:
    """Yield the hashes of so many random n-grams in chunks: strings of random letters, normalised and hashed."""
    for number, begin in enumerate(range(0, count, _CHUNK)):
        wanted = min(_CHUNK, count - begin)
        yield ngram_hashes(word_hashes(random_words(wanted + grams.n - 1, (seed << 32) + number)), grams.n)[:wanted]


def random_words(count: int, seed: int) -> str:
    """Make a text of random words of eight letters, the same for the same seed.

    >>> random_words(2, 7) == random_words(2, 7), len(random_words(2, 7))
    (True, 18)
    """
    start = mix64(np.array([seed], np.uint64))
    drawn = mix64(start + np.arange(count, dtype=np.uint64) * _STEP)
    text = np.full((count, _LETTERS + 1), ord(" "), np.uint8)
    for letter in range(_LETTERS):
        text[:, letter] = (ord("a") + (drawn >> np.uint64(8 * letter)) % np.uint64(26)).astype(np.uint8)
    return text.tobytes().decode("ascii")


def probe(ngram_filter: NgramFilter, probes: int = PROBES, seed: int = 0) -> Probed:
    """Look up random n-grams, which no corpus has, and bound the false-positive rate by what was found."""
    chunks = random_ngrams(ngram_filter.info.grams, probes, seed)
    hits = sum(int(ngram_filter.contains(chunk).sum()) for chunk in chunks)
    return Probed(probes, hits, upper_bound(hits, probes), ngram_filter.rate())


def upper_bound(hits: int, probes: int) -> float:
    """The one-sided exact binomial upper bound of a rate (Clopper and Pearson, 1934).

    The rate at which so few hits, or fewer, would be seen with a chance of 1 - `CONFIDENCE` only.

    >>> round(upper_bound(0, 1_000_000) * 1e6, 3)
    2.996
    """
    if hits >= probes:
        return 1.0
    low, high = hits / probes, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _at_most(hits, probes, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most(hits: int, probes: int, rate: float) -> float:
    """The chance of at most so many hits."""
    if rate <= 0 or rate >= 1:
        return float(rate <= 0)
    log_rate, log_other = math.log(rate), math.log1p(-rate)
    chances = (
        math.lgamma(probes + 1)
        - math.lgamma(k + 1)
        - math.lgamma(probes - k + 1)
        + k * log_rate
        + (probes - k) * log_other
        for k in range(hits + 1)
    )
    return sum(math.exp(chance) for chance in chances)


@dataclass(frozen=True)
class Recalled:
    """What became of planted items, by the way in which they were planted."""

    way: str
    items: int
    found_by_filter: int  # items all of whose n-grams were found
    found_by_scan: int
    ngrams: int  # those of the items that the documents did not have before


WAYS = ("verbatim", "case_and_punctuation", "over_paragraphs", "in_a_long_page", "near_miss")


def plant(item: str, way: str, page: str, normalizer: str) -> str:
    """Put an item into a page; `near_miss` puts no more than every other run of its words there.

    Args:
        item: the text of a benchmark's item.
        way: one of WAYS.
        page: a document of the corpus.
        normalizer: how words are told apart.
    """
    half = page.rfind("\n", 0, len(page) // 2 + 1) + 1
    before, after = page[:half], page[half:]
    if way == "case_and_punctuation":
        item = " -- ".join(word.upper() for word in text_words(item, normalizer)) + "!"
    elif way == "over_paragraphs":
        listed = text_words(item, normalizer)
        item = "\n\n".join(" ".join(listed[start : start + 5]) for start in range(0, len(listed), 5))
    elif way == "in_a_long_page":
        before, after = before * 20, after * 20
    return f"{before}{item}\n{after}" if before else f"{item}\n{after}"


PAGE_CHARACTERS = (
    2000  # Items are planted into so much of a document, so a corpus of books costs what one of pages does.
)


def recall(tables: Sequence[ItemGrams], pages: Sequence[str], items_a_way: int = 100) -> list[Recalled]:
    """Plant items, the same number in each way, and count those that filter and scan find again.

    An n-gram that the pages have without the item proves nothing and does not count; so an item counts that has others.
    A near miss is all of an item but broken at every (n - 1)-th word: none of its n-grams may be found.

    Args:
        tables: the n-grams of the sets, all of one kind.
        pages: documents of the corpus, one or more.
        items_a_way: how many items of all sets together are planted in each way.
    """
    grams, pages = tables[0].grams, [page[:PAGE_CHARACTERS] for page in pages]
    known = distinct(np.concatenate([text_ngram_hashes(page, grams) for page in pages]))
    candidates = [(table, item) for table in tables for item in np.flatnonzero(table.stops > table.starts).tolist()]
    chosen = candidates[:: max(1, len(candidates) // items_a_way)][:items_a_way]
    return [_recall_way(way, chosen, pages, known, grams) for way in WAYS]


def _recall_way(
    way: str, chosen: Sequence[tuple[ItemGrams, int]], pages: Sequence[str], known: Hashes, grams: Grams
) -> Recalled:
    index = build_index(list(dict.fromkeys(table for table, _ in chosen)))
    scan = Scan(index, grams, items=0)
    hashes = []
    for number, (table, item) in enumerate(chosen):
        text = table.benchmark.items[item]
        if way == "near_miss":
            text = _broken(text, grams)
        page = plant(text, way, pages[number % len(pages)], grams.normalizer)
        hashes.append(distinct(text_ngram_hashes(page, grams)))
        scan.count(page)
    small = NgramFilter(FilterInfo(grams, capacity=max(1, sum(map(len, hashes)))))
    for part in hashes:
        small.add(part)
    by_filter = by_scan = items = ngrams = 0
    for table, item in chosen:
        own = table.hashes[table.starts[item] : table.stops[item]]
        fresh = own[~np.isin(own, known)]
        if len(fresh):
            items, ngrams = items + 1, ngrams + len(fresh)
            found = scan.counts[grams][index[grams].numbers(fresh)] > 0
            every = np.any if way == "near_miss" else np.all
            by_filter += bool(every(small.contains(fresh)))
            by_scan += bool(every(found))
    return Recalled(way, items, by_filter, by_scan, ngrams)


def _broken(text: str, grams: Grams) -> str:
    """Break a text after every n - 1 words with one that is in no benchmark."""
    listed, run = text_words(text, grams.normalizer), max(1, grams.n - 1)
    breaks = random_words(len(listed) // run + 1, 1).split()
    runs = [listed[start : start + run] for start in range(0, len(listed), run)]
    return " ".join(" ".join((*words, stop)) for words, stop in zip(runs, breaks, strict=False))
