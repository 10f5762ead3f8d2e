"""Is a 95 % interval one: how often it covers the truth, over draws of corpora and of texts to score.

    python benchmarks/interval_coverage.py DOCUMENTS [--draws 400] [--train 500] [--scored 500] [--ratio]
    python benchmarks/interval_coverage.py web.warc.gz --characters 500 --train 400 --scored 300

DOCUMENTS (Parquet with `text`, JSON lines, a corpus folder, a WARC of pages) are the population. Each draw parts some
of them at random into two corpora and a text set, and the n-gram judge compares the corpora: the true difference is 0
and the true efficiency ratio is 1, so each interval that does not hold them is a miss, and a false alarm. Prints a line
for each of the two, at every hundredth draw: coverage with its 95 % interval, the spread that the estimates had and the
one that the intervals claim.
"""

import argparse
import math
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from real_texts import real_texts

from model.gpt2.corpora import read_neutral, thin
from model.gpt2.tokenizer import gpt2_tokenizer
from model.scores.tasks import accuracy
from model.verdict.compare import PanelScores, measure
from model.verdict.efficiency import efficiency
from model.verdict.judge import NgramJudge, Panel, Sample
from model.verdict.tiers import TIERS


def draw(texts: list[str], train: int, scored: int, seed: int, *, ratio: bool) -> list[tuple[float, float, float]]:
    """(estimate, low, high) of a difference in bits per byte, and with `ratio` of the log of an efficiency ratio."""
    chance = random.Random(seed)
    chosen = chance.sample(texts, 2 * train + scored)
    tier, tokenizer = replace(TIERS["quick"], ngram_tokens=10**9, halvings=5 * ratio), gpt2_tokenizer()
    samples = {
        name: Sample(tokenizer.encode_batch(part), [chance.randrange(tier.groups) for _ in part])
        for name, part in (("a", chosen[:train]), ("b", chosen[train : 2 * train]))
    }
    panel = Panel("scored", True, tuple(chosen[2 * train :]))
    scores = NgramJudge(samples, tier, tokenizer).score([panel])
    pairs = [
        [PanelScores(panel.name, True, panel.n_bytes(), a[0], b[0])]
        for a, b in zip(scores.bits["a"], scores.bits["b"], strict=True)
    ]
    difference, worth = measure(pairs[-1], jackknife=True), efficiency(scores.tokens, pairs)
    found = [(difference.estimate, *difference.interval)]
    if worth is not None:
        found.append((math.log(worth.ratio), math.log(worth.interval[0]), math.log(worth.interval[1])))
    return found


def report(made: list[list[tuple[float, float, float]]]) -> None:
    """Print a line for the difference, and one for the ratio."""
    drawn = np.array(made).transpose(1, 2, 0)
    for name, (estimates, lows, highs) in zip(("difference", "log of ratio"), drawn, strict=False):
        covered = accuracy(((lows <= 0.0) & (highs >= 0.0)).tolist())
        actual, claimed = float(np.sqrt((estimates**2).mean())), float((highs - lows).mean()) / 2.0 / 1.960
        print(
            f"{name:14} covered {covered.percent:.1f} % of {covered.items} [{covered.low:.1f}, {covered.high:.1f}]  "
            f"actual sd {actual:.5f}  claimed {claimed:.5f}  ratio {claimed / actual:.2f}",
            flush=True,
        )


def main() -> None:
    """Draw, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("documents", type=Path)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--train", type=int, default=500, help="documents a corpus")
    parser.add_argument("--scored", type=int, default=500)
    parser.add_argument("--characters", type=int, help="of each document, from its start, in place of slices of it")
    parser.add_argument("--ratio", action="store_true", help="the efficiency ratio too, at six times the cost")
    arguments = parser.parse_args()
    cut, warc = arguments.characters, arguments.documents.name.endswith(".warc.gz")
    whole = real_texts(arguments.documents) if warc else read_neutral(arguments.documents)
    texts, began = list(dict.fromkeys(text[:cut] if cut else thin(text) for text in whole)), time.process_time()
    made = []
    for seed in range(arguments.draws):
        made.append(draw(texts, arguments.train, arguments.scored, seed, ratio=arguments.ratio))
        if len(made) % 100 == 0 or len(made) == arguments.draws:
            report(made)
    print(f"{len(texts):,} documents; {time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
