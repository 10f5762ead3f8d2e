"""RSL 1.0: which licences let us train, and which pages they speak of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.permissions.licence import licence_of_answer, parse_licence

PLACE = "https://x.test/license.xml"
FREE = '<permits type="usage">ai-all</permits><payment type="free"/>'


def rsl(*contents):
    return f'<?xml version="1.0"?><rsl xmlns="https://rslstandard.org/rsl">{"".join(contents)}</rsl>'.encode()


def content(terms, url="/", more=""):
    return f'<content url="{url}" {more}><license>{terms}</license></content>'


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        (FREE, ""),
        ("", ""),
        ('<permits type="usage">all</permits>', ""),
        ('<permits type="usage">search, ai-train</permits>', ""),
        ('<permits type="usage">search</permits>', "permits search only"),
        ('<permits type="usage">search ai-input</permits>', "permits search ai-input only"),
        ('<permits type="usage"/>', "permits nothing only"),
        ('<prohibits type="usage">ai-train</prohibits>', "prohibits ai-train"),
        ('<prohibits type="usage">search,ai-all</prohibits>', "prohibits ai-all"),
        ('<prohibits type="usage">all</prohibits>', "prohibits all"),
        ('<prohibits type="usage">train-ai</prohibits>', "prohibits train-ai"),
        ('<prohibits type="usage">ai-input</prohibits>', ""),
        ('<permits type="usage">all</permits><prohibits type="usage">ai-train</prohibits>', "prohibits ai-train"),
        ('<payment type="training"><amount currency="USD">1</amount></payment>', "asks for payment (training)"),
        ('<payment type="attribution"/>', "asks for payment (attribution)"),
        ("<payment><standard>https://c.test/license</standard></payment>", "asks for payment (of no stated type)"),
        ('<permits type="user">non-commercial</permits>', "permits only some: user non-commercial"),
        ('<prohibits type="geo">US</prohibits>', "prohibits only some: geo us"),
        ("<legal type='warranty'>ownership</legal>", ""),
        ("<reporting type='telemetry' profile='https://c.test/1'/>", "asks for reports"),  # section 3.12
    ],
)
def test_what_a_licence_grants(terms, refusal):
    assert parse_licence(PLACE, rsl(content(terms))).refusal("https://x.test/a") == refusal


_FEED = (
    b"<rss><channel><item><rsl:content xmlns:rsl='https://rslstandard.org/rsl' url='/'><rsl:license>"
    b"<rsl:prohibits type='usage'>all</rsl:prohibits></rsl:license></rsl:content></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("document", "url", "is_refused"),
    [
        (rsl(content(FREE), content('<payment type="crawl"/>', "/paid/*")), "https://x.test/paid/1", True),
        (rsl(content(FREE), content('<payment type="crawl"/>', "/paid/*")), "https://x.test/free/1", False),
        (rsl(content('<payment type="crawl"/>', "/news")), "https://x.test/blog", False),
        (rsl(content('<payment type="crawl"/>', "https://x.test/news/")), "https://www.x.test/news/1", True),
        (rsl(content('<payment type="crawl"/>', "https://x.test")), "https://x.test/news/1", True),
        (rsl(content('<payment type="crawl"/>', "https://y.test/")), "https://x.test/news/1", False),
        (rsl(content(FREE, more='server="https://y.test"')), "https://x.test/", True),
        (rsl(f'<content url="/"><license><payment type="use"/></license><license>{FREE}</license></content>'),
         "https://x.test/", False),
        (rsl(content('<payment type="crawl"/>')).replace(b"https://rsl", b"http://www.rsl"), "https://x.test/", True),
        (_FEED, "https://x.test/a", True),
        (rsl(content('<payment type="crawl"/>'))[:-20], "https://x.test/", True),  # cut off
        (b"<html><body>Our terms", "https://x.test/", True),  # section 4.3: no valid document, so unlicensed
        (b"<rsl/>", "https://x.test/", True),
        (b"", "https://x.test/", True),
    ],
)  # fmt: skip
def test_which_pages_a_licence_speaks_of(document, url, is_refused):
    assert bool(parse_licence(PLACE, document).refusal(url)) is is_refused


@pytest.mark.parametrize("status", [404, 410, 401, 402, 403, 429, 503, 301, None])
def test_a_licence_that_cannot_be_had_is_no_permission(status):
    assert licence_of_answer(PLACE, status, b"", "timeout").refusal("https://x.test/").startswith("cannot be read (")


def test_terms_that_nest_without_end_are_no_permission():
    """Half a megabyte of them would be read two hundred times."""
    deep = rsl('<content url="/">' * 200, "<license/>" * 40_000, "</content>" * 200)
    assert parse_licence(PLACE, deep).refusal("https://x.test/") == "nests its terms in one another without end"
    unclosed = rsl(*(f'<content url="/{name}"><license>{FREE}</license>' for name in "abc"))
    assert parse_licence(PLACE, unclosed).refusal("https://x.test/a") == ""


def test_entities_are_not_expanded():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    document = (
        f'<!DOCTYPE rsl [{laughs}]><rsl><content url="/"><license><permits>&l11;</permits></license></content></rsl>'
    )
    assert parse_licence(PLACE, document.encode()).refusal("https://x.test/")


@given(st.binary(max_size=200))
def test_any_bytes_are_read(document):
    assert isinstance(parse_licence(PLACE, b"<rsl><content>" + document).refusal("https://x.test/"), str)
