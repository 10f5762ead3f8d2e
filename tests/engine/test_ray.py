"""The second engine: a Ray cluster of processes on this machine makes what Beam makes, also when one of them is killed.

The cluster is started as a user would start it: a head that does no tasks, and two machines (here, processes) of one
core. They get our package from the run alone.
"""

import contextlib
import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from types import SimpleNamespace

import pytest

from pipelines.commands.cli import EXIT_USAGE, main
from pipelines.engine import ray_tasks
from pipelines.engine.tasks import Worker
from tests.double.armed_with import stopping
from tests.double.beam_processes import ROOT, free_port
from tests.double.sessions import is_stopped, processes_of, wait_for_none
from tests.double.thorough import THOROUGH
from webtext.errors import UsageError

pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'webtext[ray]'")

STAGES = ("documents", "duplicates", "corpus")
PROGRAM = (
    "from pipelines.stages import documents; documents.PAGES_A_BUCKET = 16; "
    "from pipelines.commands.cli import entry; entry()"
)
SECONDS = 400  # after which a process that should have begun or ended is given up
# No `.pth` files, so no working tree; third-party packages by PYTHONPATH.
CLEAN = {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONSAFEPATH": "1", "RAY_USAGE_STATS_ENABLED": "0"}
RAY = [sys.executable, "-S", "-c", "from ray.scripts.scripts import main; main()"]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")]


@contextlib.contextmanager
def node(*flags):
    """Run a part of the cluster as a session of its own, from when it says that it is there until the block ends."""
    common = ["--node-ip-address=127.0.0.1", "--object-store-memory=100000000", "--disable-usage-stats", "--block"]
    process = subprocess.Popen(
        [*RAY, "start", *flags, *common], env=os.environ | CLEAN, start_new_session=True, cwd="/",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        for line in process.stdout:
            if "Ray runtime started" in line:
                break
        assert process.poll() is None, "the node did not start"
        yield process.pid
    finally:
        end_all_of(process.pid)
        process.communicate()


def end_all_of(session):
    for process in processes_of(session):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert wait_for_none(session, SECONDS) == []


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # there is nobody else on this loopback
    port = free_port()
    address = f"127.0.0.1:{port}"
    with (
        node(
            "--head",
            f"--port={port}",
            "--num-cpus=0",
            f"--ray-client-server-port={free_port()}",
            "--include-dashboard=false",
        ),
        node(f"--address={address}", "--num-cpus=1") as first,
        node(f"--address={address}", "--num-cpus=1") as second,
    ):
        yield address, first, second


@pytest.fixture
def pages(sample_built):
    return sample_built / "pages"


@contextlib.contextmanager
def building(pages, output, *flags, program=PROGRAM):
    command = [sys.executable, "-c", program, "build", "--pages", str(pages), "--output", output.name, *flags]
    output.parent.mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=output.parent, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
            _, told = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, told[-4000:]
        finally:
            process.kill()


def digests(output):
    paths = sorted(path for stage in STAGES for path in (output / stage).rglob("*") if path.is_file())
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_cluster_makes_the_same_bytes_also_when_one_of_its_machines_is_killed(pages, cluster, tmp_path):
    with building(pages, tmp_path / "beam", "--workers", "1"):
        pass
    address, first, _ = cluster
    if THOROUGH:
        with building(pages, tmp_path / "ray", "--ray", address):
            pass
        assert digests(tmp_path / "ray") == digests(tmp_path / "beam")
        shutil.rmtree(tmp_path / "ray")
    # The driver stops before it publishes: it begins with five things, and does the others when all tasks are done.
    stops = stopping("ray/documents.unfinished", str(tmp_path / "count"), 8)
    with building(pages, tmp_path / "ray", "--ray", address, program=stops + PROGRAM) as process:
        while not list((tmp_path / "ray").glob("documents.unfinished/part-*")):
            assert process.poll() is None, process.stderr.read()[-4000:]
            time.sleep(0.02)
        end_all_of(first)
        while not is_stopped(process.pid):
            assert process.poll() is None, process.stderr.read()[-4000:]
            time.sleep(0.02)
        assert not (tmp_path / "ray" / "documents").exists()
        process.send_signal(signal.SIGCONT)
    assert digests(tmp_path / "ray") == digests(tmp_path / "beam")


def test_where_there_is_no_cluster_one_line_says_so(pages, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-c", PROGRAM, "build", "--pages", str(pages), "-o", str(tmp_path), "--ray", address]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=SECONDS)
    assert told.returncode == EXIT_USAGE
    assert told.stderr.splitlines()[-1].startswith(f"webtext build: no Ray cluster at {address}")


def test_ray_and_a_runner_are_two_engines(capsys):
    assert main(["build", "-o", "nowhere", "--ray", "local", "--runner=DataflowRunner"]) == EXIT_USAGE
    assert "choose one" in capsys.readouterr().err


class BusyRay:
    """Stands for Ray on a machine so busy that so many starts of a cluster fail."""

    def __init__(self, failures, kind=RuntimeError):
        self.failures, self.kind, self.calls = failures, kind, []

    def init(self, **_):
        self.calls.append("init")
        if self.calls.count("init") <= self.failures:
            raise self.kind("Timed out waiting for file gcs_server_port\nand more")

    def shutdown(self):
        self.calls.append("shutdown")


@pytest.mark.parametrize("kind", [RuntimeError, Exception])  # "The current node timed out" is a bare one.
def test_a_cluster_that_does_not_start_in_time_is_started_again_and_at_last_one_line_says_so(kind):
    busy = BusyRay(2, kind)
    ray_tasks.start(busy, ray_tasks.LOCAL)
    assert busy.calls == ["init", "shutdown", "init", "shutdown", "init"]
    with pytest.raises(UsageError, match=r"^Ray does not start \(--ray local\): Timed out waiting for file \w+$"):
        ray_tasks.start(BusyRay(3, kind), ray_tasks.LOCAL)


def test_a_bug_is_not_taken_for_a_start_in_vain():
    with pytest.raises(KeyError):
        ray_tasks.start(BusyRay(1, KeyError), ray_tasks.LOCAL)


class Cluster:
    """Stands for Ray: notes connections, and does tasks here, at once."""

    cloudpickle = pickle
    exceptions = SimpleNamespace(RayTaskError=type("RayTaskError", (Exception,), {}), RayError=ConnectionResetError)

    def __init__(self):
        self.connected, self.calls = False, []

    def is_initialized(self):
        return self.connected

    def init(self, address, **_):
        self.connected = True
        self.calls.append(address)

    def shutdown(self):
        self.connected = False

    def remote(self, function):
        return SimpleNamespace(remote=function)

    def get(self, answers):
        return answers


class Noting(Worker):
    """Notes in a file what it is asked."""

    def __init__(self, path, name):
        self.path, self.name = path, name

    def _note(self, word):
        with self.path.open("a") as file:
            file.write(f"{self.name}: {word}\n")

    def open(self):
        self._note("open")

    def do(self, task):
        if task == "fails":
            raise ConnectionResetError("the head is gone")
        self._note(task)

    def close(self):
        self._note("close")


@pytest.fixture
def ray(monkeypatch):
    ray = Cluster()
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(ray_tasks, "_connections", [])
    monkeypatch.setattr(ray_tasks, "_workers", {})
    return ray


def test_lists_of_tasks_share_a_connection_and_each_closes_the_worker_of_the_one_before(ray, tmp_path):
    for name in "ab":
        ray_tasks.run_tasks("local", ["1", "2"], Noting(tmp_path / "notes", name))
    assert ray.calls == ["local"]
    told = (tmp_path / "notes").read_text().splitlines()
    assert told == ["a: open", "a: 1", "a: 2", "a: close", "b: open", "b: 1", "b: 2"]
    ray_tasks.run_tasks("local", ["3"], Noting(tmp_path / "notes", "b"))
    assert (tmp_path / "notes").read_text().splitlines()[len(told) :] == ["b: close", "b: open", "b: 3"]


def test_another_cluster_or_one_that_was_left_is_connected_to_anew(ray, tmp_path):
    def run(address):
        ray_tasks.run_tasks(address, ["1"], Noting(tmp_path / "notes", ""))

    run("local")
    run("auto")
    ray.shutdown()
    run("auto")
    assert ray.calls == ["local", "auto", "auto"]


def test_tasks_that_fail_leave_no_connection(ray, tmp_path):
    ray_tasks.run_tasks("local", ["1"], Noting(tmp_path / "notes", ""))
    with pytest.raises(UsageError, match=r"^the Ray cluster at local lost a task: the head is gone$"):
        ray_tasks.run_tasks("local", ["fails"], Noting(tmp_path / "notes", ""))
    assert not ray.connected
