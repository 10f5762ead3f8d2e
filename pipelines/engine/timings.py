"""What each stage of an output took, in `OUTPUT/timings.json`: beside the manifests, which are the same on every run.

CPU time and memory are those of this machine: on another runner they are the driver's, and only the wall time tells.
"""

import contextlib
import json
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from webtext import storage
from webtext.errors import UsageError

NAME = "timings.json"


@dataclass(frozen=True)
class Timing:
    """What a stage took, from its first task to the last."""

    wall_s: float
    cpu_s: float  # this process's, and that of its children that have ended, as the workers of a local run have
    launcher_bytes: int  # most memory of this process since it began, so of the stages before, too
    worker_bytes: int  # likewise, of its largest child


class Clock:
    """Measures one stage; `timing` is there when it is stopped."""

    timing: Timing

    def __init__(self) -> None:
        """Begin."""
        self._wall, self._cpu = time.monotonic(), _cpu()

    def stop(self) -> None:
        """End."""
        sizes = [resource.getrusage(who).ru_maxrss << 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        self.timing = Timing(round(time.monotonic() - self._wall, 2), round(_cpu() - self._cpu, 2), *sizes)


@contextlib.contextmanager
def timed() -> Iterator[Clock]:
    """Measure what the block takes."""
    clock = Clock()
    yield clock
    clock.stop()


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def note_timing(directory: str, timing: Timing) -> None:
    """Note what the stage in `directory` took, beside that directory."""
    output, _, stage = directory.rstrip("/").rpartition("/")
    known = read_timings(output or ".") | {stage: timing}
    content = json.dumps({name: asdict(known[name]) for name in sorted(known)}, indent=1) + "\n"
    with storage.create_file(storage.join(output or ".", NAME), durable=True) as stream:
        stream.write(content.encode())


def read_timings(output: str) -> dict[str, Timing]:
    """Read what the stages of an output took, as far as it is known.

    Raises:
        UsageError: the file is not one of ours.
    """
    path = storage.join(output, NAME)
    if not storage.exists(path):
        return {}
    with storage.open_file(path) as stream:
        try:
            return {name: Timing(**values) for name, values in json.loads(stream.read()).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} is not what a run writes ({error}); remove it") from error
