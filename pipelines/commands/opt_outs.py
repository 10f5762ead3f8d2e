"""The flags that say which signals against training are obeyed, for `webtext fetch` and for `webtext build --warc`."""

import argparse
from typing import Any

from webtext.errors import UsageError
from webtext.permissions.signals import DEFAULT_SIGNALS, SIGNALS

_OPT_OUTS = f"opt-outs to obey, of {', '.join(SIGNALS)}; 'nothing' for none (default: %(default)s)"


def add_opt_outs_argument(group: Any, *names: str, told: str = "") -> None:
    """Declare the flag; the longest of its names is its key in a configuration file."""
    group.add_argument("--opt-outs", *names, default=",".join(DEFAULT_SIGNALS), metavar="LIST", help=told + _OPT_OUTS)


def opt_outs_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Give the names that the flag gives.

    Raises:
        UsageError: one is no signal.
    """
    names = "" if arguments.opt_outs == "nothing" else arguments.opt_outs
    given = tuple(name for name in map(str.strip, names.split(",")) if name)
    unknown = [name for name in given if name not in SIGNALS]
    if unknown:
        raise UsageError(f"no such opt-out: {', '.join(unknown)}; there are {', '.join(SIGNALS)}")
    return given
