"""What sites say of themselves: robots.txt and opt-out files, each asked for once a site and before any of its pages.

A page that comes to a site whose files are not known is parked, and a visit to the missing file goes in its place. The
answers are recorded in the archive, so that a crawl that goes on after a crash need not ask again.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webtext.crawl.config import FetchConfig
from webtext.crawl.optout import AI_TXT, TDMREP, tdmrep_reserves
from webtext.crawl.robots import LIFETIME, Robots, parse_robots, robots_of_answer
from webtext.crawl.visits import Visit, origin_of

_PATHS = {"robots": "/robots.txt", "ai_txt": AI_TXT, "tdm": TDMREP}
# Failures that say that no page can be had either, so that they are a page's outcome too, rather than its robots.txt's.
_NOBODY_THERE = frozenset(
    {"private_address", "dns_error", "connect_timeout", "connection_error", "tls_error", "dead_host"}
)
_UNKNOWN = Robots("no_rules", "not asked")


@dataclass(slots=True)
class _Site:
    robots: Robots = _UNKNOWN
    documents: dict[str, bytes] = field(default_factory=dict)  # opt-out files; b"" where there is none
    known: set[str] = field(default_factory=set)  # files that were asked for
    failure: str = ""  # outcome of asking for robots.txt where nobody answered
    asked_at: float = 0.0  # robots.txt, seconds since 1970
    is_pending: bool = False
    parked: list[Visit] = field(default_factory=list)
    _ai_rules: Robots | None = None

    def signal(self, url: str, token: str) -> str:
        """Name the opt-out of the site's files that covers a URL; "" where none does."""
        if self.documents.get("tdm") and tdmrep_reserves(self.documents["tdm"], url):
            return "tdm"
        if self.documents.get("ai_txt"):
            self._ai_rules = self._ai_rules or parse_robots(self.documents["ai_txt"])
            if self._ai_rules.judge(url, token) == "disallowed":
                return "ai_txt"
        return ""


class Sites:
    """The files of all sites of a crawl. Thread-safe."""

    def __init__(self, config: FetchConfig, now: Callable[[], float] = time.time) -> None:
        """Ask for robots.txt, and for the files of the opt-outs that count."""
        self._config, self._now = config, now
        self._files = (["robots"] if config.robots else []) + [
            name for name in ("ai_txt", "tdm") if name in config.opt_outs
        ]
        self._sites: dict[str, _Site] = {}
        self._lock = threading.Lock()

    def admit(self, visit: Visit) -> Visit | str | None:
        """Let a page's visit pass to its next request.

        Returns:
            The visit itself, or the visit to a file of the site that must be asked for first, or the outcome that ends
            the visit here, or None where it is parked until another worker brings the file.
        """
        origin = origin_of(visit.url)
        with self._lock:
            site = self._sites.setdefault(origin, _Site())
            if "robots" in site.known and self._now() - site.asked_at > LIFETIME:
                site.known.discard("robots")
            if "robots" in site.known:
                visit.robots = site.robots.judge(visit.url, self._config.token)
                if visit.robots != "allowed":
                    return site.failure if site.failure in _NOBODY_THERE else f"robots_{visit.robots}"
            missing = next((name for name in self._files if name not in site.known), None)
            if missing is None:
                visit.site_signal = site.signal(visit.url, self._config.token)
                return "opt_out" if visit.site_signal in self._config.opt_outs else visit
            site.parked.append(visit)
            if site.is_pending:
                return None
            site.is_pending = True
        return Visit(origin + _PATHS[missing], site_file=missing, origin=origin)

    def settle(
        self, visit: Visit, status: int | None, body: bytes, failure: tuple[str, str]
    ) -> tuple[list[Visit], dict[str, Any]]:
        """Take the answer to a site file's visit, or the outcome and detail of having none.

        Returns:
            The visits that waited for it, and the row for the archive.
        """
        assert visit.site_file is not None
        has_body = status is not None and 200 <= status < 300
        row = {
            "url": visit.origin + _PATHS[visit.site_file],
            "file": visit.site_file,
            "origin": visit.origin,
            "status": status,
            "outcome": failure[0] if status is None else "",
            "detail": ": ".join(part for part in failure if part) if status is None else "",
            "fetched_at": int(self._now()),
            "body": body.decode("latin-1") if has_body else "",
            "encoding": "latin-1",  # so that JSON keeps the bytes, whatever their encoding
        }
        with self._lock:
            self._learn(row)
            site = self._sites[visit.origin]
            site.is_pending = False
            parked, site.parked = site.parked, []
        return parked, row

    def recall(self, row: Mapping[str, Any]) -> None:
        """Learn a file from the archive, unless it is too old or was out of reach."""
        fresh = self._now() - row["fetched_at"] <= LIFETIME
        if fresh and row["status"] is not None and row["status"] < 500:
            self._learn(row)

    def _learn(self, row: Mapping[str, Any]) -> None:
        site = self._sites.setdefault(row["origin"], _Site())
        site.known.add(row["file"])
        body = row["body"].encode(row.get("encoding", "utf-8"))
        if row["file"] == "robots":
            site.robots = robots_of_answer(row["status"], body, row["detail"])
            site.asked_at, site.failure = row["fetched_at"], row["outcome"]
        else:
            site.documents[row["file"]] = body

    def rest(self, origin: str) -> float:
        """Give the seconds that a host is owed after an answer: ours, or more where the site asks for more."""
        with self._lock:
            site = self._sites.get(origin)
        asked = site.robots.crawl_delay(self._config.token) if site else 0.0
        return max(self._config.delay, min(asked, self._config.max_crawl_delay))

    def unreachable(self, url: str) -> str:
        """Say why a site's robots.txt could not be had; "" where it could."""
        with self._lock:
            site = self._sites.get(origin_of(url))
        return site.robots.detail if site and site.robots.verdict == "unreachable" else ""
