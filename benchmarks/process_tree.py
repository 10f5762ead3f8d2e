"""Time and memory of a command and all of its children, from outside (Linux: /proc).

`measure` gives totals; `watch` gives looks, for who wants to know what a phase of the command took.
"""

import json
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_INTERVAL = 0.05  # seconds between two looks


def measure(command: list[str], **environment: str) -> dict[str, Any]:
    """Run a command whose last line of output is JSON; give that, wall and CPU seconds, and the peak memory in MB.

    Memory is the sum of the resident sizes of the tree's processes, so a page that two of them share counts twice. CPU
    time is what the system reports of waited-for children, or what was last seen of each process if that is more:
    some pools end their processes without waiting for them.

    Raises:
        RuntimeError: the command failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    peak, seen = 0, dict[int, float]()
    while running.poll() is None:
        tree = _tree(running.pid)
        peak = max(peak, sum(_resident(process) for process in tree))
        seen |= {process: max(_cpu(process), seen.get(process, 0.0)) for process in tree}
        time.sleep(_INTERVAL)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = running.communicate()[0]
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {running.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cpu = max(cpu, sum(seen.values()))
    told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return told | {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "peak_mb": round(peak / 1e6)}


@dataclass(frozen=True)
class Look:
    """What a command and its descendants have at one moment."""

    cpu: float  # seconds so far, of those that have ended too, as far as they were seen
    memory: int  # bytes: proportional set sizes added up, so that a shared page counts once
    root: int  # bytes of the command's own process
    largest: int  # bytes of its largest descendant


def watch(running: "subprocess.Popen[str]", interval: float = 0.2) -> Iterator[Look]:
    """Look at a running command and its descendants again and again, until it ends."""
    seen: dict[int, float] = {}
    while running.poll() is None:
        tree = _tree(running.pid)
        seen |= {process: max(_cpu(process), seen.get(process, 0.0)) for process in tree}
        sizes = [_proportional(process) for process in tree]
        yield Look(sum(seen.values()), sum(sizes), sizes[0], max(sizes[1:], default=0))
        time.sleep(interval)


def _proportional(process: int) -> int:
    """Tell the proportional set size of a process in bytes."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)


def _tree(root: int) -> list[int]:
    """List a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has just ended
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _resident(process: int) -> int:
    """Tell the resident size of a process in bytes."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def _cpu(process: int) -> float:
    """Tell the CPU seconds of a process."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
