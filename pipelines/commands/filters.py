"""The command `webtext filters`: list rules and presets, try them on a sample, train the two that need a model."""

import argparse
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow.parquet as pq

from filters import preset_names
from filters.catalogue import RULES
from filters.dry_run import describe_preset, describe_rules, dry_run, format_dry_run
from filters.presets import parse_overrides, read_preset
from filters.rules import gpt3, perplexity
from filters.rules.lib.model_files import write_arrays
from pipelines.commands.answer import add_json_argument, tell
from pipelines.commands.build_flags import add_rule_arguments, outside_rules, wanted_from_outside
from webtext import storage
from webtext.code_points import count_words
from webtext.errors import UsageError
from webtext.extract.language_detector import detect
from webtext.hashing import document_id
from webtext.records import Document

_BATCH_ROWS = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.epilog = """examples:
  webtext filters                               all presets and rules, with thresholds and their sources
  webtext filters --preset fineweb              one preset; also a file of your own
  webtext filters --try 'corpus/data/*.parquet' --preset gopher --set gopher_quality.min_words=30
  webtext filters --train-classifier classifier.npz --good 'good/*.parquet' --bad 'raw/*.parquet'
  webtext build --preset gpt3 --set gpt3_classifier.model=classifier.npz ..."""
    parser.add_argument("--preset", help=f"one of {', '.join(preset_names())}, or a file (default: all are listed)")
    add_rule_arguments(parser)
    parser.add_argument(
        "--try",
        dest="sample",
        metavar="PATTERN",
        help="tell what the preset removes of these documents, Parquet (default: only list)",
    )
    parser.add_argument("--limit", type=int, default=10_000, help="most documents to try (default: %(default)s)")
    parser.add_argument(
        "--train-classifier",
        metavar="MODEL",
        help="make a model for the rule gpt3_classifier, in this file (default: none)",
    )
    parser.add_argument(
        "--train-perplexity", metavar="MODEL", help="make a model for the rule perplexity, in this file (default: none)"
    )
    parser.add_argument(
        "--good",
        metavar="PATTERN",
        help="texts for a model that are as they should be: Parquet with a text column (default: none)",
    )
    parser.add_argument(
        "--bad",
        metavar="PATTERN",
        help="texts for a model as the web has them: Parquet with a text column (default: none)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """List, try or train, as the flags say."""
    if beam_arguments:
        raise UsageError(f"unknown flags: {' '.join(beam_arguments)}")
    if arguments.limit < 1:
        raise UsageError(f"--limit {arguments.limit}: try at least 1 document")
    outside_rules(arguments.rules)
    overrides = parse_overrides(arguments.set)
    overrides |= wanted_from_outside(arguments.rules, arguments.preset or "webtext", overrides)
    if arguments.train_classifier or arguments.train_perplexity:
        written = _train(arguments)
        tell({"model": written}, [f"wrote {written}"], as_json=arguments.json)
    elif arguments.sample:
        documents = itertools.islice(read_sample(arguments.sample), arguments.limit)
        tried = dry_run(documents, arguments.preset or "webtext", **overrides)
        tell(dataclasses.asdict(tried), [format_dry_run(tried)], as_json=arguments.json)
    else:
        names = (arguments.preset,) if arguments.preset else preset_names()
        rules = () if arguments.preset else (f"{describe_rules()}\n",)
        described = "\n\n".join(describe_preset(name, overrides) for name in names)
        tell(_as_json(names, overrides), [*rules, described], as_json=arguments.json)
    return 0


def _train(arguments: argparse.Namespace) -> str:
    """Train the model of a rule, and give the file that it was written to."""
    if arguments.train_classifier:
        good, bad = (
            list(_texts(pattern, flag, arguments.limit))
            for pattern, flag in ((arguments.good, "--good"), (arguments.bad, "--bad"))
        )
        gpt3.write_model(arguments.train_classifier, *gpt3.train(good, bad))
        return str(arguments.train_classifier)
    write_arrays(arguments.train_perplexity, perplexity.train(_texts(arguments.good, "--good", arguments.limit)))
    return str(arguments.train_perplexity)


def _as_json(presets: Iterable[str], overrides: dict[str, Any]) -> dict[str, Any]:
    """Lay out all rules, and some presets, as JSON values."""
    found = [read_preset(name, overrides) for name in presets]
    rules = [
        {
            "name": name,
            "summary": (rule.make.__doc__ or "").splitlines()[0],
            "reasons": list(rule.reasons),
            "thresholds": [
                {"name": field.name, "default": field.default, **field.metadata}
                for field in dataclasses.fields(rule.make)
            ],
        }
        for name, rule in RULES.items()
    ]
    listed = [
        {
            "name": preset.name,
            "description": preset.description,
            "rules": [
                {"name": entry.name, "enabled": entry.enabled, "settings": dict(entry.settings)}
                for entry in preset.entries
            ],
        }
        for preset in found
    ]
    return {"rules": rules, "presets": listed}


def read_sample(pattern: str) -> Iterator[Document]:
    """Read documents from Parquet files of any make that have a `text` column; what they lack is made up for.

    Raises:
        UsageError: no such file, or no text in it.
    """
    for path in storage.expand(pattern):
        with storage.open_file(path) as stream:
            file = pq.ParquetFile(stream)
            if "text" not in file.schema_arrow.names:
                raise UsageError(f"{path} has no column named text")
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for place, row in enumerate(batch.to_pylist()):
                    yield _document(row, f"{path}#{place}")


def _document(row: dict[str, object], name: str) -> Document:
    text, url = str(row["text"] or ""), str(row.get("url") or name)
    language, probability = str(row.get("language") or ""), row.get("language_probability")
    if not language or not isinstance(probability, float):
        language, probability = detect(text)
    strings = {key: str(row.get(key) or "") for key in ("host", "title", "author", "date", "body_digest")}
    strings["host"] = strings["host"] or url.partition("://")[2].partition("/")[0]
    return Document(
        id=document_id(url),
        url=url,
        final_url=str(row.get("final_url") or url),
        text=text,
        language=language,
        language_probability=probability,
        karma=None,
        submissions=None,
        subreddits=(),
        first_posted=None,
        n_words=count_words(text),
        **strings,
    )


def _texts(pattern: str | None, flag: str, limit: int) -> Iterator[str]:
    if not pattern:
        raise UsageError(f"training needs {flag}: a pattern of Parquet files with a text column")
    return (document.text for document in itertools.islice(read_sample(pattern), limit))
