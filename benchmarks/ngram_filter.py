"""Measure the n-gram filter: a large one, its real false-positive rate, and its speed beside rbloom and a Python set.

    python benchmarks/ngram_filter.py --ngrams 200000000 --probes 100000000

Texts are random words of eight letters, made as they are needed (their making is not timed). Times are CPU seconds of
this process. The contestants get the same texts and do the whole way from text to answer: normalise, divide into words,
make 8-grams, and add them or look them up.
"""

import argparse
import importlib
import resource
import statistics
import time
from collections.abc import Callable, Iterator

from dedup.kernels.numba_or_numpy import compile_from_now_on
from dedup.overlap.bloom import ERROR_RATE, FilterInfo, NgramFilter, filter_bytes
from dedup.overlap.ngrams import Grams, text_ngram_hashes
from dedup.overlap.probes import probe, random_words
from webtext.text import ngrams, words

WORDS_A_TEXT = 1_000_000
GRAMS = Grams()


def texts(count: int, first: int = 0) -> Iterator[str]:
    """Make so many texts of a million words."""
    return (random_words(WORDS_A_TEXT, seed) for seed in range(first, first + count))


def build(ngram_count: int) -> tuple[NgramFilter, float]:
    """Build a filter of so many n-grams from texts; gives the CPU seconds from text to table too."""
    made = NgramFilter(FilterInfo(GRAMS, capacity=ngram_count))
    seconds = 0.0
    for text in texts(-(-ngram_count // WORDS_A_TEXT)):
        start = time.process_time()
        made.add(text_ngram_hashes(text, GRAMS)[: ngram_count - made.info.ngrams])
        seconds += time.process_time() - start
    return made, seconds


def median_rate(work: Callable[[str], object], repeats: int) -> float:
    """N-grams a CPU second of work on a text; the median over texts."""
    rates = []
    for text in texts(repeats, first=10_000):
        start = time.process_time()
        work(text)
        rates.append((WORDS_A_TEXT - GRAMS.n + 1) / (time.process_time() - start))
    return statistics.median(rates)


def contestants(ngram_count: int) -> Iterator[tuple[str, Callable[[str], object], Callable[[str], object]]]:
    """Name each way with how it adds a text and how it looks one up; ours is sized as in the large run."""
    ours = NgramFilter(FilterInfo(GRAMS, capacity=ngram_count))
    yield (
        f"webtext{'' if compile_from_now_on() else ' (numpy)'}",
        lambda text: ours.add(text_ngram_hashes(text, GRAMS)),
        lambda text: int(ours.contains(text_ngram_hashes(text, GRAMS)).sum()),
    )
    exact: set[str] = set()
    yield (
        "Python set",
        lambda text: exact.update(" ".join(gram) for gram in ngrams(words(text), GRAMS.n)),
        lambda text: sum(" ".join(gram) in exact for gram in ngrams(words(text), GRAMS.n)),
    )
    try:
        bloom_class = importlib.import_module("rbloom").Bloom
    except ImportError:
        print("rbloom is not installed: pip install rbloom")
        return
    bloom = bloom_class(ngram_count, ERROR_RATE)
    yield (
        "rbloom",
        lambda text: bloom.update(" ".join(gram) for gram in ngrams(words(text), GRAMS.n)),
        lambda text: sum(" ".join(gram) in bloom for gram in ngrams(words(text), GRAMS.n)),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ngrams", type=int, default=200_000_000)
    parser.add_argument("--probes", type=int, default=100_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    text_ngram_hashes("compile first", GRAMS)
    NgramFilter(FilterInfo(GRAMS)).contains(text_ngram_hashes("a b c d e f g h", GRAMS))
    made, seconds = build(arguments.ngrams)
    size, added = made.table.nbytes, made.info.ngrams
    print(f"{added:,} n-grams in {size:,} bytes ({size / added:.2f} each)")
    print(f"built from text in {seconds:.1f} CPU-s: {added / seconds / 1e6:.2f} M n-grams/s")
    start = time.process_time()
    probed = probe(made, arguments.probes, seed=1 << 20)
    print(f"{probed.probes:,} probes, {probed.hits:,} hits: rate {probed.hits / probed.probes:.2e}, below")
    print(f"  {probed.upper_bound:.2e} (95 %); the table's own bits come to {probed.table_rate:.2e}")
    print(f"  probed in {time.process_time() - start:.1f} CPU-s, the making of random words included")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    assert filter_bytes(arguments.ngrams) == made.table.nbytes
    del made
    rates = {}
    for name, add, look_up in contestants(arguments.ngrams):
        rates[name] = (median_rate(add, arguments.repeats), median_rate(look_up, arguments.repeats))
    best = next(iter(rates.values()))
    for name, own in rates.items():
        figures = zip(("add", "look up"), own, best, strict=True)
        shown = (f"{what} {rate / 1e6:5.2f} M n-grams/s ({ours / rate:4.1f} x)" for what, rate, ours in figures)
        print(f"{name:<12} {', '.join(shown)}")


if __name__ == "__main__":
    main()
