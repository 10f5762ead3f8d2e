"""One run at a time writes a directory; the lock of a run that is dead is nobody's."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipelines.stages import lock
from pipelines.stages.lock import locked
from pipelines.stages.stage import Stage, run_stage
from webtext import clouds
from webtext.errors import UsageError
from webtext.manifest import Counts

HOLD = (
    "import sys, time\n"
    "from pipelines.stages.lock import locked\n"
    "with locked(sys.argv[1]):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(600)\n"
)


def holder(directory, program=HOLD):
    process = subprocess.Popen([sys.executable, "-c", program, directory], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_is_at_work_and_the_lock_ends_with_a_kill(tmp_path):
    directory = str(tmp_path / "pages")
    process = holder(directory)
    says = rf"pages is being written by process {process.pid} on {socket.gethostname()}: wait"
    with pytest.raises(UsageError, match=says), locked(directory):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with locked(directory):
        assert json.loads((tmp_path / "pages.lock").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


FORK = """    import os
    child = os.fork()
    if child:
        print(child, flush=True)
"""
FORKING = HOLD.replace("    time.sleep(600)\n", f"{FORK}    time.sleep(600)\n")


def test_a_child_that_outlives_a_killed_run_does_not_hold_its_lock(tmp_path):
    process = holder(str(tmp_path / "pages"), FORKING)
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    try:
        with locked(str(tmp_path / "pages")):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()


def test_two_threads_of_one_process_are_two_runs(tmp_path):
    refused = []

    def other():
        try:
            with locked(str(tmp_path / "pages")):
                pass
        except UsageError as error:
            refused.append(str(error))

    with locked(f"{tmp_path}/pages/"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_a_stage_is_locked_while_it_works_and_not_after(tmp_path):
    stage = Stage("documents", str(tmp_path / "documents"), {}, ())

    def work(directory):
        with pytest.raises(UsageError, match="documents is being written"):
            run_stage(stage, lambda _: None, lambda _: Counts(0, 0))
        Path(directory, "data").write_text("x")

    run_stage(stage, work, lambda _: Counts(0, 0))
    run_stage(stage, work, lambda _: Counts(0, 0))
    assert not (tmp_path / "documents.lock").exists()


def test_where_no_lock_can_be_had_the_user_is_told(tmp_path, monkeypatch, caplog):
    def refused(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock.fcntl, "lockf", refused)
    with locked(str(tmp_path / "pages")):
        pass
    assert "cannot be locked (Operation not supported): see to it yourself" in caplog.text


class Bucket:
    """A store of objects in memory."""

    def __init__(self):
        self.objects = {}

    def install(self, monkeypatch):
        monkeypatch.setattr(lock, "SETTLE", 0.0)
        monkeypatch.setattr(lock, "WATCH", 0.0)
        monkeypatch.setattr(clouds, "is_there", self.objects.__contains__)
        monkeypatch.setattr(clouds, "remove_remote", lambda path: self.objects.pop(path, None))
        monkeypatch.setattr(lock, "_said", lambda path: json.loads(self.objects.get(path, "{}")))
        monkeypatch.setattr(lock, "_write", self.write)

    def write(self, path, token):
        self.objects[path] = json.dumps({**lock._owner(), "token": token, "at": time.time()})


PLACE, OTHER = "gs://bucket/out/pages", "of another run"


@pytest.fixture
def bucket(monkeypatch):
    made = Bucket()
    made.install(monkeypatch)
    return made


def test_a_lock_in_a_bucket_keeps_others_off_and_is_taken_away(bucket, monkeypatch):
    with locked(PLACE):
        lock._held.clear()
        monkeypatch.setattr("pipelines.stages.lock.os.getpid", os.getppid)  # it looks like another process
        with pytest.raises(UsageError, match=r"\(its lock is gs://bucket/out/pages.lock\)"), locked(PLACE):
            pass
    assert bucket.objects == {}


@pytest.mark.parametrize(
    "said",
    [
        {"pid": 1, "host": "elsewhere", "at": 0},  # long ago
        {"pid": 2**22 + 1, "host": socket.gethostname(), "at": time.time()},  # no such process
        {},
        {"pid": 1, "host": "elsewhere", "at": "soon"},
        {"pid": os.getpid(), "host": socket.gethostname(), "at": time.time()},  # a container that was started again
    ],
)
def test_the_lock_of_a_dead_run_is_taken_over(bucket, said):
    bucket.objects[f"{PLACE}.lock"] = json.dumps(said)
    with locked(PLACE):
        assert json.loads(bucket.objects[f"{PLACE}.lock"])["pid"] == os.getpid()


@pytest.mark.parametrize("said", [{"pid": 1, "host": "elsewhere"}, {"pid": os.getppid(), "host": socket.gethostname()}])
def test_the_lock_of_a_run_that_gives_signs_of_life_stands(bucket, said):
    bucket.objects[f"{PLACE}.lock"] = json.dumps({**said, "at": time.time() - 60})
    with pytest.raises(UsageError, match="is being written by"), locked(PLACE):
        pass
    assert json.loads(bucket.objects[f"{PLACE}.lock"])["pid"] == said["pid"]


def test_of_two_that_saw_no_lock_one_gives_way(bucket, monkeypatch):
    monkeypatch.setattr("pipelines.stages.lock.time.sleep", lambda _: bucket.write(f"{PLACE}.lock", OTHER))
    with pytest.raises(UsageError, match="is being written by"), locked(PLACE):
        pass
    assert json.loads(bucket.objects[f"{PLACE}.lock"])["token"] == OTHER


def test_a_run_that_goes_on_gives_signs_of_life(bucket, monkeypatch):
    monkeypatch.setattr(lock, "BEAT", 0.001)
    with locked(PLACE):
        first = bucket.objects[f"{PLACE}.lock"]
        deadline = time.monotonic() + 60
        while bucket.objects[f"{PLACE}.lock"] == first:
            assert time.monotonic() < deadline
            time.sleep(0.001)


@pytest.mark.parametrize("off", [-3 * 3600, 3 * 3600])
def test_a_run_whose_clock_is_another_is_alive_while_it_writes(bucket, monkeypatch, off):
    theirs = {"pid": 1, "host": "elsewhere", "token": OTHER}
    bucket.objects[f"{PLACE}.lock"] = json.dumps({**theirs, "at": time.time() + off})

    def sleep(_):
        bucket.objects[f"{PLACE}.lock"] = json.dumps({**theirs, "at": time.time() + off + 1})

    monkeypatch.setattr("pipelines.stages.lock.time.sleep", sleep)
    with pytest.raises(UsageError, match="is being written by process 1 on elsewhere"), locked(PLACE):
        pass


def test_a_run_that_was_taken_for_dead_ends_and_leaves_the_lock_to_the_other(bucket, monkeypatch, caplog):
    ended = threading.Event()
    monkeypatch.setattr(lock, "BEAT", 0.001)
    monkeypatch.setattr("pipelines.stages.lock._thread.interrupt_main", lambda _: ended.set())
    with locked(PLACE):
        bucket.write(f"{PLACE}.lock", OTHER)
        assert ended.wait(60)
    assert json.loads(bucket.objects[f"{PLACE}.lock"])["token"] == OTHER
    assert "it has taken this one for dead" in caplog.text


def test_a_lock_that_nfs_lost_is_made_anew(tmp_path, monkeypatch):
    stat, lost = os.stat, [OSError(errno.ESTALE, "Stale file handle")]

    def looked(*arguments, **named):
        if str(arguments[0]).endswith("pages.lock") and lost:
            raise lost.pop()
        return stat(*arguments, **named)

    monkeypatch.setattr("pipelines.stages.lock.os.stat", looked)
    with locked(str(tmp_path / "pages")):
        assert not lost
