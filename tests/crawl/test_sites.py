"""Sites' files: read by whoever needs them, outside the lock, within a budget; hostile ones cost as others do."""

import threading

import pytest

from tests.double.growth import MOST_GROWTH, growth
from webtext.crawl import sites as sites_module
from webtext.crawl.config import FetchConfig
from webtext.crawl.sites import Ended, Recent, Sites
from webtext.crawl.visits import Visit
from webtext.permissions.licence import parse_licence
from webtext.permissions.optout import parse_tdmrep, read_page
from webtext.permissions.robots import Robots, parse_robots

ROBOTS = "".join(f"Disallow: /{number}\n" for number in range(9000))


def ask(sites, url, answer):
    """Admit a visit, answering for its site; gives what became of it, and which files were asked for."""
    visit, asked = Visit(url), []
    while isinstance(admitted := sites.admit(visit), Visit) and admitted is not visit:
        asked.append(admitted.url)
        status, body = answer(admitted.url)
        parked, _ = sites.settle(admitted, status, body, ("", ""))
        assert parked == [visit]
    return admitted, asked


def answering(body):
    return lambda url: (200, body.encode()) if url.endswith("robots.txt") else (404, b"")


def test_what_was_not_asked_for_the_longest_goes_first():
    recent = Recent(10)
    recent.put("a", 1, 4)
    recent.put("b", 2, 4)
    assert recent.get("a") == 1
    recent.put("c", 3, 4)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]
    recent.put("a", 5, 1)
    recent.put("d", 4, 5)
    assert [recent.get(key) for key in "acd"] == [5, 3, 4]
    recent.put("e", 0, 11)
    assert [recent.get(key) for key in "acde"] == [None] * 4


def test_files_that_were_forgotten_are_asked_for_again(monkeypatch):
    monkeypatch.setattr(sites_module, "_MAX_PACKED", 100)
    monkeypatch.setattr(sites_module, "_MAX_READ", 5000)
    sites = Sites(FetchConfig(opt_outs=()))
    for round_ in range(2):
        for host in "abcdefgh":
            admitted, asked = ask(
                sites, f"http://{host}.test/x", answering(f"User-agent: *\nDisallow: /x{host * 50}\n")
            )
            assert isinstance(admitted, Visit)
            assert asked == [f"http://{host}.test/robots.txt"], round_
    assert ask(sites, "http://h.test/x", answering(""))[1] == []


def test_sites_without_files_are_never_forgotten(monkeypatch):
    monkeypatch.setattr(sites_module, "_MAX_PACKED", 0)
    monkeypatch.setattr(sites_module, "_MAX_READ", 0)
    sites = Sites(FetchConfig())
    for expected in (3, 0):
        assert len(ask(sites, "http://a.test/x", lambda _: (404, b""))[1]) == expected


def test_hostile_files_fill_no_more_than_the_budget():
    sites = Sites(FetchConfig(opt_outs=()))
    for number in range(30):
        admitted, _ = ask(sites, f"http://h{number}.test/1", answering(f"User-agent: *\n{ROBOTS}"))
        assert admitted == Ended("robots_disallowed", "Disallow: /1 (line 3)")
    assert 0 < sites._read._total <= sites_module._MAX_READ
    assert len(sites._read._values) < 30


def test_files_are_judged_while_others_work(monkeypatch):
    sites = Sites(FetchConfig(opt_outs=()))
    judge = Robots.judge

    def judged(*arguments):
        other = threading.Thread(target=ask, args=(sites, "http://b.test/", lambda _: (404, b"")), daemon=True)
        monkeypatch.setattr(Robots, "judge", judge)
        other.start()
        other.join(30)
        assert not other.is_alive()
        return judge(*arguments)

    monkeypatch.setattr(Robots, "judge", judged)
    assert ask(sites, "http://a.test/x", answering("User-agent: *\nDisallow: /x"))[0].outcome == "robots_disallowed"


def test_a_rule_is_read_once_however_often_it_is_asked(monkeypatch):
    sites = Sites(FetchConfig(opt_outs=()))
    parsed = []
    monkeypatch.setattr(sites_module, "robots_of_answer", lambda *given: parsed.append(given) or parse_robots(given[1]))
    for page in range(50):
        ask(sites, f"http://a.test/{page}", answering("User-agent: *\nDisallow: /x"))
    assert len(parsed) == 1


def test_a_site_cannot_have_us_ask_for_a_licence_a_page():
    sites, asked = Sites(FetchConfig(opt_outs=("rsl",), robots=False)), []
    for page in range(300):
        visit = Visit(f"http://a.test/{page}")
        while isinstance(admitted := sites.admit(visit, [f"http://b.test/{page}"]), Visit) and admitted is not visit:
            asked.append(admitted.url)
            sites.settle(admitted, 200, b"<rsl><content url='/'/></rsl>", ("", ""))
        assert isinstance(admitted, Visit) is (page <= 100)
    assert len(asked) == 101


_LINE = "Disallow: /{}*a*a*a*a*a*b\n"
HOSTILE = {
    "comments": lambda n: b"<!--" * n,
    "scripts": lambda n: b"<script>" * n,
    "ended scripts": lambda n: b"<script></script>" * n,
    "open quotes": lambda n: b"<meta a=\"'" * n,
    "quotes in turn": lambda n: b"<meta a=' b=\" >" * n,
    "one long tag": lambda n: b"<meta " + b"a " * n,
    "blanks": lambda n: b"<meta" + b" " * n + b"=" + b" " * n,
    "equals": lambda n: b"<meta " + b"=" * n,
    "half tags": lambda n: b"<meta<link<script" * n,
    "entities": lambda n: b"<meta content='" + b"&#x" * n + b"'>",
    "nuls": lambda n: b"\0<\0m\0e\0t\0a\0 " * n,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_heads_are_read_in_linear_time(kind):
    def read(html):
        read_page([], html, "http://x.test/", "webtext")

    assert growth(read, HOSTILE[kind], 16_000) <= MOST_GROWTH


@pytest.mark.parametrize(
    ("read", "make"),
    [
        (parse_robots, lambda n: b"User-agent: *\n" * n + b"Disallow: /a\n" * n),
        (parse_robots, lambda n: b"User-agent: *\nDisallow: /a\n" * n),
        (parse_robots, lambda n: b"User-agent: *\nDisallow:" + b" \xc2\xa0" * n),
        (parse_robots, lambda n: b"User-agent: *\nContent-Usage: " + b"a=n, " * n),
        (parse_tdmrep, lambda n: b"[" + b'{"location": "/"},' * n + b"{}]"),
        (lambda body: parse_licence("http://x.test/", body), lambda n: b"<rsl>" + b"<content><license>" * n),
        (lambda body: parse_licence("http://x.test/", body), lambda n: b"<rsl>" + b"<content url='/a'/>" * n),
        (
            lambda value: read_page([("Link", value), ("X-Robots-Tag", value)], b"", "http://x.test/", "webtext"),
            lambda n: "<a>; rel=license, " * n,
        ),
    ],
)
def test_files_are_read_in_linear_time(read, make):
    assert growth(read, make, 16_000) <= MOST_GROWTH


def test_judging_costs_no_more_than_rules_and_path():
    path = "/" + "a" * 2000

    def make(rules):
        body = "User-agent: *\n" + "".join(_LINE.format("a" * (number % 50) + str(number)) for number in range(rules))
        return parse_robots(body.encode())

    def judge(robots):
        return [robots.judge(f"http://x.test{path}{number}", "webtext") for number in range(9)]

    assert growth(judge, make, 2400) <= MOST_GROWTH
