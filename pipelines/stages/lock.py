"""One run at a time writes a directory: a lock beside it, on every file system, that tells a live run from a dead one.

On a local disk (NFS among them) the operating system holds the lock and lets go of it when the process ends, however
that ends. Elsewhere it is a file that the run writes anew each minute: one that is ten minutes old, and is not written
while it is watched, is nobody's. A run that finds its lock taken over (its machine had been asleep) ends. The driver of
a run holds the lock, so it does not matter which engine does the work.
"""

import _thread
import contextlib
import errno
import json
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pipelines.stages.own import place_of
from webtext import storage
from webtext.errors import UsageError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".lock"
BEAT, STALE = 60.0, 600.0  # seconds between two signs of life of a run that writes elsewhere; after which it is dead
WATCH = 90.0  # seconds for which an old lock of another machine is watched: the clocks of two machines may differ
SETTLE = 2.0  # seconds in which another run that saw no lock, either, has written its own
_NO_LOCK = "%s cannot be locked (%s): see to it yourself that no other run writes it"

_held: set[str] = set()  # places that this process has locked: the system would let it lock them again
_guard = threading.Lock()


@contextlib.contextmanager
def locked(directory: str) -> Iterator[None]:
    """Keep other runs from writing a stage's directory while the block runs.

    Raises:
        UsageError: another run is at work in it.
    """
    path = place_of(directory.rstrip("/")) + SUFFIX
    name = os.path.realpath(path) if storage.is_local(path) else path
    with _guard:
        if name in _held:
            raise UsageError(_taken(directory, {"pid": os.getpid(), "host": socket.gethostname()}, path))
        _held.add(name)
    try:
        with _locked_here(directory, path) if storage.is_local(path) else _locked_elsewhere(directory, path):
            yield
    finally:
        with _guard:
            _held.discard(name)


def _taken(directory: str, owner: dict[str, object], path: str) -> str:
    who = f"process {owner['pid']} on {owner['host']}" if owner.get("pid") else "another run"
    return f"{directory} is being written by {who}: wait for its end, or end it (its lock is {path})"


def _said(path: str) -> dict[str, object]:
    """Read what a lock says of the run that wrote it."""
    try:
        with storage.open_file(path) as stream:
            said: dict[str, object] = json.loads(stream.read())
    except (UsageError, ValueError):  # gone, or half written
        return {}
    return said if isinstance(said, dict) else {}


def _owner() -> dict[str, object]:
    return {"pid": os.getpid(), "host": socket.gethostname()}


@contextlib.contextmanager
def _locked_here(directory: str, path: str) -> Iterator[None]:
    storage.make_directory(os.path.dirname(path))  # noqa: PTH120 (a path of ours, "" for the working directory)
    descriptor = _open(directory, path)
    try:
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(_owner()).encode(), 0)
        yield
    finally:
        if descriptor is not None:
            Path(path).unlink(missing_ok=True)
            os.close(descriptor)


def _open(directory: str, path: str) -> int | None:
    """Open and lock a file; None where the file system knows no locks."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}; choose another output") from error
        try:
            # By process, not by open file: a child that outlives the run for a moment does not hold it.
            if fcntl is not None:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            os.close(descriptor)
            raise UsageError(_taken(directory, _said(path), path)) from error
        except OSError as error:
            os.close(descriptor)
            Path(path).unlink(missing_ok=True)
            logging.getLogger(__name__).warning(_NO_LOCK, directory, error.strerror)
            return None
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):  # noqa: PTH116
                return descriptor
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ESTALE}:  # NFS says ESTALE of a file that is gone
                raise
        os.close(descriptor)  # its owner took it away in the meantime


@contextlib.contextmanager
def _locked_elsewhere(directory: str, path: str) -> Iterator[None]:
    token = secrets.token_hex(8)
    if storage.exists(path) and _is_alive(found := _said(path), path):
        raise UsageError(_taken(directory, found, path))
    _write(path, token)
    time.sleep(SETTLE)
    if (found := _said(path)).get("token") != token:
        raise UsageError(_taken(directory, found, path))
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(directory, path, token, ended), daemon=True)
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join()
        if _said(path).get("token") == token:
            storage.remove_file(path)


def _write(path: str, token: str) -> None:
    with storage.create_file(path) as stream:
        stream.write(json.dumps({**_owner(), "token": token, "at": time.time()}).encode())


def _beat(directory: str, path: str, token: str, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        found = _said(path)
        if found.get("token", token) != token:
            logging.getLogger(__name__).error("%s; it has taken this one for dead", _taken(directory, found, path))
            _thread.interrupt_main(signal.SIGTERM)
            return
        try:
            _write(path, token)
        except UsageError as error:  # the network may come back before the lock is stale
            logging.getLogger(__name__).warning("%s", error)


def _is_alive(said: dict[str, object], path: str) -> bool:
    """Tell whether the run that wrote a lock may still be at work."""
    at, process, is_here = said.get("at"), said.get("pid"), said.get("host") == socket.gethostname()
    if not isinstance(at, int | float):
        return False
    if abs(time.time() - at) <= STALE:
        return not is_here or not isinstance(process, int) or _is_running(process)
    if is_here:
        return False
    logging.getLogger(__name__).warning("%s is old: watching for %d s whether its run is alive", path, WATCH)
    time.sleep(WATCH)
    return _said(path) != said


def _is_running(process: int) -> bool:
    if process == os.getpid():  # a container that was started again has the same host and number; we hold no such lock
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
