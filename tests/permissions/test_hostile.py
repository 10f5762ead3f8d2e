"""Whatever a site writes is read: pieces of every grammar in any order end in an answer, never in an error."""

from hypothesis import given
from hypothesis import strategies as st

from webtext.permissions.licence import parse_licence
from webtext.permissions.optout import parse_tdmrep, read_page, tdmrep_signal
from webtext.permissions.robots import parse_robots
from webtext.permissions.signals import SIGNALS
from webtext.permissions.site import Permissions
from webtext.permissions.usage import signal_forbids_training, usage_forbids_training

URL = "http://x.test/a?b"


def text_of(*pieces):
    return st.lists(st.sampled_from(pieces), max_size=20).map("".join)


FIELDS = text_of(
    "train-ai", "=", "n", "y", ",", ";", " ", "?0", '"', "(", ")", "@1", ":", "\\", "\0", "é", "-", "1.5", "*"
)
XML = text_of(
    *("<rsl>", "<rsl xmlns='https://rslstandard.org/rsl'>", "<content url='", "http://[", "/a*$", "'>", "<license>"),
    *("</license>", "<permits type='usage'>", "ai-train", "</permits>", "<rsl:content url='/'>", "<a:b:c>", "&x;"),
    *(
        "<?xml version='1.0' encoding='bogus'?>",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE a [",
        "<!ENTITY x 'y'>",
        "]>",
        "\0",
        "é",
    ),
)
HTML = text_of(
    *("<meta ", "<link ", "<script ", "name=", "content=", "rel=license ", "type='application/rsl+xml' ", "href='"),
    *("http://[", "'", ">", "</script>", "robots", "tdm-reservation", "1", "&#99999999999;", "&#x110000;", "\0"),
    *("<rsl><content url='http://['>", "//[::1", "mailto:a@b.test", "none"),
)
ROBOTS = text_of(
    *("User-agent: ", "*", "\n", "Disallow: ", "/a", "%", "%2", "%ZZ", "License: ", "http://[", "nan", "\xff", "\r"),
    *("Content-Usage: ", "/x train-ai=n", "Crawl-delay: ", "1e999", "#", ":", "$", "DisallowAITraining: ", "webtext"),
)


@given(FIELDS)
def test_values_of_fields(value):
    assert {usage_forbids_training(value), signal_forbids_training(value)} <= {True, False}


@given(XML)
def test_licences(document):
    assert isinstance(parse_licence(URL, document.encode(), URL).refusal(URL), str)


@given(HTML, FIELDS)
def test_pages_and_headers(html, value):
    headers = [("Link", html), ("X-Robots-Tag", value), ("Content-Usage", value)]
    says = read_page(headers, html.encode("utf-8", "replace"), URL, "webtext")
    assert {signal.name for signal in says.signals} <= set(SIGNALS)
    assert all(isinstance(place, str) for place in says.licences)


@given(ROBOTS)
def test_files_of_sites(text):
    body = text.encode("latin-1")
    permissions = Permissions("webtext", parse_robots(body), parse_robots(body), parse_tdmrep(body))
    assert {signal.name for signal in permissions.signals(URL)} <= set(SIGNALS)
    assert all(isinstance(place, str) for place in permissions.named_licences(URL))


def test_half_a_surrogate_pair_in_a_policy_can_be_written_to_the_ledger():
    """Found by benchmarks/fuzz.py."""
    rules = parse_tdmrep(b'[{"location": "/a*", "tdm-reservation": 1, "tdm-policy": "https://\\ud800ple/p"}]')
    assert tdmrep_signal(rules, URL).evidence.encode().endswith(b", policy https://?ple/p")
