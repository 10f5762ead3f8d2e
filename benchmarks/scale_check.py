"""Whether de-duplication found what was planted in a scale set, and nothing else: reckoned without what it checks."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from scale_set import Variants

from webtext.text import words

_SHINGLE = 5  # words
_THRESHOLD = 0.7


def check(output: str, variants: int) -> dict[str, int]:
    """Compare the duplicates of a build with the variants' families, and recompute some of the genuine pages'.

    A planted copy counts where both it and what it copies came through the filters. A variant that was removed for
    a page outside its family, or a genuine page that is like no other of its cluster by the threshold, counts as
    `false_removals`; `chained` are those that are like another, but not like the one that stayed.
    """
    documents = [row["url"] for row in _rows(output, "documents", "part-*", ["url"])]
    rows = list(_rows(output, "duplicates", "rejections-*", ["url", "kept_url", "cluster"]))
    removed = {row["url"]: row["kept_url"] for row in rows}
    families: dict[int, list[str]] = defaultdict(list)
    there = set(documents)
    for number in range(variants):
        if Variants.url(number) in there:
            families[Variants.copied(number)[0]].append(Variants.url(number))
    family_of = {url: family for family, urls in families.items() for url in urls}
    planted = sum(len(urls) - 1 for urls in families.values())
    found = sum(min(len(urls) - 1, sum(url in removed for url in urls)) for urls in families.values())
    strangers = sum(family_of[url] != family_of.get(kept) for url, kept in removed.items() if url in family_of)
    # A short text that stands on many pages stays on none of them, so there is nothing that it would be compared with.
    compared = [row for row in rows if row["url"] not in family_of and row["kept_url"]]
    checked, chained, unlike = _genuine_removals(output, compared)
    return {
        "documents": len(documents),
        "planted": planted,
        "found": found,
        "removed": len(removed),
        "genuine_removals_checked": checked,
        "chained": chained,
        "false_removals": strangers + unlike,
    }


def _genuine_removals(output: str, rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Recompute the similarities of removed pages: how many, of them chained, of them like none of their cluster.

    Where no page of a cluster stays (a short text at many URLs), a page must be like another that goes.
    """
    members: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        members[row["cluster"]] |= {row["url"], row["kept_url"]} - {None}
    wanted = set().union(*members.values())
    texts = {row["url"]: row["text"] for row in _rows(output, "documents", "part-*", ["url", "text"], wanted)}
    chained = unlike = 0
    for row in rows:
        url, kept = row["url"], row["kept_url"]
        if kept is None or _jaccard(texts[url], texts[kept]) < _THRESHOLD:
            others = members[row["cluster"]] - {url, kept}
            is_like = any(_jaccard(texts[url], texts[other]) >= _THRESHOLD for other in others)
            chained, unlike = chained + (is_like and kept is not None), unlike + (not is_like)
    return len(rows), chained, unlike


def _jaccard(left: str, right: str) -> float:
    if left == right:
        return 1.0
    one, other = _shingles(left), _shingles(right)
    return len(one & other) / max(1, len(one | other))


def _shingles(text: str) -> set[tuple[str, ...]]:
    found = list(words(text.lower()))
    return {tuple(found[start : start + _SHINGLE]) for start in range(max(1, len(found) - _SHINGLE + 1))}


def _rows(
    output: str, stage: str, pattern: str, columns: list[str], wanted: set[str] | None = None
) -> Iterator[dict[str, Any]]:
    for path in sorted((Path(output) / stage).glob(pattern + ".parquet")):
        for row in pq.read_table(path, columns=columns).to_pylist():
            if wanted is None or row["url"] in wanted:
                yield row
