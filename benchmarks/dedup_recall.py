"""Recall and precision of near-duplicate removal on pairs of known Jaccard similarity, made from real texts.

    python benchmarks/dedup_recall.py [--warc FILE] [--json FILE] [--svg FILE]

A pair is a passage of 130 to 250 words from a page and a copy with words replaced, deleted or inserted, as many as
bring it near a similarity drawn evenly from 0.3 to 1; then the true similarity is computed from Python sets of word
5-grams, not by the code under test. No word is in two passages, and a passage that shares more than a tenth of its
shingles with those before it (boilerplate, another edition) is left out: so what is true of a pair is known. All pairs
go through the stage together, so a wrong link between them shows.
"""

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
from apache_beam.options.pipeline_options import PipelineOptions
from real_texts import long_texts

from dedup.near.against import write_sketches
from dedup.near.minhash import MinHashConfig, band_keys, collision_probability
from dedup.near.parts import Catalog, Source
from dedup.near.search import Plan
from dedup.near.sketch import sketch
from dedup.near.transforms import FindDuplicates
from webtext.hashing import document_id
from webtext.text import ngrams, words

PARTS = 8
SHORTEST, LONGEST = 130, 250  # words of a passage
FOREIGN = 0.1  # share of a passage's shingles that passages before it may have
STEP = 0.05  # width of a bin of the curve


def make_pairs(warc: Path) -> Iterator[tuple[str, str, float]]:
    """Yield pairs of texts with the true Jaccard similarity of each."""
    shuffler = random.Random(20)
    texts = long_texts(warc, SHORTEST)
    vocabulary = sorted({word for text in texts for word in text})
    used: set[tuple[str, ...]] = set()
    for text in texts:
        start = 0
        while len(text) - start >= SHORTEST:
            length = shuffler.randint(SHORTEST, LONGEST)
            passage = text[start : start + length]
            start += length
            one = " ".join(passage)
            shingles = set(ngrams(words(one), 5))
            if len(shingles & used) > FOREIGN * len(shingles):
                continue
            used |= shingles
            other = " ".join(edited(passage, shuffler.uniform(0.3, 1.0), vocabulary, shuffler))
            yield one, other, true_jaccard(one, other)


def edited(passage: list[str], jaccard: float, vocabulary: list[str], shuffler: random.Random) -> list[str]:
    """Edit words until the similarity is about as wanted: a lone edit costs five shingles on either side."""
    copy = list(passage)
    kept = 2 * jaccard / (1 + jaccard)  # share of shingles that stay
    wanted = round(len(passage) * (1 - kept ** (1 / 5)))
    for place in sorted(shuffler.sample(range(len(copy)), wanted), reverse=True):
        kind = shuffler.random()
        if kind < 0.7:
            copy[place] = shuffler.choice(vocabulary)
        elif kind < 0.85:
            del copy[place]
        else:
            copy.insert(place, shuffler.choice(vocabulary))
    return copy


def true_jaccard(one: str, other: str) -> float:
    """Compute the similarity from sets of tuples of words."""
    first, second = set(ngrams(words(one), 5)), set(ngrams(words(other), 5))
    return len(first & second) / len(first | second)


def removed_urls(pairs: list[tuple[str, str, float]], config: MinHashConfig) -> dict[str, dict[str, Any]]:
    """Run the stage on all texts of the pairs; give the rejections by URL."""
    texts = [
        (text, {"url": url, "id": document_id(url), "karma": 1, "first_posted": None})
        for number, pair in enumerate(pairs)
        for url, text in ((f"http://pair.test/{number}/a", pair[0]), (f"http://pair.test/{number}/b", pair[1]))
    ]
    with tempfile.TemporaryDirectory() as work:
        for part in range(PARTS):
            suffix = f"{part:05d}-of-{PARTS:05d}"
            table, shingles = Path(work, f"part-{suffix}.parquet"), Path(work, f"shingles-{suffix}.bin")
            with table.open("wb") as one, shingles.open("wb") as other:
                write_sketches(one, other, texts[part::PARTS], config)
        plan = Plan(Catalog((Source(work, PARTS),)), len(texts), config)
        with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
            pipeline | FindDuplicates(plan, work)
        tables = [pq.read_table(path).to_pylist() for path in sorted(Path(work).glob("rejections-*"))]
    return {row["url"]: row for rows in tables for row in rows}


def bin_of(jaccard: float) -> int:
    """Number the bin of a similarity."""
    return int(jaccard / STEP + 1e-9)


