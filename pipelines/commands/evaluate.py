"""`webtext evaluate`: score a trained GPT-2 on held-out text and on benchmarks, beside the paper's figures."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.commands.training_flags import add_device, need_training
from webtext.errors import UsageError
from webtext.foreign import json_object, read_bytes

_EPILOG = """NAME chooses the protocol: ptb, wikitext2, wikitext103, 1bw, enwik8, text8, text (any plain text), heldout
(a corpus), lambada, cbt_cn, cbt_ne, winograd, coqa, cnn_dm, wmt14_en_fr, wmt14_fr_en, natural_questions; any other
NAME is a multiple-choice set (hellaswag, piqa ...). docs/training.md, Evaluation, tells how files are spelt."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("checkpoint", type=Path, help="a run of `webtext train`, or a GPT-2 in Hugging Face's layout")
    parser.add_argument("--on", action="append", required=True, metavar="NAME=FILE", help="a set; may be repeated")
    parser.add_argument("--stride", type=int, default=0, help="of rolling windows, in tokens (default: disjoint)")
    parser.add_argument("--limit", type=int, default=0, help="items of each task (default: all)")
    parser.add_argument(
        "--dirty", type=Path, help='JSON {"NAME": [positions]} of items that overlap with the training set'
    )
    parser.add_argument("--output", type=Path, help="file for all figures and details, as JSON")
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Score every set, each on its own; print the paper's table with ours in it; return 2 where a set failed."""
    with need_training():
        from model.gpt2.checkpoint import load_model  # noqa: PLC0415  (torch, only when it is used)
        from model.gpt2.device import select_device  # noqa: PLC0415
        from model.scores.protocols import Settings, evaluate_set  # noqa: PLC0415
        from model.scores.published import table  # noqa: PLC0415
    sets = _sets(arguments.on)
    if min(arguments.stride, arguments.limit) < 0:
        raise UsageError(f"--stride {arguments.stride} and --limit {arguments.limit} are 0 or more")
    settings = Settings(arguments.stride, arguments.limit, _dirty(arguments.dirty) if arguments.dirty else None)
    found: dict[str, dict[str, Any]] = {"figures": {}, "details": {}, "failed": {}}
    _write(arguments.output, found)
    model, tokenizer = load_model(arguments.checkpoint, select_device(arguments.device))
    for name, path in sets.items():
        try:
            scored = evaluate_set(model, tokenizer, name, path, settings)
        except UsageError as error:
            found["failed"][name] = str(error)
            print(f"{name} failed: {error}", file=sys.stderr)
        else:
            found["figures"] |= scored.figures
            found["details"][name] = scored.details
            print(f"{name}: {', '.join(f'{key} {value:.4g}' for key, value in scored.figures.items())}", flush=True)
            if scored.details.get("cut"):
                block = model.config.block_size
                cut = scored.details["cut"]
                print(f"{name}: {cut:,} longer than this network reads ({block} tokens): scored on their end")
        _write(arguments.output, found)
    print(table(found["figures"]), end="")
    return 2 if found["failed"] else 0


def _write(output: Path | None, found: dict[str, Any]) -> None:
    """Write what is known so far. Raises UsageError, before any work, where it cannot be written."""
    if output is None:
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
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
        sets[name] = Path(path)
    return sets


def _dirty(path: Path) -> dict[str, list[int]]:
    found = json_object(read_bytes(path), str(path))
    for name, places in found.items():
        if not (isinstance(places, list) and all(type(place) is int for place in places)):
            raise UsageError(f"{path}: {name!r} should be a list of positions, not {json.dumps(places)[:60]}")
    return found
