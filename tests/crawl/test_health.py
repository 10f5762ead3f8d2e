"""What each outcome means for the link, its host and the network: a table of all of them, and the doubt in steps."""

import pytest

from webtext.crawl.captures import DEAD
from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Exchange
from webtext.crawl.health import Health
from webtext.crawl.outcomes import ACCEPTED_STATUS, OUTCOMES, REDIRECTS, is_transient, judge_answer
from webtext.crawl.visits import Visit
from webtext.warc.warc_records import HttpResponse

# Of each outcome that a request may have: whether it is tried again (t), counts against its host (h), is no verdict
# while nobody answers (n), and has a capture looked for (c).
TABLE = {
    "ok": "", "removed": "", "not_fetched": "n", "private_address": "", "bad_url": "",
    "dns_error": "thnc", "connect_timeout": "thnc", "connection_error": "thnc", "read_timeout": "th",
    "total_timeout": "h", "tls_error": "", "bad_response": "t", "incomplete": "t", "bad_encoding": "", "too_large": "",
    "not_html": "", "empty_body": "", "bad_redirect": "", "redirect_loop": "", "too_many_redirects": "", "media": "",
    "reddit_internal": "", "download": "", "wikipedia": "", "robots_disallowed": "", "robots_unreachable": "",
    "dead_host": "nc", "opt_out": "",
}  # fmt: skip
STATUSES = {
    "http_400": "", "http_401": "", "http_403": "", "http_404": "c", "http_408": "t", "http_410": "c", "http_418": "",
    "http_425": "t", "http_429": "th", "http_451": "", "http_500": "tc", "http_501": "", "http_502": "tc",
    "http_503": "thc", "http_504": "tc", "http_505": "",
}  # fmt: skip


def exchange(outcome, *, answered=False, **facts):
    response = HttpResponse(200, (), b"") if answered else None
    return Exchange("http://a.test/", 0, b"", response, b"", outcome, "why", "", **facts)


def counts_against_its_host(outcome):
    health, visit = Health(FetchConfig(dead_after=2)), Visit("http://a.test/")
    for _ in range(2):
        assert health.end_of("a.test") is None
        health.note(visit, exchange(outcome), outcome)
    return health.end_of("a.test") == ("dead_host", f"{outcome} 2 times in a row")


@pytest.mark.parametrize(("outcome", "meaning"), [*TABLE.items(), *STATUSES.items()])
def test_what_an_outcome_means(outcome, meaning):
    found = "t" * is_transient(outcome) + "h" * counts_against_its_host(outcome)
    found += "n" * Health(FetchConfig()).hold(Visit("http://a.test/"), outcome, "") + "c" * (outcome in DEAD)
    assert found == meaning


def test_the_table_has_every_outcome():
    assert set(TABLE) == set(OUTCOMES)


def test_statuses():
    html = "text/html", b"<p>x"
    assert {s for s in range(100, 600) if judge_answer(s, *html) == "ok"} == ACCEPTED_STATUS == {200, 203}
    assert {301, 302, 303, 307, 308} == REDIRECTS


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_doubt_comes_with_many_hosts_and_time_and_goes_with_an_answer():
    clock = Clock()
    health = Health(FetchConfig(outage_after=3, connect_timeout=10, read_timeout=20), clock)
    for number in (0, 1, 1, 1):
        health.note(Visit(f"http://dead{number}.test/"), exchange("dns_error"), "dns_error")
    assert not health.is_doubtful(at_once=False)  # two hosts
    health.note(Visit("http://dead2.test/"), exchange("connect_timeout"), "connect_timeout")
    assert health.is_doubtful(at_once=False)
    assert not health.is_doubtful(at_once=True)
    clock.now = 29.9
    assert not health.is_doubtful(at_once=True)
    clock.now = 30.0
    assert health.is_doubtful(at_once=True)
    health.note(Visit("http://dead3.test/"), exchange("read_timeout"), "read_timeout")  # reached, but silent
    assert health.describe() == "3 hosts in a row could not be reached (why)"
    health.note(Visit("http://b.test/x"), exchange("", answered=True), "http_500")
    assert not health.is_doubtful(at_once=True)
    assert not health.is_doubtful(at_once=False)
    assert health.is_trusted()


def test_one_failure_that_passes_is_doubt_where_nobody_ever_answered():
    health = Health(FetchConfig())
    health.note(Visit("http://a.test/"), exchange("dns_error", is_temporary=True), "dns_error")
    assert health.is_doubtful(at_once=False)
    assert not health.is_doubtful(at_once=True)
    health.note(Visit("http://b.test/"), exchange("", answered=True), "ok")
    health.note(Visit("http://a.test/"), exchange("dns_error", is_temporary=True), "dns_error")
    assert not health.is_doubtful(at_once=False)


def test_witnesses_are_the_last_three_origins_that_answered():
    health = Health(FetchConfig())
    for name in "abcdb":
        health.note(Visit(f"http://{name}.test:8080/x"), exchange("", answered=True), "ok")
    assert health.witnesses() == ["http://b.test:8080", "http://d.test:8080", "http://c.test:8080"]


def test_another_chance_forgets_what_was_noted_of_hosts_not_reached():
    health, visit = Health(FetchConfig(dead_after=1)), Visit("http://a.test/", attempts=3)
    health.note(visit, exchange("dns_error", is_final=True), "dns_error")
    health.note(Visit("http://b.test/"), exchange("read_timeout"), "read_timeout")
    health.hold(visit, "dns_error", "")
    assert health.another_chance() == [visit]
    assert visit.attempts == 1
    assert health.end_of("a.test") is None
    assert health.end_of("b.test") == ("dead_host", "read_timeout 1 times in a row")
