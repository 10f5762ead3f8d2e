"""Ctrl-C ends a run cleanly: exit status 130, one line that says how to go on, nothing published, nothing left running.

A terminal sends SIGINT to every process of the run, which is what these tests do; `kill` sends TERM to one.
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from pipelines.commands.cli import EXIT_INTERRUPTED, main
from sample.build import ARCHIVE, DUMP
from tests.double.armed_with import stopping
from tests.double.sessions import in_session, is_stopped, processes_of, wait_for_none

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("quick_starts"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

SECONDS = 300  # after which what should have come is given up
WORKER, JUDGE = b"pipelines.engine.worker", b"webtext.sandbox.child"  # Beam's, and of pages: one more, to fork from
PROGRAM = (
    "import signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job would not hear of it
    "from pipelines.stages import documents\n"
    "from pipelines.commands.cli import entry\n"
    "documents.PAGES_A_BUCKET = 16\n"
    "sys.argv[1:] = {!r}\n"
    "entry()\n"
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory, sample_web, sample_built):
    """Give the sample web, with its links and its pages as finished stages."""
    folder = tmp_path_factory.mktemp("interrupted")
    for name in (ARCHIVE, DUMP):
        (folder / name).symlink_to(sample_web / name)
    (folder / "pages").symlink_to(sample_built / "pages")
    assert main(["harvest", "-s", str(folder / DUMP), "-o", str(folder), "--workers", "1"]) == 0
    return folder


def started(arguments, output):
    """Start webtext in a session of its own; a build stops by itself when one of its nine buckets is written."""
    program, below = PROGRAM.format([*arguments, "--output", str(output)]), str(output / "documents.unfinished")
    if "build" in arguments:
        program = stopping(below, f"{below}-count", 16) + program
    return in_session([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)


def wait_for(process, come):
    deadline = time.monotonic() + SECONDS
    while not come():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stages(sample, output):
    """Give each stage's command, what must be there before it is interrupted, and the directory it would publish."""
    posted = [str(sample / DUMP), str(sample / "more.tsv")]
    (sample / "more.tsv").write_text("http://a.example/\t5\n")
    fetched = ["--links", str(sample / "links"), "--replay", str(sample / ARCHIVE), "--delay", "30", "--slots", "2"]
    return {
        "harvest": (["harvest", "-s", *posted], "links.unfinished", "links"),
        "fetch": (["fetch", *fetched], "pages.unfinished/*.warc.gz", "pages"),
        "build": (["build", "--pages", str(sample / "pages")], "documents.unfinished-count.killed", "documents"),
    }


def hold_down(process, number):
    """Send a signal to all, again and again until nobody is left to hear it, as a key that is held down does."""
    deadline = time.monotonic() + SECONDS
    while process.poll() is None:
        assert time.monotonic() < deadline
        os.killpg(process.pid, number)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.03)


@pytest.mark.parametrize(
    ("stage", "workers", "word", "number", "everybody"),
    [
        ("harvest", 2, WORKER, signal.SIGINT, True),
        ("harvest", 2, WORKER, signal.SIGTERM, False),
        ("fetch", 2, WORKER, signal.SIGINT, True),
        ("fetch", 1, WORKER, signal.SIGINT, True),
        ("build", 2, JUDGE, signal.SIGINT, True),
        ("build", 2, JUDGE, signal.SIGTERM, False),
    ],
)
def test_an_interrupted_stage_says_how_to_go_on_and_leaves_nothing_running(
    sample, tmp_path, stage, workers, word, number, everybody
):
    command, moment, published = stages(sample, tmp_path)[stage]
    with started([*command, "--workers", str(workers)], tmp_path) as process:
        count = (workers if workers > 1 else 0) + (word == JUDGE)
        wait_for(process, lambda: any(tmp_path.glob(moment)) and len(processes_of(process.pid, word)) == count)
        if stage == "build":
            wait_for(process, lambda: is_stopped(process.pid))
        if everybody:
            hold_down(process, number)
        else:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
        _, told = process.communicate(timeout=SECONDS)
        assert process.returncode == EXIT_INTERRUPTED
        assert told == f"webtext {stage}: interrupted; run the same command again to go on\n"
        assert wait_for_none(process.pid, SECONDS) == []
    assert not (tmp_path / published).exists()


def test_workers_end_with_a_run_that_is_killed(sample, tmp_path):
    command, moment, _ = stages(sample, tmp_path)["build"]
    with started([*command, "--workers", "2"], tmp_path) as process:
        wait_for(process, lambda: any(tmp_path.glob(moment)) and len(processes_of(process.pid, JUDGE)) == 3)
        process.kill()
        assert wait_for_none(process.pid, SECONDS) == []


def test_an_interrupted_fetch_goes_on_with_what_it_has(sample, tmp_path):
    command = ["fetch", "--links", str(sample / "links"), "--replay", str(sample / ARCHIVE)]
    with started([*command, "--delay", "30", "--workers", "1"], tmp_path) as process:
        wait_for(process, lambda: any(tmp_path.glob("pages.unfinished/*.warc.gz")))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
    begun = next(tmp_path.glob("pages.unfinished/*.warc.gz")).read_bytes()
    assert main([*command, "--output", str(tmp_path), "--workers", "1"]) == 0
    assert next(tmp_path.glob("pages/*.warc.gz")).read_bytes().startswith(begun[:1000])
    assert main(["verify", str(tmp_path)]) == 0
