"""How a command is told which output it is about: `--output` everywhere, before or behind whatever else it is given.

A command that asks for nothing else takes the bare directory, too: `webtext status out/mine`.
"""

import argparse
from collections.abc import Sequence
from typing import Any

_BARE = " (the flag may be left out)"
OUTPUT = "an output of `webtext corpus` or `webtext build`"


class _Once(argparse.Action):
    """Take the directory, unless another one was named before."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        del option_string
        before = getattr(namespace, self.dest, None)
        if before is not None and before != values:
            parser.error(f"two outputs are named, {before} and {values}: name one")
        setattr(namespace, self.dest, values)


def add_output_argument(parser: argparse.ArgumentParser, meaning: str = OUTPUT, *, bare: bool = True) -> None:
    """Declare --output of a command that asks about an output which is there.

    Args:
        parser: the command's.
        meaning: what the directory is.
        bare: whether the directory may stand without the flag.
    """
    parser.add_argument("--output", "-o", action=_Once, required=not bare, help=meaning + (_BARE if bare else ""))
    if bare:
        parser.add_argument(
            "output", nargs="?", action=_Once, default=argparse.SUPPRESS, metavar="OUTPUT", help=argparse.SUPPRESS
        )
        parser.set_defaults(needs_output=True)


def check_output_is_named(parser: argparse.ArgumentParser, known: argparse.Namespace) -> None:
    """End with the usage where a command that asks about an output was told of none."""
    if getattr(known, "needs_output", False) and known.output is None:
        parser.error(f"which output? webtext {known.command} --output DIRECTORY")
