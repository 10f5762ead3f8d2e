"""Run a function where it may hang, crash or eat memory, and lose only that call.

Extractors meet pages nobody tested them on: recursion that overflows the C stack, loops that never end, tables that
want ten gigabytes. No thread and no signal handler stops C code, so the function runs in a child process that is used
again for call after call and replaced when one of them kills it.

Whether a call fails depends on the call alone, as far as an operating system lets it: CPU seconds are counted, not
wall seconds, so that a busy machine changes nothing; the child's hash seed is fixed; a call that crashes or runs out of
memory in a used child is tried again in a fresh one before it counts as failed; and one whose child the system ends,
which is short of memory for whatever reason, is tried three times.

No pool of others does this: pebble gives a call wall seconds, loky gives it no limit at all, and neither limits memory
or tries again. Nor are they quicker: a call with a page of 50 KB costs 73 microseconds of CPU time here, 187 with
pebble 5.2.3 and 367 with loky 3.7.0 (3,000 calls of a function that does nothing).
"""

import functools
import os
import pickle
import select
import signal
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

from webtext.sandbox.child import Failure, framed, read_message
from webtext.sandbox.forking import TRIES, Interpreter, Nursery, Process, write_all

if sys.platform == "linux":
    import fcntl

__all__ = ["Failure", "Sandbox", "setup_of"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_PIPE_BYTES = 1 << 20  # a page in one write: fewer turns between parent and child
_WALL_FACTOR, _WALL_EXTRA_SECONDS = 10, 60.0  # a child that uses no CPU time is given up then
_KILLED = Failure("memory", "killed by the system")


class Sandbox(Generic[Arguments, Result]):
    """A function in a child process with limits; use it as `with Sandbox(...) as sandboxed: sandboxed(*arguments)`.

    Not for use from two threads at once, but for `close`. The function, its arguments and its results must be
    picklable, and the function importable (a module's function, or a `functools.partial` of one).

    Args:
        function: what to run.
        seconds: CPU seconds that one call may use. A call that waits instead of computing is given up after
            10 times as many seconds plus 60.
        memory_bytes: how much address space the child may take on top of what it has when it starts (Linux only).
        nursery: where children come from, made of the same function and limits; without, each is an interpreter.
    """

    def __init__(
        self,
        function: Callable[Arguments, Result],
        seconds: float,
        memory_bytes: int,
        nursery: Nursery | None = None,
    ) -> None:
        self._start: Callable[[], Process]
        if nursery is None:
            self._start = functools.partial(Interpreter.start, setup_of(function, seconds, memory_bytes))
        else:
            self._start = nursery.start
        self._wall_seconds = seconds * _WALL_FACTOR + _WALL_EXTRA_SECONDS
        self._child: _Child | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def close(self) -> None:
        """End the child, whatever it is at, and take no more calls; another thread may be waiting for an answer."""
        self._closed = True
        child = self._child
        if child is not None:
            child.end()

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result | Failure:
        """Run the function; return its value, or what became of it. An exception of the function is a crash."""
        for _ in range(TRIES):
            fresh = self._child is None
            outcome = self._attempt((args, kwargs))
            if not isinstance(outcome, Failure) or outcome.kind == "timeout" or self._closed:
                break
            if fresh and outcome != _KILLED:  # this call did it, and not what earlier or other ones have taken
                break
        return outcome

    def _attempt(self, arguments: tuple[Any, ...]) -> Result | Failure:
        if self._child is None:
            self._child = _Child(self._start())
        if self._closed:
            return Failure("crash", "the sandbox is closed")
        outcome: Result | Failure
        outcome, usable = self._child.call(arguments, self._wall_seconds)
        if not usable:
            self._discard()
        return outcome

    def _discard(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


class _Child:
    """The parent's end of one child process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        if sys.platform == "linux":
            fcntl.fcntl(process.requests, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def call(self, arguments: tuple[Any, ...], wall_seconds: float) -> tuple[Any, bool]:
        """Send a request; return the outcome, and whether the child can take another.

        What is sent is not kept: it has a page in it, and is pickled anew where it is sent again.
        """
        if not write_all(self._process.requests, framed(pickle.dumps(arguments, pickle.HIGHEST_PROTOCOL))):
            return self._cause_of_death(), False
        answer = self._receive(time.monotonic() + wall_seconds)
        if answer is None:
            return self._cause_of_death(), False
        return pickle.loads(answer)  # type: ignore[no-any-return]  # noqa: S301 (our own child wrote it)

    def end(self) -> None:
        """End the child; who waits for an answer is told by that."""
        self._process.send_signal(signal.SIGKILL)

    def kill(self) -> None:
        """End the child and wait for it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.close()

    def _receive(self, deadline: float) -> bytes | None:
        """Read a message; None where the child is dead, or is killed here because the deadline has passed."""
        return read_message(_Awaited(self._process, deadline))

    def _cause_of_death(self) -> Failure:
        status = self._process.wait()
        if status == -signal.SIGPROF:
            return Failure("timeout")
        if status == -signal.SIGKILL:  # nobody here sends it: the kernel was short of memory
            return _KILLED
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Failure("crash", name)


class _Awaited:
    """The answers of a child, read as a stream that ends when a deadline has passed, which ends the child."""

    def __init__(self, process: Process, deadline: float) -> None:
        self._process, self._deadline = process, deadline
        self._poll = select.poll()
        self._poll.register(process.answers, select.POLLIN)

    def read(self, size: int) -> bytes:
        wait = max(0.0, self._deadline - time.monotonic()) * 1000
        if not self._poll.poll(wait):
            self._process.send_signal(signal.SIGPROF)
            return b""
        return os.read(self._process.answers.fileno(), min(size, _PIPE_BYTES))


def setup_of(function: Callable[..., Any], seconds: float, memory_bytes: int) -> bytes:
    """Write down what children are to run, and their limits.

    Raises:
        ValueError: a limit is not positive.
    """
    if seconds <= 0 or memory_bytes <= 0:
        raise ValueError(f"limits must be positive: {seconds} s, {memory_bytes} bytes; try 10 s and 2 GiB")
    return pickle.dumps((function, seconds, memory_bytes))
