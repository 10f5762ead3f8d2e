"""Whose turn it is: many hosts at once, one request at a time to each, and a rest between two requests.

A host with a million links must neither block the others nor be asked more often than any other host. So links wait in
a queue of their host, and what the workers share is a heap of the hosts that wait for their turn.
"""

import heapq
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from webtext.hashing import hash64

Item = TypeVar("Item")
_LONGEST_WAIT = 3600.0  # seconds; a thread looks again at least so often


class Frontier(Generic[Item]):
    """Queues of work by host, for many threads.

    A thread takes an item, works on it, and releases the host with the seconds of rest it is owed. While an item is
    out, no other of that host is given; the rest begins when the host is released, which is after the response, so two
    requests are never closer than the rest, however slow the first was.
    """

    def __init__(
        self,
        requests_per_second: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        deadline: float = float("inf"),
    ) -> None:
        """Limit all hosts together to `requests_per_second`, 0 is no limit; give nothing out from the deadline on."""
        self._interval = 1 / requests_per_second if requests_per_second else 0.0
        self._clock, self._deadline = clock, deadline
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # Here a thread waits until another one notifies it.
        self._turn = threading.Condition(self._lock)  # Here one thread waits until the next turn is due.
        self._queues: dict[str, list[Item]] = {}  # what waits at each host, in its order
        self._fronts: dict[str, list[Item]] = {}  # what goes before that, the next one last
        self._ready_at: dict[str, float] = {}  # each host that was asked; one never asked is ready
        self._turns: list[tuple[float, int, str]] = []  # heap of (ready at, order, host): hosts with work, none out
        self._order = 0
        self._out: set[str] = set()
        self._next_request = 0.0
        self._has_sleeper = False
        self._closed = False

    def put(self, host: str, item: Item, *, first: bool = False) -> None:
        """Queue an item of a host; `first` puts it before those that wait already."""
        with self._lock:
            was_empty = not self._has_work(host)
            (self._fronts if first else self._queues).setdefault(host, []).append(item)
            if was_empty and host not in self._out:
                self._enter(host)

    def hosts(self) -> int:
        """Count the hosts that wait."""
        with self._lock:
            return len(self._turns)

    def _has_work(self, host: str) -> bool:
        return host in self._queues or host in self._fronts

    def _enter(self, host: str) -> None:
        self._order += 1
        heapq.heappush(self._turns, (self._ready_at.get(host, 0.0), self._order, host))
        if not self._has_sleeper:
            self._work.notify()
        elif self._turns[0][2] == host:
            self._turn.notify()

    def take(self) -> tuple[str, Item] | None:
        """Wait for the next turn; None when no work is left, the frontier is closed, or its deadline is over."""
        with self._lock:
            while not self._closed and self._clock() < self._deadline:
                if not self._turns and not self._out:
                    break
                wait = max(self._turns[0][0], self._next_request) - self._clock() if self._turns else _LONGEST_WAIT
                if wait <= 0:
                    return self._give()
                if not self._turns or self._has_sleeper:
                    self._work.wait()
                else:
                    self._has_sleeper = True
                    self._turn.wait(min(wait, self._deadline - self._clock(), _LONGEST_WAIT))
                    self._has_sleeper = False
            self._wake_all()
            return None

    def _give(self) -> tuple[str, Item]:
        host = heapq.heappop(self._turns)[2]
        self._out.add(host)
        front = self._fronts.pop(host, None) or self._queues.pop(host)[::-1]
        item = front.pop()
        if front:
            self._fronts[host] = front
        if self._interval:
            self._next_request = max(self._next_request, self._clock()) + self._interval
        if self._turns and not self._has_sleeper:
            self._work.notify()
        return host, item

    def release(self, host: str, rest: float) -> None:
        """Give a host back, to be asked again in `rest` seconds at the earliest."""
        with self._lock:
            self._out.remove(host)
            self._ready_at[host] = self._clock() + rest
            if self._has_work(host):
                self._enter(host)
            elif not self._out and not self._turns:
                self._wake_all()

    def close(self) -> None:
        """Give out nothing more and wake all who wait."""
        with self._lock:
            self._closed = True
            self._wake_all()

    def reopen(self) -> None:
        """Give out again what was left when the frontier was closed."""
        with self._lock:
            self._closed = False

    def _wake_all(self) -> None:
        self._work.notify_all()
        self._turn.notify_all()


def backoff(attempt: int, initial: float, longest: float, identity: str) -> float:
    """Give the seconds to wait before trying again: doubled with each attempt, with a jitter of up to a half.

    The jitter is a function of the identity, so that hosts that failed together do not come back together and yet the
    same crawl waits alike.

    >>> [round(backoff(attempt, 5, 60, "a.test")) for attempt in (1, 2, 3, 9)]
    [6, 12, 28, 60]
    """
    share: float = hash64(f"{identity} {attempt}".encode(), salt=b"backoff") / 2**64
    return min(longest, initial * 2.0 ** (attempt - 1) * (1 + share / 2))
