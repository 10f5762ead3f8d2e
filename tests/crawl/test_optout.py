"""Opt-outs: every signal in the forms in which sites give it, and none where there is none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.config import FetchConfig
from webtext.crawl.optout import SIGNALS, first_signal, signal_of_headers, signal_of_html, tdmrep_reserves


@pytest.mark.parametrize(
    ("headers", "signals"),
    [
        ([("X-Robots-Tag", "noai")], {"noai"}),
        ([("x-robots-tag", " NoAI , noimageai,nofollow")], {"noai", "noimageai"}),
        ([("X-Robots-Tag", "none")], {"none"}),
        ([("X-Robots-Tag", "noindex, nofollow")], {"noindex"}),
        ([("X-Robots-Tag", "webtext: noai")], {"noai"}),
        ([("X-Robots-Tag", "WebText: noindex, noai")], {"noindex", "noai"}),
        ([("X-Robots-Tag", "googlebot: noai")], set()),
        ([("X-Robots-Tag", "googlebot: noindex, noai")], set()),
        ([("X-Robots-Tag", "noai, googlebot: noindex")], {"noai"}),
        ([("X-Robots-Tag", "googlebot: noindex"), ("X-Robots-Tag", "noai")], {"noai"}),
        ([("X-Robots-Tag", "unavailable_after: 25 Jun 2010 15:00:00 PST, noai")], {"noai"}),
        ([("X-Robots-Tag", "max-snippet: 20, noai")], {"noai"}),
        ([("X-Robots-Tag", "all")], set()),
        ([("X-Robots-Tag", "nothing-noai")], set()),
        ([("TDM-Reservation", "1")], {"tdm"}),
        ([("tdm-reservation", " 1 ")], {"tdm"}),
        ([("TDM-Reservation", "0")], set()),
        ([("TDM-Policy", "https://x.test/policy")], set()),
        ([], set()),
    ],
)
def test_headers(headers, signals):
    assert signal_of_headers(headers, "webtext") == signals


@pytest.mark.parametrize(
    ("html", "signals"),
    [
        ('<meta name="robots" content="noai, noimageai">', {"noai", "noimageai"}),
        ("<META CONTENT='NOAI' NAME='ROBOTS'/>", {"noai"}),
        ("<meta name=robots content=noindex>", {"noindex"}),
        ('<meta name="webtext" content="none">', {"none"}),
        ('<meta name="googlebot" content="noai">', set()),
        ('<meta name="tdm-reservation" content="1">', {"tdm"}),
        ('<meta name="tdm-reservation" content="0">', set()),
        ('<meta name="robots" content="index,follow">', set()),
        ('<meta name="description" content="noai">', set()),
        ('<meta property="robots" content="noai">', set()),
        ('<meta name="robots" content="no&#97;i">', {"noai"}),
        ('<meta data-x="a > b" name="robots" content="noai">', {"noai"}),
        ('<!-- <meta name="robots" content="noai"> -->', set()),
        ('<script>\'<meta name="robots" content="noai">\'</script>', set()),
        ('</head><meta name="robots" content="noai">', set()),
        ('<body><meta name="robots" content="noai">', set()),
        ("<p>noai</p>", set()),
        ("", set()),
    ],
)
def test_meta_elements(html, signals):
    assert signal_of_html(f"<html><head>{html}".encode(), "webtext") == signals


@pytest.mark.parametrize(
    ("rules", "path", "reserved"),
    [
        ([{"location": "/", "tdm-reservation": 1}], "/any/page", True),
        ([{"location": "/", "tdm-reservation": "1"}], "/", True),
        ([{"location": "/", "tdm-reservation": 0}], "/", False),
        ([{"location": "/news/*", "tdm-reservation": 1}], "/news/a", True),
        ([{"location": "/news/*", "tdm-reservation": 1}], "/blog/a", False),
        ([{"location": "*.html$", "tdm-reservation": 1}], "/a.html", True),
        ([{"location": "*.html$", "tdm-reservation": 1}], "/a.html?b", False),
        ([{"location": "/a", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}], "/a/b", False),
        ([{"location": "/a", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}], "/b", True),
        ({"location": "/", "tdm-reservation": 1}, "/", True),
        ([{"location": "/"}], "/", False),
        ([{"location": 5, "tdm-reservation": 1}], "/", False),
        ([{"tdm-reservation": 1}], "/", False),
        ([{"location": "/", "tdm-reservation": [1]}], "/", False),
        (["/"], "/", False),
        ("nonsense", "/", False),
        (None, "/", False),
        ([], "/", False),
    ],
)
def test_tdmrep(rules, path, reserved):
    assert tdmrep_reserves(json.dumps(rules).encode(), f"https://x.test{path}") is reserved


@given(st.binary(max_size=200))
def test_any_bytes_are_read(document):
    assert tdmrep_reserves(document, "https://x.test/") in {True, False}
    assert signal_of_html(document, "webtext") <= set(SIGNALS)


def test_deeply_nested_json_is_no_reservation():
    assert not tdmrep_reserves(b"[" * 200_000, "https://x.test/")


def test_the_first_signal_is_named_of_those_that_count():
    assert first_signal({"noai", "none", "tdm"}) == "none"
    assert first_signal({"noai", "tdm"}, ("tdm",)) == "tdm"
    assert first_signal({"noindex"}, ("noai",)) == ""
    assert first_signal(()) == ""


def test_signals_that_count_are_configuration():
    assert "noindex" not in FetchConfig().opt_outs
    assert {"noai", "noimageai", "none", "tdm", "ai_txt"} == set(FetchConfig().opt_outs)
    with pytest.raises(ValueError, match="no such opt-out: nofollow"):
        FetchConfig(opt_outs=("nofollow",))


@pytest.mark.parametrize(
    "settings",
    [
        {"delay": -1},
        {"hosts_at_once": 0},
        {"max_attempts": 0},
        {"total_timeout": 0},
        {"product": "1x"},
        {"contact": "a\nb"},
    ],
)
def test_configurations_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=r"\w"):
        FetchConfig(**settings)
