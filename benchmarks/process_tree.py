"""Time and memory of a command and all of its children, from outside (Linux: /proc)."""

import json
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE")
_INTERVAL = 0.05  # seconds between two looks


def measure(command: list[str], **environment: str) -> dict[str, Any]:
    """Run a command whose last line of output is JSON; give that, wall and CPU seconds, and the peak memory in MB.

    Memory is the sum of the resident sizes of the tree's processes, so a page that two of them share counts twice.

    Raises:
        RuntimeError: the command failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    peak = 0
    while running.poll() is None:
        peak = max(peak, sum(_resident(process) for process in _tree(running.pid)))
        time.sleep(_INTERVAL)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = running.communicate()[0]
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {running.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return told | {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "peak_mb": round(peak / 1e6)}


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
