"""Pages to text: the contract, every engine, and pages made to hang or crash an extractor."""

import re

import pytest

from filters.catalogue import REASONS as FILTER_REASONS
from sample.build import cases, distinct_answers
from tests.double.benchmarks import load_benchmark
from tests.double.thorough import THOROUGH
from tests.extract.test_clean_text import obeys_contract
from webtext.crawl.outcomes import OUTCOMES
from webtext.errors import UsageError
from webtext.extract import extractors
from webtext.extract.config import REASONS, ExtractConfig, Extracted
from webtext.extract.extractors import ENGINES, load_engine
from webtext.extract.pages import ExtractionPool, extract_page, extract_text
from webtext.extract.tree import parse_html
from webtext.metadata.metadata import read_metadata
from webtext.permissions.signals import SIGNALS
from webtext.reasons import Reason

CONFIG = ExtractConfig()
SENTENCES = [
    "The heron stood in the shallows all morning, and it did not move.",
    "My neighbour says that it has come to the same pool for nine winters, and he is not a man to exaggerate.",
    "He counts the fish that it takes, and in the evening he writes the number in a book with a green cover.",
]
ARTICLE = "".join(f"<p>{sentence}</p>\n" for sentence in SENTENCES * 3)
PAGE = f"""<!DOCTYPE html><html lang="en-GB"><head><title>Herons | The Daily Pool</title>
<meta property="og:title" content="Nine winters"><meta name="author" content="Ann Lee">
<meta property="article:published_time" content="2019-03-04T10:00:00Z">
<meta property="og:site_name" content="The Daily Pool">
<script>var x = "<p>not text</p>";</script></head><body><nav><a href="/">Home</a> <a href="/fish">Fish</a></nav>
<article><h1>Nine winters</h1>{ARTICLE}</article>
<footer>Copyright 2019. <a href="/privacy">Privacy</a></footer></body></html>"""


def test_a_page_gives_its_text_and_what_it_declares():
    found = extract_page(PAGE.encode(), "text/html", "https://pool.example/2018/01/02/a", config=CONFIG)
    assert isinstance(found, Extracted)
    assert all(sentence in found.text.split("\n") for sentence in SENTENCES)
    assert not re.search("Privacy|Home|not text", found.text)
    assert (found.title, found.author, found.date) == ("Nine winters", "Ann Lee", "2019-03-04")
    assert (found.site_name, found.declared_language) == ("The Daily Pool", "en")
    assert obeys_contract(found.text)


@pytest.mark.parametrize(
    ("head", "url", "expected"),
    [
        ("<title>Only a title</title>", "", ("Only a title", "", "")),
        ("<title>Nine winters - The Daily Pool</title>", "", ("Nine winters", "", "")),
        ('<meta property="og:title" content="The Daily Pool » Nine winters">', "", ("Nine winters", "", "")),
        (
            '<meta property="og:title" content="Ten | The Pool"><meta property="og:site_name" content="The Pool">',
            "", ("Ten", "", ""),
        ),
        ("", "https://x.example/2017/5/9/story", ("Nine winters", "", "2017-05-09")),
        ('<meta property="article:published_time" content="0001-01-01">', "", ("Nine winters", "", "")),
        ('<meta name="date" content="2020-02-31">', "", ("Nine winters", "", "")),
        ('<meta name="date" content="1970-01-01">', "", ("Nine winters", "", "")),
        ('<meta name="date" content="1989-12-31">', "", ("Nine winters", "", "")),
        ('<meta name="date" content="1990-01-01">', "", ("Nine winters", "", "1990-01-01")),
        ('<meta name="author" content="https://x.example/ann">', "", ("Nine winters", "", "")),
        (
            (
                '<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "headline": "A\n line", '
                '"author": [{"name": "Ann"}, {"name": "Bo"}], "datePublished": "2021-12-31T23:00"}]}</script>'
            ),
            "", ("A line", "Ann, Bo", "2021-12-31"),
        ),
        (
            (
                '<script type="application/ld+json">{"@type": "NewsArticle", "author": [{"name": {"name": "Ann Lee"}}, '
                '{"givenName": "Bo", "familyName": "Ray"}, {"name": 7}, {"givenName": ["Cy"]}]}</script>'
            ),
            "", ("Nine winters", "Ann Lee, Bo Ray", ""),
        ),
        ('<script type="application/ld+json">{"@type": broken</script>', "", ("Nine winters", "", "")),
        (f'<script type="application/ld+json">{"[" * 9000}</script>', "", ("Nine winters", "", "")),
    ],
)  # fmt: skip
def test_metadata_from_where_pages_declare_it(head, url, expected):
    heading = "" if "Only" in head else "<h1>Nine winters</h1>"
    found = extract_text(f"<html><head>{head}</head><body>{heading}{ARTICLE}</body></html>", url, CONFIG)
    assert (found.title, found.author, found.date) == expected


