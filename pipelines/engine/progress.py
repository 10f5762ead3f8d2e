"""What a person sees while a stage runs: what it has published so far, by counting the files in its directory.

A task publishes its files whole, so the directory itself is the progress, whatever the engine and however many
processes. On a terminal a line is drawn anew every other second; elsewhere (nohup, CI, Slurm) a line is written each
minute, so that a short run says nothing. The run's log (`pipelines.engine.run_log`) has it each minute, too.
"""

import contextlib
import json
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.engine import run_log
from pipelines.engine.terminal import tell
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Counts

_SECONDS = 2.0  # between two looks, on a terminal
_MINUTE = 60.0  # between two looks elsewhere, and between two lines of the log
_SHARE = 50  # a look takes at most one part in so many of the time: counting reads every file
_LOOKS = 15  # the rate is that of so many looks: a crawl gets slower towards its end
_REASONS = 5  # a line names at most five reasons
_NOTE = ".progress-"  # begins the names of files in which tasks that write no file for hours say how far they are


@dataclass(frozen=True)
class Look:
    """What a stage has done at one moment."""

    stage: str
    counts: Counts
    elapsed: float  # seconds since the stage began
    rate: float  # outcomes a second, over the last looks

    @property
    def done(self) -> int:
        """So many of what was given have an outcome."""
        return self.counts.kept + sum(self.counts.rejected.values())

    @property
    def left(self) -> float | None:
        """Seconds to the end at this rate; None where nobody can say."""
        waiting = self.counts.given - self.done
        return waiting / self.rate if self.rate > 0 and waiting > 0 else None

    def line(self) -> str:
        """Draw it as a line.

        >>> Look("documents", Counts(200, 60, {"language": 40}), 80.0, 1.25).line()
        'documents: 100 of 200 (50%), 1.2/s, kept 60, language 40; 1 min so far, 1 min left'
        """
        rejected = sorted(self.counts.rejected.items(), key=lambda item: (-item[1], item[0]))
        share = f" ({self.done / self.counts.given:.0%})" if self.counts.given else ""
        reasons = "".join(f", {reason} {number:,}" for reason, number in rejected[:_REASONS])
        left = f", {span(self.left)} left" if self.left is not None else ""
        told = f"{self.done:,} of {self.counts.given:,}{share}, {self.rate:.1f}/s, kept {self.counts.kept:,}{reasons}"
        return f"{self.stage}: {told}; {span(self.elapsed)} so far{left}"

    def note(self) -> None:
        """Write it to the run's log, if there is one."""
        left = None if self.left is None else round(self.left)
        counts = {"given": self.counts.given, "kept": self.counts.kept, "rejected": dict(self.counts.rejected)}
        pace = {"per_s": round(self.rate, 2), "elapsed_s": round(self.elapsed), "left_s": left}
        run_log.note("progress", stage=self.stage, done=self.done, **counts, **pace)


def span(seconds: float) -> str:
    """Write a duration in its two largest units.

    >>> [span(seconds) for seconds in (9.4, 600, 7_500, 300_000)]
    ['9 s', '10 min', '2 h 5 min', '3 d 11 h']
    """
    seconds = round(seconds)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours - days * 24} h"
    if hours:
        return f"{hours} h {minutes - hours * 60} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


@contextlib.contextmanager
def noting(
    directory: str, task: str, given: Callable[[], int], outcomes: Callable[[], Mapping[str, int]]
) -> Iterator[None]:
    """Write down how far a task is, every other second while the block runs, for whoever looks at a local directory.

    Args:
        directory: where the stage works.
        task: a name that no other task at work has.
        given: counts what it was given.
        outcomes: counts what has become of it so far; "ok" is what is kept.
    """
    if not storage.is_local(directory):
        yield
        return
    path, ended = storage.join(directory, f"{_NOTE}{task}"), threading.Event()

    def note() -> None:
        while not ended.wait(_SECONDS):
            with storage.create_file(path) as stream:
                stream.write(json.dumps({"given": given(), "outcomes": outcomes()}).encode())

    noter = threading.Thread(target=note, daemon=True)
    noter.start()
    try:
        yield
    finally:
        ended.set()
        noter.join()
        storage.remove_file(path)


def read_notes(directory: str) -> Counts:
    """Add up how far the tasks are that work in a local directory now."""
    total: Counter[str] = Counter()
    given = 0
    for path in _notes(directory):
        with contextlib.suppress(FileNotFoundError):  # a file that is gone was of a task that has just ended
            said = json.loads(path.read_bytes())
            given += said["given"]
            total.update(said["outcomes"])
    kept = total.pop("ok", 0)
    return Counts(given, kept, dict(total))


def _notes(directory: str) -> list[Path]:
    return sorted(Path(directory).glob(f"{_NOTE}*")) if storage.is_local(directory) else []


@contextlib.contextmanager
def shown(stage: str, directory: str, count: Callable[[str], Counts]) -> Iterator[None]:
    """Show a stage's counts and rates on standard error while the block runs."""
    ended = threading.Event()
    with _display(stage) as (show, pause):
        watcher = threading.Thread(target=watch, args=(stage, directory, count, show, ended, pause), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


@contextlib.contextmanager
def _display(stage: str) -> Iterator[tuple[Callable[[Look], None], float]]:
    """Give what shows a look, and the seconds between two."""
    if not sys.stderr.isatty():
        yield _tell, _MINUTE
        return
    from rich.console import Console  # noqa: PLC0415 - where there is a terminal to draw on
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    noted = 0.0
    with Live(Text(f"{stage}: starting"), console=Console(stderr=True), transient=True, auto_refresh=False) as live:

        def draw(look: Look) -> None:
            nonlocal noted
            live.update(Text(look.line()), refresh=True)
            if look.elapsed - noted >= _MINUTE:
                look.note()
                noted = look.elapsed

        yield draw, _SECONDS


def _tell(look: Look) -> None:
    tell(look.line())
    look.note()


def watch(
    stage: str,
    directory: str,
    count: Callable[[str], Counts],
    show: Callable[[Look], None],
    ended: threading.Event,
    least: float,
) -> None:
    """Look again and again: files are counted where there are new ones, and for a small share of the time.

    Args:
        stage: its name.
        directory: where it writes.
        count: counts what is there.
        show: is given each look.
        ended: set when the stage has ended.
        least: seconds between two looks, at least.
    """
    started, pause = time.monotonic(), least
    seen, counts = None, Counts(0, 0)
    looks = deque([(0.0, 0)], maxlen=_LOOKS)
    while not ended.wait(pause):
        looked = time.monotonic()
        # A file may go, or the network, between being listed and being read: the next look will tell.
        with contextlib.suppress(UsageError, OSError):
            names = storage.list_tree(directory)
            if names != seen or _notes(directory):
                seen, found = names, count(directory)
                counts = found if found.given else counts  # between its steps a stage may have nothing to count
        now = time.monotonic()
        look = Look(stage, counts, now - started, 0.0)
        before, done = looks[0]
        looks.append((look.elapsed, look.done))
        pace = max(0.0, (look.done - done) / max(look.elapsed - before, 1e-9))
        show(Look(stage, counts, look.elapsed, pace))
        pause = max(least, _SHARE * (now - looked))
