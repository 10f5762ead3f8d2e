"""Kill each stage's driver, and each stage's workers, at moments drawn by a seed; run it again; find the same bytes.

A moment is the n-th thing that the stage does with a file or a connection (`armed/sitecustomize.py`), so it lies in the
work and not on a clock. The things that an undisturbed run does are cut into as many equal pieces as there are kills,
and a moment is drawn from each: the listing of inputs, the reading, the writing and the publishing all get some.
`WEBTEXT_KILLS=100` kills more often. Workers are killed half as often as drivers: each such run starts two processes of
Beam's, which cost more than all that they are to do.
"""

import contextlib
import hashlib
import itertools
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.double.killed_stages import JUDGE, STAGES, TOLD, Kill, make_inputs, start
from tests.double.sessions import processes_of, wait_for_none
from webtext.crawl.page_archive import is_page_row
from webtext.records import Page
from webtext.tables import read_records
from webtext.warc.warc_reader import iter_warc

KILLS = int(os.environ.get("WEBTEXT_KILLS", "10"))  # kills of the driver in each stage
SECONDS = 120  # after which a process that should have ended is given up
SLACK = 4  # things that one run does and another does not: what a worker reads once depends on its share of the tasks
DIED = re.compile(r"^a worker process died \(exit status (137|-9)\); if memory was short", re.MULTILINE)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, sample_web):
    """Make every stage, the inputs of the next one, without a kill."""
    folder = tmp_path_factory.mktemp("kill") / "undisturbed"
    make_inputs(sample_web, folder)
    for stage in STAGES:
        finish(stage, folder, folder)
    return folder


def ended(process):
    process.join(SECONDS)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def finish(stage, inputs, output, workers=1):
    log = output / "log"
    assert ended(start(stage, inputs, output, log, workers)) == 0, log.read_text()[-4000:]


def kills(stage, inputs, tmp_path, *, worker):
    """Draw the moments of a stage's kills, from what a run does in which nobody is killed; give what it makes, too."""
    counted = tmp_path / "counted"
    counted.mkdir()
    process = start(stage, inputs, counted, counted / "log", 1 + worker, Kill(-1, counted / "count", worker))
    assert ended(process) == 0, (counted / "log").read_text()[-4000:]
    draw, things = random.Random(f"{stage} {worker}"), (counted / "count").stat().st_size - SLACK
    number_of = KILLS // 2 if worker else KILLS
    bounds = [1 + things * number // number_of for number in range(number_of + 1)]
    drawn = [draw.randrange(low, high) for low, high in itertools.pairwise(bounds)]
    whole, undisturbed = content(counted / stage), content(inputs / stage)
    assert whole == undisturbed or (stage == "pages" and whole[1] == undisturbed[1])
    return whole, [Kill(moment, counted / f"count-{moment}", worker) for moment in drawn]


def content(directory):
    """Give what a finished stage holds: the sha256 of each file; of a crawl, whose bytes hold times, the rows."""
    if not list(directory.glob("*.warc.gz")):
        files = [path for path in directory.rglob("*") if path.is_file()]
        return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    fetched = Counter()
    for path in directory.glob("*.warc.gz"):
        with path.open("rb") as stream:
            fetched.update(record.url for record in iter_warc(stream) if is_page_row(record.content_type, record.block))
    rows = []
    for path in directory.glob("index-*.parquet"):
        with path.open("rb") as stream:
            rows += read_records(stream, Page)
    where = {"fetched_at": None, "warc_file": "", "warc_offset": None, "warc_length": None}
    return fetched, sorted((replace(row, **where) for row in rows), key=lambda row: row.url)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_whose_driver_is_killed_ends_with_the_same_bytes(stage, undisturbed, tmp_path):
    whole, drawn = kills(stage, undisturbed, tmp_path, worker=False)

    def kill_and_finish(kill):
        output = tmp_path / str(kill.moment)
        output.mkdir()
        assert ended(start(stage, undisturbed, output, output / "log", 1, kill)) == -signal.SIGKILL
        if (output / stage / "manifest.json").exists():
            assert content(output / stage) == whole
        finish(stage, undisturbed, output)
        assert content(output / stage) == whole
        assert not (output / f"{stage}.unfinished").exists()

    with ThreadPoolExecutor(2) as both:
        list(both.map(kill_and_finish, drawn))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_whose_worker_is_killed_says_so_and_then_ends_with_the_same_bytes(stage, undisturbed, tmp_path):
    place = tmp_path / stage
    whole, drawn = kills(stage, undisturbed, tmp_path, worker=True)
    for kill in drawn:
        driver = start(stage, undisturbed, tmp_path, tmp_path / "log", 2, kill)
        assert ended(driver) == TOLD, (tmp_path / "log").read_text()[-4000:]
        assert DIED.search((tmp_path / "log").read_text())
        assert wait_for_none(driver.pid, SECONDS) == []
        assert not place.exists()
        finish(stage, undisturbed, tmp_path, 2 if stage == "pages" else 1)  # a crawl has as many slots
        assert content(place) == whole
        shutil.rmtree(place)
        (tmp_path / "log").unlink()


def test_a_worker_that_dies_before_it_connects_ends_the_run(undisturbed, tmp_path):
    driver = start("documents", undisturbed, tmp_path, tmp_path / "log", 2, Kill(0, tmp_path / "count", worker=True))
    assert ended(driver) == TOLD, (tmp_path / "log").read_text()[-4000:]
    assert DIED.search((tmp_path / "log").read_text())
    assert wait_for_none(driver.pid, SECONDS) == []


def has_answered(process):
    """Tell whether a process has written anything: three that die one after another as they start end the run."""
    try:
        return "wchar: 0\n" not in Path(f"/proc/{process}/io").read_text("ascii")
    except OSError:
        return False


def test_a_process_that_judges_pages_may_be_killed_again_and_again(undisturbed, tmp_path):
    driver, draw, killed = start("documents", undisturbed, tmp_path, tmp_path / "log", 2), random.Random(1), 0
    while driver.is_alive():
        judges = [process for process in processes_of(driver.pid, JUDGE) if has_answered(process)]
        if judges and killed < KILLS:
            with contextlib.suppress(ProcessLookupError):
                os.kill(draw.choice(judges), signal.SIGKILL)
                killed += 1
        time.sleep(draw.uniform(0, 0.5))
    assert ended(driver) == 0, (tmp_path / "log").read_text()[-4000:]
    assert killed > 1
    assert content(tmp_path / "documents") == content(undisturbed / "documents")


def test_no_worker_outlives_a_driver_that_is_killed(undisturbed, tmp_path):
    driver = start("documents", undisturbed, tmp_path, tmp_path / "log", 2)
    while not list(tmp_path.glob("documents.unfinished/part-*")):
        assert driver.is_alive(), (tmp_path / "log").read_text()[-4000:]
        time.sleep(0.002)
    assert len(processes_of(driver.pid, JUDGE)) == 3  # two, and what they are forked from
    os.kill(driver.pid, signal.SIGKILL)
    assert wait_for_none(driver.pid, SECONDS) == []
    assert ended(driver) == -signal.SIGKILL
    finish("documents", undisturbed, tmp_path)
    assert content(tmp_path / "documents") == content(undisturbed / "documents")
