"""Kill a build at moments drawn by a seed, run it again, and find the bytes of a run that nobody disturbed.

A moment is a file: the process dies as soon as that file appears. So the moments lie in the work and not on a clock,
and a slow machine tests the same ones. Each run goes on with what the killed one before it has left.
"""

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from pipelines.index import index_archives
from pipelines.runner import Engine
from sample.build import ARCHIVE, build
from tests.sessions import processes_of

STAGES = ("documents", "duplicates", "corpus")
KILLS = 3  # in each stage
PROGRAM = "from pipelines import documents; documents.PAGES_A_BUCKET = 16; from pipelines.cli import entry; entry()"
SECONDS = 120  # after which a run that should have come to its moment is given up

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("kill")
    build(directory)
    index_archives([str(directory / ARCHIVE)], None, str(directory / "pages"), Engine(1))
    return directory / "pages"


@pytest.fixture(scope="module")
def undisturbed(pages, tmp_path_factory):
    return finish(pages, tmp_path_factory.mktemp("undisturbed"))


@contextlib.contextmanager
def started(pages, output, workers=1):
    """Start a build as a process with a group of its own; whatever happens, nothing of it outlives the block."""
    flags = ["build", "--pages", str(pages), "--output", str(output), "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *flags], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(pages, output, workers=1):
    with started(pages, output, workers) as process:
        assert process.wait(SECONDS) == 0
    return digests(output)


def digests(output):
    paths = sorted(path for stage in STAGES for path in (output / stage).rglob("*"))
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def seen(moment, output):
    """Identify the file of a moment, in the stage's unfinished directory or published; None where it is not there."""
    stage, name = moment
    for directory in (f"{stage}.unfinished", stage):
        try:
            found = (output / directory / name).stat()
        except FileNotFoundError:
            continue
        return found.st_ino, found.st_mtime_ns
    return None


def comes_to(moment, output, process, before):
    """Wait until a file is there that was not there `before`; False where the build is done without writing it."""
    deadline = time.monotonic() + SECONDS
    while seen(moment, output) in {before, None}:
        if process.poll() is not None:
            assert process.returncode == 0
            return False
        assert time.monotonic() < deadline, f"the build did not come to {moment}"
        time.sleep(0.002)
    return True


def moments(undisturbed, seed):
    """Draw files of each stage, in the order of the stages; the unfinished directory alone is a moment too."""
    draw = random.Random(seed)
    for stage in STAGES:
        names = sorted(name.partition("/")[2] for name in undisturbed if name.startswith(f"{stage}/"))
        yield stage, ""
        yield from ((stage, name) for name in draw.sample([name for name in names if "-of-" in name], KILLS - 1))


def test_a_build_whose_every_process_is_killed_ends_with_the_same_bytes(pages, undisturbed, tmp_path):
    killed = 0
    for moment in moments(undisturbed, seed=8):
        before = seen(moment, tmp_path)
        with started(pages, tmp_path) as process:
            if comes_to(moment, tmp_path, process, before):
                os.killpg(process.pid, signal.SIGKILL)
            killed += process.wait(SECONDS) == -signal.SIGKILL
    assert killed >= KILLS * len(STAGES) - 2  # a stage may be published between its last file and the signal
    assert finish(pages, tmp_path) == undisturbed
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.skipif(sys.platform != "linux", reason="workers are found in /proc")
def test_a_build_whose_worker_is_killed_ends_with_an_error_and_then_with_the_same_bytes(pages, undisturbed, tmp_path):
    draw = random.Random(8)
    parts = sorted(name.partition("/")[2] for name in undisturbed if name.startswith("documents/part-"))
    for part in draw.sample(parts[:-4], 2):  # while others are still to do
        moment = ("documents", part)
        before = seen(moment, tmp_path)
        with started(pages, tmp_path, workers=2) as process:
            assert comes_to(moment, tmp_path, process, before)
            os.kill(draw.choice(processes_of(process.pid, b"pipelines.worker")), signal.SIGKILL)
            assert process.wait(SECONDS) != 0
        assert not (tmp_path / "documents").exists()
    assert finish(pages, tmp_path, workers=2) == undisturbed
