"""`webtext status`: which stages of an output are done, how far the unfinished one is, and what comes next.

It reads manifests and the names and footers of files, so it may be asked at any time, also beside a run, on whatever
engine and file system that is.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.commands.answer import add_json_argument, tell
from pipelines.commands.named_output import add_output_argument
from pipelines.engine.progress import span
from pipelines.report.markup import size
from pipelines.stages.output import FUNNEL, KINDS, Output
from pipelines.stages.own import unfinished_directory
from pipelines.stages.stage import find_manifest, read_input
from pipelines.stages.stale import stale_directories, told
from webtext import manifest as manifest_file
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Manifest


@dataclass(frozen=True)
class StageStatus:
    """Where a stage of an output stands."""

    name: str
    manifest: Manifest | None  # the published stage's
    tasks_done: int | None  # the tasks that the unfinished directory has, where there is one
    tasks: int | None  # how many there will be, where the files tell
    times: tuple[
        float, ...
    ] = ()  # seconds since 1970 at which tasks of the unfinished directory ended, or the finished was written

    @property
    def is_unfinished(self) -> bool:
        """Whether a run works in it, or was stopped in it."""
        return self.tasks_done is not None

    @property
    def rate(self) -> float | None:
        """Tasks a second, from the first that ended to the last; None where too few have."""
        took = self.times[-1] - self.times[0] if self.times else 0.0
        return (len(self.times) - 1) / took if took > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds of work for the tasks that are left, at that rate."""
        if self.rate is None or self.tasks is None or self.tasks_done is None:
            return None
        return (self.tasks - self.tasks_done) / self.rate

    def line(self) -> str:
        """Draw the stage as one line.

        >>> StageStatus("documents", None, 3, 8).line()
        'documents   unfinished: 3 of 8 tasks'
        """
        if self.is_unfinished:
            of = f" of {self.tasks:,}" if self.tasks else ""
            pace = f", {self.rate * 60:,.1f} a minute" if self.rate is not None else ""
            left = f", {span(self.left)} left" if self.left is not None else ""
            last = f"; the last {span(max(0.0, time.time() - self.times[-1]))} ago" if self.times else ""
            return f"{self.name:<12}unfinished: {self.tasks_done:,}{of} tasks{pace}{left}{last}"
        if self.manifest is None:
            return f"{self.name:<12}not begun"
        counts, n_bytes = self.manifest.counts, sum(file.bytes for file in self.manifest.files)
        kept = f"{counts.kept:,} kept of {counts.given:,} {counts.unit}"
        age = f", {span(max(0.0, time.time() - self.times[-1]))} ago" if self.times else ""
        return f"{self.name:<12}done: {kept}, {len(self.manifest.files):,} files, {size(n_bytes)}{age}"


def stage_status(output: str, name: str) -> StageStatus:
    """Look at one stage of an output."""
    directory = Output(output).directory(name)
    unfinished = unfinished_directory(directory)
    manifest = find_manifest(directory)
    if not storage.exists(unfinished):
        written = storage.list_times(directory, manifest_file.NAME) if manifest else ()
        return StageStatus(name, manifest, None, None, tuple(written))
    done = storage.list_tree(unfinished, KINDS[name].task_end)
    times = storage.list_times(unfinished, KINDS[name].task_end)
    return StageStatus(name, manifest, len(done), _tasks(done), tuple(times))


def _tasks(names: list[str]) -> int | None:
    """Read from file names how many tasks there are: the number behind `-of-`."""
    of = names[0].partition("-of-")[2].partition(".")[0] if names else ""
    return int(of) if of.isdecimal() else None


def output_status(output: str) -> list[StageStatus]:
    """Look at the stages of an output, from the first that is there on, in order.

    Raises:
        UsageError: it holds none, finished or unfinished.
    """
    stages = [stage_status(output, kind.name) for kind in FUNNEL]
    begun = [stage for stage in stages if stage.manifest or stage.is_unfinished]
    if not begun:
        raise UsageError(f"{output} holds no stage: give the --output directory of a run")
    expected = stages[stages.index(begun[0]) :]  # a build of other people's archives has no links
    return [stage for stage in expected if stage in begun or not KINDS[stage.name].is_optional]


def stale_stages(stages: list[StageStatus], output: str) -> Iterator[tuple[str, str]]:
    """Name the finished stages that were made from something else than what stands there now, each with a line."""
    finished = {stage.name: stage.manifest for stage in stages if stage.manifest}
    for name, manifest in finished.items():
        for given in manifest.inputs:
            if given.name in finished and given.sha256 != read_input(Output(output).directory(given.name)).sha256:
                yield name, f"{name:<12}was made from another {given.name}/ than the one that is there"


def next_stage(stages: list[StageStatus], stale: dict[str, str]) -> str:
    """Name the stage that is to be done next; "" where there is none.

    >>> next_stage([StageStatus("pages", None, 3, 8), StageStatus("documents", None, None, None)], {})
    'pages'
    """
    waiting = (each.name for each in stages if each.is_unfinished or each.manifest is None or each.name in stale)
    return next(waiting, "")


def _told_next(name: str, output: str) -> str:
    """Say what comes next, and which command does it.

    >>> _told_next("documents", "out")
    'next: documents, by `webtext build --output out`; the same flags as before go on from here'
    """
    return (
        f"next: {name}, by `webtext {KINDS[name].command} --output {output}`; the same flags as before go on from here"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext status`."""
    add_output_argument(parser, "the output of a run, finished or not, on any file system")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print where each stage stands; the exit status is 1 while the corpus is not finished."""
    stages = output_status(arguments.output)
    stale, outdated = dict(stale_stages(stages, arguments.output)), list(stale_directories(arguments.output))
    is_done = stages[-1].manifest is not None and not stale and not any(stage.is_unfinished for stage in stages)
    following = next_stage(stages, stale)
    found = {
        "is_done": is_done,
        "next": following or None,
        "stages": {
            stage.name: {
                "is_done": stage.manifest is not None and not stage.is_unfinished,
                "tasks_done": stage.tasks_done,
                "tasks": stage.tasks,
                "tasks_per_s": stage.rate,
                "left_s": stage.left,
                "last_task_at": stage.times[-1] if stage.times else None,
                "is_stale": stage.name in stale,
            }
            for stage in stages
        },
        "stale": outdated,
    }
    lines = [*(stage.line() for stage in stages), *stale.values(), *map(told, outdated)]
    lines += [_told_next(following, arguments.output)] if following else []
    tell(found, lines, as_json=arguments.json)
    return 0 if is_done else 1