@pytest.mark.parametrize(
    ("body", "url", "expected"),
    [
        ('<div class="post-date"><span>March 4, 2019</span></div>', "", "2019-03-04"),
        ('<time itemprop="dateCreated" datetime="2019-03-04T10:00:00">', "", "2019-03-04"),
        (
            '<script type="application/ld+json">{"@type": "Thing", "datePublished": "Mar 04, 2019"}</script>',
            "",
            "2019-03-04",
        ),
        ('<time datetime="2019-03-05T01:00:00Z">', "https://x.example/2019/03/04/a", "2019-03-04"),
        ('<time datetime="2021-03-05T01:00:00Z">', "https://x.example/2019/03/04/a", "2021-03-05"),
        ("<p>© 2019 The Daily Pool</p>", "", ""),
        ("<p>No year anywhere.</p>", "", ""),
        # Ways to write a day that htmldate itself does not read.
        ('<p class="date">Dec. 19, 2025</p>', "", "2025-12-19"),
        ('<p class="date">Sept 9, 2025</p>', "", "2025-09-09"),
        ('<p class="date">8/21/2025 4:28 PM</p>', "", "2025-08-21"),
        ('<p class="date">24-Nov-2021</p>', "", "2021-11-24"),
        ("<p>opublikowano: 7 kwietnia 2021</p>", "", "2021-04-07"),
        ("<p>A 21 de abril de 1999</p>", "", "1999-04-21"),
        ("<p>15 августа 2016, 13:43</p>", "", "2016-08-15"),
        ("<p>(1998 年 7 月 24 日): 映画</p>", "", "1998-07-24"),
        ("<p>1998년 7월 24일</p>", "", "1998-07-24"),
        ("<p>Meet the 2024 Cohort 1</p>", "", "2024-01-01"),
        # An hour's distance from UTC is less than a day: htmldate ended with an error.
        ('<p class="date">2020-01-01 10:00 -2400</p>', "", "2020-01-01"),
        ('<p class="date">2016-02-22T05:16:45-64:00</p>', "", "2016-02-22"),
    ],
)
def test_a_date_that_is_not_declared_is_searched_for_in_short_texts(body, url, expected):
    found = extract_text(f"<html><head><title>x</title></head><body>{ARTICLE}{body}</body></html>", url, CONFIG)
    assert found.date == expected


@pytest.mark.parametrize(
    ("head", "site"),
    [
        ("<title>Nine winters - The Daily Pool</title>", "The Daily Pool"),
        ("<title>The Daily Pool | Nine winters</title>", "The Daily Pool"),
        ('<title>Nine winters - Wikipedia</title><meta property="og:title" content="Nine winters">', "Wikipedia"),
        ('<title>Nine winters - A</title><meta property="og:site_name" content="The Pool">', "The Pool"),
        ("<title>Nine winters</title>", ""),
        ("<title>Another title - and more</title>", ""),
        ("", ""),
    ],
)
def test_a_site_that_names_itself_in_the_title_only_is_named(head, site):
    found = extract_text(f"<html><head>{head}</head><body><h1>Nine winters</h1>{ARTICLE}</body></html>", "", CONFIG)
    assert found.site_name == site


def test_a_page_without_tags_for_head_and_body_has_its_paragraphs():
    menu = "<header><nav><ul><li><a href=/>The Daily Pool</a><li><a href=/all>Everything</a></ul></nav></header>"
    footer = (
        "<footer><p>Written under a licence that asks only for good manners. No cookies, one goose.</p></footer>" * 3
    )
    paragraphs = [f"{sentence} That was number {number}." for number in range(6) for sentence in SENTENCES]
    article = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    head = "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    html = f"{head}{menu}<article><h1>Herons</h1>{article}</article>{footer}"
    lines = extract_text(html, "", CONFIG).text.split("\n")
    assert [line for line in lines if line in paragraphs] == paragraphs


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", "text/html", "not_html"),
        (b"plain words, no markup at all", "text/html", "not_html"),
        (b"\x00" * 100, "text/html", "not_html"),
        (b"%PDF-1.4 <html>", "application/pdf", "not_html"),
        (b"<html></html>", "text/html", "no_text"),
        (b"<html><body><script>1</script></body></html>", "", "no_text"),
        (b"<html>" + b"x" * 5_000_000, "text/html", "too_large"),
    ],
)
def test_no_text_has_a_reason(body, content_type, reason):
    outcome = extract_page(body, content_type, "https://example.org/", config=CONFIG)
    assert (type(outcome), outcome) == (Reason, reason)
    assert outcome in REASONS


