"""A crawl as a whole: its pace, its limits, and where it goes on."""

import itertools
import time
from collections import defaultdict

import pytest

from tests.double.crawled_web import Web, crawl, links_of, outcomes
from webtext.records import Link


@pytest.fixture
def web():
    server = Web()
    yield server
    server.shutdown()
    server.server_close()


def test_hosts_are_asked_one_request_at_a_time_with_a_rest_between(web, tmp_path):
    rest = 0.15
    web.seconds = 0.02
    rows = crawl(web, tmp_path, links_of(40, 3), delay=rest, hosts_at_once=40)
    assert outcomes(rows) == {"ok": 120}
    assert set(web.most_at_once.values()) == {1}
    by_host = defaultdict(list)
    for url, begin, end in sorted(web.asked, key=lambda asked: asked[1]):
        by_host[url.split("/")[2]].append((begin, end))
    rests = [later[0] - earlier[1] for times in by_host.values() for earlier, later in itertools.pairwise(times)]
    assert len(rests) == 40 * (3 + 3 - 1)
    assert min(rests) >= rest - 0.005  # the server notes the end a little before the client has read it


def test_hosts_with_many_links_do_not_hold_up_the_others(web, tmp_path):
    web.seconds = 0.005
    hot = [Link(f"http://hot.test/page/{n}", f"http://hot.test/page/{n}", "", 3, 1, (), None) for n in range(60)]
    crawl(web, tmp_path, hot + links_of(20, 2), hosts_at_once=4, robots=False, opt_outs=())
    others = [place for place, url in enumerate(web.pages) if "hot" not in url]
    asked_of_hot = sum("hot" in url for url in web.pages[: others[-5]])  # Four may be under way at the end.
    assert asked_of_hot < 40


def test_crawl_delay_is_obeyed_up_to_its_limit(web, tmp_path):
    web.robots = {"host0.test": "user-agent: *\ncrawl-delay: 0.2", "host1.test": "user-agent: *\ncrawl-delay: 99"}
    crawl(web, tmp_path, links_of(2, 3), max_crawl_delay=0.3, opt_outs=())
    for host, rest in (("host0", 0.2), ("host1", 0.3)):
        times = sorted((begin, end) for url, begin, end in web.asked if host in url)
        assert min(later[0] - earlier[1] for earlier, later in itertools.pairwise(times)) >= rest - 0.005


def test_total_rate_is_limited(web, tmp_path):
    begun = time.monotonic()
    crawl(web, tmp_path, links_of(10, 2), requests_per_second=40, robots=False, opt_outs=())
    assert len(web.asked) == 20
    assert max(begin for _, begin, _ in web.asked) - begun >= 19 / 40


def test_what_the_archive_holds_is_not_asked_for_again(web, tmp_path):
    web.answers["http://host1.test/page/0"] = 404
    first = crawl(web, tmp_path, links_of(5, 2))
    asked = len(web.asked)
    assert crawl(web, tmp_path, links_of(5, 2)) == first
    assert len(web.asked) == asked
    more = crawl(web, tmp_path, links_of(5, 3))
    assert outcomes(more) == {"ok": 14, "http_404": 1}
    assert len(web.asked) == asked + 5  # the new pages; the sites' files are known
    assert {url: more[url] for url in first} == first


def test_failures_are_asked_for_again_when_told_to(web, tmp_path):
    web.answers |= {"http://host1.test/page/0": 404, "http://host2.test/page/0": 410}
    crawl(web, tmp_path, links_of(5, 1))
    del web.answers["http://host1.test/page/0"]
    asked = len(web.asked)
    rows = crawl(web, tmp_path, links_of(5, 1), refetch_failed=True)
    assert outcomes(rows) == {"ok": 4, "http_410": 1}
    assert sorted(url for url, *_ in web.asked[asked:]) == ["http://host1.test/page/0", "http://host2.test/page/0"]
    assert outcomes(crawl(web, tmp_path, links_of(5, 1))) == {"ok": 4, "http_410": 1}


