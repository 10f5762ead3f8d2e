"""`webtext diff A B`: what two corpora do not share, and which rule did it.

Documents are matched by their ids, which are hashes of canonical URLs. What only one side has is looked up among the
other side's rejections, so the answer is a reason and not just a number. Ids and text hashes are held as 64-bit
numbers: 16 bytes a document.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.commands.stats import corpus_directory
from pipelines.report.tallies import batches, batches_of_split, ranked
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import Output
from webtext.hashing import document_id, hash64
from webtext.manifest import Manifest
from webtext.shards import SPLITS

NEVER_SEEN = "never_seen"  # the other output has no row of this URL at any stage
_EXAMPLES = 5  # URLs shown of each reason: those with the smallest ids, which are hashes
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Side:
    """What only one of the corpora has: how many documents, why the other has not, and some URLs of each reason."""

    documents: int
    reasons: dict[str, int]
    examples: dict[str, list[str]]


@dataclass(frozen=True)
class CorpusDifference:
    """Two corpora compared."""

    shared: int
    changed_text: int  # shared documents whose texts differ
    moved_split: int  # shared documents that stand in another split
    only_a: Side
    only_b: Side
    settings: dict[str, tuple[Any, Any]]  # dotted name: value of A, value of B, where they differ


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext diff`."""
    parser.add_argument(
        "a", metavar="A", help="an output of `webtext corpus` or `webtext build`, or a corpus directory"
    )
    parser.add_argument("b", metavar="B", help="another such output or corpus directory")
    parser.add_argument("--json", action="store_true", help="print the difference as JSON")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print the difference; the exit status is 0 also where there is one."""
    del beam_arguments
    found = compare_corpora(arguments.a, arguments.b)
    if arguments.json:
        plain = {**vars(found), "only_a": vars(found.only_a), "only_b": vars(found.only_b)}
        print(json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False))
    else:
        print("\n".join(_lines(found, arguments.a, arguments.b)))
    return 0


def compare_corpora(a: str, b: str) -> CorpusDifference:
    """Compare the corpora of two outputs.

    Raises:
        UsageError: one holds no corpus.
    """
    (ids_a, texts_a, splits_a), (ids_b, texts_b, splits_b) = _read_corpus(a), _read_corpus(b)
    shared, at_a, at_b = np.intersect1d(ids_a, ids_b, assume_unique=True, return_indices=True)
    return CorpusDifference(
        shared=len(shared),
        changed_text=int((texts_a[at_a] != texts_b[at_b]).sum()),
        moved_split=int((splits_a[at_a] != splits_b[at_b]).sum()),
        only_a=_explain(np.setdiff1d(ids_a, shared, assume_unique=True), a, b),
        only_b=_explain(np.setdiff1d(ids_b, shared, assume_unique=True), b, a),
        settings=_settings(a, b),
    )


def _read_corpus(output: str) -> tuple[Hashes, Hashes, NDArray[np.uint8]]:
    """Read ids, hashes of texts, and splits by number, each of shape (documents,), ordered by id."""
    directory = corpus_directory(output)
    ids, texts, splits = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)], [np.empty(0, np.uint8)]
    for number, split in enumerate(SPLITS):
        for batch in batches_of_split(directory, split, ("id", "text"), rows=2048):
            ids.append(np.array([int(identity, 16) for identity in batch.column("id").to_pylist()], np.uint64))
            texts.append(np.array([hash64(text.encode()) for text in batch.column("text").to_pylist()], np.uint64))
            splits.append(np.full(batch.num_rows, number, np.uint8))
    every = np.concatenate(ids)
    order = np.argsort(every, kind="stable")
    return every[order], np.concatenate(texts)[order], np.concatenate(splits)[order]


def _explain(missing: Hashes, own: str, other: str) -> Side:
    """Look up why another output has not what one has: the reason of the last stage that saw it."""
    names = [NEVER_SEEN]
    found = np.zeros(len(missing), np.int16)  # the place in `names` of each missing document's reason
    for url, reason in _rejections(other):
        identity = np.uint64(int(document_id(url), 16))
        place = int(np.searchsorted(missing, identity))
        if place < len(missing) and missing[place] == identity:
            if reason not in names:
                names.append(reason)
            found[place] = names.index(reason)
    counts = {name: int((found == number).sum()) for number, name in enumerate(names)}
    shown = {name: missing[found == number][:_EXAMPLES].tolist() for number, name in enumerate(names)}
    urls = dict(_urls(own, {identity for identities in shown.values() for identity in identities}))
    reasons = dict(ranked(Counter({name: count for name, count in counts.items() if count})))
    return Side(len(missing), reasons, {name: [urls[identity] for identity in shown[name]] for name in reasons})


def _rejections(output: str) -> Iterator[tuple[str, str]]:
    """Yield the URL and reason of all rejections of an output, "stage: reason", stage by stage."""
    for name, _ in Funnel.of(output).stages:
        for batch in batches(Output(output).directory(name), "rejections-*.parquet", ("url", "reason")):
            for url, reason in zip(batch.column("url").to_pylist(), batch.column("reason").to_pylist(), strict=True):
                yield url, f"{name}: {reason}"


def _urls(output: str, identities: set[int]) -> Iterator[tuple[int, str]]:
    """Yield the URLs of some documents of a corpus with their ids."""
    directory = corpus_directory(output)
    for split in SPLITS:
        for batch in batches_of_split(directory, split, ("id", "url")):
            for identity, url in zip(batch.column("id").to_pylist(), batch.column("url").to_pylist(), strict=True):
                if int(identity, 16) in identities:
                    yield int(identity, 16), url


def _settings(a: str, b: str) -> dict[str, tuple[Any, Any]]:
    """Compare the configurations of the stages that both have."""
    stages_a, stages_b = dict(Funnel.of(a).stages), dict(Funnel.of(b).stages)
    found = {}
    for name in (name for name in stages_a if name in stages_b):
        one, other = _flat(stages_a[name]), _flat(stages_b[name])
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                found[f"{name}.{key}"] = (one.get(key), other.get(key))
    return found


def _flat(manifest: Manifest) -> dict[str, Any]:
    """Lay a stage's configuration and versions out flat, by dotted names."""
    versions = {f"version of {name}": version for name, version in manifest.versions.items()}
    config = {name: value for name, value in manifest.config.items() if name != "made"}  # other stages', told there
    return dict(_leaves(config, "")) | versions


