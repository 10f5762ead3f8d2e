"""Overlap: a corpus and benchmarks in, GPT-2's Table 6 out, with its error measured and its evidence beside it.

Two passes: one looks for the benchmarks' n-grams (exactly) and counts the corpus's, the other builds the Bloom filter,
sized by that count. The filter stays in OUTPUT/overlap, so that a benchmark that nobody has thought of yet can be
measured without the corpus: `webtext overlap OUTPUT/overlap/corpus.ngrams BENCHMARK...`.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from dedup.near.against import Columns
from dedup.overlap.benchmarks import Benchmark, parse_source, read_benchmark, read_text
from dedup.overlap.bloom import ERROR_RATE
from dedup.overlap.named_benchmarks import find_sources, is_name, read_from_hub
from dedup.overlap.ngrams import NORMALIZERS, Grams
from dedup.overlap.probes import PROBES
from pipelines.commands.answer import add_json_argument, stages_as_json, tell
from pipelines.engine.runner import add_engine_arguments, engine_from
from pipelines.stages.output import Output
from pipelines.stages.overlap.removal import parse_rule, run_removal
from pipelines.stages.overlap.run import _FILTER_SUFFIX, run_on_filter, run_overlap
from pipelines.stages.overlap.tables import per_cent
from pipelines.stages.overlap.work import Asked, Settings
from pipelines.stages.stale import told_of_filter
from webtext import storage
from webtext.errors import UsageError
from webtext.local import corpus_of
from webtext.manifest import Manifest


def read_asked(specs: Sequence[str], own_train: Sequence[str], folder: str | None) -> list[Asked]:
    """Read all benchmarks, before any work is done.

    Raises:
        UsageError: one is missing, cannot be read, or two have one name.
    """
    trains = dict(_train(spec) for spec in own_train)
    asked = [_ask(spec, trains, folder) for spec in specs]
    names = [one.benchmark.name for one in asked]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two benchmarks are called {twice}: name them, NAME=PATH")
    unknown = sorted(set(trains) - set(names))
    if unknown:
        raise UsageError(f"--own-train names {unknown[0]}, but the benchmarks are {', '.join(names)}")
    return asked


def _train(spec: str) -> tuple[str, str]:
    name, equals, path = spec.partition("=")
    if not (equals and path):
        raise UsageError(f"--own-train {spec}: write NAME=PATH, with the name of a benchmark")
    return name, path


def _ask(spec: str, trains: dict[str, str], folder: str | None) -> Asked:
    if spec.startswith("hub:"):
        benchmark, own = read_from_hub(spec), None
    elif is_name(spec.rpartition("=")[2]):
        called, _, known = spec.rpartition("=")
        sources = find_sources(known, folder)
        parts = [read_benchmark(source, storage.open_file) for source in sources]
        benchmark = Benchmark(called or known, tuple(item for part in parts for item in part.items), parts[0].stream)
        own = sources[0].own_train
    else:
        source = parse_source(spec)
        benchmark, own = read_benchmark(source, storage.open_file), None
    own = trains.get(benchmark.name, own)
    return Asked(benchmark, read_text(own, storage.open_file) if own else None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext overlap`."""
    parser.add_argument("corpus", help=_CORPUS)
    parser.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help=_BENCHMARKS)
    parser.add_argument("--output", "-o", required=True, help="directory of the output; the report is OUTPUT/overlap")
    parser.add_argument("--own-train", nargs="+", action="extend", default=[], metavar="NAME=PATH", help=_OWN_TRAIN)
    parser.add_argument(
        "--data-dir", metavar="DIR", help="folder of local copies of PTB, WikiText, 1BW, CBT ... (default: none)"
    )
    parser.add_argument("--text-field", default="text", help="column of the corpus's text (default: %(default)s)")
    parser.add_argument("--url-field", default="url", help="column of the corpus's URLs, if any (default: %(default)s)")
    parser.add_argument("--remove", metavar="RULE", help=_REMOVE)
    group = parser.add_argument_group("n-grams")
    group.add_argument("--n", type=int, default=8, help="words in an n-gram (default: %(default)s; GPT-3: 13)")
    group.add_argument("--normalizer", choices=sorted(NORMALIZERS), default="gpt2", help=_NORMALIZER)
    group.add_argument(
        "--error-rate",
        type=float,
        default=ERROR_RATE,
        help="false-positive rate of the Bloom filter (default: %(default)s)",
    )
    group.add_argument(
        "--probes",
        type=int,
        default=PROBES,
        help="random n-grams to look up, which measure the false-positive rate (default: %(default)s)",
    )
    add_engine_arguments(parser)
    add_json_argument(parser)


