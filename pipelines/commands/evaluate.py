"""`webtext evaluate`: score a trained GPT-2 on held-out text and on benchmarks, beside the paper's figures."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.commands.training_flags import add_device, need_training
from webtext.errors import UsageError
from webtext.foreign import json_object, read_bytes
from webtext.local import local_corpus, only_here, write_whole

if TYPE_CHECKING:
    from model.scores.protocols import Scored

_EPILOG = """NAME chooses the protocol: ptb, wikitext2, wikitext103, 1bw, enwik8, text8, text (any plain text), heldout
(a corpus), lambada, lambada_cloze (GPT-3's blank), cbt_cn, cbt_ne, winograd, coqa, cnn_dm, wmt14_en_fr, wmt14_fr_en,
natural_questions; any other NAME is a multiple-choice set (hellaswag, piqa ...). docs/training.md, Evaluation, tells
how files are spelt."""
_SHOTS = "examples before each item, as many as fit; several give a table (default: each paper's protocol)"
_EXAMPLE_FILES = (
    "items of a set's form that --shots takes examples from; those that are scored are left out (default: none)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "checkpoint", type=only_here, help="a run of `webtext train`, or a GPT-2 in Hugging Face's layout"
    )
    parser.add_argument(
        "--on",
        action="append",
        required=True,
        metavar="NAME=FILE",
        help="a set to score on, by name and file; may be repeated",
    )
    parser.add_argument("--shots", action="extend", type=_shots, metavar="K[,K]", help=_SHOTS)
    parser.add_argument("--examples", action="append", default=[], metavar="[NAME=]FILE", help=_EXAMPLE_FILES)
    parser.add_argument(
        "--stride",
        type=int,
        default=0,
        help="tokens from one window of plain text to the next (default: 0, a whole window)",
    )
    parser.add_argument("--limit", type=int, default=0, help="most items of each task (default: 0, all)")
    parser.add_argument(
        "--dirty",
        type=local_corpus,
        help='JSON {"NAME": [positions]} of items that overlap with the training set (default: none)',
    )
    parser.add_argument(
        "--output", "-o", type=only_here, help="file for all figures and details, as JSON (default: only print)"
    )
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Score every set, each on its own; print the paper's table with ours in it; return 2 where a set failed."""
    with need_training():
        from model.gpt2.checkpoint import load_model  # noqa: PLC0415  (torch, only when it is used)
        from model.gpt2.device import select_device  # noqa: PLC0415
        from model.scores.protocols import Settings, evaluate_set, is_task, own_shots  # noqa: PLC0415
        from model.scores.published import shots_table, table  # noqa: PLC0415
    sets = _sets(arguments.on)
    if min(arguments.stride, arguments.limit) < 0:
        raise UsageError(f"--stride {arguments.stride} and --limit {arguments.limit} are 0 or more")
    asked: list[int | None] = [*sorted(set(arguments.shots or ()))] or [None]
    takers = [name for name in sets if own_shots(name) or (arguments.shots and is_task(name))]
    examples = _examples(arguments.examples, takers)
    dirty = _dirty(arguments.dirty) if arguments.dirty else None
    settings = Settings(arguments.stride, arguments.limit, dirty, examples)
    found: dict[str, dict[str, Any]] = {"figures": {}, "details": {}, "failed": {}, "shots": {}}
    _write(arguments.output, None)
    model, tokenizer = load_model(arguments.checkpoint, select_device(arguments.device))
    for name, path in sets.items():
        by_shots = {}
        try:
            for shots in asked if is_task(name) else [None]:
                by_shots[shots] = evaluate_set(model, tokenizer, name, path, replace(settings, shots=shots))
                print("\n".join(_lines(name, shots, by_shots[shots], model.config.block_size)), flush=True)
        except UsageError as error:
            found["failed"][name] = str(error)
            print(f"{name} failed: {error}", file=sys.stderr)
        else:
            _note(found, name, by_shots, own_shots(name))
            if table_of := {shots: scored for shots, scored in by_shots.items() if shots is not None}:
                print(shots_table(name, table_of), flush=True)
        _write(arguments.output, found)
    print(table(found["figures"]), end="")
    return 2 if found["failed"] else 0


def _lines(name: str, shots: int | None, scored: "Scored", block: int) -> Iterator[str]:
    """Tell one result as it comes."""
    behind = "" if shots is None else f", {shots} shots"
    yield f"{name}{behind}: {', '.join(f'{key} {value:.4g}' for key, value in scored.figures.items())}"
    if scored.details.get("cut"):
        cut = scored.details["cut"]
        yield f"{name}{behind}: {cut:,} longer than this network reads ({block} tokens): scored on their end"


def _note(found: dict[str, dict[str, Any]], name: str, by_shots: "Mapping[int | None, Scored]", own: int) -> None:
    """Keep what was found of a set: the paper's own protocol with the figures, every number of shots beside them."""
    for shots, scored in by_shots.items():
        if shots in (None, own):
            found["figures"] |= scored.figures
            found["details"][name] = scored.details
        if shots is not None:
            found["shots"].setdefault(name, {})[shots] = {"figures": scored.figures, "details": scored.details}


def _write(output: Path | None, found: dict[str, Any] | None) -> None:
    """Write what is known so far; without anything, see that it can be written, and leave what an earlier run found.

    Raises UsageError where it cannot be written.
    """
    if output is None:
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if found is None:
            output.open("ab").close()
        else:
            write_whole(output, json.dumps(found, indent=1) + "\n")
    except OSError as error:
        raise UsageError(f"--output {output} cannot be written: {error.strerror}") from error


def _sets(specs: Sequence[str]) -> dict[str, Path]:
    sets: dict[str, Path] = {}
    for spec in specs:
        name, equals, path = spec.partition("=")
        if not (name and equals and path):
            raise UsageError(f"--on {spec}: spell it NAME=FILE, for example ptb=ptb.test.txt")
        if name in sets:
            raise UsageError(f"--on {name}= is given twice: results are told apart by their names")
        sets[name] = local_corpus(path) if name == "heldout" else Path(path)
    return sets


def _shots(text: str) -> list[int]:
    """Read numbers of shots.

    >>> _shots("0,1,5")
    [0, 1, 5]
    """
    if re.fullmatch(r"\d{1,4}(,\d{1,4})*", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of examples, or several such as 0,1,5")
    return [int(number) for number in text.split(",")]


def _examples(specs: Sequence[str], sets: Sequence[str]) -> dict[str, Path]:
    """Name the file of examples of each set that takes some; with one such set, a file needs no name."""
    examples: dict[str, Path] = {}
    for spec in specs:
        name, equals, path = spec.partition("=")
        if not equals and len(sets) == 1:
            name, path = sets[0], spec
        if name not in sets or not path:
            takers = ", ".join(sets) or "none of the sets, without --shots"
            raise UsageError(f"--examples {spec}: spell it NAME=FILE, NAME one that takes examples ({takers})")
        if name in examples:
            raise UsageError(f"--examples {name}= is given twice")
        examples[name] = Path(path)
    return examples


def _dirty(path: Path) -> dict[str, list[int]]:
    found = json_object(read_bytes(path), str(path))
    for name, places in found.items():
        if not (isinstance(places, list) and all(type(place) is int for place in places)):
            raise UsageError(f"{path}: {name!r} should be a list of positions, not {json.dumps(places)[:60]}")
    return found
