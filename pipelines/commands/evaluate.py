"""`webtext evaluate`: score a trained GPT-2 on held-out text and on benchmarks, beside the paper's figures."""

import argparse
import json
from pathlib import Path

from pipelines.commands.training_flags import add_device, need_training
from webtext.errors import UsageError

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
    """Score every set; print the paper's table with ours in it."""
    with need_training():
        from model.gpt2.checkpoint import load_model  # noqa: PLC0415  (torch, only when it is used)
        from model.gpt2.device import select_device  # noqa: PLC0415
        from model.scores.protocols import Settings, evaluate_set  # noqa: PLC0415
        from model.scores.published import table  # noqa: PLC0415
    sets = [_parse(text) for text in arguments.on]
    dirty = json.loads(arguments.dirty.read_text("utf-8")) if arguments.dirty else None
    settings = Settings(arguments.stride, arguments.limit, dirty)
    model, tokenizer = load_model(arguments.checkpoint, select_device(arguments.device))
    scored = {name: evaluate_set(model, tokenizer, name, path, settings) for name, path in sets}
    figures = {key: value for found in scored.values() for key, value in found.figures.items()}
    if arguments.output:
        details = {name: found.details for name, found in scored.items()}
        arguments.output.write_text(json.dumps({"figures": figures, "details": details}, indent=1) + "\n", "utf-8")
    print(table(figures), end="")
    return 0


def _parse(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UsageError(f"--on {text}: spell it NAME=FILE, for example ptb=ptb.test.txt")
    return name, Path(path)
