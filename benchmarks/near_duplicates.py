"""The near-duplicate stage at size, beside datasketch's MinHashLSH and datatrove's four MinHash stages.

    python benchmarks/near_duplicates.py make --documents 300000 [--warc FILE] [--jsonl]
    python benchmarks/near_duplicates.py compare --documents 300000 [--runs 3] [--datatrove PYTHON]

`make` synthesises documents out of real text: twelve runs of 25 consecutive words from anywhere in the pages of a
WARC. 5 % are exact copies and 25 % edited copies (up to 8 % of the words replaced) of an earlier document, chosen so
that some have many copies. It writes them as `webtext build` leaves them (parts with signatures, shingles beside), and
with --jsonl as text for datatrove. `compare` runs each contender in a process of its own and reports its wall and CPU
time and the peak memory of its process tree (resident sizes added up, so shared pages count twice). datatrove
needs an environment of its own, whose Python --datatrove names; its stage 1 reads and tokenises text (by white space
here, since its own tokeniser needs spaCy, and is slower), so webtext's sketching of the same text is added to its line.

What each does. datasketch's index reads ready signatures, asks for each document whether something before it shares a
band, and puts it in if nothing does. *Candidates alone* is that work done by webtext: it reads the same signatures and
gives all documents that share a band, and all pairs of those but in giant buckets. *The whole stage* goes on from there
where the index ends: exact duplicates, the true similarity of pairs, clusters, the choice of the one that stays,
evidence in files; as one task of Beam's, as the command has it, or through its shuffle. With --runs the contenders take
turns, a line has the medians, and the ratios of the index to both are printed last: of all CPU time, and of that
without the start of Python and the imports of each (`stage_cpu_s`), which a build has behind it when it comes to this
stage. Compiled kernels are loaded within the stage. Each contender ends as the command does, without a last search for
garbage.
"""

import argparse
import gc
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache, partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from process_tree import measure

from pipelines.engine.worker import GC_THRESHOLDS, LIBRARIES
from webtext.hashing import document_id

# Imports stand inside the contenders, so that none pays for what another loads.
BANDS, ROWS = 20, 5  # all contenders have these
PART = 1000  # documents
RUNS, RUN_WORDS = 12, 25
FOLDER = Path("build/benchmarks")


class Corpus:
    """Documents by number, each a function of its number alone."""

    def __init__(self, warc: Path) -> None:
        """Take the words of a WARC's pages as the pool."""
        from real_texts import real_texts  # noqa: PLC0415

        self._pool = np.array(" ".join(real_texts(warc)).split(), dtype=object)

    def text(self, number: int) -> str:
        """Write document `number`."""
        generator = np.random.default_rng([7, number])
        kind = generator.random()
        if number < 100 or kind >= 0.30:
            return " ".join(self._original(generator))
        original = int(number * generator.random() ** 3)  # early documents are copied more often
        while np.random.default_rng([7, original]).random() < 0.30 and original >= 100:
            original -= 1
        source = np.random.default_rng([7, original])
        source.random()
        words = self._original(source)
        if kind >= 0.05:
            edits = generator.integers(0, len(words), int(len(words) * 0.08 * generator.random()))
            words[edits] = self._pool[generator.integers(0, len(self._pool), len(edits))]
        return " ".join(words)

    def _original(self, generator: np.random.Generator) -> np.ndarray[Any, Any]:
        starts = generator.integers(0, len(self._pool) - RUN_WORDS, RUNS)
        return np.concatenate([self._pool[start : start + RUN_WORDS] for start in starts])


def facts(number: int) -> dict[str, Any]:
    """Tell what the parts hold of a document besides its text."""
    url = f"https://host{number % 9973}.test/{number}"
    return {"url": url, "id": document_id(url), "karma": 3 + number % 50, "first_posted": None}


@lru_cache(maxsize=1)
def corpus_of(warc: Path) -> Corpus:
    """Keep one pool of words a process."""
    return Corpus(warc)


def make_part(warc: Path, folder: Path, parts: int, documents: int, jsonl: bool, part: int) -> None:
    """Write one part, and its documents as JSON lines."""
    corpus = corpus_of(warc)
    from dedup.near.against import write_sketches  # noqa: PLC0415
    from dedup.near.minhash import MinHashConfig  # noqa: PLC0415

    suffix = f"{part:05d}-of-{parts:05d}"
    numbers = range(part, documents, parts)
    texts = [(corpus.text(number), facts(number)) for number in numbers]
    with (folder / f"part-{suffix}.parquet").open("wb") as table, (folder / f"shingles-{suffix}.bin").open("wb") as own:
        write_sketches(table, own, texts, MinHashConfig())
    if jsonl:
        with (folder / f"texts-{part:05d}.jsonl").open("w") as lines:
            for number, (text, _) in zip(numbers, texts, strict=True):
                lines.write(json.dumps({"id": str(number), "text": text}) + "\n")


