"""What would be done with a URL, and why: its address, robots.txt, every signal. Nothing of the page is kept.

The site's files are asked for as a crawl asks for them. If they let us, the page is asked for too, up to the first
kibibytes, in which its head stands, since half of the signals stand there.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Exchange, Requester
from webtext.crawl.outcomes import REDIRECTS, judge_answer, reason_of
from webtext.crawl.redirects import redirect_target
from webtext.crawl.sites import Ended, Sites
from webtext.crawl.visits import Errand, Visit, origin_of
from webtext.hosts import is_private_host
from webtext.outbound import link_problem
from webtext.permissions.optout import read_page
from webtext.permissions.robots import MAX_REDIRECTS
from webtext.permissions.signals import Signal, first_signal
from webtext.records import Link
from webtext.urls import fetch_url, host_of

_MOST_REQUESTS = 40  # the most for a URL, its redirects, and all of their sites' files


@dataclass(frozen=True, slots=True)
class Checked:
    """A URL, and what would become of it."""

    url: str
    final_url: str  # after redirects, as far as they were followed
    outcome: str  # "ok", or the ledger's reason
    detail: str
    robots: str  # verdict of robots.txt; "" where it was not asked
    obeyed: tuple[Signal, ...]
    recorded: tuple[Signal, ...]


class Checker:
    """Asks for one URL after another, with the rests that a crawl takes."""

    def __init__(self, config: FetchConfig, requester: Requester) -> None:
        """Check by the rules of a crawl."""
        self._config, self._requester = config, requester
        self._sites = Sites(config)
        self._asked: set[str] = set()  # hosts

    def check(self, url: str) -> Checked:
        """Say what would become of a URL."""
        problem = link_problem(url, wikipedia=not self._config.wikipedia)
        if problem is not None:
            return Checked(url, url, problem, "harvest takes no such link", "", (), ())
        asked = fetch_url(url)
        visit = Visit(asked, Errand.of(Link(url, asked, host_of(asked), None, 1, (), None)))
        outcome, detail, signals = self._end_of(visit)
        obeyed = tuple(signal for signal in signals if signal.name in self._config.opt_outs)
        recorded = tuple(signal for signal in signals if signal.name not in self._config.opt_outs)
        return Checked(url, visit.url, outcome, detail, visit.robots, obeyed, recorded)

    def _end_of(self, visit: Visit) -> tuple[str, str, Sequence[Signal]]:
        licences: list[str] = []
        page: tuple[str, str, list[Signal]] | None = None
        for _ in range(_MOST_REQUESTS):
            if is_private_host(visit.host):
                return "private_address", visit.host, ()
            admitted = self._sites.admit(visit, licences)
            if isinstance(admitted, Ended):
                signals = visit.signals + (page[2] if page else [])
                signal = first_signal(signals, self._config.opt_outs)
                return reason_of(admitted.outcome, signal.name if signal else ""), admitted.detail, signals
            assert admitted is not None  # nobody else is at work
            if admitted is not visit:
                self._ask_file(admitted)
                continue
            if page is not None:
                return self._judged(visit, page)
            exchange = self._ask(visit)
            if exchange.status in REDIRECTS and not exchange.outcome:
                target = redirect_target(exchange)
                if target is None or not visit.turn_to(target, exchange):
                    return "bad_redirect", exchange.header("Location")[:200], visit.signals
                continue
            outcome = exchange.outcome or judge_answer(
                exchange.status or 0, exchange.header("Content-Type"), exchange.beginning
            )
            says = read_page(exchange.response.headers if exchange.response else (), exchange.beginning, visit.url,
                             self._config.token)  # fmt: skip
            page, licences = (outcome, exchange.detail, says.signals), says.licences
        return "too_many_redirects", f"more than {_MOST_REQUESTS} requests", visit.signals

    def _judged(self, visit: Visit, page: tuple[str, str, list[Signal]]) -> tuple[str, str, Sequence[Signal]]:
        outcome, detail, said = page
        signals = [*visit.signals, *said]
        signal = first_signal(signals, self._config.opt_outs)
        if outcome == "ok" and signal is not None and signal.name in self._config.opt_outs:
            return signal.reason, signal.evidence, signals
        return outcome, detail, signals

    def _ask_file(self, visit: Visit) -> None:
        exchange = self._ask(visit)
        for _ in range(MAX_REDIRECTS):
            target = redirect_target(exchange) if exchange.status in REDIRECTS and not exchange.outcome else None
            if target is None or is_private_host(host_of(target)) or not visit.turn_to(target, exchange):
                break
            exchange = self._ask(visit)
        status, body = (None, b"") if exchange.outcome else (exchange.status, exchange.beginning)
        outcome = exchange.outcome
        if exchange.response and exchange.response.body and not body:
            status, outcome = None, outcome or "bad_encoding"
        self._sites.settle(visit, status, body, (outcome, exchange.detail))

    def _ask(self, visit: Visit) -> Exchange:
        if visit.host in self._asked:
            time.sleep(self._sites.rest(origin_of(visit.url)))
        self._asked.add(visit.host)
        is_file = visit.site_file is not None
        return self._requester.ask(visit.url, cookies=visit.cookies(), site_file=is_file, head_only=not is_file)
