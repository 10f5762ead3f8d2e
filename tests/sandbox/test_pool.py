"""Calls are done by several children at once, each answered by its own future; closing ends what they are at."""

import os
import time
from pathlib import Path

import pytest

from webtext.sandbox.pool import SandboxPool
from webtext.sandbox.sandbox import Failure

MEMORY = 1 << 28


def meet(folder):
    """Wait until two processes are here."""
    Path(folder, str(os.getpid())).touch()
    while len(os.listdir(folder)) < 2:  # noqa: PTH208
        time.sleep(0.01)
    return os.getpid()


def test_each_call_gets_its_own_answer_from_as_many_children_as_were_asked_for():
    with SandboxPool(eval, 2, MEMORY, processes=3) as pool:
        futures = [pool.submit(f"({number} ** 2, __import__('os').getpid())") for number in range(60)]
        answers = [future.result() for future in futures]
    assert [square for square, _ in answers] == [number**2 for number in range(60)]
    assert 1 <= len({process for _, process in answers}) <= 3


def test_calls_are_done_side_by_side(tmp_path):
    with SandboxPool(meet, 2, MEMORY, processes=2) as pool:
        processes = {future.result() for future in [pool.submit(str(tmp_path)) for _ in range(2)]}
    assert processes == {int(path.name) for path in tmp_path.iterdir()}


def test_a_call_that_fails_costs_itself_alone():
    with SandboxPool(eval, 2, MEMORY, processes=2) as pool:
        futures = [pool.submit("__import__('os').abort()" if number == 3 else str(number)) for number in range(8)]
        answers = [future.result() for future in futures]
    assert answers == [0, 1, 2, Failure("crash", "SIGABRT"), 4, 5, 6, 7]


def test_closing_ends_what_is_under_way_and_does_nothing_more(tmp_path):
    pool = SandboxPool(eval, 60, MEMORY, processes=2)
    program = "open({!r}, 'x').close() or __import__('time').sleep(600)"
    futures = [pool.submit(program.format(str(tmp_path / str(number)))) for number in range(4)]
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    children = [sandbox._child._process for sandbox in pool._sandboxes]
    pool.close()
    assert [child.returncode for child in children] == [-9, -9]
    assert [future.cancelled() for future in futures] == [False, False, True, True]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("moment", [0.0, 0.2])
def test_closing_while_children_start_leaves_none_behind(moment):
    pool = SandboxPool(eval, 60, MEMORY, processes=2)
    for _ in range(4):
        pool.submit("1")
    time.sleep(moment)
    pool.close()
    assert all(sandbox._child is None for sandbox in pool._sandboxes)
