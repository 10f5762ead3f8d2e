"""The child's side of a sandbox: a process that runs a function for its parent, call after call.

It is an interpreter of its own (`serve`), or it is forked by one that has loaded the function and does nothing else
(`fork_children`). Forked children share what was loaded, models and lists of words above all, and begin at once.
"""

import ctypes
import gc
import os
import pickle
import re
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Protocol

from webtext.sandbox.heap import HeapTrimmer, give_back, settle_heap

if sys.platform != "win32":
    import resource

READY = b"ready"
FORK, WAIT = b"f", b"w"  # what the parent asks of the process that forks
NUMBER = struct.Struct("<q")  # what that answers with: a process's number, or how one ended

_LENGTH = struct.Struct("<Q")
_GC_THRESHOLD = 50_000  # allocations between collections: trees of a page are freed by reference counts
_STATUS, _SIZES = Path("/proc/self/status"), Path("/proc/self/statm")
_RETIRE_SHARE = 0.5  # a child that once held this share of the memory limit is replaced before the next call
_TRACE_CALLS, _TRACE_CHARS = 20, 8000  # an exception's innermost calls and last characters
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no value."""

    kind: Literal["timeout", "crash", "memory"]
    detail: str = ""
    trace: str = field(default="", compare=False)  # Python's account of where the function raised an exception


def serve() -> None:
    """Be the child: take a function and its limits, then answer calls until the parent goes away."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    setup = _begin(requests)
    if setup is not None:
        write_message(answers, READY)
        _answer_calls(*setup, requests, answers)


def fork_children(control: int) -> None:
    """Be what children are forked from: take a function and its limits, then fork until the parent goes away.

    Args:
        control: the number of a socket. A message on it is `FORK`, with the two pipes of a child, and is answered with
            the child's number; or `WAIT` and the number of one that has ended, and is answered with how it did.
    """
    setup = _begin(sys.stdin.buffer)
    if setup is None:
        return
    home = os.getpid()
    with socket.socket(fileno=control) as parent:
        parent.sendall(READY)
        while True:
            asked, pipes, *_ = socket.recv_fds(parent, 1 + NUMBER.size, 2)
            if not asked:
                return
            if asked == FORK:
                number = os.fork()
                if number == 0:
                    parent.close()
                    _leave(home)
                    _answer_calls(*setup, os.fdopen(pipes[0], "rb"), os.fdopen(pipes[1], "wb"))
                    return
                for pipe in pipes:
                    os.close(pipe)
            else:
                number = _end_of(*NUMBER.unpack(asked[1:]))
            parent.sendall(NUMBER.pack(number))


def _begin(stream: BinaryIO) -> tuple[Callable[..., Any], float, int] | None:
    """Read what to run, with its limits, and load it; None where there is no parent any more."""
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # an answer that nobody waits for any more ends this in silence
    message = read_message(stream)
    if message is None:
        return None
    settle_heap()
    gc.set_threshold(_GC_THRESHOLD)  # before all is imported: what is garbage then is found by one search
    setup: tuple[Callable[..., Any], float, int] = pickle.loads(message)  # noqa: S301 (our own parent)
    gc.collect()
    give_back()
    gc.freeze()
    return setup


def _leave(home: int) -> None:
    """Have a forked process end when what forked it does, and be in no group with others."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != home:
        os._exit(0)


def _end_of(child: int) -> int:
    """Wait for a child; give its exit status, negative for a signal."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:  # one of a process that was here before this one, and took its children along
        return -signal.SIGKILL


def _answer_calls(
    function: Callable[..., Any], seconds: float, memory_bytes: int, requests: BinaryIO, answers: BinaryIO
) -> None:
    sys.excepthook = _answer_with_exception(answers)
    _limit_memory(memory_bytes)
    keep_small, spent = HeapTrimmer(), int(memory_bytes * _RETIRE_SHARE)
    while (request := read_message(requests)) is not None:
        keep_small(len(request))
        args, kwargs = pickle.loads(request)  # noqa: S301 (our own parent)
        del request  # A page is in memory once.
        # The default action of SIGPROF ends the process, whatever C code it is in, after so much CPU time.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        result = function(*args, **kwargs)
        signal.setitimer(signal.ITIMER_PROF, 0)
        usable = _most_ever_bytes() < spent or _peak_memory_bytes() < spent
        write_message(answers, pickle.dumps((result, usable), protocol=pickle.HIGHEST_PROTOCOL))


def _answer_with_exception(answers: BinaryIO) -> Callable[..., None]:
    """Make the hook through which an exception of the function is the child's last answer."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        shown = "".join(traceback.format_exception(kind, error, trace, limit=-_TRACE_CALLS))[-_TRACE_CHARS:]
        detail = f"{kind.__name__}: {error}"[:500]
        failure = Failure("memory" if issubclass(kind, MemoryError) else "crash", detail, shown)
        write_message(answers, pickle.dumps((failure, False)))

    return hook


def _limit_memory(memory_bytes: int) -> None:
    """Cap the address space, and be the first that the kernel ends when memory runs out."""
    if sys.platform == "linux":
        taken = int(_SIZES.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory_bytes, taken + memory_bytes))
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _most_ever_bytes() -> int:
    """Tell the most memory that this process has held, or its parent before it began."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _peak_memory_bytes() -> int:
    """Tell the most memory that this process has held; what its parent held before it began does not count.

    Linux hands the peak that getrusage tells down from the parent, through fork and exec: under a large one every child
    would look spent. The peak of its own memory map begins anew, but takes longer to ask for.
    """
    if _STATUS.exists() and (peak := _memory_bytes("VmHWM")):
        return peak
    return _most_ever_bytes()


def _memory_bytes(line: str) -> int:
    """Read a line of what Linux says of this process's memory; 0 where it does not say."""
    found = re.search(rf"{line}:\s*(\d+) kB", _STATUS.read_text())
    return int(found[1]) << 10 if found else 0


class Readable(Protocol):
    """What messages are read from."""

    def read(self, size: int, /) -> bytes | None:
        """Read so many bytes or fewer; none at the end."""


def read_message(stream: Readable) -> bytes | None:
    """Read a message; None at the end of the stream."""
    header = _read_exactly(stream, _LENGTH.size)
    return None if header is None else _read_exactly(stream, _LENGTH.unpack(header)[0])


def _read_exactly(stream: Readable, size: int) -> bytes | None:
    blocks = []
    while size:
        block = stream.read(size)
        if not block:
            return None
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def write_message(stream: BinaryIO, message: bytes) -> None:
    """Write a message to a stream with a buffer."""
    stream.write(framed(message))
    stream.flush()


def framed(message: bytes) -> bytes:
    """Put a message's length before it."""
    return _LENGTH.pack(len(message)) + message
