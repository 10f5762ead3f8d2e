"""datatrove's four MinHash stages on JSON lines; run by near_duplicates.py with the Python of datatrove's environment.

PYTHON benchmarks/datatrove_minhash.py FOLDER BANDS ROWS
"""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import minhash
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.word_tokenizers import WordTokenizer


class WhiteSpace(WordTokenizer):
    """Splits at white space: cheaper than the spaCy tokeniser that is datatrove's own for English."""

    def word_tokenize(self, text: str) -> list[str]:
        """Split a text into words."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """Take a text for one sentence; the stages never ask."""
        return [text]

    def span_tokenize(self, text: str) -> Iterator[tuple[int, int]]:
        """Take a text for one span; the stages never ask."""
        yield 0, len(text)


def main() -> None:
    """Run the stages, two tasks at a time, and print the seconds of each."""
    folder, bands, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    work = folder.with_name(folder.name + "-datatrove")
    shutil.rmtree(work, ignore_errors=True)
    config = minhash.MinhashConfig(n_grams=5, num_buckets=bands, hashes_per_bucket=rows)
    signatures, pairs, removed, kept = (str(work / name) for name in ("signatures", "pairs", "removed", "kept"))
    reader = JsonlReader(str(folder), glob_pattern="texts-*.jsonl")
    stages = [
        ([reader, minhash.MinhashDedupSignature(signatures, config, language=WhiteSpace())], 8),
        ([minhash.MinhashDedupBuckets(signatures, pairs, config=config)], bands),
        ([minhash.MinhashDedupCluster(pairs, removed, config=config)], 1),
        ([reader, minhash.MinhashDedupFilter(removed), JsonlWriter(kept, compression=None)], 8),
    ]
    seconds = []
    for number, (pipeline, tasks) in enumerate(stages):
        began = time.perf_counter()
        logs = str(work / f"logs-{number}")
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=2, logging_dir=logs).run()
        seconds.append(round(time.perf_counter() - began, 1))
    given = _lines(folder, "texts-*.jsonl")
    print(json.dumps({"stage_seconds": seconds, "removed": given - _lines(Path(kept), "*.jsonl")}))
    shutil.rmtree(work)


def _lines(folder: Path, pattern: str) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob(pattern))


if __name__ == "__main__":
    main()
