"""A crawl: many hosts at once, each at its own pace, from links to an archive with one row for each link.

The unit of work is a request. A visit to a page goes through the queue of its host for every request it makes, so a
redirect to another host waits for that host's turn like any other request, and the host's robots.txt and opt-outs are
asked before it. Workers decide nothing on their own: `_step` takes a visit one request further and says how long the
host is to rest.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from webtext.crawl.captures import DEAD, CaptureIndex, CaptureSearch
from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Exchange, Requester, retry_after, without_body
from webtext.crawl.frontier import Frontier, backoff
from webtext.crawl.outcomes import REDIRECTS, is_outcome, is_transient, judge_answer
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.redirects import redirect_target, refresh_target
from webtext.crawl.sites import Ended, Sites
from webtext.crawl.visits import Errand, Visit, origin_of
from webtext.hosts import is_private_host
from webtext.permissions.optout import read_page
from webtext.permissions.robots import MAX_REDIRECTS as ROBOTS_REDIRECTS
from webtext.permissions.signals import first_signal
from webtext.urls import host_of, link_problem
from webtext.warc.warc_records import warc_date

_SILENCE = frozenset({"dns_error", "connect_timeout", "connection_error", "read_timeout", "total_timeout"})
HANDED_OVER = "handed_over"  # in the archive only: the errand goes on in another task, and its outcome is there
_REFUSALS = frozenset({"http_429", "http_503"})  # answers that mean "leave me alone"


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
        self._is_ours, self._unwanted = is_ours, unwanted
        self._config, self._archive, self._requester = config, archive, requester
        self._deadline = time.monotonic() + config.max_time if config.max_time else float("inf")
        self._frontier: Frontier[Visit | Errand] = Frontier(config.requests_per_second, deadline=self._deadline)
        self._sites = Sites(config)
        self._rows: dict[tuple[str, str], Mapping[str, Any]] = {}  # by canonical URL and the URL asked from
        self._failures: dict[str, int] = {}  # in a row, by host
        self._dead: dict[str, tuple[str, str]] = {}  # outcome and detail for what is left of a host
        self._captures = CaptureIndex(config.captures) if config.captures else None
        self._lock = threading.Lock()
        self._started = 0
        self._outcomes: Counter[str] = Counter()
        self._error: BaseException | None = None
        for kind, row in archive.resume():
            if kind == "site":
                self._sites.recall(row)
            elif row["outcome"] in {"ok", HANDED_OVER} or (not config.refetch_failed and not self._is_taken_back(row)):
                self._rows[row["url"], row["begun_with"]] = row
            else:
                self._rows.pop((row["url"], row["begun_with"]), None)

    def _is_taken_back(self, row: Mapping[str, Any]) -> bool:
        return row["outcome"] == "removed" and not self._unwanted(row["final_url"])

    def run(self, errands: Iterable[Errand]) -> None:
        """Fetch what the archive does not hold.

        Raises:
            UsageError: the disk is full, or the archive cannot be written.
        """
        hosts = set()
        for errand in errands:
            known = self._rows.get((errand.link.url, errand.url))
            if known is not None:
                self._outcomes[known["outcome"]] += 1
            elif self._removal_of(errand.link.url, errand.url):
                self._outcomes["removed"] += 1
            else:
                host = host_of(errand.url)
                hosts.add(host)
                if not host:
                    self._settle(Visit(errand.url, errand), "bad_url")
                elif is_private_host(host):
                    self._settle(Visit(errand.url, errand), "private_address", host)
                else:
                    self._frontier.put(host, errand)  # its visit takes more room, and a host may have a million
        threads = [
            threading.Thread(target=self._work, name=f"crawl-{number}", daemon=True)
            for number in range(min(self._config.hosts_at_once, len(hosts)))
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._frontier.close()
            self._archive.close()
        if self._error is not None:
            raise self._error

    def rows(self, errands: Iterable[Errand]) -> Iterator[tuple[Errand, Mapping[str, Any]]]:
        """Give each errand with its row: of the index, or `HANDED_OVER` with `final_url` to go on from elsewhere.

        What was not asked for is `removed` where somebody wants it let alone, else `not_fetched`. Neither stands in the
        archive, so that a later run thinks of it anew.
        """
        for errand in errands:
            row = self._rows.get((errand.link.url, errand.url))
            if row is None:
                removal = self._removal_of(errand.link.url, errand.url)
                row = _not_asked(errand, "removed" if removal else "not_fetched", removal)
            yield errand, row

    def _removal_of(self, *urls: str) -> str:
        """Say by whose request URLs are not asked for; "" where they may be."""
        kind = next(filter(None, map(self._unwanted, urls)), "")
        return f"asked for by {kind}" if kind else ""

    def outcomes(self) -> dict[str, int]:
        """Count what has become of the errands of this run so far."""
        with self._lock:
            return dict(self._outcomes)

    def _work(self) -> None:
        try:
            while (turn := self._frontier.take()) is not None:
                host, waiting = turn
                visit = waiting if isinstance(waiting, Visit) else Visit(waiting.url, waiting)
                self._frontier.release(host, self._step(visit))
        except BaseException as error:  # noqa: BLE001 - carried to the thread that runs the crawl, and raised there
            self._error = self._error or error
            self._frontier.close()

    def _step(self, visit: Visit) -> float:
        """Take a visit one request further; returns the seconds that its host is to rest."""
        if visit.page_detail is not None:
            self._settle(visit, "ok", visit.page_detail)
            return 0.0
        if self._is_over(visit):
            return 0.0
        if visit.host in self._dead:
            self._settle(visit, *self._dead[visit.host])
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
            self._frontier.put(admitted.host, admitted, first=True)
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
        host = visit.host
        exchange = self._requester.ask(visit.url, cookies=visit.cookies(), site_file=visit.site_file is not None)
        outcome = exchange.outcome or judge_answer(
            exchange.status or 0, exchange.header("Content-Type"), exchange.beginning
        )
        origin = origin_of(visit.url)
        self._note_health(host, exchange, outcome)
        wait = self._wait_for_retry(visit, exchange, outcome)
        if wait is not None and host not in self._dead:
            visit.attempts += 1
            self._frontier.put(host, visit, first=True)
            return max(wait, self._sites.rest(origin))
        visit.hops.append(exchange)
        if not exchange.outcome and exchange.status in REDIRECTS:
            self._redirect(visit, exchange, redirect_target(exchange))
        elif outcome == "ok" and visit.errand is not None and (target := refresh_target(exchange)):
            visit.keep_page()
            self._redirect(visit, exchange, target)
        else:
            self._settle(visit, outcome, exchange.detail)
        return self._sites.rest(origin) if outcome != "private_address" else 0.0  # there, nobody was asked

    def _ask_archive(self, visit: Visit, search: CaptureSearch) -> float:
        """Take the search for a dead link's capture one request further."""
        host = visit.host
        exchange = self._requester.ask(visit.url, any_type=True, byte_range=search.byte_range)
        outcome = exchange.outcome or f"http_{exchange.status}"
        self._note_health(host, exchange, outcome)
        wait = self._wait_for_retry(visit, exchange, outcome)
        if wait is not None and host not in self._dead:
            visit.attempts += 1
            self._frontier.put(host, visit, first=True)
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

    def _search_capture(self, visit: Visit, outcome: str, detail: str) -> bool:
        """Begin to look for a dead link's capture; False where none is looked for."""
        if self._captures is None or visit.search is not None or visit.errand is None or outcome not in DEAD:
            return False
        when = visit.errand.link.first_posted or int(time.time())
        visit.search = CaptureSearch(self._captures, visit.errand.url, when, (outcome, detail), visit.url)
        visit.url, visit.attempts = visit.search.next_url, 1
        self._frontier.put(visit.host, visit)
        return True

    def _note_health(self, host: str, exchange: Exchange, outcome: str) -> None:
        """Count a host's failures in a row, and give it up where there are too many."""
        if outcome == "dns_error" and exchange.is_final:
            self._dead[host] = ("dns_error", exchange.detail)
        elif outcome in _SILENCE or outcome in _REFUSALS:
            self._failures[host] = self._failures.get(host, 0) + 1
            if self._failures[host] >= self._config.dead_after:
                self._dead[host] = ("dead_host", f"{outcome} {self._failures[host]} times in a row")
        else:
            self._failures.pop(host, None)

    def _wait_for_retry(self, visit: Visit, exchange: Exchange, outcome: str) -> float | None:
        """Give the seconds to wait before the same URL is asked again; None where it is not."""
        if not is_transient(outcome) or exchange.is_final or visit.attempts >= self._config.max_attempts:
            return None
        asked = retry_after(exchange, time.time())
        wait = backoff(visit.attempts, self._config.backoff, self._config.max_backoff, visit.url)
        if asked is not None and self._config.backoff:
            wait = max(wait, asked)
        return wait if wait <= self._config.max_backoff else None

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
            self._frontier.put(visit.host, visit, first=True)

    def _end_of_redirect(self, errand: Errand, target: str) -> tuple[str, str] | None:
        """Give the outcome and the detail of a page's redirect that is not followed here; None where it is.

        Shorteners are links, so where they lead is judged as harvest judges a link. A link that harvest let pass for
        what it is (media in a list, say) may go on to its like.
        """
        if removal := self._removal_of(target):
            return "removed", removal
        problem = link_problem(target, wikipedia=not self._config.wikipedia)
        if problem is not None and problem != link_problem(errand.link.url, wikipedia=not self._config.wikipedia):
            return problem if is_outcome(problem) else "bad_redirect", f"redirected to {target[:200]}"
        return None if self._is_ours(host_of(target)) else (HANDED_OVER, "")

    def _settle(self, visit: Visit, outcome: str, detail: str = "") -> None:
        """End a visit: write what was heard to the archive, and for a site file let those go on that waited for it."""
        if visit.site_file is not None:
            self._settle_site(visit, outcome, detail)
            return
        assert visit.errand is not None
        if visit.page is not None and outcome not in {"ok", "removed", HANDED_OVER}:
            self._settle(visit.page, "ok")
            return
        if self._search_capture(visit, outcome, detail):
            return
        if visit.search is not None and outcome != "ok":
            (outcome, detail), visit.url = visit.search.failure, visit.search.dead_url
        if outcome == "ok":
            says = read_page(*_of_page(visit.hops[-1]), visit.url, self._config.token)
            if (
                says.licences
                and "rsl" in self._config.opt_outs
                and not self._has_licences(visit, says.licences, detail)
            ):
                return
            visit.signals = [*visit.signals, *says.signals]
        signal = first_signal(visit.signals, self._config.opt_outs)
        if outcome == "ok" and signal is not None:
            detail = detail or signal.evidence
            if signal.name in self._config.opt_outs:
                outcome, detail, visit.hops[-1] = signal.reason, signal.evidence, without_body(visit.hops[-1])
        row = {**index_row(visit, outcome, detail), "opt_out": signal.name if signal else ""}
        url = visit.errand.link.url
        self._rows[url, visit.errand.url] = self._archive.append_page(url, visit.hops, row)
        with self._lock:
            self._outcomes[outcome] += 1

    def _has_licences(self, visit: Visit, licences: Sequence[str], detail: str) -> bool:
        """Tell whether the licences that a page names are known; else they are asked for, while the page waits."""
        visit.page_detail = detail
        admitted = self._sites.admit(visit, licences)
        if isinstance(admitted, Visit) and admitted is not visit:
            self._frontier.put(admitted.host, admitted, first=True)
        return admitted is visit or isinstance(admitted, Ended)

    def _settle_site(self, visit: Visit, outcome: str, detail: str) -> None:
        last = visit.hops[-1] if visit.hops else None
        status, body = (last.status, last.beginning) if last and not last.outcome else (None, b"")
        if last and last.response and last.response.body and not body:  # what cannot be decoded is no "yes"
            status, outcome = None, "bad_encoding"
        parked, row = self._sites.settle(visit, status, body, (outcome, detail))
        self._archive.append_site(row["url"], visit.hops, row)
        for waiting in reversed(parked):
            self._frontier.put(waiting.host, waiting, first=True)


def _of_page(exchange: Exchange) -> tuple[tuple[tuple[str, str], ...], bytes]:
    assert exchange.response is not None
    return exchange.response.headers, exchange.beginning


def index_row(visit: Visit, outcome: str, detail: str) -> dict[str, Any]:
    """Make the row of the page index for a visit's end, but for the place in the archive."""
    assert visit.errand is not None
    last = visit.hops[-1] if visit.hops and visit.hops[-1].url == visit.url else None  # else the last URL was not asked
    return {
        "url": visit.errand.link.url,
        "fetch_url": visit.errand.link.fetch_url,
        "begun_with": visit.errand.url,
        "final_url": visit.url,
        "host": visit.host,
        "status": last.status if last else None,
        "outcome": outcome,
        "detail": detail[:300],
        "fetched_at": last.began_at if last else None,
        "content_type": last.header("Content-Type")[:200] if last else "",
        "robots": visit.robots,
        "opt_out": "",
    }


def _not_asked(errand: Errand, outcome: str, detail: str) -> dict[str, Any]:
    places = {"warc_file": "", "warc_offset": None, "warc_length": None, "digest": ""}
    return {**index_row(Visit(errand.url, errand), outcome, detail), **places}