def test_control_characters_do_not_lose_the_page():
    for nuisance in ("\x00", "\x08", "&#8;", "&#x1F;", "&#0;", "\ufffe", "\ud800", "\x0c"):
        page = PAGE.replace("nine winters, and", f"nine{nuisance} winters, and")
        found = extract_text(page, "", CONFIG)
        assert isinstance(found, Extracted), nuisance
        assert obeys_contract(found.text)


@pytest.mark.parametrize("name", [name for name in ENGINES if name not in {"readability", "newspaper"}])
def test_every_engine_keeps_the_contract(name):
    found = extract_page(PAGE.encode(), "text/html", "", config=ExtractConfig(extractor=name))
    assert isinstance(found, Extracted)
    assert all(sentence in found.text for sentence in SENTENCES)
    assert obeys_contract(found.text)


def test_an_engine_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "newspaper", None)
    load_engine.cache_clear()
    with pytest.raises(UsageError, match="pip install newspaper4k"):
        ExtractionPool(ExtractConfig(extractor="newspaper"))
    load_engine.cache_clear()


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="no extractor 'x': choose one of webtext"):
        ExtractConfig(extractor="x")
    with pytest.raises(ValueError, match="max_bytes must be positive, got 0"):
        ExtractConfig(max_bytes=0)


STRESS = {
    "deep nesting": b"<div>" * 100_000 + ARTICLE.encode() + b"</div>" * 100_000,
    "deep inline nesting": b"<b><i>" * 50_000 + b"x",
    "unclosed tags": b"<p>word" * 100_000,
    "unclosed table cells": b"<table>" + b"<tr><td>cell" * 100_000,
    "no spaces": b"<html><body><p>" + b"x" * 4_900_000,
    "ten megabytes without spaces": b"<html><body><p>" + b"x" * 10_000_000,
    "a huge table": b"<table>" + b"<tr>" + b"<td>1</td>" * 500 + b"</tr>" * 1 + b"<tr><td>2</td></tr>" * 100_000,
    "a wide cell": b"<table><tr><td colspan=999999999 rowspan=999999999>x</td></tr></table>" * 100,
    "entities": b"<p>" + b"&amp;&eacute;&#8364;&bogus;" * 150_000,
    "attributes": b"<p " + b" ".join(b"a%d=1" % number for number in range(100_000)) + b">x</p>",
    "comments": b"<!-- x -->" * 200_000 + ARTICLE.encode(),
    "links": b"<a href=x>y</a>" * 200_000,
    "forum posts": b"<div class=post><p>Reply number one of many, said the heron.</p></div>" * 20_000,
    "many forms": b"<form><input>" * 30_000,
    "nested lists": b"<ul><li>" * 30_000,
    "json": b'<script type="application/ld+json">' + b'{"a":' * 100_000 + b"</script>" + ARTICLE.encode(),
    "zeros": b"\x00" * 4_000_000,
}


@pytest.mark.slow
def test_stress_pages_cost_only_themselves():
    with ExtractionPool(ExtractConfig(seconds=1.0 if THOROUGH else 0.4)) as extract:
        whole = extract(PAGE.encode(), "text/html", "")
        for name, body in STRESS.items():
            outcome = extract(b"<html><body>" + body, "text/html", "")
            assert isinstance(outcome, Extracted) or outcome in REASONS, name
            assert extract(PAGE.encode(), "text/html", "") == whole, name
        assert extract(b"<html>" + STRESS["ten megabytes without spaces"], "text/html", "") == "too_large"
    with ExtractionPool(ExtractConfig(seconds=0.05)) as extract:
        assert extract(STRESS["unclosed table cells"], "text/html", "") == "extract_timeout"
        assert isinstance(extract(PAGE.encode(), "text/html", ""), (Extracted, Reason))


@pytest.mark.slow
def test_damaged_pages_are_all_accounted_for_by_a_build(tmp_path):
    mutations = load_benchmark("mutations")
    answers = distinct_answers(list(cases()))
    bodies = [
        answer.body for answer in answers if answer.body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))
    ]
    assert len(bodies) > 100
    funnel = mutations.build(bodies, 250, tmp_path, workers=2)
    pages, counts = (dict(funnel.stages)[name].counts for name in ("pages", "documents"))
    assert pages.given == 250 == pages.kept + sum(pages.rejected.values())
    assert set(pages.rejected) <= OUTCOMES.keys() | {f"opt_out_{name}" for name in SIGNALS}
    assert counts.given == pages.kept == counts.kept + sum(counts.rejected.values())
    assert set(counts.rejected) <= {*REASONS, *FILTER_REASONS}
    assert counts.kept > 60
    assert list(mutations.costly(tmp_path)) == []