def linked(number: int, removed: dict[str, dict[str, Any]]) -> bool:
    """Tell whether a pair's two texts were put in one cluster."""
    sides = [f"http://pair.test/{number}/{side}" for side in "ab"]
    clusters = [removed[url]["cluster"] if url in removed else document_id(url) for url in sides]
    kept = [removed[url]["kept_url"] if url in removed else url for url in sides]
    return kept[0] == kept[1] or clusters[0] == clusters[1]


def measure(pairs: list[tuple[str, str, float]], config: MinHashConfig) -> dict[str, Any]:
    """Find recall above the threshold, what was removed below it, and the curve."""
    removed = removed_urls(pairs, config)
    found, made = Counter[int](), Counter[int]()
    above = above_found = at = at_found = below_removed = 0
    for number, (_, _, jaccard) in enumerate(pairs):
        together = linked(number, removed)
        made[bin_of(jaccard)] += 1
        found[bin_of(jaccard)] += together
        above += jaccard >= config.threshold + 0.05
        above_found += together and jaccard >= config.threshold + 0.05
        at += jaccard >= config.threshold
        at_found += together and jaccard >= config.threshold
        below_removed += together and jaccard < config.threshold
    chained = sum(
        bool(row["similarity"] < np.float32(config.threshold)) for row in removed.values()
    )  # files hold 32 bits
    return {
        "pairs": len(pairs),
        "threshold": config.threshold,
        "bands_rows": config.banding,
        "pairs_above_threshold_plus_0.05": above,
        "recall_above_threshold_plus_0.05": above_found / above,
        "recall_above_threshold": at_found / at,
        "pairs_below_threshold": len(pairs) - at,
        "pairs_below_threshold_linked": below_removed,
        "removed_below_threshold": chained,
        "curve": [[round(b * STEP, 2), made[b], found[b]] for b in sorted(made)],
    }


def candidate_curve(pairs: list[tuple[str, str, float]], config: MinHashConfig) -> list[list[float]]:
    """Measure how many pairs share a band, by similarity, beside theory: the S-curve before verification."""
    met, made = Counter[int](), Counter[int]()
    theory: dict[int, float] = {}
    for one, other, jaccard in pairs:
        signed = [np.frombuffer(sketch(text, config).signature, "<u4") for text in (one, other)]
        keys = band_keys(np.stack(signed), config)
        step = bin_of(jaccard)
        made[step] += 1
        met[step] += bool((keys[0] == keys[1]).any())
        theory[step] = theory.get(step, 0.0) + collision_probability(jaccard, *config.banding)
    return [[round(b * STEP, 2), made[b], met[b] / made[b], theory[b] / made[b]] for b in sorted(made)]


def draw(curve: list[list[float]], config: MinHashConfig) -> str:
    """Draw the measured curve as dots and theory as a line, in SVG."""
    width, height, margin = 640, 400, 50

    def at(x: float, y: float) -> str:
        return (
            f"{margin + (x - 0.25) / 0.75 * (width - 2 * margin):.1f},{height - margin - y * (height - 2 * margin):.1f}"
        )

    steps = [0.25 + 0.005 * step for step in range(151)]
    line = " ".join(at(x, collision_probability(x, *config.banding)) for x in steps)
    dots = "".join(
        '<circle cx="{}" cy="{}" r="4"/>'.format(*at(x + STEP / 2 if x < 1 else 1, y).split(","))
        for x, _, y, _ in curve
        if x >= 0.25
    )
    (left, foot), (right, top) = (at(*corner).split(",") for corner in ((0.25, 0), (1, 1)))
    limit, _ = at(config.threshold, 0).split(",")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect x="{left}" y="{top}" width="{float(right) - float(left)}" height="{float(foot) - float(top)}" '
        'fill="none" stroke="#999"/>'
        f'<line x1="{limit}" x2="{limit}" y1="{top}" y2="{foot}" stroke="#c33" stroke-dasharray="4"/>'
        f'<polyline points="{line}" fill="none" stroke="#36c" stroke-width="2"/><g fill="#222">{dots}</g>'
        f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">true Jaccard similarity, 0.25 to 1</text>'
        f'<text x="{left}" y="{margin - 18}">'
        "share of pairs that share a band, 0 to 1: dots measured, line theory</text>"
        "</svg>\n"
    )


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warc", type=Path, default=Path("../shared/realweb/web.warc.gz"))
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--svg", type=Path, help="draw the S-curve here")
    arguments = parser.parse_args()
    config = MinHashConfig()
    pairs = list(make_pairs(arguments.warc))
    figures = measure(pairs, config) | {"candidates": candidate_curve(pairs, config)}
    print(json.dumps(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    if arguments.svg:
        arguments.svg.write_text(draw(figures["candidates"], config))


if __name__ == "__main__":
    main()
