"""Children that are forked from one process: what is loaded is loaded once, and nothing outlives what it belongs to."""

import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox.test_sandbox import fewer_each_time
from webtext.errors import UsageError
from webtext.sandbox import forking
from webtext.sandbox.forking import Nursery, can_fork
from webtext.sandbox.pool import SandboxPool
from webtext.sandbox.sandbox import Failure, Sandbox, setup_of

MEMORY = 1 << 28
LIMITS = 1, MEMORY
ASK = "[__import__('os').getpid(), __import__('os').getppid(), __import__('os').getpgid(0)]"

pytestmark = pytest.mark.skipif(not can_fork(), reason="children are forked on Linux alone")


@pytest.fixture
def nursery():
    with contextlib.closing(Nursery(setup_of(eval, *LIMITS))) as made:
        yield made


def has_ended(process):
    """Wait up to a minute for the end of a process that is not ours."""
    for _ in range(1200):
        try:
            state = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":  # nobody has asked yet how it ended
            return True
        time.sleep(0.05)
    return False


class Noting:
    """A function that notes where it is loaded."""

    def __init__(self, path):
        self.path = path

    def __setstate__(self, state):
        self.__dict__.update(state)
        with Path(self.path).open("a") as notes:
            notes.write(f"{os.getpid()}\n")

    def __call__(self, what):
        return eval(what)  # noqa: S307


def test_several_children_load_the_function_once_and_those_that_take_their_place_not_at_all(tmp_path):
    notes = tmp_path / "notes"
    with SandboxPool(Noting(str(notes)), *LIMITS, processes=3) as pool:
        futures = [pool.submit("__import__('os').abort()" if number == 4 else ASK) for number in range(12)]
        answers = [future.result() for future in futures]
    assert answers[4] == Failure("crash", "SIGABRT")
    homes = {home for _, home, _ in answers[:4] + answers[5:]}
    assert [f"{home}\n" for home in homes] == notes.read_text().splitlines(keepends=True)
    assert all(child == group for child, _, group in answers[:4] + answers[5:])  # a group of its own


def test_one_child_alone_is_an_interpreter():
    with SandboxPool(eval, *LIMITS, processes=1) as pool:
        assert pool.submit(ASK).result()[1] == os.getpid()


def test_without_what_linux_gives_every_child_is_an_interpreter(monkeypatch):
    monkeypatch.delattr(os, "pidfd_open")
    with SandboxPool(eval, *LIMITS, processes=2) as pool:
        assert {pool.submit(ASK).result()[1] for _ in range(4)} == {os.getpid()}


def test_children_end_with_the_process_they_come_from_and_the_next_call_has_another(nursery):
    with Sandbox(eval, *LIMITS, nursery) as sandboxed:
        child, home, _ = sandboxed(ASK)
        os.kill(home, signal.SIGKILL)
        assert has_ended(child)
        later = sandboxed(ASK)
        assert isinstance(later, list)
        assert {child, home}.isdisjoint(later)


def test_a_call_during_which_all_is_killed_is_tried_again(nursery):
    with Sandbox(eval, *LIMITS, nursery) as sandboxed:
        assert sandboxed("__import__('os').kill(__import__('os').getppid(), 9) or __import__('time').sleep(60)") == (
            Failure("memory", "killed by the system")
        )
        assert sandboxed("1") == 1


def test_a_signal_to_a_child_that_has_been_waited_for_goes_nowhere(nursery):
    child = nursery.start()
    child.send_signal(signal.SIGTERM)
    assert child.wait() == -signal.SIGTERM
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGTERM
    child.close()


def test_all_goes_when_the_parent_is_killed():
    program = (
        "import os\nfrom webtext.sandbox.pool import SandboxPool\n"
        f"pool = SandboxPool(eval, 60, {MEMORY}, 2)\n"
        f"print(*pool.submit({ASK!r}).result()[:2], flush=True)\n"
        "pool.submit('sum(range(10**12))')\nos.kill(os.getpid(), 9)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert all(has_ended(int(process)) for process in ran.stdout.split())


def test_closing_leaves_no_process(nursery):
    with Sandbox(eval, *LIMITS, nursery) as sandboxed:
        processes = sandboxed(ASK)[:2]
    nursery.close()
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_what_is_sent_to_a_child_that_is_gone_reaches_no_other(nursery):
    gone = nursery.start()
    gone.send_signal(signal.SIGKILL)
    gone.wait()
    gone.close()
    with Sandbox(eval, *LIMITS, nursery) as sandboxed:  # it is given the number of the handle that was closed
        child = sandboxed("__import__('os').getpid()")
        gone.send_signal(signal.SIGKILL)
        assert sandboxed("__import__('os').getpid()") == child


def test_what_cannot_be_loaded_is_told_of(capfd):
    setup = setup_of(eval, *LIMITS).replace(b"eval", b"evil")
    with contextlib.closing(Nursery(setup)) as made, pytest.raises(RuntimeError, match="ended with 1"):
        made.start()
    assert "evil" in capfd.readouterr().err


def test_a_nursery_that_the_system_ends_as_it_starts_is_started_again(tmp_path):
    for number in range(2):
        (tmp_path / str(number)).touch()
    function = fewer_each_time(tmp_path)
    with (
        contextlib.closing(Nursery(setup_of(function, *LIMITS))) as made,
        Sandbox(function, *LIMITS, made) as sandboxed,
    ):
        assert sandboxed() == 7


def test_where_the_system_ends_one_after_another_memory_is_short(monkeypatch):
    monkeypatch.setattr(forking._Home, "fork", lambda *_: None)
    with (
        contextlib.closing(Nursery(setup_of(eval, *LIMITS))) as made,
        pytest.raises(UsageError, match=r"memory is short; try fewer --workers"),
    ):
        made.start()


def test_the_time_of_children_is_told_of_as_that_of_their_parent():
    program = (
        "import functools, resource\nfrom webtext.sandbox.pool import SandboxPool\n"
        f"with SandboxPool(eval, 60, {MEMORY}, 2) as pool:\n"
        "    pool.submit('[n for n in range(90) if sum(range(10**6)) < 0]').result()\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)"
    )
    alone = functools.partial(subprocess.run, capture_output=True, text=True, check=True)
    assert float(alone([sys.executable, "-c", program]).stdout) > 0.2


def test_a_default_timeout_of_sockets_changes_nothing():
    """Beam sets one where it reads gs://, and a socket with a timeout does not wait in the process that forks."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.05)
    try:
        with SandboxPool(eval, *LIMITS, 2) as pool:
            time.sleep(0.2)
            assert pool.submit("6 * 7").result() == 42
            time.sleep(0.2)
            assert pool.submit("6 * 8").result() == 48
    finally:
        socket.setdefaulttimeout(before)
