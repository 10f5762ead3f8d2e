"""What a process has freed is the system's again, where the C library is glibc."""

import ctypes
import os
import subprocess
import sys

import pytest

from webtext.sandbox.heap import HeapTrimmer

pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc can be asked")

RESIDENT = "resident = lambda: int(open('/proc/self/statm').read().split()[1]) * 4096 >> 20"
SETTLED = ("from webtext.sandbox.heap import settle_heap", "settle_heap()")
LARGE = (
    RESIDENT,
    "import numpy",
    "before = resident()",
    "largest = numpy.ones(30 << 20, numpy.uint8)",
    "del largest",
    "large = [numpy.ones(10 << 20, numpy.uint8) for _ in range(5)]",
    "small = [bytes(3000) for _ in range(100)]",
    "del large",
    "print(resident() - before)",
)
THREADED = (
    "import threading",
    "kept, all_have = [], threading.Barrier(9)",
    "take = lambda: (kept.extend(bytes(3000) for _ in range(50)), all_have.wait(60))",
    "[threading.Thread(target=take).start() for _ in range(8)]",
    "all_have.wait(60)",
    "import ctypes, os",
    "libc, (told, tell) = ctypes.CDLL(None), os.pipe()",
    "libc.fdopen.restype = ctypes.c_void_p",
    "stream = ctypes.c_void_p(libc.fdopen(tell, b'w'))",
    "libc.malloc_info(0, stream), libc.fclose(stream)",
    "print(os.read(told, 1 << 16).count(b'<heap nr='))",
)


def told(*program, **environment):
    """Run lines in an interpreter of its own; give the number that it prints."""
    command, environment = [sys.executable, "-c", "\n".join(program)], {**os.environ, **environment}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(ran.stdout)


def test_large_pieces_go_back_though_larger_ones_have_gone_before_and_small_ones_lie_behind():
    assert told(*LARGE) > 40  # MiB, with glibc as it comes
    assert told(*SETTLED, *LARGE) < 10


def test_what_the_user_said_of_the_heap_stands():
    assert told(*SETTLED, *LARGE, MALLOC_MMAP_THRESHOLD_=str(32 << 20), MALLOC_TRIM_THRESHOLD_=str(1 << 30)) > 40


def test_threads_share_a_heap():
    assert told(*THREADED) > 1
    assert told(*SETTLED, *THREADED) == 1


def test_a_heap_is_looked_at_and_trimmed_only_where_it_has_grown(monkeypatch):
    trimmed, sizes = [], iter([100, 30, 40, 47, 20, 35, 30])
    monkeypatch.setattr("webtext.sandbox.heap.give_back", lambda: trimmed.append(True))
    monkeypatch.setattr(HeapTrimmer, "_resident_bytes", lambda _: next(sizes) << 20)
    trim, counts = HeapTrimmer(), []
    for megabytes in (0, 0, 0, 0, 1):
        trim(megabytes << 20)
        counts.append(len(trimmed))
    assert counts == [1, 1, 2, 2, 3]
