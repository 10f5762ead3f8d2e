"""Opt-outs: every signal in the forms in which sites give it, and none where there is none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.config import FetchConfig
from webtext.permissions.optout import ai_txt_signal, parse_tdmrep, read_page, tdmrep_signal
from webtext.permissions.page_head import head_elements
from webtext.permissions.robots import parse_robots
from webtext.permissions.signals import DEFAULT_SIGNALS, SIGNALS, Signal, first_signal

URL = "https://x.test/a/page"


def named(says):
    return {signal.name for signal in says.signals}


@pytest.mark.parametrize(
    ("headers", "signals"),
    [
        ([("X-Robots-Tag", "noai")], {"noai"}),
        ([("x-robots-tag", " NoAI , noimageai,nofollow")], {"noai", "noimageai"}),
        ([("X-Robots-Tag", "noml")], {"noml"}),
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
        ([("X-Robots-Tag", "DisallowAITraining")], {"disallow_ai_training"}),
        ([("Robots", "DisallowAITraining")], {"disallow_ai_training"}),
        ([("TDM-Reservation", "1")], {"tdm"}),
        ([("tdm-reservation", " 1 ")], {"tdm"}),
        ([("TDM-Reservation", "0")], set()),
        ([("TDM-Reservation", "1, 1")], {"tdm"}),
        ([("TDM-Reservation", "true")], set()),  # neither 1 nor 0: an error, so unset
        ([("Content-Usage", "tdm=n")], {"content_usage"}),
        ([("TDM-Policy", "https://x.test/policy")], set()),  # a policy says nothing without a reservation
        ([("Content-Usage", "train-ai=n")], {"content_usage"}),
        ([("content-usage", "search=y, train-ai=n;x=1")], {"content_usage"}),
        ([("Content-Usage", "train-ai=y"), ("Content-Usage", "train-ai=n")], {"content_usage"}),
        ([("Content-Usage", "ai=n")], {"content_usage"}),  # earlier drafts have it so
        ([("Content-Usage", "ai=n, train-ai=y")], set()),
        ([("Content-Usage", "ai-train=no")], {"content_usage"}),  # the words of Content Signals
        ([("Content-Usage", "ai-train=no, train-ai=y")], set()),
        ([("Content-Signal", "train-ai=n")], {"content_signal"}),
        ([("Content-Usage", "train-ai=y")], set()),
        ([("Content-Usage", "train-ai=?0")], set()),  # vocab, section 6.5: no token, so unknown
        ([("Content-Usage", 'train-ai="n"')], set()),
        ([("Content-Usage", "Train-AI=n")], set()),  # section 6.5.1: no dictionary, so unknown
        ([("Content-Usage", "train-ai=n, train-ai=y")], set()),  # the last one applies
        ([("Content-Usage", "")], set()),
        ([("Content-Signal", "search=yes,ai-train=no")], {"content_signal"}),
        ([("Content-Signal", "ai-train=yes, search=yes, ai-input=yes")], set()),
        ([("Content-Signal", "search=yes, use=reference")], {"content_signal"}),
        ([("Content-Signal", "use=full")], set()),
        ([], set()),
    ],
)
def test_headers(headers, signals):
    says = read_page(headers, b"", URL, "webtext")
    assert named(says) == signals
    assert all(value in signal.evidence for signal in says.signals for _, value in headers[-1:])


@pytest.mark.parametrize(
    ("html", "signals"),
    [
        ('<meta name="robots" content="noai, noimageai">', {"noai", "noimageai"}),
        ("<META CONTENT='NOAI' NAME='ROBOTS'/>", {"noai"}),
        ("<meta name=robots content=noindex>", {"noindex"}),
        ('<meta name="webtext" content="none">', {"none"}),
        ('<meta name="googlebot" content="noai">', set()),
        ('<meta name="robots" content="DisallowAITraining">', {"disallow_ai_training"}),
        ('<meta name="tdm-reservation" content="1">', {"tdm"}),
        ('<meta name="tdm-reservation" content="0">', set()),
        ('<meta name="robots" content="index,follow">', set()),
        ('<meta name="description" content="noai">', set()),
        ('<meta property="robots" content="noai">', set()),
        ('<meta name="robots" content="no&#97;i">', {"noai"}),
        ('<meta data-x="a > b" name="robots" content="noai">', {"noai"}),
        ('<meta name = "robots" content = noai >', {"noai"}),
        ("<meta\nname='robots'\ncontent='noai'>", {"noai"}),
        ('<meta name="robots"content="noai">', {"noai"}),
        ('<!-- <meta name="robots" content="noai"> -->', set()),
        ('<!--><meta name="robots" content="noai">', {"noai"}),  # a comment that ends at once
        ('<!-- a --!><meta name="robots" content="noai">', {"noai"}),
        ('<!-- never ends <meta name="robots" content="noai">', set()),
        ('<script>\'<meta name="robots" content="noai">\'</script>', set()),
        ('<script>a</SCRIPT><meta name="robots" content="noai">', {"noai"}),
        ('<title><meta name="robots" content="noai"></title>', set()),
        ('<noscript><meta name="robots" content="noai"></noscript>', {"noai"}),  # we run no scripts
        ('</head><meta name="robots" content="noai">', set()),
        ('<body><meta name="robots" content="noai">', set()),
        ('<header><meta name="robots" content="noai">', {"noai"}),
        ('<meta name="robots" content="noai', set()),
        ('<meta name="a" content="' + "9" * 9000 + '"><meta name="robots" content="noai">', {"noai"}),
        ("<meta name='a' content='&#" + "9" * 9000 + ";'><meta name=robots content=noai>", {"noai"}),
        ("<p>noai</p>", set()),
        ("", set()),
    ],
)
def test_meta_elements(html, signals):
    assert named(read_page([], f"<html><head>{html}".encode(), URL, "webtext")) == signals


_PIECES = st.sampled_from(
    [
        "<meta ",
        "<link ",
        "<script ",
        "</script>",
        "<!--",
        "-->",
        ">",
        '"',
        "'",
        "=",
        " ",
        "/",
        "&#111;",
        "<title>",
        "</title>",
        "name",
        "robots",
        "content",
        "noai",
        "rel",
        "license",
        "type",
        "application/rsl+xml",
        "a",
        "b='c'",
        'd="e"',
        "\n",
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_tags_that_are_passed_over_at_once_say_nothing(html):
    words = (b"robots", b"tdm-", b"rsl")
    whole = [element for element in head_elements(html.encode()) if element.attributes]
    quick = list(head_elements(html.encode(), words))
    assert [element for element in whole if element in quick] == quick
    left = [element for element in whole if element not in quick]
    assert not any(word.decode() in str(element.attributes).lower() for word in words for element in left)


def test_pages_in_utf_16_are_read():
    page = '\ufeff<html><head><meta name="robots" content="noai">'
    for encoding in ("utf-16-le", "utf-16-be"):
        assert named(read_page([], page.encode(encoding), URL, "webtext")) == {"noai"}


def rsl(terms, url="/"):
    return f'<rsl xmlns="https://rslstandard.org/rsl"><content url="{url}"><license>{terms}</license></content></rsl>'


def test_licences_are_found_where_pages_name_them():
    link = '</a.xml>; rel="license"; type="application/rsl+xml", </style.css>; rel=preload'
    html = (
        b'<link rel="license" type="application/rsl+xml" href="b.xml"><link rel=license href=cc.html>'
        b'<script type="application/rsl+xml">'
        + rsl('<prohibits type="usage">ai-train</prohibits>').encode()
        + b"</script>"
    )
    says = read_page([("Link", link), ("Link", "<cc.html>; rel=license")], html, URL, "webtext")
    assert says.licences == ["https://x.test/a.xml", "https://x.test/a/b.xml"]
    assert says.signals == [Signal("rsl", "the RSL licence in the page's head prohibits ai-train")]


def test_the_evidence_says_what_stood_where():
    headers = [("TDM-Reservation", "1"), ("TDM-Policy", "https://x.test/p.json")]
    says = read_page(headers, b"<meta name=ROBOTS content='x, noai'>", URL, "webtext")
    assert [signal.evidence for signal in says.signals] == [
        "TDM-Reservation: 1, policy https://x.test/p.json in the answer's header",
        '<meta name="robots" content="x, noai"> in the page\'s head',
    ]


@pytest.mark.parametrize(
    ("rules", "path", "reserved"),
    [
        ([{"location": "/", "tdm-reservation": 1}], "/any/page", True),
        ([{"location": "/", "tdm-reservation": "1"}], "/", True),
        ([{"location": "/", "tdm-reservation": 0}], "/", False),
        ([{"location": "/news/*", "tdm-reservation": 1}], "/news/a", True),
        ([{"location": "/news/*", "tdm-reservation": 1}], "/blog/a", False),
        ([{"location": "/caf\u00e9", "tdm-reservation": 1}], "/caf%c3%a9/", True),
        ([{"location": "*.html$", "tdm-reservation": 1}], "/a.html", True),
        ([{"location": "*.html$", "tdm-reservation": 1}], "/a.html?b", False),
        ([{"location": "/a", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}], "/a/b", False),
        ([{"location": "/a", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}], "/b", True),
        ({"location": "/", "tdm-reservation": 1}, "/", True),
        ([{"location": "/", "tdm-reservation": 1, "tdm-policy": [1]}], "/", True),
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
    signal = tdmrep_signal(parse_tdmrep(json.dumps(rules).encode()), f"https://x.test{path}")
    assert (signal is not None) is reserved


def test_the_policy_of_a_reservation_is_evidence():
    rules = parse_tdmrep(b'[{"location": "/a*", "tdm-reservation": 1, "tdm-policy": "https://x.test/p"}]')
    expected = "location /a* of /.well-known/tdmrep.json, policy https://x.test/p"
    assert tdmrep_signal(rules, "http://x.test/ab") == Signal("tdm", expected)


@pytest.mark.parametrize(
    ("rules", "path", "is_out"),
    [
        ("Disallow: /", "/post", True),
        ("Disallow: *", "/post", True),
        ("Disallow: *.html", "/post.html", True),
        ("Disallow: *.html", "/2019/post", True),  # a page without an extension is HTML all the same
        ("Disallow: *.html", "/2019/", True),
        ("Disallow: *.jpg", "/post", False),
        ("Disallow: *.html\nAllow: /free/", "/post.php", False),
        ("Allow: *.html", "/post", False),
        ("", "/post", False),
    ],
)
def test_ai_txt(rules, path, is_out):
    signal = ai_txt_signal(parse_robots(f"User-Agent: *\n{rules}\n".encode()), f"http://x.test{path}", "webtext")
    assert (signal is not None) is is_out
    assert not is_out or signal.evidence == f"{rules} (line 2) of /ai.txt"


@given(st.binary(max_size=200))
def test_any_bytes_are_read(document):
    assert tdmrep_signal(parse_tdmrep(document), "https://x.test/") is None
    assert named(read_page([("Link", document.decode("latin-1"))], document, URL, "webtext")) <= set(SIGNALS)


def test_deeply_nested_json_is_no_reservation():
    assert parse_tdmrep(b"[" * 200_000) == ()


def test_the_first_signal_is_named_of_those_that_are_obeyed():
    found = [Signal(name, "") for name in ("noai", "noindex", "tdm")]
    assert first_signal(found, DEFAULT_SIGNALS).name == "tdm"
    assert first_signal(found, ("noai",)).name == "noai"
    assert first_signal(found[1:2], ("noai",)).name == "noindex"
    assert first_signal([], DEFAULT_SIGNALS) is None


def test_signals_that_count_are_configuration():
    assert set(SIGNALS) - set(FetchConfig().opt_outs) == {"noindex"}
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
