"""What a run says to its libraries before they are imported: no threads for nothing, and memory given back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.engine.worker import LIBRARIES

TASKS = Path("/proc/self/task")
PROGRAM = """
import os, threading
from pipelines.commands import cli

def main():
    import numpy
    # Arrow has one of its own, which sleeps; what is Python's is ours.
    threads = 1 + len(os.listdir("/proc/self/task")) - threading.active_count()
    import pyarrow
    print(pyarrow.default_memory_pool().backend_name, threads)
    return 0

cli.main = main
cli.entry()
"""

pytestmark = pytest.mark.skipif(not TASKS.exists(), reason="threads are counted in /proc")


def settled(*command, **environment):
    """Give Arrow's allocator in a process that runs a command, and how many threads there are with numpy imported."""
    said = {"OMP_NUM_THREADS", "GOTO_NUM_THREADS", *LIBRARIES}  # OpenBLAS hears the first two as well
    clean = {name: value for name, value in os.environ.items() if name not in said}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], env=clean | environment, capture_output=True, text=True, check=True
    )
    pool, threads = ran.stdout.split()
    return pool, int(threads)


def test_a_run_starts_no_threads_of_openblas_and_takes_memory_from_the_system():
    assert settled("-v", "build", "--warc", "x") == ("system", 1)


def test_what_the_user_says_stands():
    assert settled("build", ARROW_DEFAULT_MEMORY_POOL="mimalloc") == ("mimalloc", 1)


@pytest.mark.skipif(
    TASKS.exists() and len(os.sched_getaffinity(0)) == 1, reason="with one core there is one thread either way"
)
def test_training_may_compute_with_all_cores():
    assert settled("train")[1] > 1
