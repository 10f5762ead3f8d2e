"""`webtext completion bash|zsh|tcsh|fish`: a script for a shell, so that Tab completes commands, flags and choices.

shtab writes it from the parsers, so nothing of webtext is loaded when Tab is pressed. Put it where the shell finds it:
`webtext completion bash > ~/.local/share/bash-completion/completions/webtext`.
"""

import argparse
import importlib

from pipelines.commands.cli import COMMANDS, WITH_CONFIG
from webtext.errors import UsageError

SHELLS = ("bash", "zsh", "tcsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext completion`."""
    parser.add_argument("shell", choices=SHELLS, help="which shell the script is for")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print the script."""
    del beam_arguments
    try:
        shtab = importlib.import_module("shtab")
    except ModuleNotFoundError as error:
        raise UsageError("completion needs a package: pip install 'webtext[completion]'") from error
    print(shtab.complete(every_parser(), shell=arguments.shell))
    return 0


def every_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line with the flags of all commands, which it usually loads one at a time."""
    parser = argparse.ArgumentParser(prog="webtext")
    parser.add_argument("--version", action="store_true", help="tell the release")
    commands = parser.add_subparsers()
    for name, (summary, _) in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        importlib.import_module(f"pipelines.commands.{name}").add_arguments(command)
        if name in WITH_CONFIG:
            command.add_argument("--config", help="read flags from this TOML file (default: none)")
        command.add_argument(
            "--verbose", "-v", action="store_true", help="tell more: log lines, and where an error is from"
        )
    return parser
