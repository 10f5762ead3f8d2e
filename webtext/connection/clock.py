"""The time of an exchange: what one step may take, and an end that comes whatever a peer does.

A server that sends a byte a second never trips a timeout between two reads. So each read of a socket is bounded by what
is left of the whole exchange, and whoever computes looks at the clock. Beside that a watchdog shuts the socket of an
exchange that is over its time, so that the end does not hang on every step having kept to the rule.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")
_GRACE = 2.0  # seconds over its time after which an exchange's socket is shut
_LOOKS = 1.0  # seconds between two looks of the watchdog


class _Time(threading.local):
    deadline = float("inf")  # the end of the exchange that this thread is in, by the monotonic clock
    idle = 30.0  # seconds that one read may take


_time = _Time()
_lock = threading.Lock()
_sockets: dict[int, tuple[float, socket.socket]] = {}  # each thread's exchange: its deadline and its socket
_watchdog: list[threading.Thread] = []  # one at most


@contextlib.contextmanager
def exchange_time(total_seconds: float, idle_seconds: float) -> Iterator[Callable[[], float]]:
    """Bound all reads of this thread's sockets while the block runs; gives a function that tells the seconds left."""
    before = _time.deadline, _time.idle
    _time.deadline, _time.idle = time.monotonic() + total_seconds, idle_seconds
    try:
        yield lambda: _time.deadline - time.monotonic()
    finally:
        _time.deadline, _time.idle = before
        with _lock:
            _sockets.pop(threading.get_ident(), None)


def allowed_seconds() -> float:
    """Give the seconds that this thread's sockets may take for one step.

    Raises:
        TimeoutError: the time for the whole exchange is used up.
    """
    left = _time.deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for the whole exchange is used up")
    return min(left, _time.idle)


def watch(opened: socket.socket) -> None:
    """Have a socket shut when the exchange that this thread is in is over its time."""
    with _lock:
        _sockets[threading.get_ident()] = _time.deadline + _GRACE, opened
        if not (_watchdog and _watchdog[0].is_alive()):
            _watchdog[:] = [threading.Thread(target=_shut_overdue, name="watchdog", daemon=True)]
            _watchdog[0].start()


def _shut_overdue() -> None:
    while True:
        time.sleep(_LOOKS)
        with _lock:
            overdue = [opened for deadline, opened in _sockets.values() if deadline < time.monotonic()]
        for opened in overdue:
            with contextlib.suppress(OSError):  # closed meanwhile
                # TLS sockets too are shut beneath: the reader's own state stays its own.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)


class _Helper:
    """A thread that makes calls for others, one after another."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[tuple[Callable[[], Any], SimpleQueue[Any]]] = SimpleQueue()
        threading.Thread(target=self._work, name="helper", daemon=True).start()

    def _work(self) -> None:
        while True:
            call, answer = self.calls.get()
            found: tuple[Any, Exception | None]
            try:
                found = (call(), None)
            except Exception as error:  # noqa: BLE001 - carried to the thread that waits, and raised there
                found = (None, error)
            _helpers.append(self)
            answer.put(found)


_helpers: list[_Helper] = []  # those that have nothing to do


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Wait for a call that keeps to no time of its own, such as a look-up of the system.

    Raises:
        TimeoutError: it did not return in time; it goes on in its thread, and nobody looks at what it gives.
        Exception: what the call raised.
    """
    answer: SimpleQueue[tuple[Result, Exception | None]] = SimpleQueue()
    try:
        helper = _helpers.pop()
    except IndexError:
        helper = _Helper()
    helper.calls.put((call, answer))
    try:
        result, error = answer.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return result


class TimedSocket(socket.socket):
    """A socket whose reads keep to `exchange_time`."""

    def recv_into(self, *arguments: Any, **keywords: Any) -> int:
        """Read within the time that is left."""
        self.settimeout(allowed_seconds())
        return super().recv_into(*arguments, **keywords)
