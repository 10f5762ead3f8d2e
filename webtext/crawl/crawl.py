"""A crawl: many hosts at once, each at its own pace, from links to an archive with one row for each link.

The unit of work is a request. A visit to a page goes through the queue of its host for every request it makes, so a
redirect to another host waits for that host's turn like any other request, and the host's robots.txt and opt-outs are
asked before it. Workers decide nothing on their own: `_step` takes a visit one request further and says how long the
host is to rest. What settles a visit that has come to its end is `webtext.crawl.settlement`.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from webtext.crawl.book import Book
from webtext.crawl.captures import CaptureSearch
from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Exchange, Requester, retry_after
from webtext.crawl.frontier import Frontier, backoff
from webtext.crawl.health import Health
from webtext.crawl.outcomes import REDIRECTS, is_outcome, is_transient, judge_answer
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.redirects import redirect_target, refresh_target
from webtext.crawl.settlement import HANDED_OVER, Settlement
from webtext.crawl.sites import Ended, Sites
from webtext.crawl.visits import Errand, Visit, origin_of
from webtext.errors import UsageError
from webtext.hosts import is_private_host
from webtext.outbound import link_problem
from webtext.permissions.robots import MAX_REDIRECTS as ROBOTS_REDIRECTS
from webtext.urls import host_of
from webtext.warc.warc_records import warc_date

__all__ = ["HANDED_OVER", "Crawl"]


class Crawl:
    """One crawl task: fetches links into an archive. Use it once: `run`, then `rows`."""

    def __init__(
        self,
        config: FetchConfig,
        archive: PageArchive,
        requester: Requester,
        is_ours: Callable[[str], bool] = lambda _host: True,
        unwanted: Callable[[str], str] = lambda _url: "",
    ) -> None:
        """Read back what the archive holds already, so that it is not asked for again.

        Args:
            config: how to fetch.
            archive: where to, opened for the task alone.
            requester: asks.
            is_ours: whether a host may be asked here; a redirect to one that may not is left to another task.
            unwanted: who has asked that a URL be let alone ("host" ...); "" where nobody has. What the archive holds
                already stays in it.
        """
        self._is_ours = is_ours
        self._config, self._archive, self._requester = config, archive, requester
        self._deadline = time.monotonic() + config.max_time if config.max_time else float("inf")
        self._frontier: Frontier[Visit | int] = Frontier(config.requests_per_second, deadline=self._deadline)
        self._sites, self._health = Sites(config), Health(config)
        self._book = Book(archive.directory)
        self._settlement = Settlement(config, archive, self._book, self._sites, self._health, unwanted)
        self._lock = threading.Lock()
        self._started = 0
        self._error: BaseException | None = None

    def run(self, errands: Iterable[Errand]) -> None:
        """Fetch what the archive does not hold.

        Raises:
            UsageError: the disk is full, the archive cannot be written, or there is no network.
        """
        try:
            self._book.open(errands)
            for number in range(len(self._book)):
                self._queue(number, self._book.errand(number))
            self._work_through(min(self._config.hosts_at_once, self._frontier.hosts()))
        finally:
            self._frontier.close()
            self._archive.close()

    def rows(self) -> Iterator[tuple[Errand, Mapping[str, Any]]]:
        """Give each errand with its row, in the order of their links' URLs; see `Settlement.rows`."""
        return self._settlement.rows()

    def given(self) -> int:
        """Count the errands."""
        return len(self._book)

    def outcomes(self) -> dict[str, int]:
        """Count what has become of the errands of this run so far."""
        return self._settlement.outcomes()

    def _queue(self, number: int, errand: Errand) -> None:
        """Queue an errand by its number where it is to be asked for, and settle it where it is not."""
        host = host_of(errand.url)
        if self._settlement.is_settled(number, errand):
            return
        if not host:
            self._settle(Visit(errand.url, errand, number), "bad_url")
        elif is_private_host(host):
            self._settle(Visit(errand.url, errand, number), "private_address", host)
        else:
            self._frontier.put(host, number)

    def _work_through(self, threads: int) -> None:
        """Work until nothing is left. Where nobody can be reached any more: pause, look again, and then end.

        Raises:
            UsageError: there is no network.
        """
        is_last_look = False
        while True:
            self._work_at_once(threads)
            if not self._health.is_doubtful(at_once=False):
                if not self._settle_held():
                    return
            elif self._is_network_there():
                self._health.trust()
                self._settle_held()
            elif is_last_look:
                raise UsageError(f"no network: {self._health.describe()}; run the same command again to go on")
            else:
                is_last_look = True
                time.sleep(max(0.0, min(self._config.outage_pause, self._deadline - time.monotonic())))
                for visit in self._health.another_chance():
                    self._frontier.put(visit.host, visit, first=True)
            self._frontier.reopen()

    def _work_at_once(self, number: int) -> None:
        threads = [threading.Thread(target=self._work, name=f"crawl-{place}", daemon=True) for place in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise self._error

    def _is_network_there(self) -> bool:
        """Ask hosts that answered before whether they still do; where none ever did, nobody can say."""
        time.sleep(self._config.delay)
        return any(
            self._requester.ask(f"{origin}/robots.txt", site_file=True).status is not None
            for origin in self._health.witnesses()
        )

    def _work(self) -> None:
        try:
            while (turn := self._frontier.take()) is not None:
                host, waiting = turn
                rest = self._step(waiting if isinstance(waiting, Visit) else self._visit(waiting))
                if self._health.is_trusted():
                    self._settle_held()
                self._frontier.release(host, rest)
                if self._health.is_doubtful(at_once=True):
                    self._frontier.close()
        except BaseException as error:  # noqa: BLE001 - carried to the thread that runs the crawl, and raised there
            self._error = self._error or error
            self._frontier.close()

    def _visit(self, number: int) -> Visit:
        errand = self._book.errand(number)
        return Visit(errand.url, errand, number)

    def _settle_held(self) -> bool:
        """Settle what was held while the network was in doubt; False where there was nothing."""
        held = self._health.let_go()
        for each in held:
            self._put(self._settlement.settle(*each, is_certain=True))
        return bool(held)

    def _step(self, visit: Visit) -> float:
        """Take a visit one request further; returns the seconds that its host is to rest."""
        if visit.page_detail is not None:
            self._settle(visit, "ok", visit.page_detail)
            return 0.0
        if self._is_over(visit):
            return 0.0
        if end := self._health.end_of(visit.host):
            self._settle(visit, *end)
            return 0.0
        if visit.search is not None:
            return self._ask_archive(visit, visit.search)
        admitted = self._admitted(visit) if visit.site_file is None else visit
        return self._ask(admitted) if admitted else 0.0

    def _admitted(self, visit: Visit) -> Visit | None:
        """Give what is to be asked for now in a page's place: the page, or a file of its site; None for neither."""
        admitted = self._sites.admit(visit)
        if isinstance(admitted, Ended):
            self._settle(visit, *admitted)
            return None
        if admitted is not None and admitted.host != visit.host:  # a licence that lies elsewhere
            self._put([admitted])
            return None
        return admitted

    def _is_over(self, visit: Visit) -> bool:
        """Tell whether this run is at its limit, so that the visit is left for another run."""
        if time.monotonic() > self._deadline:
            return True
        if visit.errand is not None and not visit.is_started:
            with self._lock:
                if self._config.max_pages and self._started >= self._config.max_pages:
                    return True
                self._started += 1
            visit.is_started = True
        return False

    def _ask(self, visit: Visit) -> float:
        origin = origin_of(visit.url)
        exchange = self._requester.ask(visit.url, cookies=visit.cookies(), site_file=visit.site_file is not None)
        outcome = exchange.outcome or judge_answer(
            exchange.status or 0, exchange.header("Content-Type"), exchange.beginning
        )
        wait = self._retry(visit, exchange, outcome)
        if wait is not None:
            return max(wait, self._sites.rest(origin))
        visit.hops.append(exchange)
        if not exchange.outcome and exchange.status in REDIRECTS:
            self._redirect(visit, exchange, redirect_target(exchange) or refresh_target(exchange))
        elif outcome == "ok" and visit.errand is not None and (target := refresh_target(exchange)):
            visit.keep_page()
            self._redirect(visit, exchange, target)
        else:
            self._settle(visit, *self._end(visit, exchange, outcome))
        return self._sites.rest(origin) if outcome != "private_address" else 0.0  # there, nobody was asked

    def _end(self, visit: Visit, exchange: Exchange, outcome: str) -> tuple[str, str]:
        """Give the outcome and the detail of a visit's last exchange: what passes with time is left for a later run."""
        if not exchange.is_temporary:
            return outcome, exchange.detail
        end = "not_fetched", f"{outcome}: {exchange.detail}"
        self._health.give_up(visit.host, *end)
        return end

    def _ask_archive(self, visit: Visit, search: CaptureSearch) -> float:
        """Take the search for a dead link's capture one request further."""
        exchange = self._requester.ask(visit.url, any_type=True, byte_range=search.byte_range)
        wait = self._retry(visit, exchange, exchange.outcome or f"http_{exchange.status}")
        if wait is not None:
            return max(wait, self._config.delay)
        page = search.hear(exchange)
        if search.next_url and not is_private_host(host_of(search.next_url)):
            visit.url, visit.attempts = search.next_url, 1
            self._frontier.put(visit.host, visit)
        elif page is None or judge_answer(page.status or 0, page.header("Content-Type"), page.beginning) != "ok":
            self._settle(visit, *search.failure)
        else:
            visit.hops.append(page)
            visit.url = page.url
            self._settle(visit, "ok", f"captured {warc_date(page.began_at)} by {self._config.captures}")
        return self._config.delay

    def _retry(self, visit: Visit, exchange: Exchange, outcome: str) -> float | None:
        """Queue a visit once more where that may help: gives the seconds to wait; None where it is not queued."""
        host = visit.host
        self._health.note(visit, exchange, outcome)
        if not is_transient(outcome) or exchange.is_final or visit.attempts >= self._config.max_attempts:
            return None
        asked = retry_after(exchange, time.time())
        wait = backoff(visit.attempts, self._config.backoff, self._config.max_backoff, visit.url)
        if asked is not None and self._config.backoff:
            wait = max(wait, asked)
        if wait > self._config.max_backoff or self._health.end_of(host):
            return None
        visit.attempts += 1
        self._frontier.put(host, visit, first=True)
        return wait

    def _redirect(self, visit: Visit, exchange: Exchange, target: str | None) -> None:
        limit = self._config.max_redirects if visit.site_file is None else ROBOTS_REDIRECTS
        if target is None:
            self._settle(visit, "bad_redirect", exchange.header("Location")[:200])
        elif len(visit.hops) > limit:
            self._settle(visit, "too_many_redirects", f"more than {limit}")
        elif is_private_host(host_of(target)):
            self._settle(visit, "private_address", f"redirected to {target[:200]}")
        elif not visit.turn_to(target, exchange):
            self._settle(visit, "redirect_loop", f"back to {target[:200]}")
        elif visit.errand is not None and (end := self._end_of_redirect(visit.errand, target)):
            self._settle(visit, *end)
        else:
            self._put([visit])

    def _end_of_redirect(self, errand: Errand, target: str) -> tuple[str, str] | None:
        """Give the outcome and the detail of a page's redirect that is not followed here; None where it is.

        Shorteners are links, so where they lead is judged as harvest judges a link. A link that harvest let pass for
        what it is (media in a list, say) may go on to its like.
        """
        if removal := self._settlement.removal_of(target):
            return "removed", removal
        problem = link_problem(target, wikipedia=not self._config.wikipedia)
        if problem is not None and problem != link_problem(errand.link.url, wikipedia=not self._config.wikipedia):
            return problem if is_outcome(problem) else "bad_redirect", f"redirected to {target[:200]}"
        return None if self._is_ours(host_of(target)) else (HANDED_OVER, "")

    def _settle(self, visit: Visit, outcome: str, detail: str = "") -> None:
        self._put(self._settlement.settle(visit, outcome, detail))

    def _put(self, visits: list[Visit]) -> None:
        """Queue visits before those that wait already, in their order."""
        for visit in reversed(visits):
            self._frontier.put(visit.host, visit, first=True)