_CORPUS = (
    "an output or its corpus directory (its training shards), Parquet files (pattern allowed), or an n-gram filter "
    "(*.ngrams)"
)
_BENCHMARKS = (
    "[NAME=]FILE[@FIELD,FIELD] (text, JSONL, Parquet, Arrow), [NAME=]a known name (lambada, ptb ...), or hub:..."
)
_OWN_TRAIN = "training split of a set, to show what it shares with its own (default: none)"
_REMOVE = (
    "rewrite the corpus to OUTPUT/decontaminated: `windows` (GPT-3's 13-grams) or `documents:SHARE` (default: do not)"
)
_NORMALIZER = "how text becomes words: gpt2 divides at punctuation, gpt3 takes it away (default: %(default)s)"


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Measure as the flags say, and print the table."""
    engine = engine_from(arguments, beam_arguments)
    settings = settings_from(arguments)
    asked = read_asked(arguments.benchmarks, arguments.own_train, arguments.data_dir)
    if arguments.corpus.endswith(_FILTER_SUFFIX):
        if settings.rule is not None:
            raise UsageError("--remove rewrites a corpus: name the corpus, not its filter")
        for line in told_of_filter(arguments.corpus):
            print(line, file=sys.stderr)
        stages = [("overlap", run_on_filter(arguments.corpus, asked, settings, arguments.output))]
    else:
        columns = Columns(arguments.text_field, arguments.url_field)
        corpus = corpus_of(arguments.corpus.rstrip("/"), storage.exists)
        stages = [("overlap", run_overlap(corpus, columns, asked, settings, arguments.output, engine))]
        if settings.rule is not None:
            removed = run_removal(corpus, columns, settings.rule, arguments.output, engine)
            stages.append(("decontaminated", removed))
    measured = _read_figures(Output(arguments.output).overlap)
    found = {"output": arguments.output, "stages": stages_as_json(stages), **measured}
    tell(found, _lines(stages, measured), as_json=arguments.json)
    return 0


def settings_from(arguments: argparse.Namespace) -> Settings:
    """Make the settings that the flags ask for.

    Raises:
        UsageError: a value is out of its range.
    """
    try:
        grams = Grams(arguments.n, arguments.normalizer)
        rule = parse_rule(arguments.remove, grams) if arguments.remove else None
        return Settings(grams, arguments.error_rate, arguments.probes, rule)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _read_figures(directory: str) -> dict[str, Any]:
    """Read the figures of the sets, and how far the filter is to be trusted."""
    with storage.open_file(storage.join(directory, "overlap.json")) as stream:
        found = json.load(stream)
    return {
        "sets": found["sets"],
        "probes": {name: found["probes"][name] for name in ("probes", "hits", "upper_bound")},
    }


def _lines(stages: Sequence[tuple[str, Manifest]], measured: dict[str, Any]) -> Iterator[str]:
    for name, done in stages[1:]:
        yield f"{name}: kept {done.counts.kept:,} of {done.counts.given:,} documents"
    yield f"{'set':<20}{'n-grams':>12}{'own train %':>13}{'corpus %':>10}{'exact %':>9}"
    for row in measured["sets"]:
        own, share, exact = (per_cent(row[name]) for name in ("own_train_share", "share", "exact_share"))
        yield f"{row['name']:<20}{row['ngrams']:>12,}{own:>13}{share:>10}{exact:>9}"
    probed = measured["probes"]
    yield f"{probed['hits']:,} of {probed['probes']:,} random n-grams found: rate below {probed['upper_bound']:.1e}"
