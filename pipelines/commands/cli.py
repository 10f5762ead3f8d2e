"""The command `webtext`: finds the module of a subcommand, parses its flags, and turns errors into one line.

Each subcommand is a module of this package with `add_arguments(parser)` and `run(arguments, beam_arguments)`, loaded
when it is asked for, so that `webtext --help` needs none of their imports. Flags that a subcommand does not know go to
Beam where it runs a pipeline.
"""

import argparse
import gc
import importlib
import logging
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Sequence
from typing import NoReturn

from pipelines.commands.exits import EXIT_DAMAGED, EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from pipelines.commands.file_damage import damage
from pipelines.commands.named_output import check_output_is_named
from pipelines.engine import logs
from pipelines.engine.interrupt import EXIT_INTERRUPTED, INTERRUPTED, Ending, hear_no_more, listen
from pipelines.engine.run_log import note_end, run_log
from pipelines.engine.terminal import plain, plain_output, tell
from pipelines.engine.worker import GC_THRESHOLDS, import_beam, settle_libraries
from webtext import __version__
from webtext.errors import Ended, UnbalancedError, UsageError

# name: (what it does, whether flags it does not know go to Beam)
COMMANDS = {
    "init": ("write a commented configuration file for a corpus of your own", False),
    "plan": ("what a corpus will take before it is begun: sizes, memory, hours, money, and what will not fit", True),
    "corpus": ("Reddit submissions to a corpus: harvest, fetch and build in order", True),
    "harvest": ("submissions (dumps, or Reddit's API) to distinct links with enough karma", True),
    "fetch": ("links to an archive of pages (WARC), as a polite guest", True),
    "build": ("an archive of pages to a filtered, de-duplicated corpus in Parquet shards", True),
    "overlap": ("how much of a benchmark a corpus holds: GPT-2's Table 6, with its error measured", True),
    "validate": ("say whether a corpus is better than another, or than damaged copies of itself", False),
    "report": ("one page that shows what became of every link, and what the corpus is like", False),
    "serve": ("a small local site that answers what became of a URL, a host, a reason", False),
    "explain": ("say what became of a URL, and why", False),
    "look": ("what would be made of a URL or a file: its text, what it declares, and what each rule says", False),
    "status": ("where each stage of an output stands, and whether there is more to do", False),
    "verify": ("recompute the checksums and the sums of a finished output", False),
    "remove": ("take pages, hosts or authors out of a corpus, and keep them out of later builds", True),
    "stats": ("how much there is of what", False),
    "sample": ("rows to look at, kept or rejected for a reason", False),
    "diff": ("what two corpora do not share, and which rule did it", False),
    "filters": ("list the rules and presets, and try them on a sample", False),
    "replay": ("serve a WARC over HTTP on loopback, under every host name in it", False),
    "train": ("train a GPT-2 on the shards of a corpus, or go on with a run that was killed", False),
    "evaluate": ("score a trained GPT-2 on held-out text and on benchmarks", False),
    "probe": ("fine-tune a trained GPT-2 on tasks, as GPT-1 was, and compare what two corpora taught", False),
    "scale": ("how the loss falls with parameters and tokens: scaling laws from a sweep of small runs", False),
    "generate": ("let a trained GPT-2 write", False),
    "memorization": ("whether a trained GPT-2 recites, and held-out text leaks: the paper's section 4", False),
    "export": ("a trained GPT-2 for transformers, or the tokens of a run for nanoGPT and llm.c", False),
    "completion": ("a script that completes commands and flags in bash, zsh or fish", False),
}

GROUPS = {  # how `webtext --help` lists them
    "make a corpus": ("init", "plan", "corpus", "harvest", "fetch", "build", "remove"),
    "ask about it": (
        *("report", "serve", "explain", "look", "status", "verify", "stats", "sample", "diff", "filters"),
        "replay",
    ),
    "judge it": ("validate", "overlap"),
    "train on it": ("train", "evaluate", "probe", "scale", "generate", "memorization", "export"),
    "the shell": ("completion",),
}
_EXAMPLES = """examples:
  webtext corpus --submissions RS_2017-11.zst --output out/mine --contact https://your.page
  webtext explain http://example.com/a-page --output out/mine
  webtext look http://example.com/a-page --contact https://your.page"""

SAVES_CONFIG = {"corpus", "harvest", "fetch", "build"}  # commands that save what they ran with, and take --config
WITH_CONFIG = {*SAVES_CONFIG, "plan"}  # commands that take --config
# Flags with `=` by which Beam's file systems are set up; every command takes them.
FILE_SYSTEMS = ("--s3_", "--hdfs_", "--azure_", "--blob_service_")
EXITS = {
    EXIT_OK: "done",
    EXIT_FAILURE: "the answer is no: verify found damage, validate a worse corpus, status work to do, explain nothing; "
    "or a stage kept nothing, and the last line says why",
    EXIT_USAGE: "something to mend: one line says what",
    EXIT_DAMAGED: "done, but an input is damaged: the last line says where; `--on-damage skip` accepts it",
    EXIT_INTERRUPTED: "interrupted: run the same command again to go on",
}
_EPILOG = "exit status:\n" + "\n".join(
    textwrap.fill(meaning, 98, initial_indent=f"  {status:<5}", subsequent_indent=" " * 7)
    for status, meaning in EXITS.items()
)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line: a list of fifty flags says nothing of the one that is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


