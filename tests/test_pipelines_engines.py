"""One input, one engine after another: in every file of every stage the same bytes, whatever ran it.

The engines are all on this machine: two of Beam's own runners, in one process and in several, and a job service of its
own process that gives the work to workers in theirs. The last of them know of our package only what the job stages.
"""

import contextlib
import hashlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from pipelines import documents
from pipelines.build import BuildConfig, run_build
from pipelines.index import index_archives
from pipelines.runner import Engine
from pipelines.shards import ShardsConfig
from sample.build import ARCHIVE, build

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("webtext", "filters", "dedup", "pipelines", "model")
STAGES = ("documents", "duplicates", "corpus")
CONFIG = BuildConfig(shards=ShardsConfig(text_bytes_a_shard=100_000))
JOB_SERVICE = "apache_beam.runners.portability.local_job_service_main"
WORKER_POOL = "apache_beam.runners.worker.worker_pool_main"

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


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@contextlib.contextmanager
def served(module, port, *flags, python=(sys.executable,), **environment):
    """Run a server of Beam's as a process, from when it answers until the block ends."""
    command = [*python, "-m", module, *flags]
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
                break
            assert process.poll() is None, f"{module} ended with {process.returncode}"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def job_service(tmp_path):
    port = free_port()
    with served(JOB_SERVICE, port, "-p", str(port), "--staging_dir", str(tmp_path / "staging")):
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build our wheel from a copy of what it is made of: building leaves things in the tree."""
    tree = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tree / "dist"), str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = (tree / "dist").glob("*.whl")
    return made


@pytest.fixture
def worker_pool(tmp_path):
    """Start a pool of workers that see third-party packages, and nothing of the working tree."""
    python = [sys.executable, "-S", "-P"]
    boot = tmp_path / "boot"
    boot.write_text(f'#!/bin/sh\nexec {shlex.join([*python, str(ROOT / "tests" / "worker_boot.py")])} "$@"\n')
    boot.chmod(0o755)
    environment = {"PYTHONPATH": sysconfig.get_path("purelib"), "BOOT_DIRECTORY": str(tmp_path)}
    seen = subprocess.run(
        [*python, "-c", "import apache_beam, webtext"],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "No module named 'webtext'" in seen.stderr
    port = free_port()
    flags = (f"--service_port={port}", f"--container_executable={boot}")
    with served(WORKER_POOL, port, *flags, python=python, **environment):
        yield f"--environment_config=localhost:{port}"


def test_job_service_with_workers_that_get_our_package_by_staging(
    pages, in_memory, tmp_path, job_service, worker_pool, wheel
):
    flags = ("--runner=PortableRunner", job_service, "--environment_type=EXTERNAL", worker_pool)
    engine = Engine(1, (*flags, f"--extra_package={wheel}"))
    assert built(pages, tmp_path / "output", engine) == in_memory
