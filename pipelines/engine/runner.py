"""Which engine runs a pipeline, and how its failures reach the user.

Local runs name FnApiRunner: Beam's default tries to download another engine first and falls back in silence, so the
same program would run on different engines online and offline. One worker runs in memory; more are processes.
"""

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, _BeamArgumentParser

from pipelines.engine.processes import local_processes
from pipelines.engine.ray_tasks import run_tasks
from pipelines.engine.submission import check_flags, is_dry, submission
from pipelines.engine.tasks import Worker
from webtext.errors import Ended, UsageError

_USAGE_ERROR = re.compile(r"UsageError: ([^\n]+?)(?: \[while running [^\n]*)?(?:\\n|\n|$)")
_TASKS_WORTH_PROCESSES = 4
# One worker can keep so many processes busy with pages, since handing out a page takes a tenth of the time of judging
# it. A further worker process of Beam's would cost two seconds to start, and some 100 MB.
_MOST_SPREAD = 8


class DoTasks(beam.DoFn):
    """Hands tasks to a worker."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._worker = worker

    def setup(self) -> None:
        self._worker.open()

    def process(self, task: Any) -> None:
        self._worker.do(task)

    def finish_bundle(self) -> None:
        self._worker.finish()

    def teardown(self) -> None:
        self._worker.close()


@dataclass(frozen=True)
class Engine:
    """Where pipelines run: a local runner with so many processes, or the one that Beam's own flags name."""

    workers: int = 0  # processes of a local run; 0: as many as there are cores, where there is work for them
    beam_arguments: tuple[str, ...] = ()  # flags that webtext does not know, as they stood on the command line
    ray: str = ""  # address of the Ray cluster that does independent tasks instead

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise UsageError(f"--workers must be 0 (as many as there are cores) or more, not {self.workers}")
        if self.ray and _names_runner(self.beam_arguments):
            raise UsageError("--ray and --runner name two engines: choose one")

    def each(self, tasks: Sequence[Any], worker: Worker) -> None:
        """Have independent tasks, at least one, done, and wait for their end.

        Raises:
            UsageError: a worker raised one.
            KeyboardInterrupt: the user asked for the end, by Ctrl-C or TERM.
        """
        if self.ray:
            run_tasks(self.ray, tasks, worker)
            return
        workers = self._workers_here(len(tasks))
        spread = worker.spread(workers) if 1 < workers <= _MOST_SPREAD else None
        is_divided = workers != 1 and spread is None  # else a shuffle divides nothing, and takes .03 s to lay out
        create = beam.Create(tasks, reshuffle=is_divided).with_output_types(type(tasks[0]))
        do = type(worker).__name__ >> beam.ParDo(DoTasks(spread or worker))
        self.run(lambda root: root | create | do, 1 if spread else len(tasks))

    def run(self, construct: Callable[[beam.Pipeline], None], tasks: int = 1) -> None:
        """Construct a pipeline of `tasks` independent tasks, run it, and wait for its end.

        Raises:
            UsageError: a worker raised one; it arrives here as its one line, from whichever process.
            Ended: the job was only to be described.
            KeyboardInterrupt: the user asked for the end, by Ctrl-C or TERM.
        """
        options = self.options(tasks)
        if is_dry(options):
            raise Ended("\n".join(submission(construct, options)))
        mode = options.view_as(DirectOptions).direct_running_mode
        is_ours = not _names_runner(self.beam_arguments) and sys.platform != "win32"  # ours are started by a shell
        by_processes = is_ours and mode == "multi_processing"
        try:
            with local_processes() if by_processes else contextlib.nullcontext() as runner:
                pipeline = beam.Pipeline(runner, options)
                construct(pipeline)
                pipeline.run().wait_until_finish()
        except UsageError as error:  # A run in memory gives the exception itself, with where it was raised.
            raise UsageError(str(error).partition(" [while running ")[0]) from error
        except RuntimeError as error:  # other runners: the worker's traceback as text
            found = _USAGE_ERROR.search(str(error))
            if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt | SystemExit):
                raise KeyboardInterrupt from error  # In memory, Ctrl-C or TERM came while a worker's code ran.
            if found is None:
                raise
            raise UsageError(found.group(1)) from error

    def options(self, tasks: int = 1) -> PipelineOptions:
        """Make Beam's options: what the user passed through, and a local runner where none is named."""
        arguments = list(self.beam_arguments)
        if workers := self._workers_here(tasks):
            mode = "in_memory" if workers == 1 else "multi_processing"
            arguments += ["--runner=FnApiRunner", f"--direct_running_mode={mode}", f"--direct_num_workers={workers}"]
        if not any("default_sdk_harness_log_level" in argument for argument in arguments):
            arguments.append("--default_sdk_harness_log_level=WARNING")
        if not any("save_main_session" in argument for argument in arguments):
            arguments.append("--no_save_main_session")  # every class of ours is importable
        return PipelineOptions(arguments)

    @property
    def names_runner(self) -> bool:
        """Whether a runner of Beam's is named, with a shuffle of its own."""
        return _names_runner(self.beam_arguments)

    def _workers_here(self, tasks: int) -> int:
        """Tell how many processes of this machine do so many tasks; 0: another engine does them."""
        return 0 if _names_runner(self.beam_arguments) else self.local_workers(tasks)

    def local_workers(self, tasks: int) -> int:
        """Tell how many processes a local run of so many tasks gets: starting them costs seconds."""
        if self.workers:
            return min(self.workers, max(1, tasks))
        return (os.cpu_count() or 1) if tasks >= _TASKS_WORTH_PROCESSES else 1


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say where pipelines run."""
    group = parser.add_argument_group(
        "engine", "flags that webtext does not know go to Beam: --runner=DataflowRunner ..."
    )
    group.add_argument(
        "--workers", type=int, default=0, help="processes of a local run (default: 0, as many as cores where it pays)"
    )
    group.add_argument(
        "--ray",
        default="",
        metavar="ADDRESS",
        help="a Ray cluster that reads pages and writes shards ('local': one here; default: none, Beam does)",
    )


def engine_from(arguments: argparse.Namespace, beam_arguments: Sequence[str]) -> Engine:
    """Make the engine that the flags ask for.

    Raises:
        UsageError: a flag is neither ours nor Beam's, on a local run (another runner may have flags of its own), or has
            a value that it cannot have.
    """
    unknown = _unknown_to_beam(beam_arguments)
    if unknown and not _names_runner(beam_arguments):
        raise UsageError(f"no such flag: {', '.join(unknown)}; see --help")
    check_flags(PipelineOptions(list(beam_arguments)))
    return Engine(arguments.workers, tuple(beam_arguments), arguments.ray)


def _names_runner(arguments: Sequence[str]) -> bool:
    return any(argument == "--runner" or argument.startswith("--runner=") for argument in arguments)


class _BeamFlags(_BeamArgumentParser):
    """Beam's flags, whose complaints are one line: its own come with two hundred lines of usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _unknown_to_beam(arguments: Sequence[str]) -> list[str]:
    """List the words that none of Beam's options takes; Beam itself would pass over them with a warning."""
    parser = _BeamFlags(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)  # noqa: SLF001 - how Beam's documentation says to declare options
    return parser.parse_known_args(list(arguments))[1]
