"""`webtext init`: write a commented configuration file with every key that there is."""

import argparse

from pipelines.commands.config_file import NAME, to_toml
from webtext import storage
from webtext.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext init`."""
    parser.add_argument("file", nargs="?", default=NAME, help="where to write it (default: %(default)s)")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Write the file, and say what reads it."""
    del beam_arguments
    if storage.exists(arguments.file):
        raise UsageError(f"{arguments.file} is there already: name another file, or remove it")
    with storage.create_file(storage.absolute(arguments.file)) as stream:
        stream.write(to_toml({}).encode())
    print(f"{arguments.file} written: change what you need, then run webtext corpus --config {arguments.file}")
    return 0
