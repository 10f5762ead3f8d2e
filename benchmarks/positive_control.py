"""Does the n-gram judge tell a corpus from damaged copies of itself, and two halves of it not from each other?

    python benchmarks/positive_control.py CORPUS --neutral FILE [--neutral FILE ...] [--furniture COLUMN] [--halves 20]
    python benchmarks/positive_control.py CORPUS --neutral FILE --skip-damages --halves 100    # false alarms only

Prints a line for each comparison: the difference in bits per byte with its interval, the smallest visible difference,
what a token of the copy is worth in tokens of the corpus, and the verdict; for damages of falling size, then for random
halves, of which 5 % should be told apart wrongly. With `--furniture`, the boilerplate put back is the one that the
pages had: a column of the corpus with the lines that extraction removed.
"""

import argparse
import functools
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model.gpt2.corpora import Corpus, read_neutral, take, thin
from model.gpt2.damage import Damage, duplicate_documents, put_back_boilerplate, shuffle_words
from model.gpt2.data import shard_paths
from model.gpt2.tokenizer import gpt2_tokenizer
from model.scores.tasks import accuracy
from model.verdict.compare import CANNOT_TELL, CONFIDENCE, PanelScores, compare
from model.verdict.efficiency import efficiency
from model.verdict.judge import Panel, ngram_judges
from model.verdict.tiers import TIERS, Tier
from webtext.hashing import hash64


def named(damage: Callable[..., Iterator[str]], share: float) -> Damage:
    """A damage of another size."""
    return functools.update_wrapper(functools.partial(damage, share=share), damage)


def shuffle_some(texts: Iterable[str], share: float) -> Iterator[str]:
    """Shuffle the words of a share of the documents."""
    for text in texts:
        hit = hash64(text.encode(), salt=b"some") < share * 2**64
        yield next(shuffle_words([text])) if hit else text


def furniture_of(corpus: Path, column: str) -> Damage:
    """Put back what extraction removed from each document, 30 % of the bytes or all that there is."""
    lines: dict[str, list[str]] = {}
    for path in shard_paths(corpus, "train"):
        table = pq.read_table(path, columns=["text", column])
        for text, removed in zip(table["text"].to_pylist(), table[column].to_pylist(), strict=True):
            lines[text] = [line for line in removed.split("\n") if line.strip()]

    def real_furniture(texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            yield next(put_back_boilerplate([text], lines[text])) if lines[text] else text

    return real_furniture


def report(corpora: list[Corpus], panels: list[Panel], tier: Tier, label: str = "") -> list[str]:
    """Judge the first corpus against each of the others, print a line each, return the verdicts."""
    verdicts = []
    for other, judge in ngram_judges(corpora, tier, gpt2_tokenizer()).items():
        began = time.process_time()
        scores = judge.score(panels)
        pairs = [
            [PanelScores(panel.name, True, panel.n_bytes(), *two) for panel, *two in zip(panels, a, b, strict=True)]
            for a, b in zip(scores.bits[corpora[0].name], scores.bits[other], strict=True)
        ]
        found, worth = compare(pairs[-1], jackknife=True), efficiency(scores.tokens, pairs)
        assert found.overall is not None
        low, high = found.overall.interval
        difference = f"{found.overall.estimate:+.4f} [{low:+.4f}, {high:+.4f}]"
        ratio = "" if worth is None else f"worth {worth.ratio:.2f} [{worth.interval[0]:.2f}, {worth.interval[1]:.2f}]"
        visible = f"visible {found.overall.smallest_visible:.4f}"
        print(f"{label or other:28} {difference}  {visible}  {ratio}  {found.verdict}", flush=True)
        used = f"{scores.tokens[-1, 0]:,.0f} tokens a corpus, {time.process_time() - began:.0f} s of CPU"
        print(f"{'':28} {used}", flush=True)
        verdicts.append(found.verdict)
    return verdicts


def halves(texts: list[str], number: int, folder: Path) -> list[Corpus]:
    """Two random halves of the texts as corpora on disk."""
    order = sorted(texts, key=lambda text: hash64(f"{number}/{text}".encode()))
    made = []
    for side, part in (("corpus", order[: len(order) // 2]), ("other", order[len(order) // 2 :])):
        path = folder / f"{number}-{side}.parquet"
        pq.write_table(pa.table({"text": part}), path)
        made.append(Corpus(side, path))
    return made


def main() -> None:
    """Run the control."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--neutral", type=Path, action="append", required=True)
    parser.add_argument("--furniture")
    parser.add_argument("--halves", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first pair, to measure in parts")
    parser.add_argument("--skip-damages", action="store_true", help="halves only")
    parser.add_argument("--tokens", type=int, default=TIERS["quick"].ngram_tokens, help="of each corpus")
    arguments = parser.parse_args()
    tier = replace(TIERS["quick"], ngram_tokens=arguments.tokens)
    panels = [
        Panel(path.name, True, tuple(take(map(thin, read_neutral(path)), TIERS["quick"].panel_bytes)))
        for path in arguments.neutral
    ]
    damages: dict[str, Damage] = {}
    for share in (1.0, 0.3, 0.1):
        damages[f"shuffled words {share:.0%}"] = named(shuffle_some, share)
    for share in (0.3, 0.1):
        damages[f"boilerplate {share:.0%}"] = named(put_back_boilerplate, share)
        damages[f"duplicates {share:.0%}"] = named(duplicate_documents, share)
    if arguments.furniture:
        damages["the pages' own boilerplate"] = furniture_of(arguments.corpus, arguments.furniture)
    copies = [Corpus(name, arguments.corpus, damage) for name, damage in damages.items()]
    if not arguments.skip_damages:
        report([Corpus("corpus", arguments.corpus), *copies], panels, tier)
    texts = list(Corpus("", arguments.corpus).train())
    with tempfile.TemporaryDirectory() as folder:
        verdicts = [
            verdict
            for number in range(arguments.first, arguments.first + arguments.halves)
            for verdict in report(
                halves(texts, number, Path(folder)), panels, replace(tier, halvings=0), f"random halves {number}"
            )
        ]
    if verdicts:
        alarms = accuracy([verdict != CANNOT_TELL for verdict in verdicts])
        print(
            f"random halves: {alarms.percent:.1f} % of {alarms.items} told apart wrongly "
            f"[{alarms.low:.1f}, {alarms.high:.1f}]; nominal {1 - CONFIDENCE:.0%}"
        )


if __name__ == "__main__":
    main()
