"""Which hosts answer, and whether it is they that fail or our own network.

A host that fails again and again is given up. But where many hosts in a row cannot be reached and none answers, the
trouble may be ours; so what says that a host cannot be reached is no verdict until somebody answers, and is held here.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Exchange
from webtext.crawl.visits import Visit, origin_of

SILENCE = frozenset({"dns_error", "connect_timeout", "connection_error", "read_timeout", "total_timeout"})
REFUSALS = frozenset({"http_429", "http_503"})  # answers that mean "leave me alone"
UNREACHED = frozenset({"dns_error", "connect_timeout", "connection_error"})
_VERDICTS_HELD = UNREACHED | {"dead_host", "not_fetched"}
_WITNESSES = 3  # hosts that answered, which are asked whether the network is there


class Held(NamedTuple):
    """A visit that would end, but for the doubt whether the network is there."""

    visit: Visit
    outcome: str
    detail: str


class Health:
    """The health of all hosts of a crawl, and of the network that leads to them. Thread-safe."""

    def __init__(self, config: FetchConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._clock = config, clock
        self._lock = threading.Lock()
        self._failures: dict[str, int] = {}  # each host's failures in a row
        self._given_up: dict[str, tuple[str, str]] = {}  # outcome and detail for what is left of a host
        self._unreached: dict[str, str] = {}  # hosts that were not reached since one answered last, with why
        self._answered_at = clock()
        self._witnesses: OrderedDict[str, None] = OrderedDict()  # origins that answered, the last one last
        self._is_short = False  # whether a failure passes with time, such as "no route"
        self._held: list[Held] = []

    def note(self, visit: Visit, exchange: Exchange, outcome: str) -> None:
        """Take what came of a request, before it is known whether it is made again."""
        host = visit.host
        with self._lock:
            if exchange.status is not None:
                self._hear(origin_of(visit.url))
            elif outcome in UNREACHED:
                self._unreached[host] = exchange.detail
                self._is_short = self._is_short or exchange.is_temporary
            if outcome == "dns_error" and exchange.is_final:
                self._given_up[host] = ("dns_error", exchange.detail)
            elif outcome in SILENCE or outcome in REFUSALS:
                self._failures[host] = self._failures.get(host, 0) + 1
                if self._failures[host] >= self._config.dead_after:
                    self._given_up[host] = ("dead_host", f"{outcome} {self._failures[host]} times in a row")
            else:
                self._failures.pop(host, None)

    def _hear(self, origin: str) -> None:
        self._unreached.clear()
        self._answered_at, self._is_short = self._clock(), False
        self._witnesses[origin] = None
        self._witnesses.move_to_end(origin)
        while len(self._witnesses) > _WITNESSES:
            self._witnesses.popitem(last=False)

    def give_up(self, host: str, outcome: str, detail: str) -> None:
        """Let nothing more be asked of a host in this run."""
        with self._lock:
            self._given_up[host] = (outcome, detail)

    def end_of(self, host: str) -> tuple[str, str] | None:
        """Give the outcome and the detail for what is left of a host that was given up; None for any other host."""
        return self._given_up.get(host)

    def hold(self, visit: Visit, outcome: str, detail: str) -> bool:
        """Keep a visit whose end may be the network's doing; False where it is not."""
        if outcome not in _VERDICTS_HELD:
            return False
        with self._lock:
            self._held.append(Held(visit, outcome, detail))
        return True

    def is_trusted(self) -> bool:
        """Tell whether somebody has answered since a host was not reached."""
        return not self._unreached

    def let_go(self) -> list[Held]:
        """Give all that was held, and hold it no more."""
        with self._lock:
            held, self._held = self._held, []
        return held

    def is_doubtful(self, *, at_once: bool) -> bool:
        """Tell whether the network may be down.

        Args:
            at_once: while requests are under way: only where each that began before has had the time to be answered.
        """
        with self._lock:
            is_long = self._clock() - self._answered_at >= self._config.connect_timeout + self._config.read_timeout
            if len(self._unreached) >= self._config.outage_after:
                return is_long or not at_once
            return not at_once and self._is_short and not self._witnesses

    def witnesses(self) -> list[str]:
        """Name origins that answered in this run, the last one first."""
        return list(reversed(self._witnesses))

    def trust(self) -> None:
        """Take the network for there."""
        with self._lock:
            self._unreached.clear()
            self._answered_at, self._is_short = self._clock(), False

    def another_chance(self) -> list[Visit]:
        """Forget what was noted of hosts that were not reached, and give the visits that are to go on."""
        held = self.let_go()
        with self._lock:
            for host in {*self._unreached, *(each.visit.host for each in held)}:
                self._given_up.pop(host, None)
                self._failures.pop(host, None)
            self._unreached.clear()
            self._answered_at, self._is_short = self._clock(), False
        for each in held:
            each.visit.attempts = 1
            each.visit.hops = [hop for hop in each.visit.hops if hop.status is not None]
        return [each.visit for each in held]

    def describe(self) -> str:
        """Say in half a sentence who could not be reached."""
        with self._lock:
            hosts, why = len(self._unreached), next(reversed(self._unreached.values()), "no answer")
        return f"{hosts:,} host{'s' if hosts != 1 else ''} in a row could not be reached ({why})"
