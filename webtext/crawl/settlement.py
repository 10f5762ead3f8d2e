"""What settles a visit: its outcome, the opt-outs of its page, its row, and its place in the archive.

Who takes turns (`webtext.crawl.crawl`) hands over a visit that has come to its end, and gets back those that go on in
its place: the pages that waited for a site's file, a page that waits for a licence, a search for a dead link's capture.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from webtext.crawl.book import Book
from webtext.crawl.captures import DEAD, CaptureIndex, CaptureSearch
from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import without_body
from webtext.crawl.health import Health
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.sites import Ended, Sites
from webtext.crawl.visits import Errand, Visit
from webtext.permissions.optout import read_page
from webtext.permissions.signals import OUTCOME, first_signal

# An outcome of the archive alone: the errand goes on in another task, which has its outcome.
HANDED_OVER = "handed_over"


class Settlement:
    """The outcomes of a crawl task's links, those of earlier runs among them. Thread-safe."""

    def __init__(
        self,
        config: FetchConfig,
        archive: PageArchive,
        book: Book,
        sites: Sites,
        health: Health,
        unwanted: Callable[[str], str],
    ) -> None:
        """Read back what the archive holds already: pages to `book`, files of sites to `sites`."""
        self._config, self._archive, self._book, self._sites, self._health = config, archive, book, sites, health
        self._unwanted = unwanted
        self._captures = CaptureIndex(config.captures) if config.captures else None
        self._outcomes: Counter[str] = Counter()
        self._lock = threading.Lock()
        for kind, row in archive.resume():
            if kind == "site":
                sites.recall(row)
            else:
                book.recall(row)

    def _stands(self, row: Mapping[str, Any]) -> bool:
        """Tell whether an outcome of an earlier run is this run's, too."""
        outcome = row["outcome"]
        if outcome in self._config.refetch or (self._config.refetch_failed and outcome not in {"ok", HANDED_OVER}):
            return False
        return outcome != "removed" or bool(self._unwanted(row["final_url"]))

    def is_settled(self, number: int, errand: Errand) -> bool:
        """Tell whether an errand need not be asked for, and count it."""
        known = self._book.row(number)
        if known is not None and self._stands(known):
            self._outcomes[known["outcome"]] += 1
            return True
        self._book.strike(number)
        if self.removal_of(errand.link.url, errand.url):
            self._outcomes["removed"] += 1
            return True
        return False

    def removal_of(self, *urls: str) -> str:
        """Say by whose request URLs are not asked for; "" where they may be."""
        kind = next(filter(None, map(self._unwanted, urls)), "")
        return f"asked for by {kind}" if kind else ""

    def rows(self) -> Iterator[tuple[Errand, Mapping[str, Any]]]:
        """Give each errand with its row: of the index, or `HANDED_OVER` with `final_url` to go on from elsewhere.

        A link that was not asked for is `removed` where somebody has asked us to leave it alone, else `not_fetched`.
        Neither is written into the archive, so a later run decides again.
        """
        for number in range(len(self._book)):
            errand, row = self._book.errand(number), self._book.row(number)
            if row is None:
                removal = self.removal_of(errand.link.url, errand.url)
                row = _not_asked(errand, "removed" if removal else "not_fetched", removal)
            yield errand, row

    def outcomes(self) -> dict[str, int]:
        """Count what has become of the errands of this run so far."""
        with self._lock:
            return dict(self._outcomes)

    def settle(self, visit: Visit, outcome: str, detail: str = "", *, is_certain: bool = False) -> list[Visit]:
        """End a visit, unless it may be our network that ends it.

        Args:
            visit: of a link, or of a site's file.
            outcome: its end.
            detail: why.
            is_certain: the network is there.

        Returns:
            The visits that go on now.
        """
        if visit.page is not None and outcome not in {"ok", "removed", HANDED_OVER}:
            return self.settle(visit.page, "ok")  # there is nothing where it sends its reader: it is the page
        if not is_certain and self._health.hold(visit, outcome, detail):
            return []
        if visit.site_file is not None:
            return self._settle_site(visit, outcome, detail)
        if self._search_capture(visit, outcome, detail):
            return [visit]
        if visit.search is not None and outcome != "ok":
            (outcome, detail), visit.url = visit.search.failure, visit.search.dead_url
        return self._judge_page(visit, detail) if outcome == "ok" else self._record(visit, outcome, detail)

    def _search_capture(self, visit: Visit, outcome: str, detail: str) -> bool:
        """Begin to look for a dead link's capture; False where none is looked for."""
        if self._captures is None or visit.search is not None or visit.errand is None or outcome not in DEAD:
            return False
        when = visit.errand.link.first_posted or int(time.time())
        visit.search = CaptureSearch(self._captures, visit.errand.url, when, (outcome, detail), visit.url)
        visit.url, visit.attempts = visit.search.next_url, 1
        return True

    def _judge_page(self, visit: Visit, detail: str) -> list[Visit]:
        """Settle a page that came by what it says of itself; where its licences are not known, it waits for them."""
        page = visit.hops[-1]
        assert page.response is not None
        says = read_page(page.response.headers, page.beginning, visit.url, self._config.token)
        if says.licences and "rsl" in self._config.opt_outs:
            visit.page_detail = detail
            admitted = self._sites.admit(visit, says.licences)
            if admitted is not visit and not isinstance(admitted, Ended):
                return [admitted] if admitted else []
        visit.signals = [*visit.signals, *says.signals]
        return self._record(visit, "ok", detail)

    def _record(self, visit: Visit, outcome: str, detail: str) -> list[Visit]:
        assert visit.errand is not None
        signal = first_signal(visit.signals, self._config.opt_outs)
        if outcome == "ok" and signal is not None:
            detail = detail or signal.evidence
            if signal.name in self._config.opt_outs:
                outcome, detail, visit.hops[-1] = OUTCOME, signal.evidence, without_body(visit.hops[-1])
        if outcome == "not_fetched":
            self._book.enter(visit.number, _not_asked(visit.errand, outcome, detail))
        else:
            row = {**index_row(visit, outcome, detail), "opt_out": signal.name if signal else ""}
            self._book.enter(visit.number, self._archive.append_page(visit.errand.link.url, visit.hops, row))
        with self._lock:
            self._outcomes[outcome] += 1
        return []

    def _settle_site(self, visit: Visit, outcome: str, detail: str) -> list[Visit]:
        last = visit.hops[-1] if visit.hops else None
        status, body = (last.status, last.beginning) if last and not last.outcome else (None, b"")
        if last and last.response and last.response.body and not body:  # what cannot be decoded is no "yes"
            status, outcome = None, "bad_encoding"
        parked, row = self._sites.settle(visit, status, body, (outcome, detail))
        self._archive.append_site(row["url"], visit.hops, row)
        return parked


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
