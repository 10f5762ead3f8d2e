"""How time grows with the length of what is read: measured as growth, never as a time.

Sixteen times the text may take 64 times as long at most (n log n takes some twenty times, squares 256 times), so a
measurement may be wrong by four times. Where a time seems to grow too fast, it is taken again with care, and at a third
length: what no longer fits into a processor's cache is slower once, squares are always.
"""

import gc
import itertools
import math
import time

MEASURABLE = 0.02  # seconds of CPU, of a call: less is noise
MOST_GROWTH = 1.5  # the power of the text's length with which the time may grow: 1 is linear, 2 are squares
STEP = 16  # how many times the text is lengthened


def seconds(reader, text, times):
    """Give the CPU seconds of a call, the least of several: what a busy machine adds is no growth.

    Garbage is not collected meanwhile: that takes as long as the process is large, after thousands of other tests.
    """
    taken = []
    gc.disable()
    for _ in range(times):
        begin = time.process_time()
        reader(text)
        taken.append(time.process_time() - begin)
    gc.enable()
    return max(min(taken), MEASURABLE / STEP**MOST_GROWTH)


def growth(reader, make, longest):
    """Give the power with which the time grows from a sixteenth of a length to the length, or to four times as much."""
    lengths = [longest // STEP, longest, longest * 4]
    quick = powers(reader, make, dict.fromkeys(lengths[:2], 1))
    return quick if quick <= MOST_GROWTH else powers(reader, make, dict(zip(lengths, (5, 5, 2), strict=True)))


def powers(reader, make, times):
    """Give the least power between lengths of a text, each of which is timed so many times."""
    took = {length: seconds(reader, make(length), often) for length, often in times.items()}
    pairs = itertools.pairwise(took.items())
    return min(math.log(after / before) / math.log(long / short) for (short, before), (long, after) in pairs)
