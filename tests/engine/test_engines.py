"""One input, one engine after another: in every file of every stage the same bytes, whatever ran it.

The engines are all on this machine: two of Beam's own runners, in one process and in several, and a job service of its
own process that gives the work to workers in theirs. The last of them know of our package only what the job stages.
`tests/engine/test_dataflow_jobs.py` holds the submission to Dataflow to the same reference.
"""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.commands.cli import main
from sample.build import ARCHIVE, DUMP
from tests.double.armed_with import ARMED
from tests.double.beam_processes import ROOT, WORKER_POOL, free_port, served, worker_pool
from tests.double.distributions import wheel
from tests.double.engine_build import built

JOB_SERVICE = "apache_beam.runners.portability.local_job_service_main"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="local servers of Beam's are POSIX")]


@pytest.fixture
def job_service(tmp_path):
    port = free_port()
    flags = ["-p", str(port), "--staging_dir", str(tmp_path / "staging")]
    with served(port, [sys.executable, "-m", JOB_SERVICE, *flags], dict(os.environ)):
        yield f"--job_endpoint=localhost:{port}"


def test_there_is_work_to_divide(in_memory):
    kinds = [name.rpartition("/")[2].partition("-")[0] for name in in_memory.digests]
    assert kinds.count("part") == kinds.count("shingles") == kinds.count("clusters") == 4
    assert kinds.count("train") == kinds.count("validation") >= 2
    assert kinds.count("manifest.json") == 3


@pytest.mark.thorough  # `test_end_to_end.py` compares whole builds of one process and of two.
def test_two_processes(in_memory, tmp_path):
    assert built(in_memory.pages, tmp_path / "output", "--workers=2") == in_memory.digests


def test_bundle_based_runner(in_memory, tmp_path):
    assert built(in_memory.pages, tmp_path / "output", "--runner=BundleBasedDirectRunner") == in_memory.digests


def test_job_service_that_works_through_the_client(in_memory, tmp_path, job_service):
    flags = ("--runner=PortableRunner", job_service, "--environment_type=LOOPBACK")
    assert built(in_memory.pages, tmp_path / "output", *flags) == in_memory.digests


def harvested(web, output, *flags):
    """Harvest the sample's dump; give the bytes of each file of links/."""
    assert main(["harvest", "--submissions", str(web / DUMP), "--output", str(output), *flags]) == 0
    return {path.name: path.read_bytes() for path in (output / "links").iterdir()}


def fetched(web, links, output, *flags):
    """Fetch the sample's links from its archive; give what became of each, which is all that does not tell the time."""
    given = ["--links", str(links), "--replay", str(web / ARCHIVE), "--output", str(output), "--slots", "3"]
    assert main(["fetch", *given, *flags]) == 0
    rows = [row for path in (output / "pages").glob("index-*") for row in pq.read_table(path).to_pylist()]
    return {row["url"]: (row["outcome"], row["final_url"], row["digest"]) for row in rows}


RUNNERS = {
    "processes": ["--workers=2"],
    "bundles": ["--runner=BundleBasedDirectRunner"],
    "service": ["--runner=PortableRunner", "--environment_type=LOOPBACK"],
    "ray": ["--ray=local"],
}


@pytest.fixture(scope="module")
def in_one_process(sample_web, tmp_path_factory):
    """Give where the links of the sample lie, their files' bytes, and what became of each."""
    here = tmp_path_factory.mktemp("here")
    links = harvested(sample_web, here, "--workers=1")
    return here / "links", links, fetched(sample_web, here / "links", here, "--workers=1")


@pytest.mark.thorough  # The runners build above, and `test_harvest.py` and `test_fetch_kill.py` compare two processes.
@pytest.mark.parametrize("runner", RUNNERS)
def test_harvest_and_fetch_are_the_same_on_each(runner, sample_web, in_one_process, tmp_path, request):
    if runner == "ray":
        ray = pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'webtext[ray]'")
        request.addfinalizer(ray.shutdown)  # A command leaves that to the end of its process.
    flags = [*RUNNERS[runner], *([request.getfixturevalue("job_service")] if runner == "service" else [])]
    place, links, pages = in_one_process
    assert harvested(sample_web, tmp_path, *flags) == links != {}
    assert fetched(sample_web, place, tmp_path, *flags) == pages != {}


@pytest.fixture
def workers(tmp_path):
    with worker_pool(tmp_path, dict(os.environ)) as endpoint:
        yield f"--environment_config={endpoint}"


def test_job_service_with_workers_that_get_our_package_by_staging(
    in_memory, tmp_path, tmp_path_factory, job_service, workers
):
    flags = (
        "--runner=PortableRunner",
        job_service,
        "--environment_type=EXTERNAL",
        workers,
        f"--extra_package={wheel(tmp_path_factory)}",
    )
    assert built(in_memory.pages, tmp_path / "output", *flags) == in_memory.digests


# --------------------------------------------------------------------------------- pools of workers, one of them killed


@contextlib.contextmanager
def pooled(number, staging, **armed):
    """Start a job service with a pool of so many workers, armed or not; gives the flags that lead there."""
    service, pool = free_port(), free_port()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **armed}
    double = [sys.executable, "-m", "tests.double.job_service", str(number), "-p", str(service)]
    with (
        served(service, [*double, "--staging_dir", str(staging)], environment),
        served(pool, [sys.executable, "-m", WORKER_POOL, f"--service_port={pool}"], environment),
    ):
        where = [f"--job_endpoint=localhost:{service}", f"--environment_config=localhost:{pool}"]
        yield ["--runner=PortableRunner", "--environment_type=EXTERNAL", *where]


def wait_for(is_so, seconds=480):
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.thorough  # Workers that die are met in `test_kill_worker.py`, `test_fetch_kill.py` and `test_ray.py`, too.
@pytest.mark.parametrize("number", [2, 4])
def test_a_pool_of_workers_writes_the_same_bytes_also_when_one_of_them_was_killed(number, in_memory, tmp_path):
    output, count = tmp_path / "output", tmp_path / "count"
    armed = {
        "PYTHONPATH": os.pathsep.join([str(ARMED), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "ARMED_WORD": "-c",  # how a pool starts its workers
        "ARMED_PLACE": str(output / "documents.unfinished"),
        "ARMED_COUNT": str(count),
        "ARMED_MOMENT": "12",  # one of four parts is written by nine things
    }
    command = [sys.executable, "-m", "tests.double.engine_build", "build", f"--pages={in_memory.pages}"]
    with pooled(number, tmp_path / "staging", **armed) as flags:
        with subprocess.Popen([*command, f"--output={output}", *flags], cwd=ROOT) as driver:
            wait_for(Path(f"{count}.killed").exists)
            with contextlib.suppress(subprocess.TimeoutExpired):
                driver.wait(5)  # An engine retries, as Dataflow does, or fails; Beam's waits for the dead worker.
            driver.kill()
        assert not (output / "corpus").exists()
    with pooled(number, tmp_path / "again") as flags:
        assert built(in_memory.pages, output, *flags) == in_memory.digests
