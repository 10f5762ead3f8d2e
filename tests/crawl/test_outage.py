"""An outage is no verdict: what failed for want of a network is asked again, by this run or the next."""

import errno
import itertools
import socket
import threading
from collections import Counter

import pytest

from tests.double.loopback import LoopbackServer
from webtext.connection.addresses import AddressGuard, ResolutionError
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Limits, Requester
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.errors import UsageError
from webtext.records import Link

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\nConnection: close\r\n\r\n<p>x</p>"
NONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
GONE, AGAIN = ResolutionError("Name does not exist", for_good=True), ResolutionError("Try again", for_good=False)


class Web(LoopbackServer):
    """A page for every host, and a resolver that fails as it is told to."""

    def __init__(self):
        self.failing = {}  # each host's error, or a function that gives one or None
        self.looked_up = Counter()
        self.lock = threading.Lock()
        super().__init__()

    def serve(self, connection):
        with connection:
            head = connection.recv(65536)
            connection.sendall(PAGE if b"GET /page" in head else NONE)

    def resolve(self, host, _port):
        with self.lock:
            self.looked_up[host] += 1
            error = self.failing.get(host)
            error = error() if callable(error) else error
        if error is not None:
            raise error
        return ["127.0.0.1"]

    def crawl(self, folder, hosts, pages=1, **settings):
        config = FetchConfig(
            **{"delay": 0.0, "backoff": 0.0, "max_attempts": 2, "outage_after": 5, "outage_pause": 0.01, **settings}
        )
        guard = AddressGuard(frozenset({("127.0.0.1", self.port)}), self.resolve)
        requester = Requester(config.agent, config.limits, guard=guard)
        task = Crawl(config, PageArchive(folder, "pages", roll_bytes=1 << 30, about={}), requester)
        urls = [f"http://{host}:{self.port}/page/{page}" for host in hosts for page in range(pages)]
        errands = [Errand.of(Link(url, url, "", 3, 1, (), None)) for url in urls]
        try:
            task.run(errands)
        finally:
            requester.close()
        return {errand.link.url: row for errand, row in task.rows()}


@pytest.fixture
def web():
    server = Web()
    yield server
    server.close()


def hosts(count, name="host"):
    return [f"{name}{number}.test" for number in range(count)]


def outcomes(rows):
    return Counter(row["outcome"] for row in rows.values())


def test_a_failure_that_passes_is_left_for_the_next_run(web, tmp_path):
    web.failing = {"host1.test": AGAIN}
    rows = web.crawl(tmp_path, hosts(3), pages=4)
    assert outcomes(rows) == {"ok": 8, "not_fetched": 4}
    assert {row["detail"] for row in rows.values() if row["outcome"] != "ok"} == {"dns_error: Try again"}
    assert web.looked_up["host1.test"] == 2  # attempts at one file; what waits for it does not ask once more
    web.failing = {}
    assert outcomes(web.crawl(tmp_path, hosts(3), pages=4)) == {"ok": 12}


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN])
def test_no_route_is_a_failure_that_passes(web, monkeypatch, number):
    def connect(_self, _address):
        raise OSError(number, "no way")

    monkeypatch.setattr(socket.socket, "connect", connect)
    guard = AddressGuard(frozenset({("127.0.0.1", web.port)}), web.resolve)
    exchange = Requester("webtext/0", Limits(), guard=guard).ask(f"http://a.test:{web.port}/")
    assert (exchange.outcome, exchange.is_temporary, exchange.is_final) == ("connection_error", True, False)


def test_a_host_that_is_gone_is_a_verdict(web, tmp_path):
    web.failing = {"host1.test": GONE}
    assert outcomes(web.crawl(tmp_path, hosts(3), pages=2)) == {"ok": 4, "dns_error": 2}
    web.looked_up.clear()
    assert outcomes(web.crawl(tmp_path, hosts(3), pages=2)) == {"ok": 4, "dns_error": 2}
    assert not web.looked_up


