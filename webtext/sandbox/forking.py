"""How the child of a sandbox comes to be, and what its parent can do with it: signal it, and learn how it ended.

Where there are several of them, Linux forks them from one process that has loaded the function (`Nursery`): what was
loaded is in memory once, and a child that takes the place of one that crashed begins at once. Elsewhere, and for one
alone, a child is an interpreter of its own (`Interpreter`).
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from io import FileIO
from typing import IO, Protocol, Self, TypeVar

from webtext.errors import UsageError
from webtext.sandbox.child import FORK, NUMBER, READY, WAIT, framed, read_message

TRIES = 3  # tries of what ends because the system is short of memory


class Process(Protocol):
    """A child as its parent sees it."""

    pid: int
    requests: IO[bytes]  # unbuffered, as is the other
    answers: IO[bytes]

    @property
    def returncode(self) -> int | None:
        """How it ended, once it has been waited for."""

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing where it has ended."""

    def wait(self) -> int:
        """Wait for its end; give the exit status, negative for a signal."""

    def close(self) -> None:
        """Give back what the parent holds of it, after its end."""


class _Starting(Protocol):
    is_ready: bool

    def wait(self) -> int: ...
    def close(self) -> None: ...


Started = TypeVar("Started", bound=_Starting)


def _start(launch: Callable[[], Started]) -> Started:
    """Start an interpreter, again where the system ends it before it is ready.

    Raises:
        UsageError: the system ended each of them: it is short of memory.
        RuntimeError: the function cannot be loaded.
    """
    for _ in range(TRIES):
        started = launch()
        if started.is_ready:
            return started
        status = started.wait()
        started.close()
        if status != -signal.SIGKILL:
            raise RuntimeError(f"the sandbox did not start: its process ended with {status}")
    raise _memory_is_short()


def _memory_is_short() -> UsageError:
    return UsageError("the system ends the processes that pages are read in: memory is short; try fewer --workers")


def _launch(program: str, stdout: int, *handed_on: int) -> "subprocess.Popen[bytes]":
    """Start an interpreter that imports what this one would, and runs a line of Python."""
    environment = dict(os.environ, PYTHONHASHSEED="0", PYTHONPATH=os.pathsep.join(path or "." for path in sys.path))
    return subprocess.Popen(  # noqa: S603 (our own interpreter, our own code)
        # -P: a folder named as a package of ours in the user's working directory is not it.
        [sys.executable, "-P", "-c", f"from webtext.sandbox.child import {program}"],
        stdin=subprocess.PIPE,
        stdout=stdout,
        env=environment,
        bufsize=0,
        pass_fds=handed_on,
        process_group=0,  # out of a terminal's reach: the parent decides what Ctrl-C ends
    )


class Interpreter:
    """A child that is an interpreter of its own."""

    def __init__(self, setup: bytes) -> None:
        self._process = _launch("serve; serve()", subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.pid = self._process.pid
        self.requests, self.answers = self._process.stdin, self._process.stdout
        self.is_ready = write_all(self.requests, framed(setup)) and read_message(self.answers) == READY

    @classmethod
    def start(cls, setup: bytes) -> Self:
        """Start one; raises as `_start` does."""
        return _start(lambda: cls(setup))

    @property
    def returncode(self) -> int | None:
        """How it ended, once that is known."""
        return self._process.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing where it has ended."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end."""
        return self._process.wait()

    def close(self) -> None:
        """Close the pipes."""
        self.requests.close()
        self.answers.close()


class Nursery:
    """Forks children from a process that has loaded their function; that is started for the first of them.

    Its children end with it. For use from several threads.
    """

    def __init__(self, setup: bytes) -> None:
        self._setup = setup
        self._lock = threading.Lock()
        self._home: _Home | None = None

    def start(self) -> "Forked":
        """Fork a child.

        Raises:
            UsageError: the system is short of memory.
            RuntimeError: the function cannot be loaded.
        """
        with self._lock:
            for _ in range(TRIES):
                if self._home is None:
                    self._home = _start(lambda: _Home(self._setup))
                if (forked := self._home.fork(self)) is not None:
                    return forked
                self._close()
        raise _memory_is_short()

    def wait(self, child: int) -> int:
        """Wait for a child that has ended, or is about to; give its exit status, negative for a signal."""
        with self._lock:
            status = None if self._home is None else self._home.ask(WAIT + NUMBER.pack(child))
        return -signal.SIGKILL if status is None else status

    def close(self) -> None:
        """End all that is left."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._home is not None:
            self._home.close()
            self._home = None


class _Home:
    """The process that children are forked from."""

    def __init__(self, setup: bytes) -> None:
        self._control, theirs = socket.socketpair()
        for end in (self._control, theirs):  # a library may have set a default timeout, as Beam does for gs://
            end.settimeout(None)
        with theirs:
            program = f"fork_children; fork_children({theirs.fileno()})"
            self._process = _launch(program, 2, theirs.fileno())
        assert self._process.stdin is not None
        self.is_ready = write_all(self._process.stdin, framed(setup)) and self._receive(len(READY)) == READY

    def fork(self, nursery: Nursery) -> "Forked | None":
        """Fork a child; None where this process has ended."""
        their_requests, our_requests = os.pipe()
        our_answers, their_answers = os.pipe()
        child = self.ask(FORK, their_requests, their_answers)
        os.close(their_requests)
        os.close(their_answers)
        with contextlib.suppress(ProcessLookupError):  # this process has ended, and the child with it
            if child is not None:
                handle = os.pidfd_open(child)
                return Forked(child, handle, nursery, FileIO(our_requests, "wb"), FileIO(our_answers, "rb"))
        os.close(our_requests)
        os.close(our_answers)
        return None

    def ask(self, message: bytes, *pipes: int) -> int | None:
        """Send a message and give its answer; None where the process has ended."""
        try:
            socket.send_fds(self._control, [message], pipes)
            answer = self._receive(NUMBER.size)
        except (BrokenPipeError, ConnectionResetError):
            return None
        number: int | None = NUMBER.unpack(answer)[0] if len(answer) == NUMBER.size else None
        return number

    def _receive(self, size: int) -> bytes:
        return self._control.recv(size, socket.MSG_WAITALL)

    def wait(self) -> int:
        """Wait for its end."""
        return self._process.wait()

    def close(self) -> None:
        """Tell it that nobody asks any more, which ends it and its children, and wait for that."""
        with contextlib.suppress(OSError):  # it is gone already
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Forked:
    """A child that was forked; `handle` stands for it where its number may come to be another's."""

    returncode: int | None

    def __init__(self, pid: int, handle: int, nursery: Nursery, requests: IO[bytes], answers: IO[bytes]) -> None:
        self.pid, self.returncode = pid, None
        self.requests, self.answers = requests, answers
        self._handle: int | None = handle
        self._lock = threading.Lock()  # another thread may send a signal while the handle is closed
        self._nursery = nursery

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing where it has ended."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)

    def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            self.returncode = self._nursery.wait(self.pid)
        return self.returncode

    def close(self) -> None:
        """Close the pipes."""
        self.requests.close()
        self.answers.close()
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
            self._handle = None


def can_fork() -> bool:
    """Tell whether this system has what a `Nursery` takes: Linux from 5.3 on."""
    if not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def write_all(stream: IO[bytes], message: bytes) -> bool:
    """Write all of a message; False where nobody can read it any more."""
    rest = memoryview(message)
    try:
        while rest:
            rest = rest[stream.write(rest) :]
    except BrokenPipeError:
        return False
    return True