def make(folder: Path, arguments: argparse.Namespace) -> None:
    """Write the documents in two processes."""
    from real_texts import real_texts  # noqa: PLC0415

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    parts = max(2, arguments.documents // PART)
    real_texts(arguments.warc)  # extracts them once, before there are two processes
    write = partial(make_part, arguments.warc, folder, parts, arguments.documents, arguments.jsonl)
    with Pool(2) as pool:
        pool.map(write, range(parts), chunksize=1)


def sketch_only(folder: Path) -> dict[str, Any]:
    """Sketch the texts of the JSON lines, as a build does where it has the text at hand."""
    with Pool(2) as pool:
        counts = pool.map(_sketch_file, sorted(folder.glob("texts-*.jsonl")), chunksize=1)
    return {"sketched": sum(counts)}


def _sketch_file(path: Path) -> int:
    from dedup.near.minhash import MinHashConfig  # noqa: PLC0415
    from dedup.near.sketch import sketch  # noqa: PLC0415

    config = MinHashConfig()
    with path.open() as lines:
        return sum(bool(sketch(json.loads(line)["text"], config)) for line in lines)


def run_webtext(folder: Path, workers: int, *, at_once: bool) -> dict[str, Any]:
    """Run the whole stage: exact and near, verified, clustered, judged and written; the command does it at once."""
    gc.set_threshold(*GC_THRESHOLDS)
    from dedup.near.minhash import MinHashConfig  # noqa: PLC0415
    from dedup.near.parts import Catalog, Source  # noqa: PLC0415
    from dedup.near.search import Plan  # noqa: PLC0415
    from dedup.near.transforms import FindDuplicates  # noqa: PLC0415
    from pipelines.engine.runner import Engine  # noqa: PLC0415
    from pipelines.stages.duplicates import SearchInOneTask  # noqa: PLC0415

    started = time.process_time()
    output = Path(tempfile.mkdtemp(prefix=_written(folder), dir=folder.parent))
    parts = len(list(folder.glob("part-*")))
    plan = Plan(Catalog((Source(str(folder), parts),)), int(folder.name.split("-")[-1]), MinHashConfig())
    if at_once:
        Engine(workers).each([0], SearchInOneTask(plan, str(output)))
    else:
        Engine(workers).run(lambda root: root | FindDuplicates(plan, str(output)), plan.runs)
    summary = json.loads((output / "summary.json").read_text())
    stage = round(time.process_time() - started, 2)
    return {
        "removed": summary["exact_duplicate"] + summary["near_duplicate"] + summary["chained"],
        "chained": summary["chained"],
        "stage_cpu_s": stage,
    }


def _written(folder: Path) -> str:
    """Say how the names of the folders begin that the stage wrote from the documents in one."""
    return f"{folder.name}-duplicates-"


def run_candidates(folder: Path) -> dict[str, Any]:
    """Find the candidate pairs alone, in plain Python: what an index does, without the verdict on any."""
    from dedup.near.bands import buckets  # noqa: PLC0415
    from dedup.near.keys import KEY_COLUMNS, document_keys  # noqa: PLC0415
    from dedup.near.minhash import MinHashConfig  # noqa: PLC0415
    from dedup.near.parts import Catalog, PartReader, Source, places_of  # noqa: PLC0415

    started = time.process_time()
    parts = len(list(folder.glob("part-*")))
    reader = PartReader(Catalog((Source(str(folder), parts),)), lambda path: Path(path).open("rb"))  # noqa: SIM115
    keys, places = [], []
    for part in range(parts):
        table = reader.columns(part, KEY_COLUMNS)
        hashed, rows = document_keys(table, MinHashConfig(), by_url=False)
        keys.append(hashed)
        places.append(places_of(part, len(table))[rows])
    found = buckets(np.concatenate(keys), np.concatenate(places))
    found_pairs = {"shared_keys": len(found.starts), "pairs_of_small_buckets": len(found.small_pairs())}
    return found_pairs | {"verified": False, "stage_cpu_s": round(time.process_time() - started, 2)}


def run_datasketch(folder: Path) -> dict[str, Any]:
    """Insert every signature into MinHashLSH, and drop each document that something before it collides with."""
    import pyarrow.parquet as pq  # noqa: PLC0415
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415

    started = time.process_time()
    permutations = MinHash(128, seed=1).permutations
    index, removed, number = MinHashLSH(num_perm=128, params=(BANDS, ROWS)), 0, 0
    for path in sorted(folder.glob("part-*.parquet")):
        for signature in pq.read_table(path, columns=["signature"]).column(0).to_pylist():
            values = np.frombuffer(signature, "<u4")
            sketch = MinHash(hashvalues=values, permutations=permutations, scheme="affine32")
            if index.query(sketch):
                removed += 1
            else:
                index.insert(number, sketch, check_duplication=False)
            number += 1
    return {"removed": removed, "verified": False, "stage_cpu_s": round(time.process_time() - started, 2)}


STAGE, CANDIDATES, INDEX = (
    "webtext, 1 process, one task",
    "webtext candidates alone, unverified",
    "datasketch MinHashLSH",
)
CONTENDERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    STAGE: partial(run_webtext, workers=1, at_once=True),
    "webtext, 1 process, shuffled": partial(run_webtext, workers=1, at_once=False),
    "webtext, 2 processes, shuffled": partial(run_webtext, workers=2, at_once=False),
    "webtext sketching alone, 2 processes": sketch_only,
    CANDIDATES: run_candidates,
    INDEX: run_datasketch,
}


