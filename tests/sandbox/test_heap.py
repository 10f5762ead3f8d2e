"""What a process has freed is the system's again, where the C library is glibc."""

import ctypes
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
    # The heap of a thread is of 64 MiB, and begins at a multiple of them.
    "begins = [int(line.partition('-')[0], 16) for line in open('/proc/self/maps')]",
    "print(sum(begin % (64 << 20) == 0 for begin in begins))",
)


def told(*program):
    """Run lines in an interpreter of its own; give the number that it prints."""
    ran = subprocess.run([sys.executable, "-c", "\n".join(program)], capture_output=True, text=True, check=True)
    return int(ran.stdout)


def test_large_pieces_go_back_though_larger_ones_have_gone_before_and_small_ones_lie_behind():
    assert told(*LARGE) > 40  # MiB, with glibc as it comes
    assert told(*SETTLED, *LARGE) < 10


def test_threads_share_a_heap():
    assert told(*THREADED) > 0
    assert told(*SETTLED, *THREADED) == 0


def test_a_heap_is_looked_at_and_trimmed_only_where_it_has_grown(monkeypatch):
    trimmed, sizes = [], iter([100, 30, 40, 47, 20, 35, 30])
    monkeypatch.setattr("webtext.sandbox.heap.give_back", lambda: trimmed.append(True))
    monkeypatch.setattr(HeapTrimmer, "_resident_bytes", lambda _: next(sizes) << 20)
    trim, counts = HeapTrimmer(), []
    for megabytes in (0, 0, 0, 0, 1):
        trim(megabytes << 20)
        counts.append(len(trimmed))
    assert counts == [1, 1, 2, 2, 3]
