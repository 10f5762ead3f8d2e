"""What a person sees while a stage runs: what it has published so far, by counting the files in its directory.

A task publishes its files whole, so the directory itself is the progress, whatever the engine and however many
processes. Nothing is shown where standard error is not a terminal.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from webtext import storage
from webtext.manifest import Counts

_SECONDS = 2.0  # between two looks
_SHARE = 50  # a look takes at most one part in so many of the time: counting reads every file


@contextlib.contextmanager
def shown(stage: str, directory: str, count: Callable[[str], Counts]) -> Iterator[None]:
    """Show a stage's counts and rates on standard error, while the block runs, if that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    console = Console(stderr=True)
    with Live(Text(f"{stage}: starting"), console=console, transient=True, auto_refresh=False) as live:
        watcher = threading.Thread(target=_watch, args=(stage, directory, count, live, ended), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


def _watch(stage: str, directory: str, count: Callable[[str], Counts], live: Live, ended: threading.Event) -> None:
    """Look again and again: files are counted where there are new ones, and for a small share of the time."""
    started, pause = time.monotonic(), _SECONDS
    seen, counts = None, Counts(0, 0)
    while not ended.wait(pause):
        looked, names = time.monotonic(), storage.list_files(directory)
        if names != seen:
            seen, counts = names, count(directory)
        now = time.monotonic()
        live.update(progress_line(stage, counts, now - started), refresh=True)
        pause = max(_SECONDS, _SHARE * (now - looked))


def progress_line(stage: str, counts: Counts, seconds: float) -> Text:
    """Draw one look: done of given, rate, kept, and the most frequent reasons.

    >>> str(progress_line("documents", Counts(200, 60, {"language": 40}), 10.0))
    'documents: 100 of 200 (50%), 10.0/s, kept 60, language 40'
    """
    rejected = sorted(counts.rejected.items(), key=lambda item: (-item[1], item[0]))
    done = counts.kept + sum(counts.rejected.values())
    share = f" ({done / counts.given:.0%})" if counts.given else ""
    reasons = "".join(f", {reason} {number:,}" for reason, number in rejected[:5])
    return Text(f"{stage}: {done:,} of {counts.given:,}{share}, {done / seconds:.1f}/s, kept {counts.kept:,}{reasons}")