def compare(folder: Path, arguments: argparse.Namespace) -> None:
    """Measure each contender in processes of its own, in turns; print a line for each, and the ratios."""
    texts = any(folder.glob("texts-*.jsonl"))
    count = str(arguments.documents)
    commands = {
        name: [sys.executable, __file__, "contend", "--documents", count, "--contender", name]
        for name in CONTENDERS
        if texts or "sketching" not in name
    }
    if arguments.datatrove and texts:
        script = str(Path(__file__).with_name("datatrove_minhash.py"))
        commands["datatrove, 4 stages, 2 tasks"] = [arguments.datatrove, script, str(folder), str(BANDS), str(ROWS)]
    chosen = {name: command for name, command in commands.items() if any(word in name for word in arguments.only)}
    turns = [  # libraries are settled as the command settles them, for the index as well
        {name: measure(command, **LIBRARIES) for name, command in chosen.items()} for _ in range(arguments.runs)
    ]
    # Not between the turns: ext4 is slow for some minutes to make files where others were removed.
    for output in folder.parent.glob(f"{_written(folder)}*"):
        shutil.rmtree(output)
    lines = {name: {"contender": name, "documents": arguments.documents, **_medians(turns, name)} for name in chosen}
    for line in lines.values():
        print(json.dumps(line), flush=True)
    for own in (CANDIDATES, STAGE):
        if own in turns[0] and INDEX in turns[0]:
            shares = {
                f"{figure}_ratio": round(
                    statistics.median(turn[INDEX][figure] / turn[own][figure] for turn in turns), 2
                )
                for figure in ("cpu_s", "stage_cpu_s", "wall_s", "peak_mb")
            }
            print(json.dumps({"ratio": f"{INDEX} to {own}", "documents": arguments.documents, **shares}), flush=True)


def _medians(turns: list[dict[str, dict[str, Any]]], name: str) -> dict[str, Any]:
    """Give what a contender told, with the median of each figure that differs from run to run."""
    told = [turn[name] for turn in turns]
    names = ("wall_s", "cpu_s", "stage_cpu_s", "peak_mb")
    figures = {name: statistics.median(one[name] for one in told) for name in names if name in told[0]}
    return {**told[0], **figures, "runs": len(told)}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["make", "compare", "contend"])
    parser.add_argument("--documents", type=int, default=300_000)
    parser.add_argument("--warc", type=Path, default=Path("../shared/realweb/web.warc.gz"))
    parser.add_argument("--jsonl", action="store_true", help="write the texts, too")
    parser.add_argument("--datatrove", help="the Python of an environment that has datatrove")
    parser.add_argument("--only", nargs="+", default=[""], help="measure the contenders whose names hold one of these")
    parser.add_argument("--runs", type=int, default=1, help="of each contender (default: %(default)s)")
    parser.add_argument("--contender", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = FOLDER / f"documents-{arguments.documents}"
    if arguments.action == "contend":
        print(json.dumps(CONTENDERS[arguments.contender](folder)))
        gc.freeze()
    else:
        {"make": make, "compare": compare}[arguments.action](folder, arguments)


if __name__ == "__main__":
    main()
