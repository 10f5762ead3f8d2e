"""What sites say of themselves: robots.txt, opt-out files and licences, asked for once a site and before its pages.

A page that comes to a site whose files are not known is parked, and a visit to the missing file goes in its place. The
answers are recorded in the archive, so that a crawl that goes on after a crash need not ask again. A file is read and
judged by the worker that needs it, outside the lock; what is kept in memory has a limit, beyond which the files that
were longest not needed are forgotten and asked for again.
"""

import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from webtext.crawl.config import FetchConfig
from webtext.crawl.visits import Visit, origin_of
from webtext.hosts import is_private_host
from webtext.permissions.licence import licence_of_answer
from webtext.permissions.optout import AI_TXT, TDMREP, parse_tdmrep
from webtext.permissions.robots import LIFETIME, MAX_LICENCES, parse_robots, robots_of_answer
from webtext.permissions.signals import OUTCOME, first_signal
from webtext.permissions.site import Permissions, agents_asked_about
from webtext.urls import host_of

_PATHS = {"robots": "/robots.txt", "ai_txt": AI_TXT, "tdm": TDMREP}
_LICENCE = "rsl"  # what a row of the archive calls a licence's file
# Failures that say that no page can be had either, so that they are a page's outcome too, rather than its robots.txt's.
_NOBODY_THERE = frozenset(
    {"private_address", "dns_error", "connect_timeout", "connection_error", "tls_error", "dead_host"}
)
_MAX_PACKED = 128 << 20  # bytes of files, compressed, kept for all sites together
_MAX_READ = 64 << 20  # bytes of files that are read and ready to be asked
_MOST_LICENCES = 100  # the most that a site's pages may name
_NOTHING = zlib.compress(b"")

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Ended(NamedTuple):
    """A visit that may not go on: its outcome, and why."""

    outcome: str
    detail: str


