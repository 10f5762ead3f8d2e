"""The five stages of a corpus, small, each as a process that can be killed.

The processes are forks of one that has imported everything, so that a hundred of them start in no time. Each has a
session of its own, by which its workers are found.

A moment to kill is the n-th thing that a stage does with a file or a connection (`armed/sitecustomize.py`), so it lies
in the work and not on a clock. The things that an undisturbed run does are cut into as many equal pieces as there are
kills, and a moment is drawn from each: the listing of inputs, the reading, the writing and the publishing get their
share. `WEBTEXT_THOROUGH=25` kills a hundred times. Workers are killed half as often as drivers: each such run starts
two processes of Beam's, which cost more than all that they are to do.
"""

import hashlib
import itertools
import multiprocessing
import os
import random
import runpy
import shutil
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import zstandard

from dedup.near.search import Plan
from pipelines.engine import runner
from pipelines.engine.runner import Engine
from pipelines.stages import documents, duplicates
from pipelines.stages.build import run_documents, run_shards
from pipelines.stages.documents import DocumentsConfig
from pipelines.stages.duplicates import DuplicatesConfig, run_duplicates
from pipelines.stages.fetch import run_fetch
from pipelines.stages.harvest import HarvestConfig, run_harvest
from pipelines.stages.kept import Kept
from pipelines.stages.shards import ShardsConfig
from sample.build import ARCHIVE, DUMP
from tests.double.armed_with import ARMED
from tests.double.sessions import is_stopped
from tests.double.thorough import THOROUGH
from webtext.crawl.config import FetchConfig
from webtext.crawl.page_archive import is_page_row
from webtext.errors import UsageError
from webtext.records import Page
from webtext.tables import read_records
from webtext.warc.warc_reader import iter_warc

STAGES = ("links", "pages", "documents", "duplicates", "corpus")

TOLD = 2  # exit status where a stage ended with a line for the user
WORKER = "pipelines.engine.worker"
JUDGE = b"webtext.sandbox.child"  # a process in which pages are judged
KILLS = 4 * THOROUGH or 1  # kills of the driver in each stage
SECONDS = 300  # after which a process that should have ended is given up
_SLACK = 4  # things that one run does and another does not: what a worker reads once depends on its share of the tasks
_DUMPS = 4
_SLOTS = 2  # A crawl goes on with as many as it began with.


@dataclass(frozen=True)
class Kill:
    """Who dies, and when: the driver or a worker, at the `moment`-th thing it does (-1: nobody dies, it is counted)."""

    moment: int
    count: Path
    worker: bool = False


def make_inputs(sample_web, folder):
    """Give the sample with its dump in pieces, so that workers have something to divide."""
    shutil.copy(sample_web / ARCHIVE, folder)
    lines = (
        zstandard.ZstdDecompressor(max_window_size=1 << 31)
        .decompressobj()
        .decompress((sample_web / DUMP).read_bytes())
        .splitlines(True)
    )
    for number in range(_DUMPS):
        (folder / f"RS_2017-{number + 1:02d}").write_bytes(b"".join(lines[number::_DUMPS]))


def run_stage(stage, inputs, output, engine):
    """Run a stage whose inputs lie in `inputs`, with tasks as small as the sample."""
    place = str(output / stage)
    links, pages, parts, found = (str(inputs / name) for name in STAGES[:4])
    documents.PAGES_A_BUCKET = 16
    duplicates.Plan = partial(Plan, documents_a_run=24, keys_a_range=500)
    duplicates.RUNS_A_PROCESS = 1
    match stage:
        case "links":
            dumps = tuple(str(path) for path in sorted(inputs.glob("RS_2017-*")))
            run_harvest(HarvestConfig(dumps, shards=3), place, engine)
        case "pages":
            config = FetchConfig(delay=0, backoff=0, max_crawl_delay=0, roll_bytes=200_000, hosts_at_once=4)
            run_fetch(links, place, config, engine, replay=[str(inputs / ARCHIVE)], slots=_SLOTS)
        case "documents":
            run_documents(pages, place, DocumentsConfig(), engine)
        case "duplicates":
            run_duplicates(parts, place, DuplicatesConfig(), engine)
        case "corpus":
            run_shards(Kept(parts, found), place, ShardsConfig(text_bytes_a_shard=20_000), engine)