def test_runs_stop_at_their_limits_and_go_on(web, tmp_path):
    links = links_of(6, 2)
    rows = crawl(web, tmp_path, links, max_pages=5)
    assert outcomes(rows) == {"ok": 5, "not_fetched": 7}
    rows = crawl(web, tmp_path, links, max_time=1e-9)
    assert outcomes(rows) == {"ok": 5, "not_fetched": 7}
    assert outcomes(crawl(web, tmp_path, links)) == {"ok": 12}
    assert sorted(web.pages) == sorted(link.url for link in links)


def test_hosts_that_fail_again_and_again_are_given_up(web, tmp_path):
    links = links_of(1, 20)
    web.answers |= {link.url: 503 for link in links}
    rows = crawl(web, tmp_path, links, max_attempts=2, dead_after=5)
    assert outcomes(rows) == {"http_503": 3, "dead_host": 17}
    assert len(web.pages) == 5
    dead = next(row for row in rows.values() if row["outcome"] == "dead_host")
    assert dead["detail"] == "http_503 5 times in a row"


def test_hosts_that_fail_now_and_then_are_not_given_up(web, tmp_path):
    links = links_of(1, 20)
    web.answers |= {link.url: 503 for link in links[::2]}
    rows = crawl(web, tmp_path, links, max_attempts=1, dead_after=2)
    assert outcomes(rows) == {"ok": 10, "http_503": 10}


def test_pages_wait_for_a_robots_txt_that_is_elsewhere(web, tmp_path):
    """It is asked for once, at the pace of the other host, and rules out what it rules out."""
    web.redirects = {"http://host0.test/robots.txt": "http://elsewhere.test/robots.txt"}
    web.robots = {"elsewhere.test": "user-agent: *\ndisallow: /page/3"}
    web.seconds = 0.02
    rows = crawl(web, tmp_path, links_of(4, 6), opt_outs=())
    assert outcomes(rows) == {"ok": 23, "robots_disallowed": 1}
    asked = [url for url, *_ in sorted(web.asked, key=lambda asked: asked[1]) if "host0" in url or "elsewhere" in url]
    assert asked[:2] == ["http://host0.test/robots.txt", "http://elsewhere.test/robots.txt"]
    assert len(asked) == 2 + 5


SHORTENED = {
    "http://i.imgur.com/a.jpg": "media",
    "https://www.youtube.com/watch?v=1": "media",
    "https://old.reddit.com/r/x/comments/1/": "reddit_internal",
    "http://host1.test/page/report.pdf": "download",
    "http://en.wikipedia.org/wiki/page/1": "wikipedia",
    "http://host1.test/page/1": "ok",
}


@pytest.mark.parametrize("wikipedia", [False, True])
def test_where_a_shortener_leads_is_judged_as_a_link(web, tmp_path, wikipedia):
    web.redirects = {f"http://short.test/page/{number}": target for number, target in enumerate(SHORTENED)}
    links = [Link(url, url, "", 3, 1, (), None) for url in web.redirects]
    rows = crawl(web, tmp_path, links, wikipedia=wikipedia, robots=False, opt_outs=())
    expected = {**SHORTENED, **({"http://en.wikipedia.org/wiki/page/1": "ok"} if wikipedia else {})}
    assert {row["final_url"]: row["outcome"] for row in rows.values()} == expected
    followed = {target for target, outcome in expected.items() if outcome == "ok"}
    assert {url for url, *_ in web.asked} == {*web.redirects, *followed}


def test_a_link_that_is_known_for_what_it_is_may_go_on_to_its_like(web, tmp_path):
    """A list names a film's page, say: harvest was told so, and a redirect to its own host is no news."""
    web.redirects = {"http://youtube.com/page/1": "http://www.youtube.com/page/1"}
    links = [Link("https://youtube.com/page/1", "http://youtube.com/page/1", "", None, 1, (), None)]
    assert outcomes(crawl(web, tmp_path, links)) == {"ok": 1}
