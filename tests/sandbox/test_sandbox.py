"""A function that hangs, crashes or eats memory costs its own call and no other."""

import contextlib
import ctypes
import functools
import gc
import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
import types
from pathlib import Path

import pytest

from webtext.errors import UsageError
from webtext.sandbox.forking import Nursery, can_fork
from webtext.sandbox.sandbox import Failure, Sandbox, _Child, setup_of

MEMORY = 1 << 28


@pytest.fixture(params=["interpreter", "forked"])
def run(request):
    """Evaluate expressions in a sandbox of half a CPU second and 256 MiB, however its children begin."""
    if request.param == "interpreter":
        with Sandbox(eval, 0.5, MEMORY) as sandboxed:
            yield sandboxed
        return
    if not can_fork():
        pytest.skip("children are forked on Linux alone")
    nursery = Nursery(setup_of(eval, 0.5, MEMORY))
    with contextlib.closing(nursery), Sandbox(eval, 0.5, MEMORY, nursery) as sandboxed:
        yield sandboxed


class Patient:
    """A function that notes, where it is loaded, how often garbage is looked for."""

    def __setstate__(self, _):
        self.threshold = gc.get_threshold()[0]

    def __getstate__(self):
        return True

    def __call__(self):
        return self.threshold, gc.get_freeze_count() > 0


def test_garbage_is_looked_for_seldom_while_the_function_is_loaded():
    with Sandbox(Patient(), 5, MEMORY) as sandboxed:
        threshold, is_frozen = sandboxed()
    assert threshold > 10_000
    assert is_frozen


class Wasteful:
    """A function that is loaded by way of a hundred megabytes, which it lets go but for the last kilobyte."""

    def __getstate__(self):
        return True

    def __setstate__(self, _):
        self.kept = [bytes(1000) for _ in range(100_000)][-1]

    def __call__(self):
        return len(self.kept)


@pytest.mark.skipif(sys.platform != "linux" or not can_fork(), reason="what a process holds is read in /proc")
def test_what_loading_took_goes_back_before_children_are_forked():
    with contextlib.closing(Nursery(setup_of(Wasteful(), 5, MEMORY))) as nursery:
        nursery.start()
        pages = int(Path(f"/proc/{nursery._home._process.pid}/statm").read_text().split()[1])
    assert pages * resource.getpagesize() < 64 << 20


def child_of(sandbox):
    return sandbox._child._process


def test_values_come_back_and_the_child_is_used_again(run):
    assert run("6 * 7") == 42
    child = child_of(run).pid
    assert run("{'a': [b'x' * 3_000_000]}") == {"a": [b"x" * 3_000_000]}
    assert child_of(run).pid == child
    assert run("__import__('os').getpid()") == child != os.getpid()


@pytest.mark.parametrize(
    ("expression", "failure"),
    [
        ("sum(range(10**12))", Failure("timeout")),  # Python code
        ("pow(7, 10**8, 10**9 + 7) and 3 ** (10**8)", Failure("timeout")),  # C code that never looks up
        ("__import__('ctypes').string_at(0)", Failure("crash", "SIGSEGV")),
        ("__import__('os').abort()", Failure("crash", "SIGABRT")),
        ("__import__('os')._exit(3)", Failure("crash", "exit status 3")),
        ("1 / 0", Failure("crash", "ZeroDivisionError: division by zero")),
        ("len(bytearray(10**9))", Failure("memory", "MemoryError: ")),
        ("[bytearray(10**7) for _ in range(100)]", Failure("memory", "MemoryError: ")),
        ("__import__('os').kill(__import__('os').getpid(), 9)", Failure("memory", "killed by the system")),
    ],
)
def test_a_failure_is_a_value_and_the_next_call_works(run, expression, failure):
    assert run("1") == 1
    assert run(expression) == failure
    assert run("2") == 2


def test_a_call_that_waits_is_given_up():
    with Sandbox(time.sleep, 1, MEMORY) as sandboxed:
        sandboxed._wall_seconds = 0.3
        assert sandboxed(60) == Failure("timeout")
        sandboxed._wall_seconds = 60
        assert sandboxed(0) is None


def test_cpu_time_counts_not_wall_time():
    with Sandbox(time.sleep, 0.2, MEMORY) as sandboxed:
        assert sandboxed(0.8) is None


def test_what_a_function_prints_is_no_answer(run):
    assert run("print('x' * 9) or __import__('sys').stdout.flush() or 5") == 5


def test_a_child_that_held_much_memory_is_replaced(run):
    assert run("len(bytearray(b'x') * (150 << 20))") == 150 << 20
    assert run._child is None
    assert run("3") == 3


def test_a_crash_left_behind_by_an_earlier_call_is_not_charged_to_the_next(run):
    assert run("globals().update(poison=1) or 1") == 1
    assert run("__import__('os').abort() if 'poison' in globals() else 'clean'") == "clean"


