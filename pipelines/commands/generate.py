"""`webtext generate`: let a trained GPT-2 write."""

import argparse

from pipelines.commands.training_flags import add_device, need_training
from webtext.errors import UsageError
from webtext.local import only_here


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.add_argument(
        "checkpoint", type=only_here, help="a run of `webtext train`, or a GPT-2 in Hugging Face's layout"
    )
    parser.add_argument("--prompt", default="", help="text to go on with (default: none, a new document)")
    parser.add_argument("--samples", type=int, default=1, help="texts to write (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=256, help="most tokens of a text (default: %(default)s)")
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        help="temperature: below 1 likelier, above 1 wilder (default: %(default)s)",
    )
    parser.add_argument(
        "--top-k", type=int, default=40, help="likeliest tokens to draw from; 1 is greedy (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the draws (default: %(default)s)")
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print samples, each up to its end of text."""
    with need_training():
        from model.gpt2.checkpoint import load_model  # noqa: PLC0415  (torch, only when it is used)
        from model.gpt2.device import select_device  # noqa: PLC0415
        from model.gpt2.generate import Sampling, write  # noqa: PLC0415
    model, tokenizer = load_model(arguments.checkpoint, select_device(arguments.device))
    for number in range(arguments.samples):
        try:
            sampling = Sampling(arguments.tokens, arguments.temperature, arguments.top_k, arguments.seed + number)
        except ValueError as error:
            raise UsageError(str(error)) from error
        separator = "\n--------\n" if number else ""
        print(f"{separator}{arguments.prompt}{write(model, tokenizer, arguments.prompt, sampling)}")
    return 0
