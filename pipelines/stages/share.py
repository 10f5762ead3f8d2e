"""A share of a stage's tasks, for many runs over one output: the tasks of an array on Slurm, or machines with one disk.

Each run with `--share I/N` does every N-th task into the unfinished directory, from the I-th on, and notes that it is
done; it publishes nothing. The run without `--share` takes over what is noted, does what is left and publishes. So a
share that died costs its own tasks only, and the bytes are those of one run.
"""

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pipelines.engine.share import Share
from pipelines.stages.lock import SUFFIX, locked
from webtext import storage
from webtext.errors import UsageError

Task = TypeVar("Task")
_NAME = re.compile(r"\.share-(\d+)-of-(\d+)")
_PATIENCE = 60.0  # seconds in which other shares, which begin at the same moment, have prepared the directory


def note_done(unfinished: str, share: Share, fingerprint: str) -> None:
    """Note that a share of a stage with this fingerprint is done, after all of its files are on the disk."""
    if storage.is_local(unfinished):
        for name in storage.list_files(unfinished):
            with contextlib.suppress(FileNotFoundError):  # another share's, under a name that it was written by
                storage.sync(storage.join(unfinished, name))
    with storage.create_file(storage.join(unfinished, share.name), durable=True) as stream:
        stream.write(fingerprint.encode())


def done_shares(unfinished: str, fingerprint: str) -> list[Share]:
    """List the shares that were done of a stage with this fingerprint."""
    return [share for share, said in _notes(unfinished) if said == fingerprint]


def left_of(tasks: Sequence[Task], share: Share | None, unfinished: str, fingerprint: str) -> list[Task]:
    """Give the tasks of a share, or, where there is none, those that no share has done."""
    if share is not None:
        return [task for place, task in enumerate(tasks) if share.owns(place)]
    done = done_shares(unfinished, fingerprint)
    return [task for place, task in enumerate(tasks) if not any(each.owns(place) for each in done)]


def _notes(unfinished: str) -> Iterator[tuple[Share, str]]:
    for name in storage.list_all(unfinished):
        if found := _NAME.fullmatch(name):
            with storage.open_file(storage.join(unfinished, name)) as stream:
                yield Share(int(found[1]), int(found[2])), stream.read().decode(errors="replace")


def check_idle(unfinished: str) -> None:
    """See that no share is at work, and take away what dead ones left locked.

    Raises:
        UsageError: one is.
    """
    for name in storage.list_all(unfinished):
        if _NAME.fullmatch(name.removesuffix(SUFFIX)) and name.endswith(SUFFIX):
            with locked(storage.join(unfinished, name.removesuffix(SUFFIX))):
                storage.remove_file(storage.join(unfinished, name))


def has_shares(unfinished: str) -> bool:
    """Tell whether a share is at work, or was when it was killed."""
    return any(name.endswith(SUFFIX) for name in storage.list_all(unfinished))


def forget_shares(unfinished: str) -> None:
    """Take the notes away, before the directory is published."""
    for share, _ in _notes(unfinished):
        storage.remove_file(storage.join(unfinished, share.name))


@contextlib.contextmanager
def prepared(directory: str) -> Iterator[None]:
    """Hold a stage's lock for the moment in which a share prepares its directory: others wait for their turn.

    Raises:
        UsageError: a run without --share is at work.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(directory))
            except UsageError:
                if time.monotonic() > deadline:
                    raise
            else:
                yield
                return
        time.sleep(0.2)