class Recent(Generic[Key, Value]):
    """A mapping of bounded size, from which goes first what was not asked for the longest."""

    def __init__(self, most: int) -> None:
        """Keep values of at most so much cost together."""
        self._most, self._total = most, 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Give a value, which counts as asked for."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: Key, value: Value, cost: int) -> None:
        """Keep a value instead of the one before."""
        self._total += cost - self._values.pop(key, (None, 0))[1]
        self._values[key] = value, cost
        while self._total > self._most:
            self._total -= self._values.popitem(last=False)[1][1]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was answered to a file: its status (None where there was no answer), why, and when it was asked for."""

    status: int | None
    outcome: str
    detail: str
    asked_at: float  # seconds since 1970
    has_body: bool = False


@dataclass(slots=True)
class _Site:
    answers: dict[str, _Answer] = field(default_factory=dict)  # answers by name of a file, or URL of a licence
    delay: float = 0.0  # seconds that the site asks for between two requests
    is_pending: bool = False
    parked: list[Visit] = field(default_factory=list)


def _unasked(licence: str, site: _Site) -> str:
    """Say why a licence is not asked for, which is no permission; "" where it is."""
    if is_private_host(host_of(licence)):
        return "its host is not public"
    return f"its site names more than {_MOST_LICENCES}" if len(site.answers) > _MOST_LICENCES else ""


class _Read(NamedTuple):
    """Permissions, and the answers of which they were read."""

    permissions: Permissions
    answers: Mapping[str, _Answer]


class Sites:
    """The files of all sites of a crawl. Thread-safe."""

    def __init__(self, config: FetchConfig) -> None:
        """Ask for robots.txt, and for the files of the signals that are obeyed."""
        self._config = config
        self._files = (["robots"] if config.robots else []) + [
            name for name in ("ai_txt", "tdm") if name in config.opt_outs
        ]
        self._agents = agents_asked_about(config.token)
        self._sites: dict[str, _Site] = {}
        self._bodies: Recent[tuple[str, str], bytes] = Recent(_MAX_PACKED)
        self._read: Recent[str, _Read] = Recent(_MAX_READ)
        self._lock = threading.Lock()

    def admit(self, visit: Visit, licences: Sequence[str] = ()) -> Visit | Ended | None:
        """Let a page's visit pass to its next request, or, with the page in hand, to its end.

        Args:
            visit: of a page; gets the verdict of robots.txt, and the signals that the site's files give.
            licences: URLs of the licences that the page names.

        Returns:
            The visit itself, or the visit to a file of the site that must be asked for first, or the outcome that ends
            the visit here, or None where it is parked until another worker brings the file.
        """
        origin = origin_of(visit.url)
        read = self._permissions(origin)
        robots = read.answers.get("robots")
        if robots is not None and not self._is_old(robots):
            visit.robots = read.permissions.robots.judge(visit.url, self._config.token)
            if visit.robots != "allowed":
                return self._shut_out(visit, robots, read.permissions)
        named = []
        if "rsl" in self._config.opt_outs:
            named = list(dict.fromkeys((*read.permissions.named_licences(visit.url), *licences[:MAX_LICENCES])))
        file = self._missing(visit, origin, named)
        if file is not None:
            return file or None
        visit.signals = list(self._permissions(origin).permissions.signals(visit.url, licences))
        signal = first_signal(visit.signals, self._config.opt_outs)
        if signal is None or signal.name not in self._config.opt_outs:
            return visit
        return Ended(OUTCOME, signal.evidence)

    def _shut_out(self, visit: Visit, answer: _Answer, permissions: Permissions) -> Ended:
        if visit.robots == "unreachable":
            outcome = answer.outcome if answer.outcome in _NOBODY_THERE else "robots_unreachable"
            return Ended(outcome, permissions.robots.detail)
        return Ended("robots_disallowed", str(permissions.robots.barring(visit.url, self._config.token)))

    def _missing(self, visit: Visit, origin: str, licences: Sequence[str]) -> "Visit | Literal[False] | None":
        """Give the visit to a file that is missing, False where somebody is at it; None where all are there."""
        wanted = [(name, origin + _PATHS[name]) for name in self._files] + [(place, place) for place in licences]
        with self._lock:
            site = self._sites.setdefault(origin, _Site())
            for name, url in wanted:
                if self._is_known(site, origin, name):
                    continue
                if name not in _PATHS and (why := _unasked(url, site)):
                    site.answers[name] = _Answer(None, "", why, time.time())
                    continue
                site.parked.append(visit)
                if site.is_pending:
                    return False
                site.is_pending = True
                return Visit(url, site_file=name if name in _PATHS else _LICENCE, origin=origin, file_url=url)
        return None

    def _is_known(self, site: _Site, origin: str, name: str) -> bool:
        answer = site.answers.get(name)
        if answer is None or (name == "robots" and self._is_old(answer)):
            return False
        return not answer.has_body or self._bodies.get((origin, name)) is not None

    def _is_old(self, answer: _Answer) -> bool:
        return time.time() - answer.asked_at > LIFETIME

    def _permissions(self, origin: str) -> _Read:
        """Read what is known of a site's files, as far as that has not been done before."""
        with self._lock:
            site = self._sites.get(origin)
            answers = dict(site.answers) if site else {}
            read = self._read.get(origin) or _Read(Permissions(self._config.token), {})
            new = {name: answer for name, answer in answers.items() if read.answers.get(name) is not answer}
            bodies = {name: self._bodies.get((origin, name)) for name, answer in new.items() if answer.has_body}
        if not new:
            return read
        permissions = read.permissions
        for name, answer in new.items():
            if answer.has_body and bodies[name] is None:
                del answers[name]  # forgotten; it will be asked for again
                continue
            permissions = self._with(permissions, name, answer, zlib.decompress(bodies.get(name) or _NOTHING))
        read = _Read(permissions, answers)
        with self._lock:
            self._read.put(origin, read, permissions.cost)
            self._sites[origin].delay = permissions.robots.crawl_delay(self._config.token)
        return read

    def _with(self, permissions: Permissions, name: str, answer: _Answer, body: bytes) -> Permissions:
        if name == "robots":
            robots = robots_of_answer(answer.status, body, answer.detail, self._agents)
            return replace(permissions, robots=robots)
        if name == "ai_txt":
            return replace(permissions, ai_txt=parse_robots(body, {self._config.token.lower()}))
        if name == "tdm":
            return replace(permissions, tdm=parse_tdmrep(body))
        licence = licence_of_answer(name, answer.status, body, answer.detail)
        return replace(permissions, licences={**permissions.licences, name: licence})

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
            "url": visit.file_url,
            "file": visit.site_file,
            "origin": visit.origin,
            "status": status,
            "outcome": failure[0] if status is None else "",
            "detail": ": ".join(part for part in failure if part) if status is None else "",
            "fetched_at": int(time.time()),
            "body": body.decode("latin-1") if has_body else "",
            "encoding": "latin-1",  # JSON keeps the bytes so, whatever their encoding
        }
        with self._lock:
            self._learn(row, body if has_body else b"")
            site = self._sites[visit.origin]
            site.is_pending = False
            parked, site.parked = site.parked, []
        self._permissions(visit.origin)  # a Crawl-delay holds from here on
        return parked, row

    def recall(self, row: Mapping[str, Any]) -> None:
        """Learn a file from the archive, unless it is too old or was out of reach."""
        fresh = time.time() - row["fetched_at"] <= LIFETIME
        if fresh and row["status"] is not None and row["status"] < 500:
            self._learn(row, row["body"].encode(row.get("encoding", "utf-8")))

    def _learn(self, row: Mapping[str, Any], body: bytes) -> None:
        site = self._sites.setdefault(row["origin"], _Site())
        name = row["url"] if row["file"] == _LICENCE else row["file"]
        site.answers[name] = _Answer(row["status"], row["outcome"], row["detail"], row["fetched_at"], bool(body))
        if body:
            packed = zlib.compress(body, 1)
            self._bodies.put((row["origin"], name), packed, len(packed))

    def rest(self, origin: str) -> float:
        """Give the seconds that a host is owed after an answer: ours, or more where the site asks for more."""
        with self._lock:
            site = self._sites.get(origin)
        asked = site.delay if site else 0.0
        return max(self._config.delay, min(asked, self._config.max_crawl_delay))