def test_a_child_killed_from_outside_between_calls_is_replaced(run):
    assert run("1") == 1
    os.kill(child_of(run).pid, signal.SIGTERM)
    child_of(run).wait()
    assert run("2") == 2


def test_a_call_whose_child_the_system_ends_is_tried_three_times(run, tmp_path):
    program = "[open({0!r}, 'a').write('x'), __import__('os').stat({0!r}).st_size > {1} or __import__('os').kill(0, 9)]"
    for most, outcome in ((1, [1, True]), (9, Failure("memory", "killed by the system"))):
        tries = tmp_path / str(most)
        assert run(program.format(str(tries), most)) == outcome
        assert tries.stat().st_size == min(3, most + 1)


def test_the_hash_seed_is_fixed():
    ask = functools.partial(eval, "hash('webtext')")
    answers = set()
    for _ in range(2):
        with Sandbox(ask, 1, MEMORY) as sandboxed:
            answers.add(sandboxed())
    assert len(answers) == 1


def test_the_child_goes_when_the_parent_is_killed():
    program = (
        "import os, sys\nfrom webtext.sandbox.sandbox import Sandbox\n"
        "s = Sandbox(eval, 1, 1 << 28)\nprint(s('__import__(\"os\").getpid()'), flush=True)\nos.kill(os.getpid(), 9)"
    )
    child = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stdout)
    for _ in range(1200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the child is still there")


def test_impossible_limits_are_refused():
    with pytest.raises(ValueError, match="limits must be positive"):
        Sandbox(len, 0, 1)


def test_what_the_child_cannot_load_is_a_bug_and_says_so(monkeypatch, capfd):
    module = types.ModuleType("only_here")
    exec("def function(): pass", module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "only_here", module)
    with Sandbox(module.function, 1, MEMORY) as sandboxed, pytest.raises(RuntimeError, match="did not start"):
        sandboxed()
    assert "No module named 'only_here'" in capfd.readouterr().err


def fewer_each_time(folder):
    """Give what ends the process that unpickles it, with -9, as often as there are files in a folder."""
    return functools.partial(len, _Deadly(folder))


class _Deadly:
    def __init__(self, folder):
        self.folder = folder

    def __len__(self):
        return 7

    def __setstate__(self, state):
        self.__dict__.update(state)
        for path in self.folder.iterdir():
            path.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_child_that_the_system_ends_as_it_starts_is_started_again(tmp_path):
    for number in range(2):
        (tmp_path / str(number)).touch()
    with Sandbox(fewer_each_time(tmp_path), 1, MEMORY) as sandboxed:
        assert sandboxed() == 7
    assert not list(tmp_path.iterdir())


def test_children_that_the_system_ends_one_after_another_are_told_of(tmp_path):
    for number in range(9):
        (tmp_path / str(number)).touch()
    with (
        Sandbox(fewer_each_time(tmp_path), 1, MEMORY) as sandboxed,
        pytest.raises(UsageError, match=r"memory is short; try fewer --workers"),
    ):
        sandboxed()
    assert len(list(tmp_path.iterdir())) == 6


def test_no_copy_of_a_request_is_kept_while_it_is_worked_on(monkeypatch):
    page, held = bytes(10 << 20), []
    with Sandbox(len, 10.0, MEMORY) as sandboxed:
        sandboxed(b"")
        real = _Child._receive
        monkeypatch.setattr(
            _Child, "_receive", lambda *given: (held.append(tracemalloc.get_traced_memory()[0]), real(*given))[1]
        )
        tracemalloc.start()
        assert sandboxed(page) == len(page)
        tracemalloc.stop()
    assert held[0] < len(page) // 2  # the page itself was there before


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can be asked")
def test_memory_that_a_call_has_freed_goes_back_to_the_system(run):
    resident = "int(__import__('re').search(r'VmRSS:\\s*(\\d+)', open('/proc/self/status').read())[1]) >> 10"
    before = run(resident)
    fill = "[bytes(3000) for _ in range(30_000)]"  # beside one another on the heap, and something small behind them
    during = run(f"[globals().update(many={fill}, last=bytes(3000)), {resident}, globals().pop('many') and None][1]")
    assert during - before > 80
    assert run(resident) - before < 30


def test_a_child_of_a_large_parent_is_used_again():
    program = (
        "import os\n"
        "from webtext.sandbox.sandbox import Sandbox\n"
        "ballast = bytearray(300 << 20)\n"
        "ballast[:: 4096] = b'x' * len(ballast[:: 4096])\n"
        "with Sandbox(os.getpid, 5.0, 256 << 20) as sandboxed:\n"
        "    print(sandboxed() == sandboxed())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"


def test_a_folder_of_the_users_that_is_named_like_ours_is_not_taken_for_it(tmp_path, monkeypatch):
    (tmp_path / "webtext").mkdir()
    (tmp_path / "webtext" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    with Sandbox(len, 10.0, 1 << 28) as sandboxed:
        assert sandboxed("abc") == 3