@pytest.mark.parametrize("error", [GONE, AGAIN])
def test_without_a_network_nothing_is_settled(web, tmp_path, error):
    """Some resolvers say that nobody exists when they cannot ask; the next run goes on with all."""
    web.failing = dict.fromkeys(hosts(30), error)
    with pytest.raises(UsageError, match=r"^no network: .* in a row could not be reached \(.*\); run the same command"):
        web.crawl(tmp_path, hosts(30), pages=2)
    assert all(count >= 2 for count in web.looked_up.values())  # it has looked again
    web.failing = {}
    assert outcomes(web.crawl(tmp_path, hosts(30), pages=2)) == {"ok": 60}


def test_a_single_host_without_a_network_is_said_too(web, tmp_path):
    web.failing = {"host0.test": AGAIN}
    with pytest.raises(UsageError, match="no network: 1 host in a row"):
        web.crawl(tmp_path, hosts(1))


@pytest.mark.parametrize("error", [GONE, AGAIN])
def test_a_network_that_comes_back_during_the_pause_is_gone_on_with(web, tmp_path, error):
    failures, before = itertools.count(), 12 if error is GONE else 24  # what is gone is asked for once
    web.failing = dict.fromkeys(hosts(12), lambda: error if next(failures) < before else None)
    assert outcomes(web.crawl(tmp_path, hosts(12), pages=3)) == {"ok": 36}


def test_many_hosts_that_are_gone_at_the_end_are_no_outage(web, tmp_path):
    """The slowest of a crawl are the dead: a host that answered before is asked whether the network is there."""
    web.failing = dict.fromkeys(hosts(40, "dead"), GONE)
    rows = web.crawl(tmp_path, [*hosts(3), *hosts(40, "dead")], hosts_at_once=1)
    assert outcomes(rows) == {"ok": 3, "dns_error": 40}
    web.looked_up.clear()
    assert outcomes(web.crawl(tmp_path, hosts(40, "dead"))) == {"dns_error": 40}
    assert not web.looked_up


def test_a_network_that_goes_away_takes_no_verdict_with_it(web, tmp_path):
    """Ten answer, then nobody is found any more: what was held back is not written, and the witness is silent too."""
    looked_up = itertools.count()

    def error():
        return GONE if next(looked_up) >= 10 else None

    web.failing = dict.fromkeys(hosts(60), error)
    with pytest.raises(UsageError, match="no network"):
        web.crawl(tmp_path, hosts(60), hosts_at_once=1, robots=False, opt_outs=())
    web.failing = {}
    assert outcomes(web.crawl(tmp_path, hosts(60), robots=False, opt_outs=())) == {"ok": 60}


def test_while_requests_are_under_way_doubt_waits_for_their_answers(web, tmp_path):
    """Names that do not exist are known at once, pages take their time: a hundred in a row prove nothing."""
    web.failing = dict.fromkeys(hosts(100, "dead"), GONE)
    rows = web.crawl(tmp_path, [*hosts(100, "dead"), *hosts(5)], hosts_at_once=8)
    assert outcomes(rows) == {"ok": 5, "dns_error": 100}
    assert all(count == 1 for host, count in web.looked_up.items() if host.startswith("dead"))


def test_outcomes_are_asked_for_again_by_name(web, tmp_path):
    web.failing = {"host1.test": GONE, "host2.test": ConnectionRefusedError(errno.ECONNREFUSED, "refused")}
    assert outcomes(web.crawl(tmp_path, hosts(4))) == {"ok": 2, "dns_error": 1, "connection_error": 1}
    web.failing, web.looked_up = {}, Counter()
    assert outcomes(web.crawl(tmp_path, hosts(4), refetch=("dns_error",))) == {"ok": 3, "connection_error": 1}
    assert set(web.looked_up) == {"host1.test"}
    assert outcomes(web.crawl(tmp_path, hosts(4), refetch_failed=True)) == {"ok": 4}


def test_what_is_asked_for_again_is_an_outcome():
    with pytest.raises(ValueError, match="no such outcome: dns"):
        FetchConfig(refetch=("dns",))
