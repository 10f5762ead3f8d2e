"""The program of the Flex Template: one job that runs one webtext command, on one worker of any size.

A Flex Template makes exactly one job, and its program must end once the job's graph is made ("Build Flex Templates",
Dataflow's documentation); a webtext command runs several pipelines in order and publishes each stage when it is done.
So the job's graph is one step, which runs the command on its worker with that machine's cores. What the
command is given may lie on gs://. Dataflow tries a failed step again, and webtext goes on at the unfinished stage.
For a corpus that needs many machines, drive the jobs with `webtext ... --runner=DataflowRunner` instead.
"""

import argparse
import logging
import shlex
import subprocess
import sys
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

_LOGGER = logging.getLogger(__name__)
COMMANDS = ("corpus", "harvest", "fetch", "build", "overlap", "remove")
_PROGRAM = "from pipelines.commands.cli import entry; entry()"
_USAGE = 2  # exit status of a mistake, which trying again does not mend


def run_command(command: Sequence[str]) -> int:
    """Run webtext with these arguments in a process of its own, its output in the worker's log; give its exit status.

    Raises:
        RuntimeError: it failed; Dataflow tries again.
    """
    _LOGGER.info("webtext %s", shlex.join(command))
    words = [sys.executable, "-c", _PROGRAM, *command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            last = line.strip() or last
            _LOGGER.info("%s", line.rstrip())
    if process.returncode:
        retry = "run it again with other arguments" if process.returncode == _USAGE else "it goes on when tried again"
        raise RuntimeError(f"webtext {command[0]} ended with {process.returncode} ({last}); {retry}")
    return process.returncode


def command_of(arguments: argparse.Namespace) -> list[str]:
    """Lay the template's parameters out as webtext's command line."""
    return [arguments.command, "--output", arguments.output, *shlex.split(arguments.arguments)]


def main(argv: Sequence[str] | None = None) -> None:
    """Make the job, and return: on Dataflow the service runs it, on a local runner it has run."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--command", choices=COMMANDS, default="corpus")
    parser.add_argument("--output", required=True)
    parser.add_argument("--arguments", default="")
    arguments, beam_arguments = parser.parse_known_args(argv)
    pipeline = beam.Pipeline(options=PipelineOptions([*beam_arguments, "--no_save_main_session"]))
    pipeline | "Command" >> beam.Create([command_of(arguments)]) | "Run" >> beam.Map(run_command)
    pipeline.run()