def test_alone_an_extractor_asks_for_no_second_opinion(monkeypatch):
    monkeypatch.setattr(extractors, "second_opinion", lambda _: "Another text. " * 100)
    empty = "<html><body><div><a href=/>A menu</a></div></body></html>"
    assert extract_text(empty, "", ExtractConfig()).text.startswith("Another")
    assert extract_text(empty, "", ExtractConfig(), alone=True) == "no_text"


@pytest.mark.parametrize(
    ("first", "alone", "kept"),
    [
        (Reason("extract_timeout"), Extracted("Blocks."), Extracted("Blocks.")),
        (Reason("extract_crash"), Reason("no_text"), "extract_crash"),
        (Reason("no_text"), Extracted("Blocks."), "no_text"),
    ],
)
def test_a_page_that_is_too_much_for_a_second_opinion_keeps_the_text_of_its_blocks(monkeypatch, first, alone, kept):
    outcomes = {False: first, True: alone}
    monkeypatch.setattr(ExtractionPool, "once", lambda *_, alone=False: outcomes[alone])
    with ExtractionPool(ExtractConfig()) as extract:
        assert extract(b"", "", "") == kept


NESTS = {  # made after pages on which trafilatura hung (tables) or ran out of stack (anything that it takes for text)
    "tables": "<table>" * 1000 + ARTICLE + "</table>" * 1000,
    "tables with cells": "<table><tr><td>" * 1000 + ARTICLE,
    "bold": "<p>" + "<b>" * 3000 + "word " * 300,
    "fonts after the text": ARTICLE + "<font>" * 3000,
    "fonts before it": "<font>" * 3000 + ARTICLE,
    "lists": ARTICLE + "<ul><li>word" * 3000,
}


@pytest.mark.slow
def test_what_is_nested_without_end_neither_hangs_nor_crashes():
    with ExtractionPool(ExtractConfig(seconds=5.0)) as extract:
        outcomes = {name: extract(f"<html><body>{nest}".encode(), "text/html", "") for name, nest in NESTS.items()}
    assert {str(outcome) for outcome in outcomes.values() if isinstance(outcome, Reason)} <= {"no_text"}
    for name in ("tables", "fonts after the text", "lists"):
        assert SENTENCES[0] in outcomes[name].text, name


def test_what_is_nested_deeper_than_256_levels_stands_beside_in_its_order():
    for depth in (250, 254, 255, 300, 1000):  # below <html> and <body>
        tree = parse_html("<div>" * depth + "a<p>b<i>c</i>d</p>e<p>f</p>g")
        assert "".join(tree.itertext()) == "abcdefg"
        deepest = max(sum(1 for _ in element.iterancestors()) for element in tree.iter())
        assert deepest == min(depth + 3, 256)


def test_the_same_page_gives_the_same_text_whatever_came_before():
    pages = [PAGE, PAGE.replace("heron", "crane"), PAGE.replace("<p>", "<div>").replace("</p>", "</div>")]
    alone = []
    for page in pages:
        with ExtractionPool(CONFIG) as extract:
            alone.append(extract(page.encode(), "text/html", ""))
    with ExtractionPool(CONFIG) as extract:
        assert [extract(page.encode(), "text/html", "") for page in [*pages, *pages]] == alone + alone


def test_a_title_is_not_the_name_of_the_site_and_an_author_not_what_stands_beside_it():
    def read(head, body, url="https://a.example/nine"):
        return read_metadata(parse_html(f"<html><head>{head}</head><body>{body}</body></html>"), url)

    named = "<title>Nine winters - The Pool</title><meta property=og:title content='The Pool'>"
    named += "<meta property=og:site_name content='The Pool'>"
    assert read(named, "<h1>The Pool</h1>").title == "Nine winters"
    assert read(named, "<h1>The Pool</h1>", "https://a.example/").title == "The Pool"
    book = read("<title>Traits - The Book</title>", "<h1>The Book</h1><h2>Traits\u00b6</h2>")
    assert (book.title, book.site_name) == ("Traits", "The Book")
    box = "<div itemprop=author>asked 3 May <span itemprop=name>Ann Rook</span> 1,655 points</div>"
    assert read("", box).author == "Ann Rook"
