"""`webtext probe RUN --on NAME=FILE`: fine-tune a trained GPT-2 on tasks, as GPT-1 was, and compare two runs."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from pipelines.commands.training_flags import add_device, need_training
from webtext.errors import UsageError
from webtext.local import only_here

if TYPE_CHECKING:
    from model.transfer.probe import Gap, Transfer

_FORMATS = (
    "JSON lines: text, label; premise, hypothesis, label; text, other, label; or context (or query), choices, gold. "
    "A fifth of the items, by hash, is scored; the rest is trained on. May be repeated"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.add_argument("run", type=only_here, help="a run of `webtext train`, or a GPT-2 in Hugging Face's layout")
    parser.add_argument(
        "--against", type=only_here, help="another run, of another corpus, to compare with (default: none)"
    )
    parser.add_argument("--on", action="append", required=True, metavar="NAME=FILE", help=_FORMATS)
    parser.add_argument("--seeds", type=int, default=5, help="fine-tunings of each run and task (default: %(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=3, help="passes over a task's items (default: %(default)s, as GPT-1)"
    )
    parser.add_argument(
        "--learning-rate", type=float, default=6.25e-5, help="highest learning rate (default: %(default)s, as GPT-1)"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Fine-tune and print accuracies, and with --against their difference with its interval."""
    with need_training():
        from model.gpt2.device import select_device  # noqa: PLC0415  (torch, only when it is used)
        from model.transfer.probe import ProbeConfig, gap, probe, read_examples  # noqa: PLC0415
    device = select_device(arguments.device).type
    try:
        config = ProbeConfig(arguments.learning_rate, epochs=arguments.epochs, seeds=arguments.seeds, device=device)
    except ValueError as error:
        raise UsageError(str(error)) from error
    tasks = {name: read_examples(path) for name, path in _tasks(arguments.on)}
    found: list[dict[str, Any]] = []
    for name, examples in tasks.items():
        runs = [path for path in (arguments.run, arguments.against) if path is not None]
        learnt = [probe(path, name, examples, config) for path in runs]
        difference = gap(*learnt) if len(learnt) > 1 else None
        found.append({"task": name, "runs": [asdict(one) for one in learnt], "difference": difference})
        if not arguments.json:
            print("\n".join(_lines(learnt, runs, difference)), flush=True)
    if arguments.json:
        print(json.dumps(found, indent=1, default=asdict))
    return 0


def _tasks(given: list[str]) -> Iterator[tuple[str, Path]]:
    seen = set()
    for spec in given:
        name, equals, path = spec.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--on {spec}: give NAME=FILE")
        if name in seen:
            raise UsageError(f"--on {name} is given twice")
        seen.add(name)
        yield name, Path(path)


def _lines(learnt: "list[Transfer]", runs: list[Path], difference: "Gap | None") -> Iterator[str]:
    first = learnt[0]
    yield (
        f"{first.task}: trained on {first.trained_on}, scored on {first.scored}; "
        f"the commonest answer alone: {first.commonest:.1%}"
    )
    for path, one in zip(runs, learnt, strict=True):
        spread = f"{min(one.accuracies):.1%} to {max(one.accuracies):.1%}"
        yield f"  {path}: {mean(one.accuracies):.1%} ({spread} over {len(one.accuracies)} seeds)"
    if difference is not None:
        clear = "" if difference.low > 0 or difference.high < 0 else "; that is no difference to be seen"
        yield f"  difference {difference.value:+.1%} [{difference.low:+.1%}, {difference.high:+.1%}]{clear}"
