"""Overlap: a corpus and benchmarks in, GPT-2's Table 6 out, with its error measured and its evidence beside it.

Two passes: one looks for the benchmarks' n-grams (exactly) and counts the corpus's, the other builds the Bloom filter,
sized by that count. The filter stays in OUTPUT/overlap, so that a benchmark that nobody has thought of yet can be
measured without the corpus: `webtext overlap OUTPUT/overlap/corpus.ngrams BENCHMARK...`.
"""

import json
from collections.abc import Sequence

from dedup.near.against import Columns
from dedup.overlap.bloom import check_memory, filter_bytes, read_filter
from dedup.overlap.plan import Lookup, OverlapConfig, digest
from dedup.overlap.transforms import Corpus
from pipelines.engine.runner import Engine
from pipelines.stages.output import Output
from pipelines.stages.overlap.files import write_report
from pipelines.stages.overlap.work import Asked, Settings, Work, find_corpus, least_ngrams, measure_all, trust_in
from pipelines.stages.own import check_output
from pipelines.stages.stage import Stage, as_json, run_stage
from webtext import manifest, storage
from webtext.errors import UsageError
from webtext.manifest import Counts, Manifest

_FILTER_SUFFIX = ".ngrams"
_MOST_PARTIALS = 16  # the most parts of a filter, on a runner of many machines


def run_overlap(
    corpus: str, columns: Columns, asked: Sequence[Asked], settings: Settings, output: str, engine: Engine
) -> Manifest:
    """Measure the overlap of a corpus with benchmarks into OUTPUT/overlap, or find it done.

    Raises:
        UsageError: the corpus cannot be read, or its filter would not fit this machine.
    """
    check_output(Output(output), "overlap")
    files = find_corpus(corpus, columns)
    check_memory(filter_bytes(least_ngrams(files), settings.error_rate))
    work = Work(files, asked, settings, engine, _partials(engine, files))
    stage = Stage("overlap", Output(output).overlap, _config(settings, asked, columns), inputs_of(corpus, files))
    return run_stage(stage, work, _count)


def inputs_of(corpus: str, files: Corpus) -> tuple[str, ...]:
    """The inputs of a stage that reads a corpus: the stage that made it, or its files."""
    return (corpus,) if storage.exists(storage.join(corpus, manifest.NAME)) else files.files


def _partials(engine: Engine, corpus: Corpus) -> int:
    elsewhere = any(flag.startswith("--runner") for flag in engine.beam_arguments)
    return min(_MOST_PARTIALS, len(corpus.files)) if elsewhere else engine.local_workers(len(corpus.files))


def _config(settings: Settings, asked: Sequence[Asked], columns: Columns) -> dict[str, object]:
    benchmarks = [[one.benchmark.name, digest(one.benchmark), digest(one.own_train)] for one in asked]
    return {**as_json(settings), "benchmarks": benchmarks, "text": columns.text}


def _count(directory: str) -> Counts:
    with storage.open_file(storage.join(directory, "overlap.json")) as stream:
        found = json.load(stream)
    documents = found["filter"]["documents"]
    notes = {"ngrams": found["filter"]["ngrams"], "documents_with_hits": found["documents_with_hits"] or 0}
    return Counts(documents, documents, {}, "documents", notes)


def run_on_filter(path: str, asked: Sequence[Asked], settings: Settings, output: str) -> Manifest:
    """Measure benchmarks against a filter alone, into OUTPUT/overlap: nothing is cross-checked, and the report says so.

    Raises:
        UsageError: the filter cannot be read, or would be written over.
    """
    if path.rpartition("/")[0] == Output(output).overlap:
        raise UsageError(f"the report would take the place of {path}: choose another --output")
    check_output(Output(output), "overlap")
    with storage.open_file(path) as stream:
        ngram_filter = read_filter(stream, path)

    def work(directory: str) -> None:
        lookup = Lookup([one.benchmark for one in asked], OverlapConfig(ngram_filter.info.grams))
        measured = measure_all(lookup, ngram_filter, None, [one.own_train for one in asked])
        trust = trust_in(ngram_filter, settings.probes, lookup.tables, [])
        write_report(directory, measured, [], ngram_filter, trust, {}, None)

    config = {"probes": settings.probes, **_config(settings, asked, Columns())}
    return run_stage(Stage("overlap", Output(output).overlap, config, (path,)), work, _count)
