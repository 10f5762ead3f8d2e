"""Kill each stage's driver at moments drawn by a seed, and what it has judge pages; find the same bytes in the end."""

import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.double.killed_stages import (
    JUDGE,
    KILLS,
    SECONDS,
    STAGES,
    content,
    draw_kills,
    ended,
    finish,
    start,
    wait_for_stop,
)
from tests.double.sessions import processes_of, wait_for_none

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("quick_starts"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]


# A bucket of documents is written by nine things that a driver does; before the first one it has done five.
MOMENTS = range(16, 80, 9)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_whose_driver_is_killed_ends_with_the_same_bytes(stage, unkilled, tmp_path):
    whole, drawn = draw_kills(stage, unkilled, tmp_path, worker=False)

    def kill_and_finish(kill):
        output = tmp_path / str(kill.moment)
        output.mkdir()
        assert ended(start(stage, unkilled, output, output / "log", 1, kill)) == -signal.SIGKILL
        if (output / stage / "manifest.json").exists():
            assert content(output / stage) == whole
        finish(stage, unkilled, output)
        assert content(output / stage) == whole
        assert not (output / f"{stage}.unfinished").exists()

    with ThreadPoolExecutor(2) as both:
        list(both.map(kill_and_finish, drawn))


def has_answered(process):
    """Tell whether a process has written anything: three that die one after another as they start end the run."""
    try:
        return "wchar: 0\n" not in Path(f"/proc/{process}/io").read_text("ascii")
    except OSError:
        return False


def test_a_process_that_judges_pages_may_be_killed_again_and_again(unkilled, tmp_path):
    stops, draw = MOMENTS[: max(KILLS, 2)], random.Random(1)
    driver = start("documents", unkilled, tmp_path, tmp_path / "log", 2, stops=stops)
    for moment in stops:
        wait_for_stop(driver, tmp_path, moment)
        judge = draw.choice([process for process in processes_of(driver.pid, JUDGE) if has_answered(process)])
        if moment != stops[-1]:  # It is at work again, and stops once more before it can end.
            os.kill(driver.pid, signal.SIGCONT)
            time.sleep(draw.uniform(0, 0.1))
        os.kill(judge, signal.SIGKILL)
    os.kill(driver.pid, signal.SIGCONT)
    assert ended(driver) == 0, (tmp_path / "log").read_text()[-4000:]
    assert content(tmp_path / "documents") == content(unkilled / "documents")


def test_no_worker_outlives_a_driver_that_is_killed(unkilled, tmp_path):
    driver = start("documents", unkilled, tmp_path, tmp_path / "log", 2, stops=MOMENTS[:1])
    wait_for_stop(driver, tmp_path, MOMENTS[0])
    assert len(processes_of(driver.pid, JUDGE)) > 1  # those that judge, and what they are forked from
    os.kill(driver.pid, signal.SIGKILL)
    assert wait_for_none(driver.pid, SECONDS) == []
    assert ended(driver) == -signal.SIGKILL
    finish("documents", unkilled, tmp_path)
    assert content(tmp_path / "documents") == content(unkilled / "documents")
