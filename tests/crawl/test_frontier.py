"""The frontier by itself, on a clock of the test's own, and under many threads."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.frontier import Frontier, backoff


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_items_of_a_host_come_in_their_order():
    frontier = Frontier(clock=Clock())
    for item in "abc":
        frontier.put("host", item)
    frontier.put("host", "urgent", first=True)
    taken = []
    while (turn := frontier.take()) is not None:
        taken.append(turn)
        frontier.release("host", 0)
    assert taken == [("host", item) for item in ("urgent", "a", "b", "c")]


def test_hosts_take_turns():
    frontier = Frontier(clock=Clock())
    for item in (1, 2):
        for host in ("a", "b"):
            frontier.put(host, f"{host}{item}")
    taken = []
    for _ in range(4):
        host, item = frontier.take()
        taken.append(item)
        frontier.release(host, 0)
    assert taken == ["a1", "b1", "a2", "b2"]


def test_a_host_that_is_out_or_rests_is_not_given():
    clock = Clock()
    frontier = Frontier(clock=clock)
    frontier.put("a", 1)
    frontier.put("a", 2)
    frontier.put("b", 3)
    assert frontier.take() == ("a", 1)
    assert frontier.take() == ("b", 3)  # a is out
    frontier.release("a", 5)
    frontier.put("c", 4)
    assert frontier.take() == ("c", 4)  # a rests
    clock.now += 5
    assert frontier.take() == ("a", 2)
    for host in "abc":
        frontier.release(host, 0)
    assert frontier.take() is None


def test_rest_counts_for_work_that_comes_later():
    clock = Clock()
    frontier = Frontier(clock=clock)
    frontier.put("a", 1)
    frontier.take()
    frontier.release("a", 5)
    frontier.put("a", 2)
    frontier.put("b", 3)
    assert frontier.take() == ("b", 3)


def test_all_hosts_together_have_a_rate():
    clock = Clock()
    frontier = Frontier(requests_per_second=2, clock=clock)
    for host in "abc":
        frontier.put(host, host)
    assert frontier.take() == ("a", "a")
    result = []
    thread = threading.Thread(target=lambda: result.append(frontier.take()), daemon=True)
    thread.start()
    thread.join(0.05)
    assert result == []
    clock.now += 0.5
    thread.join(60)
    assert result == [("b", "b")]


def test_nothing_is_given_out_after_the_deadline():
    """Not even to those who wait for a host that rests for longer than that: they go home."""
    frontier = Frontier(deadline=time.monotonic() + 1)
    for item in range(2):
        frontier.put("a", item)
    assert frontier.take() == ("a", 0)
    frontier.release("a", 10_000)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: frontier.take(), range(4))) == [None] * 4


def test_closing_wakes_all_who_wait():
    frontier = Frontier()
    frontier.put("a", 1)
    frontier.put("a", 2)
    frontier.take()
    results = []
    threads = [threading.Thread(target=lambda: results.append(frontier.take()), daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    frontier.close()
    for thread in threads:
        thread.join(60)
    assert results == [None] * 5


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), max_size=40), st.integers(1, 8))
def test_threads_do_all_work_once_and_never_two_items_of_a_host(works, workers):
    """Each item may bring more work, for its own host or another's, as redirects do."""
    frontier = Frontier()
    out, done, clashes = Counter(), Counter(), []
    lock = threading.Lock()
    for number, (host, more) in enumerate(works):
        frontier.put(host, (number, more))

    def work():
        while (turn := frontier.take()) is not None:
            host, (number, more) = turn
            with lock:
                out[host] += 1
                if out[host] > 1:
                    clashes.append(host)
                done[number, more] += 1
            if more:
                frontier.put("abcdef"[(number + more) % 6], (number, more - 1), first=bool(number % 2))
            with lock:
                out[host] -= 1
            frontier.release(host, 0.0002 * (number % 2))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert clashes == []
    assert done == {(number, left): 1 for number, (_, more) in enumerate(works) for left in range(more + 1)}


@given(st.integers(1, 40), st.floats(0.1, 10), st.floats(10, 300), st.text(max_size=9))
def test_backoff_doubles_within_its_jitter_and_its_limit(attempt, initial, longest, identity):
    wait = backoff(attempt, initial, longest, identity)
    plain = initial * 2 ** (attempt - 1)
    assert min(plain, longest) <= wait <= min(plain * 1.5, longest)
    assert wait == backoff(attempt, initial, longest, identity)


def test_backoff_differs_between_hosts():
    assert len({backoff(1, 5, 60, f"host{number}.test") for number in range(50)}) == 50


def test_nothing_to_do_is_over_at_once():
    assert Frontier().take() is None


@pytest.mark.parametrize("host", ["a", "b"])
def test_only_hosts_that_are_out_are_released(host):
    frontier = Frontier()
    frontier.put("a", 1)
    with pytest.raises(KeyError):
        frontier.release(host, 0)