class _Everything(_Parser):
    """The parser of `webtext` itself, whose help lists commands by what they are for."""

    def format_help(self) -> str:
        width = max(60, shutil.get_terminal_size((100, 24)).columns - 2)
        parts = [self.format_usage(), str(self.description)]
        for title, names in GROUPS.items():
            lines = [
                textwrap.fill(COMMANDS[name][0], width, initial_indent=f"  {name:<14}", subsequent_indent=" " * 16)
                for name in names
            ]
            parts.append("\n".join([f"{title}:", *lines]))
        more = "webtext COMMAND --help tells the flags of a command."
        return "\n\n".join(part.strip("\n") for part in (*parts, more, _EXAMPLES, _EPILOG)) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _Everything(
        prog="webtext",
        usage="webtext COMMAND ...",
        description="Rebuild GPT-2's WebText from anybody's Reddit data, and prove that the corpus is good.",
    )
    parser.add_argument("--version", action="version", version=f"webtext {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, prog="webtext", parser_class=_Parser
    )
    asked = _asked(arguments)
    if not arguments:
        parser.print_help()
        return EXIT_OK
    for name, (summary, _) in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=_sentence(summary), formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == asked:
            try:
                arguments = _declare(command, name, arguments)
            except UsageError as error:
                return _told(name, error, "-v" in arguments)
    try:
        known, unknown = parser.parse_known_args(arguments)
    except UsageError as error:  # a value that must be copied from elsewhere, or may not be there
        return _told(asked, error, "-v" in arguments)
    check_output_is_named(parser, known)
    files = [flag for flag in unknown if flag.startswith(FILE_SYSTEMS)]
    if files:
        importlib.import_module("webtext.clouds").set_options(files)
    if not COMMANDS[known.command][1]:
        unknown = [flag for flag in unknown if flag not in files]
    if unknown and not COMMANDS[known.command][1]:
        parser.error(f"unknown flags for {known.command}: {' '.join(unknown)}")
    logging.getLogger().setLevel(logging.INFO if known.verbose else logging.WARNING)
    try:
        with run_log(getattr(known, "log", ""), known.command, arguments):
            status = _run(known, unknown)
            note_end(status)
    except UsageError as error:  # the log itself cannot be written
        return _told(known.command, error, known.verbose)
    return status


def _asked(arguments: Sequence[str]) -> str:
    return next((name for name in arguments if not name.startswith("-")), "")


def _declare(command: argparse.ArgumentParser, name: str, arguments: list[str]) -> list[str]:
    """Declare the flags of the command that is asked for, and give its arguments, those of --config among them."""
    if COMMANDS[name][1]:
        import_beam()
    importlib.import_module(f"pipelines.commands.{name}").add_arguments(command)
    command.add_argument(
        "-v", "--verbose", action="store_true", help="tell more: log lines, and where an error is from"
    )
    if COMMANDS[name][1]:
        command.add_argument("--log", default="", metavar="FILE", help=_LOG)
    if name not in WITH_CONFIG:
        return arguments
    config_file = importlib.import_module("pipelines.commands.config_file")
    config_file.add_arguments(command)
    expanded: list[str] = config_file.expand(arguments, name, command)
    return expanded


_LOG = "append what the run does to this file, one JSON object a line (docs/how-to/watch.md)"


def _told(command: str, error: Exception, verbose: bool, said: str = "") -> int:
    if verbose:
        traceback.print_exception(error)
    tell(f"webtext {command}: {said or error}")
    note_end(EXIT_USAGE, said or str(error))
    return EXIT_USAGE


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."


def _run(known: argparse.Namespace, unknown: list[str]) -> int:
    Ending.begin(known.command)
    module = importlib.import_module(f"pipelines.commands.{known.command}")
    config = (
        importlib.import_module("pipelines.commands.config_file")
        if known.command in SAVES_CONFIG and known.output
        else None
    )
    ran = config.resolved(known, unknown) if config else {}
    try:
        with plain_output():
            status: int = module.run(known, unknown)
        if config:
            config.save(ran, known.output)
    except Ended as ended:
        print(plain(str(ended)))
        status = EXIT_OK
    except UsageError as error:
        return _told(known.command, error, known.verbose)
    except UnbalancedError as error:
        said = f"{error}: `webtext verify` tells if a file is missing or changed; if none is, this is a bug to report"
        return _told(known.command, error, known.verbose, said)
    except KeyboardInterrupt:
        Ending.say()
        note_end(EXIT_INTERRUPTED, INTERRUPTED)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (OSError, ValueError, RuntimeError) as error:
        what = damage(error)
        if what is None:
            raise
        return _told(known.command, error, known.verbose, what)
    return status


def entry() -> NoReturn:
    """Run as a program: a first Ctrl-C or a TERM ends the run cleanly."""
    gc.set_threshold(*GC_THRESHOLDS)
    if COMMANDS.get(_asked(sys.argv[1:]), ("", False))[1]:  # not to train: torch may compute with OpenBLAS
        settle_libraries()
    logs.set_up()
    listen()
    try:
        sys.exit(main())
    finally:
        hear_no_more()
        gc.freeze()  # all goes with the process: the interpreter need not look for garbage in it once more
