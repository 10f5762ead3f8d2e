"""Removal, when asked: a corpus rewritten without what benchmarks have too, as a stage with a ledger of its own."""

import pyarrow.parquet as pq

from dedup.near.against import Columns
from dedup.overlap.decontaminate import WindowsConfig
from dedup.overlap.ngrams import Grams
from dedup.overlap.rewrite import Rule
from dedup.overlap.transforms import Corpus, RemoveOverlap
from pipelines.engine.runner import Engine
from pipelines.stages.ledger import count_rejections
from pipelines.stages.output import Output
from pipelines.stages.overlap.work import REMOVAL, find_corpus
from pipelines.stages.stage import Stage, as_json, run_stage
from webtext import manifest, storage
from webtext.errors import UsageError
from webtext.manifest import Counts, Manifest
from webtext.shards import VALIDATION, list_shards
from webtext.tables import read_columns

_WINDOWS = "windows"


def parse_rule(text: str, grams: Grams) -> Rule:
    """Read `windows`, or `documents:SHARE`: documents of which more than that share of the n-grams are benchmarks'.

    Raises:
        UsageError: it is neither.
    """
    if text == _WINDOWS:
        windows = WindowsConfig()
        return Rule(windows.grams, None, windows)
    kind, _, share = text.partition(":")
    try:
        if kind == "documents":
            return Rule(grams, float(share))
    except ValueError as error:
        raise UsageError(f"--remove {text}: {error}; write documents:0.5, for example") from error
    raise UsageError(f"--remove {text}: write windows, or documents:SHARE")


def run_removal(corpus: str, columns: Columns, rule: Rule, output: str, engine: Engine) -> Manifest:
    """Rewrite a corpus into OUTPUT/decontaminated by the n-grams that OUTPUT/overlap has found, or find it done.

    Held-out shards beside the training shards are copied as they are.
    """
    files = find_corpus(corpus, columns)
    held_out = list_shards(corpus, VALIDATION)
    overlap = Output(output).overlap
    hashes = storage.join(overlap, REMOVAL)

    def work(directory: str) -> None:
        engine.run(lambda root: root | RemoveOverlap(files, rule, hashes, directory), tasks=len(files.files))
        for name in held_out:
            _copy(storage.join(corpus, name), storage.join(directory, name))

    inputs = (corpus,) if storage.exists(storage.join(corpus, manifest.NAME)) else files.files
    config = {**as_json(rule), "text": columns.text}
    stage = Stage("decontaminated", Output(output).decontaminated, config, (*inputs, overlap))
    return run_stage(stage, work, lambda directory: _count(files, directory))


def _copy(path: str, target_path: str) -> None:
    with storage.open_file(path) as source, storage.create_file(target_path) as target:
        while block := source.read(1 << 20):
            target.write(block)


def _count(corpus: Corpus, directory: str) -> Counts:
    """Count documents: of one that was cut, the pieces are one document still."""
    given = sum(_rows(path) for path in corpus.files)
    rows = sum(_rows(storage.join(directory, corpus.place_of(path))) for path in corpus.files)
    pieces: dict[str, int] = {}
    for name in storage.list_files(directory, "cuts-*.parquet"):
        with storage.open_file(storage.join(directory, name)) as stream:
            table = read_columns(stream, ["url", "pieces"])
        pieces |= dict(zip(table.column("url").to_pylist(), table.column("pieces").to_pylist(), strict=True))
    more = sum(pieces.values()) - len(pieces)
    notes = {"cut": len(pieces), "pieces": sum(pieces.values())}
    return Counts(given, rows - more, count_rejections(directory), "documents", notes)


def _rows(path: str) -> int:
    with storage.open_file(path) as stream:
        return int(pq.ParquetFile(stream).metadata.num_rows)
