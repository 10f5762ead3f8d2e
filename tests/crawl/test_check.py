"""`fetch --check`: what would be done with a URL is told with every reason, and nothing is kept."""

import pytest

from pipelines.commands.cli import main
from tests.double.signal_web import PAGE, PAID, SignalWeb
from webtext.crawl.check import Checker
from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Requester

HTML = ("Content-Type", "text/html")


@pytest.fixture
def web():
    server = SignalWeb()
    yield server
    server.shutdown()
    server.server_close()


def check(web, url, **settings):
    config = FetchConfig(**{"delay": 0.0, "replay": web.server_address, **settings})
    requester = Requester(config.agent, config.limits, replay=config.replay)
    checked = Checker(config, requester).check(url)
    requester.close()
    return checked


def test_every_signal_is_told(web):
    web.put(
        "http://x.test/robots.txt",
        "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\nUser-agent: CCBot\nDisallow: /",
    )
    checked = check(web, "http://x.test/page")
    assert checked.outcome == "opt_out_content_signal"
    assert [signal.name for signal in checked.obeyed] == ["content_signal", "ai_agents"]
    assert "http://x.test/page" not in web.asked  # the site has said no


def test_a_page_is_asked_for_its_head(web):
    web.put("http://short.test/a", "", ("Location", "http://x.test/page"), status=302)
    head = '<meta name="robots" content="noindex"><link rel=license type="application/rsl+xml" href="/l.xml">'
    web.put("http://x.test/page", PAGE.format(head) + "x" * 300_000, HTML)
    web.put("http://x.test/l.xml", PAID)
    checked = check(web, "http://short.test/a")
    assert (checked.outcome, checked.final_url, checked.robots) == ("opt_out_rsl", "http://x.test/page", "allowed")
    assert [signal.name for signal in checked.recorded] == ["noindex"]
    assert len(web.asked) == len(set(web.asked))
    open_to_all = check(web, "http://short.test/a", opt_outs=())
    assert open_to_all.outcome == "ok"


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://10.0.0.1/", "private_address"),
        ("http://short.test/inside", "private_address"),
        ("http://x.test/a.jpg", "media"),
        ("http://x.test/closed", "robots_disallowed"),
        ("http://x.test/gone", "http_404"),
        ("http://x.test/loop", "bad_redirect"),
    ],
)
def test_what_is_no_signal(web, url, outcome):
    web.put("http://x.test/robots.txt", "User-agent: *\nDisallow: /closed")
    web.put("http://short.test/inside", "", ("Location", "http://10.0.0.1/"), status=302)
    web.put("http://x.test/loop", "", ("Location", "/loop"), status=302)
    assert check(web, url).outcome == outcome


def test_the_command(web, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["fetch", "--check", "http://10.0.0.1/", "--contact", "https://webtext.dev/bot"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[1] == "  would not be taken: private_address (harvest takes no such link)"
    )
    assert main(["fetch", "--check", "http://10.0.0.1/"]) == 2
    assert main(["fetch"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_url_that_leads_on_and_on_is_given_up_after_forty_requests(web):
    for number in range(50):
        web.put(f"http://x.test/{number}", "", ("Location", f"/{number + 1}"), status=302)
    web.put("http://x.test/50", PAGE.format(""), HTML)
    checked = check(web, "http://x.test/0")
    assert (checked.outcome, checked.detail) == ("too_many_redirects", "more than 40 requests")
    assert len(web.asked) <= 40