def _leaves(values: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(values, list) and values and all(isinstance(value, dict) and "name" in value for value in values):
        yield f"{prefix}, in order", [value["name"] for value in values]
        values = {value["name"]: {key: inner for key, inner in value.items() if key != "name"} for value in values}
    if not isinstance(values, dict):
        yield prefix, values
        return
    for key, value in values.items():
        yield from _leaves(value, f"{prefix}.{key}" if prefix else key)


def _lines(found: CorpusDifference, a: str, b: str) -> Iterator[str]:
    """Say in sentences what is shared, what is not and why, and which settings differ."""
    if a == b or not (found.only_a.documents or found.only_b.documents or found.changed_text or found.moved_split):
        yield f"{a} and {b} hold the same {_documents(found.shared)}, with the same texts in the same splits."
    else:
        yield (
            f"{a} and {b} share {_documents(found.shared)}: {_none(found.changed_text)} of them have another text, "
            f"{_none(found.moved_split)} stand in another split."
        )
    for name, side, other in ((a, found.only_a, b), (b, found.only_b, a)):
        if side.documents:
            yield f"{name} has {_documents(side.documents)} that {other} does not have:"
        for reason, count in side.reasons.items():
            yield f"  {count:,} because {_because(reason, other)}, such as"
            yield from (f"    {url}" for url in side.examples[reason])
    if found.settings:
        yield "They were made with other settings:"
        yield from (
            f"  {name} is {_value(one)} in {a}, and {_value(two)} in {b}."
            for name, (one, two) in found.settings.items()
        )
    elif found.only_a.documents or found.only_b.documents:
        yield "They were made with the same settings, from other inputs."


def _documents(count: int) -> str:
    return f"{count:,} document{'' if count == 1 else 's'}"


def _none(count: int) -> str:
    return f"{count:,}" if count else "none"


def _because(reason: str, other: str) -> str:
    """Say why an output has not what another has.

    >>> _because("documents: too_short", "out/b")
    'the stage `documents` of out/b rejected them as too_short'
    """
    stage, _, name = reason.partition(": ")
    return f"the stage `{stage}` of {other} rejected them as {name}" if name else f"{other} never saw them"


def _value(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False, default=str)
