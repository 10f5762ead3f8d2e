"""Kill each stage's workers at moments drawn by a seed; run the stage again; find the same bytes.

A worker's death ends a run in one place, for all stages (`pipelines.engine.processes`), and that each begins anew is
what `test_kill.py` shows; a crawl's worker is killed in `test_fetch_kill.py`, too. So the workers of one stage are
killed where the tests are not thorough.
"""

import re
import shutil
import sys

import pytest

from tests.double.killed_stages import SECONDS, STAGES, TOLD, Kill, content, draw_kills, ended, finish, start
from tests.double.sessions import wait_for_none

DIED = re.compile(r"^a worker process died \(exit status (137|-9)\); if memory was short", re.MULTILINE)

MARKED = [pytest.param(stage, marks=() if stage == "documents" else pytest.mark.thorough) for stage in STAGES]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")]


@pytest.mark.parametrize("stage", MARKED)
def test_a_stage_whose_worker_is_killed_says_so_and_then_ends_with_the_same_bytes(stage, unkilled, tmp_path):
    place = tmp_path / stage
    whole, drawn = draw_kills(stage, unkilled, tmp_path, worker=True)
    for kill in drawn:
        driver = start(stage, unkilled, tmp_path, tmp_path / "log", 2, kill)
        assert ended(driver) == TOLD, (tmp_path / "log").read_text()[-4000:]
        assert DIED.search((tmp_path / "log").read_text())
        assert wait_for_none(driver.pid, SECONDS) == []
        assert not place.exists()
        finish(stage, unkilled, tmp_path)
        assert content(place) == whole
        shutil.rmtree(place)
        (tmp_path / "log").unlink()


def test_a_worker_that_dies_before_it_connects_ends_the_run(unkilled, tmp_path):
    driver = start("documents", unkilled, tmp_path, tmp_path / "log", 2, Kill(0, tmp_path / "count", worker=True))
    assert ended(driver) == TOLD, (tmp_path / "log").read_text()[-4000:]
    assert DIED.search((tmp_path / "log").read_text())
    assert wait_for_none(driver.pid, SECONDS) == []
