"""A log for machines, with `--log FILE`: what a run does, one JSON object a line.

Each line is written in one piece at the end of the file, so several runs (the tasks of an array, say) may share a file.
"""

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webtext.errors import UsageError

# What each event tells besides `time`, `pid` and `command`; docs/how-to/watch.md shows this table, and a test holds
# them equal.
EVENTS = {
    "begin": "the run begins: `arguments`",
    "stage": "a stage begins: `stage`, `directory`",
    "progress": "each minute: `stage`, `done`, `given`, `kept`, `rejected` by reason, `per_s`, `elapsed_s`, `left_s`",
    "published": "a stage is done: `stage`, `directory`, `given`, `kept`, `rejected`, `wall_s`, `cpu_s`",
    "warning": "a log line of a library or of ours: `logger`, `level`, `message`",
    "end": "the run ends: `status`, `elapsed_s`, and `message` where it is not 0",
}


class _Log:
    """The log of this process, if it has one."""

    descriptor: int | None = None
    command = ""
    began = 0.0


def note(event: str, **facts: Any) -> None:
    """Write an event of `EVENTS`, where there is a log."""
    if _Log.descriptor is None:
        return
    head = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "pid": os.getpid(), "command": _Log.command}
    line = json.dumps({**head, "event": event, **facts}, ensure_ascii=False) + "\n"
    os.write(_Log.descriptor, line.encode("utf-8", "backslashreplace"))


def note_end(status: int, message: str = "") -> None:
    """Write that the run ends, once: what comes after it is not heard."""
    if _Log.descriptor is not None:
        told = {"message": message} if message else {}
        note("end", status=status, elapsed_s=round(time.monotonic() - _Log.began, 1), **told)
        os.close(_Log.descriptor)
        _Log.descriptor = None


@contextlib.contextmanager
def run_log(path: str, command: str, arguments: list[str]) -> Iterator[None]:
    """Write the events of the block to the end of a local file; to none, where the path is "".

    Raises:
        UsageError: the file cannot be written.
    """
    if not path:
        yield
        return
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        _Log.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"--log {path}: {error.strerror}") from error
    _Log.command, _Log.began = command, time.monotonic()
    handler = _Handler(logging.WARNING)
    logging.getLogger().addHandler(handler)
    note("begin", arguments=arguments)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        note_end(1, "ended by an error of ours")  # heard only where nothing else has ended it


class _Handler(logging.Handler):
    """Writes log lines as events."""

    def emit(self, record: logging.LogRecord) -> None:
        note("warning", logger=record.name, level=record.levelname, message=record.getMessage())
