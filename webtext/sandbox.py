"""Run a function where it may hang, crash or eat memory, and lose only that call.

Extractors meet pages nobody tested them on: recursion that overflows the C stack, loops that never end, tables that
want ten gigabytes. No thread and no signal handler stops C code, so the function runs in a child process that is used
again for call after call and replaced when one of them kills it.

Whether a call fails depends on the call alone, as far as an operating system lets it: CPU seconds are counted, not
wall seconds, so that a busy machine changes nothing; the child's hash seed is fixed; a call that crashes or runs out of
memory in a used child is tried again in a fresh one before it counts as failed; and one whose child the system ends,
which is short of memory for whatever reason, is tried three times.
"""

import ctypes
import gc
import os
import pickle
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, Literal, ParamSpec, Self, TypeVar

from webtext.errors import UsageError

if sys.platform != "win32":
    import fcntl
    import resource

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_LENGTH = struct.Struct("<Q")
_PIPE_BYTES = 1 << 20  # a page in one write: fewer turns between parent and child
_WALL_FACTOR, _WALL_EXTRA_SECONDS = 10, 60.0  # when a child that uses no CPU time is given up
_GC_THRESHOLD = 50_000  # allocations between collections: trees of a page are freed by reference counts
_TRIES = 3  # of a start or a call that ends because the system is short of memory
_STATUS = Path("/proc/self/status")
_TRIM_GROWTH_BYTES = 16 << 20  # of resident memory
_RETIRE_SHARE = 0.5  # of the memory limit: a child that once held so much is replaced before the next call


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no value."""

    kind: Literal["timeout", "crash", "memory"]
    detail: str = ""


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
    """

    def __init__(self, function: Callable[Arguments, Result], seconds: float, memory_bytes: int) -> None:
        if seconds <= 0 or memory_bytes <= 0:
            raise ValueError(f"limits must be positive: {seconds} s, {memory_bytes} bytes; try 10 s and 2 GiB")
        self._setup = pickle.dumps((function, seconds, memory_bytes))
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
        request = pickle.dumps((args, kwargs), protocol=pickle.HIGHEST_PROTOCOL)
        for _ in range(_TRIES):
            fresh = self._child is None
            outcome = self._attempt(request)
            if not isinstance(outcome, Failure) or outcome.kind == "timeout" or self._closed:
                break
            if fresh and outcome != _KILLED:  # so it was this call, and not what earlier or other ones have taken
                break
        return outcome

    def _attempt(self, request: bytes) -> Result | Failure:
        if self._child is None:
            self._child = _Child.start(self._setup)
        if self._closed:
            return Failure("crash", "the sandbox is closed")
        outcome: Result | Failure
        outcome, usable = self._child.call(request, self._wall_seconds)
        if not usable:
            self._discard()
        return outcome

    def _discard(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


class _Child:
    """The parent's end of one child process."""

    def __init__(self, setup: bytes) -> None:
        environment = dict(os.environ, PYTHONHASHSEED="0", PYTHONPATH=os.pathsep.join(path or "." for path in sys.path))
        # -P: a folder named as a package of ours in the user's working directory is not it.
        command = [sys.executable, "-P", "-c", "from webtext.sandbox import serve; serve()"]
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter, our own code)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
            process_group=0,  # out of a terminal's reach: the parent decides what Ctrl-C ends
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        if sys.platform == "linux":
            fcntl.fcntl(self._requests, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._send(setup)
        self.is_ready = self._receive(None) == b"ready"

    @classmethod
    def start(cls, setup: bytes) -> Self:
        """Start a child, again where the system ends it before it is ready.

        Raises:
            UsageError: the system ended each of them: it is short of memory.
            RuntimeError: the function cannot be loaded.
        """
        for _ in range(_TRIES):
            child = cls(setup)
            if child.is_ready:
                return child
            status = child._process.wait()
            child.kill()
            if status != -signal.SIGKILL:
                raise RuntimeError(f"the sandbox did not start: its process ended with {status}")
        raise UsageError("the system ends the processes that pages are read in: memory is short; try fewer --workers")

    def call(self, request: bytes, wall_seconds: float) -> tuple[Any, bool]:
        """Send a request; return the outcome, and whether the child can take another."""
        if not self._send(request):
            return self._cause_of_death(), False
        answer = self._receive(time.monotonic() + wall_seconds)
        if answer is None:
            return self._cause_of_death(), False
        return pickle.loads(answer)  # type: ignore[no-any-return]  # noqa: S301 (our own child wrote it)

    def end(self) -> None:
        """End the child; who waits for an answer is told by that."""
        self._process.kill()

    def kill(self) -> None:
        """End the child and wait for it."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()

    def _send(self, message: bytes) -> bool:
        """Write a message; False where the child is dead."""
        rest = memoryview(_LENGTH.pack(len(message)) + message)
        try:
            while rest:
                rest = rest[self._requests.write(rest) :]
        except BrokenPipeError:
            return False
        return True

    def _receive(self, deadline: float | None) -> bytes | None:
        """Read a message; None where the child is dead, or is killed here because the deadline has passed."""
        header = self._read(_LENGTH.size, deadline)
        return None if header is None else self._read(_LENGTH.unpack(header)[0], deadline)

    def _read(self, size: int, deadline: float | None) -> bytes | None:
        blocks, missing = [], size
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while missing:
            wait = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            if not poll.poll(wait):
                self._process.send_signal(signal.SIGPROF)
                return None
            block = os.read(self._answers.fileno(), min(missing, _PIPE_BYTES))
            if not block:
                return None
            blocks.append(block)
            missing -= len(block)
        return b"".join(blocks)

    def _cause_of_death(self) -> Failure:
        status = self._process.wait()
        if status == -signal.SIGPROF:
            return Failure("timeout")
        if status == -signal.SIGKILL:  # nobody here sends it: the kernel was short of memory
            return _KILLED
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Failure("crash", name)


def serve() -> None:
    """Be the child: take a function and its limits, then answer calls until the parent goes away."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # an answer that nobody waits for any more ends the child in silence
    setup = _read_message(requests)
    if setup is None:
        return
    function, seconds, memory_bytes = pickle.loads(setup)  # noqa: S301 (our own parent)
    sys.excepthook = _answer_with_exception(answers)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    _limit_memory(memory_bytes)
    _write_message(answers, b"ready")
    keep_small = _HeapTrimmer()
    while (request := _read_message(requests)) is not None:
        keep_small()
        args, kwargs = pickle.loads(request)  # noqa: S301 (our own parent)
        # The default action of SIGPROF ends the process, whatever C code it is in, after so much CPU time.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        result = function(*args, **kwargs)
        signal.setitimer(signal.ITIMER_PROF, 0)
        usable = _peak_memory_bytes() < memory_bytes * _RETIRE_SHARE
        _write_message(answers, pickle.dumps((result, usable), protocol=pickle.HIGHEST_PROTOCOL))


class _HeapTrimmer:
    """Hands back to the system what large calls have freed: glibc keeps it, a third of such a process in the end."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
        self._usual = 0  # bytes resident after the last time

    def __call__(self) -> None:
        """Trim where the process has grown since the last time; a few milliseconds, once in some forty pages."""
        if self._trim is not None and _memory_bytes("VmRSS") > self._usual + _TRIM_GROWTH_BYTES:
            self._trim(0)
            self._usual = _memory_bytes("VmRSS")


def _answer_with_exception(answers: BinaryIO) -> Callable[..., None]:
    """Make the hook through which an exception of the function is the child's last answer."""

    def hook(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        failure = Failure("memory" if issubclass(kind, MemoryError) else "crash", f"{kind.__name__}: {error}"[:500])
        _write_message(answers, pickle.dumps((failure, False)))

    return hook


def _limit_memory(memory_bytes: int) -> None:
    """Cap the address space, and be the first that the kernel ends when memory runs out."""
    if sys.platform == "linux":
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory_bytes, taken + memory_bytes))
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _peak_memory_bytes() -> int:
    """Tell the most memory that this process has held; what its parent held before it began does not count.

    Linux hands the peak that getrusage tells down from the parent, through fork and exec: under a large one every child
    would look spent. The peak of its own memory map begins anew.
    """
    if _STATUS.exists() and (peak := _memory_bytes("VmHWM")):
        return peak
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _memory_bytes(line: str) -> int:
    """Read a line of what Linux says of this process's memory; 0 where it does not say."""
    found = re.search(rf"{line}:\s*(\d+) kB", _STATUS.read_text())
    return int(found[1]) << 10 if found else 0


def _read_message(stream: BinaryIO) -> bytes | None:
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    return stream.read(_LENGTH.unpack(header)[0])


def _write_message(stream: BinaryIO, message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)) + message)
    stream.flush()
