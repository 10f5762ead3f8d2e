"""How little of what a process has freed stays with it: glibc keeps holes for itself, a third of a process in the end.

Where the C library is another one, nothing is done.
"""

import ctypes
import os
import sys

if sys.platform != "win32":
    import resource

# What the user calls them, and malloc.h's numbers. Without the first, glibc raises the size from which a piece is given
# back as such to that of the largest it has freed: after one large page, arrays of 30 MB lie between small pieces.
# Without the last, each thread that has something to say takes a heap of its own.
_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": (-3, 1 << 20),
    "MALLOC_TRIM_THRESHOLD_": (-1, 4 << 20),
    "MALLOC_ARENA_MAX": (-8, 1),
}
_RESIDENT_FIELD = 1  # the place of the resident size in /proc/self/statm, in pages
_TRIM_GROWTH_BYTES = 16 << 20  # the growth of resident memory
_LARGE_BYTES = 1 << 20


def settle_heap() -> None:
    """Have large pieces given back when they are freed, and one heap serve all threads; what the user said stands."""
    if sys.platform == "linux" and (settle := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        for name, (number, value) in _SETTINGS.items():
            if name not in os.environ:
                settle(number, value)


def give_back() -> None:
    """Hand back to the system what was freed between pieces that are in use; a millisecond or a few."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


class HeapTrimmer:
    """Gives back what was freed, where the process has grown since the last time, or will: once in some forty pages."""

    def __init__(self) -> None:
        self._usual = 0  # bytes resident after the last time
        self._sizes = os.open("/proc/self/statm", os.O_RDONLY) if sys.platform == "linux" else -1

    def __call__(self, request_bytes: int) -> None:
        """Look, and give back; a large request, which takes thirty times its bytes, finds no holes."""
        if self._sizes < 0:
            return
        if request_bytes >= _LARGE_BYTES or self._resident_bytes() > self._usual + _TRIM_GROWTH_BYTES:
            give_back()
            self._usual = self._resident_bytes()

    def _resident_bytes(self) -> int:
        return int(os.pread(self._sizes, 200, 0).split()[_RESIDENT_FIELD]) * resource.getpagesize()
