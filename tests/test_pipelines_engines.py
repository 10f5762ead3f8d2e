"""One input, one engine after another: in every file of every stage the same bytes, whatever ran it.

The engines are all on this machine: two of Beam's own runners, in one process and in several, and a job service of its
own process that gives the work to workers in theirs. The last of them know of our package only what the job stages.
"""

import hashlib
import os
import sys

import pytest

from pipelines import documents
from pipelines.build import BuildConfig, run_build
from pipelines.index import index_archives
from pipelines.runner import Engine
from pipelines.shards import ShardsConfig
from sample.build import ARCHIVE, build
from tests.beam_processes import build_wheel, free_port, served, worker_pool

STAGES = ("documents", "duplicates", "corpus")
CONFIG = BuildConfig(shards=ShardsConfig(text_bytes_a_shard=100_000))
JOB_SERVICE = "apache_beam.runners.portability.local_job_service_main"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="local servers of Beam's are POSIX")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("engines")
    build(directory)
    index_archives([str(directory / ARCHIVE)], None, str(directory / "pages"), Engine(1))
    return str(directory / "pages")


@pytest.fixture(scope="module")
def in_memory(pages, tmp_path_factory):
    return built(pages, tmp_path_factory.mktemp("in_memory"), Engine(1))


def built(pages, output, engine):
    """Build with small buckets, so that there is something to divide; give the sha256 of every file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "PAGES_A_BUCKET", 40)
        run_build(pages, str(output), CONFIG, engine)
    paths = sorted(path for stage in STAGES for path in (output / stage).rglob("*"))
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture
def job_service(tmp_path):
    port = free_port()
    flags = ["-p", str(port), "--staging_dir", str(tmp_path / "staging")]
    with served(port, [sys.executable, "-m", JOB_SERVICE, *flags], dict(os.environ)):
        yield f"--job_endpoint=localhost:{port}"


def test_there_is_work_to_divide(in_memory):
    kinds = [name.rpartition("/")[2].partition("-")[0] for name in in_memory]
    assert kinds.count("part") == kinds.count("shingles") == kinds.count("clusters") == 4
    assert kinds.count("train") == kinds.count("heldout") >= 2
    assert kinds.count("manifest.json") == 3


def test_two_processes(pages, in_memory, tmp_path):
    assert built(pages, tmp_path / "output", Engine(2)) == in_memory


def test_bundle_based_runner(pages, in_memory, tmp_path):
    assert built(pages, tmp_path / "output", Engine(1, ("--runner=BundleBasedDirectRunner",))) == in_memory


def test_job_service_that_works_through_the_client(pages, in_memory, tmp_path, job_service):
    engine = Engine(1, ("--runner=PortableRunner", job_service, "--environment_type=LOOPBACK"))
    assert built(pages, tmp_path / "output", engine) == in_memory


@pytest.fixture
def workers(tmp_path):
    with worker_pool(tmp_path, dict(os.environ)) as endpoint:
        yield f"--environment_config={endpoint}"


def test_job_service_with_workers_that_get_our_package_by_staging(pages, in_memory, tmp_path, job_service, workers):
    (tmp_path / "tree").mkdir()
    wheel = build_wheel(tmp_path / "tree")
    flags = ("--runner=PortableRunner", job_service, "--environment_type=EXTERNAL", workers)
    engine = Engine(1, (*flags, f"--extra_package={wheel}"))
    assert built(pages, tmp_path / "output", engine) == in_memory
