"""What chains of near-duplicates cost: pages that go though the one that stays is not like them.

    python benchmarks/chains.py web.warc.gz [--threshold 0.7]

All pages of an archive, in any language, compared with plain sets of words. Prints what goes where one page of each
connected component stays, as in webtext and its peers, and what goes where a page goes only for one that stays and is
like it; of the pages between the two rules, how much of each is in the page that stays, and in any page that stays.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from real_texts import real_texts

from dedup.near.clusters import connected_components
from webtext.text import ngrams, words

Shingles = set[tuple[str, ...]]
_COMMON = 200  # pages: what stands in more is no reason to compare two


def like_pairs(pages: Sequence[Shingles], threshold: float) -> Iterator[tuple[int, int]]:
    """All pairs of pages whose sets have a Jaccard similarity of at least the threshold."""
    places = defaultdict(list)
    for number, page in enumerate(pages):
        for shingle in page:
            places[shingle].append(number)
    for number, page in enumerate(pages):
        met = Counter(
            other for shingle in page if len(places[shingle]) <= _COMMON for other in places[shingle] if other < number
        )
        for other in met:
            if similarity(page, pages[other]) >= threshold:
                yield other, number


def similarity(one: Shingles, two: Shingles) -> float:
    """The Jaccard similarity of two sets."""
    return len(one & two) / len(one | two)


def main() -> None:
    """Compare both rules."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("warc", type=Path)
    parser.add_argument("--threshold", type=float, default=0.7)
    arguments = parser.parse_args()
    texts = sorted(real_texts(arguments.warc), key=lambda text: (-len(text.split()), text))  # the longest stays
    pages: list[Shingles] = [set(ngrams(words(text), 5)) for text in texts]
    pages = [page for page in pages if page]
    pairs = list(like_pairs(pages, arguments.threshold))
    likes = defaultdict(set)
    for one, two in pairs:
        likes[one].add(two)
        likes[two].add(one)
    members, roots = (found.tolist() for found in connected_components(np.array(pairs).reshape(-1, 2)))
    stays = {member: root for member, root in zip(members, roots, strict=True) if member != root}
    chained = {page for page, root in stays.items() if root not in likes[page]}
    kept: set[int] = set()
    for number in range(len(pages)):
        if not likes[number] & kept:
            kept.add(number)
    back = chained & kept
    print(f"{len(pages):,} pages, {len(pairs):,} pairs at {arguments.threshold} or more")
    print(f"one of each component stays: {len(stays):,} go, {len(chained):,} of them by a chain")
    print(f"a page goes only for one like it that stays: {len(pages) - len(kept):,} go")
    if back:
        own = [held(pages[page], pages[stays[page]]) for page in back]
        nearest = [max(held(pages[page], pages[other]) for other in kept - {page}) for page in back]
        print(f"of the {len(back):,} that would come back, {spread(own)} is in the page that stays of their component")
        print(f"and {spread(nearest)} in the nearest of all that would stay")


def held(page: Shingles, other: Shingles) -> float:
    """The share of a page that another has."""
    return len(page & other) / len(page)


def spread(shares: Sequence[float]) -> str:
    """Median, least and most."""
    return f"{np.median(shares):.0%} ({min(shares):.0%} to {max(shares):.0%})"


if __name__ == "__main__":
    main()