def _run(stage, inputs, output, workers, kill, log, stops):
    os.setsid()
    stream = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    place = os.path.commonpath([inputs, output])
    if kill is not None and kill.worker:
        runner._MOST_SPREAD = 1  # many workers have it so: each is a process of Beam's
        sys.path.insert(0, str(ARMED))  # workers have the paths of their driver
        armed = {"WORD": WORKER, "PLACE": place, "COUNT": kill.count, "MOMENT": kill.moment}
        os.environ.update({f"ARMED_{name}": str(value) for name, value in armed.items()})
    arm = runpy.run_path(str(ARMED / "sitecustomize.py"))["arm"]
    if kill is not None and not kill.worker:
        arm(place, str(kill.count), kill.moment)
    for moment in stops:
        arm(f"{output / stage}.unfinished", str(output / f"stop-{moment}"), moment, signal.SIGSTOP)
    try:
        run_stage(stage, inputs, output, Engine(workers))
    except UsageError as error:
        print(error, flush=True)  # noqa: T201
        sys.exit(TOLD)


def start(stage, inputs, output, log, workers=1, kill=None, stops=()):
    """Start a stage as a process; its standard error goes to `log`.

    Args:
        stage: its name.
        inputs: where the stages before it lie.
        output: where it is to lie.
        log: a file.
        workers: how many processes work.
        kill: who dies, and when.
        stops: the driver stops at the n-th thing that it does with what it is making, for each of these numbers:
            whoever is to meet it in the midst of its work need not look at the right moment (`wait_for_stop`).
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_run, args=(stage, inputs, output, workers, kill, str(log), stops))
    process.start()
    # Starting a process asks how all earlier ones ended, which their own threads ask, too; the second to ask hears 255.
    multiprocessing.process._children.discard(process)
    return process


def wait_for_stop(process, output, moment):
    """Wait until a driver has stopped at a moment of `stops`."""
    deadline = time.monotonic() + SECONDS
    while not ((output / f"stop-{moment}.killed").exists() and is_stopped(process.pid)):
        assert process.is_alive(), (output / "log").read_text()[-4000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(process):
    """Wait for the end of a process; give its exit status."""
    process.join(SECONDS)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def finish(stage, inputs, output, workers=1):
    """Run a stage, which nobody kills, to its end."""
    log = output / "log"
    assert ended(start(stage, inputs, output, log, workers)) == 0, log.read_text()[-4000:]


def draw_kills(stage, inputs, tmp_path, *, worker):
    """Draw the moments of a stage's kills, from what a run does in which nobody is killed; give what it makes, too."""
    counted = tmp_path / "counted"
    counted.mkdir()
    process = start(stage, inputs, counted, counted / "log", 1 + worker, Kill(-1, counted / "count", worker))
    assert ended(process) == 0, (counted / "log").read_text()[-4000:]
    draw, things = random.Random(f"{stage} {worker}"), (counted / "count").stat().st_size - _SLACK
    number_of = max(1, KILLS // 2) if worker else KILLS
    bounds = [1 + things * number // number_of for number in range(number_of + 1)]
    drawn = [draw.randrange(low, high) for low, high in itertools.pairwise(bounds)]
    whole = content(counted / stage)
    assert whole == content(inputs / stage)
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


def make_stages(sample_web, folder):
    """Make every stage, each the input of the next one, without a kill."""
    make_inputs(sample_web, folder)
    for stage in STAGES:
        finish(stage, folder, folder)
