"""What stands in for functions of trafilatura gives what they give: on real pages, damaged ones and invented trees."""

import functools
import random
import re
import subprocess
import sys
from copy import copy
from pathlib import Path

import pytest
import trafilatura
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from trafilatura import xpaths
from trafilatura.baseline import html2txt
from trafilatura.htmlprocessing import convert_tags, tree_cleaning
from trafilatura.main_extractor import TAG_CATALOG, extract_content, prune_unwanted_sections
from trafilatura.settings import BASIC_CLEAN_XPATH, Extractor
from trafilatura.xml import xmltotxt

from tests.double.damaged_pages import load_mutations
from webtext.extract import extractors
from webtext.extract.decode import decode_html
from webtext.extract.extractors import count_shown, load_engine, parse_html, without_controls
from webtext.extract.trafilatura_fast.cascade import PageReader
from webtext.extract.trafilatura_fast.cleaning import clean, delete_in_turn
from webtext.extract.trafilatura_fast.content import find_content
from webtext.extract.trafilatura_fast.element_text import text_of
from webtext.extract.trafilatura_fast.expressions import spell_out
from webtext.extract.trafilatura_fast.fallback import RememberedXPath
from webtext.extract.trafilatura_fast.release import FOLLOWED, has_known_sources
from webtext.extract.trafilatura_fast.sections import prune_sections
from webtext.extract.trafilatura_fast.selectors import RememberedTests

OPTIONS = {
    (focus, fast): Extractor(comments=False, fast=fast, recall=focus == "recall")
    for focus in ("balanced", "recall")
    for fast in (True, False)
}
TAGS = (
    *("div", "div", "div", "p", "p", "p", "a", "a", "span", "section", "article", "main", "aside", "ul", "ol", "li"),
    *(
        "table",
        "tr",
        "td",
        "th",
        "h1",
        "h2",
        "br",
        "pre",
        "code",
        "blockquote",
        "em",
        "strong",
        "img",
        "form",
        "figure",
    ),
    *(
        "nav",
        "footer",
        "svg",
        "script",
        "style",
        "noscript",
        "label",
        "dl",
        "dt",
        "dd",
        "details",
        "del",
        "math",
        "time",
    ),
)
VALUES = (
    *("content", "post", "entry-content", "article", "main", "story-body", "text", "sidebar", "menu", "nav", "share"),
    *("comment-list", "comments", "Commentary", "cookie", "cookie-banner", "hidden", "reply-1", "teaser", "caption"),
    *("footer", "page footer", "infinite-scroll", "elementor-share-buttons", "w3-code", "a b", "", "x"),
)
NAMES = ("class", "id", "style", "role", "itemprop", "aria-hidden", "data-component", "data-lp-replacement-content")
WORDS = (
    "The heron stood.",
    " in the shallows all morning, and it did not move. " * 3,
    "more",
    " ",
    "\n",
    "Print",
    "é,",
)

attributes = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=3)
texts = st.none() | st.sampled_from(WORDS)
nodes = st.tuples(st.sampled_from(TAGS), attributes, texts, texts, st.integers(0, 3))


@st.composite
def pages(draw):
    """Make a page of some elements, each put into the last, or into one that stands up to three levels over it."""
    tree = parse_html("<html><head><title>Pool</title></head><body></body></html>")
    here = etree.SubElement(tree.find("body"), "div", {"class": draw(st.sampled_from(VALUES))})
    for tag, given_attributes, text, tail, up in draw(st.lists(nodes, max_size=60)):
        for _ in range(up):
            here = here if here.getparent() is tree else here.getparent()
        here = etree.SubElement(here, tag, given_attributes)
        here.text, here.tail = text, tail
    return tree


def serialized(tree):
    return etree.tostring(tree, encoding="unicode")


def original(tree, *, fast):
    return trafilatura.extract(tree, include_comments=False, fast=fast) or ""


def check_page(tree):
    """Hold what a reader gives, in the order in which the cascade asks it, equal to trafilatura's."""
    page = PageReader(copy(tree), lambda: copy(tree), count_shown(tree).most)
    assert page.extract(fast=True) == original(tree, fast=True)
    assert page.extract(fast=False) == original(tree, fast=False)
    thorough_first = PageReader(copy(tree), lambda: copy(tree), count_shown(tree).most)
    assert thorough_first.extract(fast=False) == original(tree, fast=False)


@given(pages())
def test_an_invented_page_gives_the_text_that_trafilatura_gives(tree):
    check_page(tree)


@settings(max_examples=300)
@given(pages(), st.sampled_from(sorted(OPTIONS)))
def test_each_step_does_to_an_invented_page_what_its_original_does(tree, setting):
    options, recall = OPTIONS[setting], setting[0] == "recall"
    expected, cleaned = tree_cleaning(copy(tree), options), clean(copy(tree), recall=recall)
    assert serialized(cleaned) == serialized(expected)
    converted = convert_tags(cleaned, options)
    pruned, tags = copy(converted), {*TAG_CATALOG, "table", "td", "th", "tr"}
    prune_sections(pruned, keep_teasers=recall)
    assert serialized(pruned) == serialized(prune_unwanted_sections(copy(converted), tags, options))
    body, text = extract_content(copy(converted), options)
    found = find_content(converted, options)
    assert (serialized(found.body), found.text) == (serialized(body), text)


@given(pages())
def test_the_measure_of_a_page_is_trafilaturas_and_not_over_its_bound(tree):
    page = PageReader(copy(tree), lambda: copy(tree), 0)
    assert page._measure == len(html2txt(page._page)) <= count_shown(tree).most


own_texts = st.sampled_from((None, "", " ", "a", "b c", " d", "e ", "\n", "|"))
leaves = st.tuples(
    st.sampled_from(("p", "p", "head", "lb", "quote", "code", "code", "item", "cell")), own_texts, own_texts
)
outers = st.tuples(st.sampled_from(("p", "list", "item", "table", "row", "cell", "quote")), own_texts, own_texts)


@settings(max_examples=1000)
@given(
    st.lists(st.tuples(leaves, st.none() | st.none() | outers), max_size=8),
    st.sampled_from((None, None, None, "", "a ")),
)
def test_a_body_becomes_the_text_that_its_original_makes(entries, text):
    body = etree.Element("body")
    body.text = text
    for leaf, outer in entries:
        parent = body
        for tag, own, tail in filter(None, (outer, leaf)):
            parent = etree.SubElement(parent, tag)
            parent.text, parent.tail = own, tail
    assert text_of(body) == xmltotxt(body, include_formatting=False)


def test_of_two_attributes_the_one_that_stands_first_is_asked():
    tree = etree.fromstring("<b><p id='a' class='cookie'/><p class='cookie' id='a'/><p class='cookie'/></b>")
    expression = etree.XPath(".//*[contains(@id|@class, 'cookie')]")
    assert [element for element, _ in RememberedTests([expression])(tree)] == expression(tree) == tree[1:]


def test_the_thorough_setting_does_not_begin_with_what_only_the_quick_one_recovers():
    """What calls itself a teaser is text to the quick setting, where it finds no other."""
    teaser = f"<div><div class='teaser'><p>{'The heron stood in the shallows. ' * 5}</p></div></div>"
    tree = parse_html(f"<p>Fish.</p>{teaser}<p>Reeds.</p>")
    check_page(tree)
    paragraphs = "".join(f"<p>{number} {'The heron stood. ' * 9}</p>" for number in range(3))
    for page, kept in ((tree, set()), (parse_html(f"<article>{paragraphs}</article>"), {"balanced"})):
        reader = PageReader(page, functools.partial(copy, page), 1)
        assert "heron stood" in reader.extract(fast=True)
        assert set(reader._contents) == kept


lengths = st.sampled_from((0, 0, 3, 9, 10, 20, 31, 60, 99, 101, 150))
links = st.lists(st.tuples(lengths, st.sampled_from((0, 0, 0, 0, 0, 2, 40))), max_size=8)
parts = st.recursive(
    st.tuples(st.sampled_from(("p", "div", "list", "item", "td")), lengths, links, st.just([])),
    lambda inner: st.tuples(
        st.sampled_from(("div", "list", "table", "item")), lengths, links, st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


def linked_part(part):
    """Make a part of a page with trafilatura's tags: text, links of some lengths with text after them, parts."""
    tag, chars, some_links, inner = part
    element = parse_html("<div></div>").find(".//div")
    element.tag, element.text = tag, "word " * (chars // 5)
    for linked, after in some_links:
        link = etree.SubElement(element, "ref")
        link.text, link.tail = "x" * linked, " y" * (after // 2)
    element.extend([linked_part(one) for one in inner])
    return element


@settings(max_examples=1000)
@given(st.lists(parts, min_size=1, max_size=4))
def test_links_are_pruned_as_their_original_prunes_them(some_parts):
    tree = parse_html("<div></div>").find(".//div")
    tree.extend([linked_part(part) for part in some_parts])
    expected, tags = copy(tree), {*TAG_CATALOG, "table", "td", "th", "tr"}
    prune_sections(tree, keep_teasers=False)
    assert serialized(tree) == serialized(prune_unwanted_sections(expected, tags, OPTIONS["balanced", True]))


LISTS = (
    (*xpaths.OVERALL_DISCARD_XPATH, *xpaths.DISCARD_IMAGE_ELEMENTS, *xpaths.TEASER_DISCARD_XPATH),
    (xpaths.RAW_TREE_PRUNE_XPATH[1], *xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH, *xpaths.REMOVE_COMMENTS_XPATH),
    (*xpaths.PRECISION_DISCARD_XPATH, BASIC_CLEAN_XPATH),
)


def as_expressions(group):
    """Undo what `webtext.extract.trafilatura_fast.fallback` may have done to trafilatura's lists for another test."""
    return [one._expression if isinstance(one, RememberedXPath) else one for one in group]


@given(pages(), st.sampled_from(LISTS))
def test_one_walk_finds_what_the_expressions_find(tree, group):
    expressions = as_expressions(group)
    found = RememberedTests(expressions)(tree)
    for place, expression in enumerate(expressions):
        assert [element for element, bits in found if bits >> place & 1] == expression(tree), expression.path


@given(pages())
def test_one_walk_finds_the_first_element_of_each_expression_for_an_article(tree):
    expressions = as_expressions(xpaths.BODY_XPATH)
    found = RememberedTests(expressions)(tree)
    for place, expression in enumerate(expressions):
        assert [element for element, bits in found if bits >> place & 1][:1] == expression(tree)[:1], expression.path


def test_what_is_not_below_may_be_found():
    tree = etree.fromstring("<b><div class='infinite-scroll'><h1/></div><div class='infinite-scroll'/><div/></b>")
    expression = as_expressions(xpaths.RAW_TREE_PRUNE_XPATH)[0]
    assert [place for place, element in enumerate(tree) if element in dict(RememberedTests([expression])(tree))] == [
        0,
        1,
    ]
    assert expression(tree) == [tree[1]]


@pytest.mark.parametrize(
    "path", ["//div", ".//*[self::div][.//p]", ".//*[self::div][2]", ".//*[@id='a']/p", ".//p[last()]"]
)
def test_expressions_of_another_form_are_refused(path):
    with pytest.raises(ValueError, match="not a test of an element's tag and attributes"):
        RememberedTests([etree.XPath(path)])


def test_what_tests_remember_has_a_bound(monkeypatch):
    monkeypatch.setattr("webtext.extract.trafilatura_fast.selectors.MAX_VALUES", 10)
    tests = RememberedTests([etree.XPath(".//*[self::div][contains(@class, 'menu')]")])
    tree = etree.Element("b")
    for number in range(100):
        etree.SubElement(tree, "div", {"class": f"menu {number}"})
    etree.SubElement(tree, "div", {"class": "menu" + "x" * 1000})
    assert len(tests(tree)) == 101
    assert 0 < len(tests._known["class"]) <= 10
    assert max(map(len, tests._known["class"])) < 10


words = st.text("ab^-", max_size=6)


@given(words)
def test_what_a_pattern_is_spelled_out_to_is_what_it_finds(value):
    for pattern in ("^a(?:b|cd)?[b-]", "a-?b", "(?:^|b)a", "[ab]b", "ab(?!a)", "a$", r"\bab", "a[a-b]", "", "a?"):
        spelled = spell_out(pattern)
        if spelled is not None:
            found = any(value.startswith(one[1:]) if one[:1] == "^" else one in value for one in spelled)
            assert found == bool(re.search(pattern, value)), pattern
    assert [spell_out(pattern) for pattern in ("ab(?!a)", "a$", r"\bab", "a[a-b]", "a?", "a^")] == [None] * 6
    assert spell_out("(?:^|b)a[b-]?") == ["^ab", "^a-", "^a", "bab", "ba-", "ba"]


def test_a_second_part_is_looked_for_in_what_the_first_has_left():
    """The first part is nothing but a menu; what stands in it is no article, whatever it is called."""
    menu = "<div class='post'><div id='content' class='menu'><p>Fish.</p><p>Reeds.</p></div>Menu</div>"
    article = f"<div id='content'>{'The heron stood in the shallows.<br>' * 30}<p>It did not move.</p></div>"
    tree = parse_html(f"<main>{menu}{article}</main>")
    check_page(tree)
    assert original(tree, fast=True).count("heron") == 30


def random_nest(chance):
    tree = here = etree.Element("div")
    for _ in range(40):
        for _ in range(chance.randrange(3)):
            here = tree if here.getparent() is None else here.getparent()
        here = etree.SubElement(here, chance.choice(("nav", "label", "p")))
        here.text, here.tail = chance.choice("ab"), chance.choice("cd")
    return tree


def test_deletion_ends_where_the_loop_that_it_stands_for_ends():
    chance, cut_short = random.Random(0), 0
    for _ in range(300):
        tree = random_nest(chance)
        expected = copy(tree)
        for tag in ("nav", "label"):
            for element in expected.iter(tag):
                trafilatura.xml.delete_element(element)
        delete_in_turn(tree, ("nav", "label"))
        assert serialized(tree) == serialized(expected)
        cut_short += tree.find(".//nav") is not None
    assert cut_short > 50  # a label or a nav within its like ends the loop: that trees have this matters here


def test_another_release_is_extracted_by_trafilatura_itself(monkeypatch):
    assert has_known_sources("trafilatura")
    monkeypatch.setattr("webtext.extract.trafilatura_fast.release.KNOWN", frozenset())
    asked = []
    monkeypatch.setattr(extractors._PlainReader, "extract", lambda _, *, fast: asked.append(fast) or "A heron.")
    load_engine.cache_clear()
    try:
        assert load_engine("trafilatura")("", parse_html("<p>A heron.")) == "A heron."
    finally:
        load_engine.cache_clear()
    assert asked == [True, False]


def test_sources_that_differ_or_are_not_there_are_not_known(tmp_path, monkeypatch):
    folder = Path(trafilatura.__file__).parent
    (tmp_path / "trafilatura_double").mkdir()
    for name in ("__init__", *FOLLOWED):
        (tmp_path / "trafilatura_double" / f"{name}.py").write_bytes((folder / f"{name}.py").read_bytes())
    monkeypatch.syspath_prepend(tmp_path)
    assert has_known_sources("trafilatura_double")
    changed = tmp_path / "trafilatura_double" / "xml.py"
    changed.write_text(changed.read_text() + "\n")
    assert not has_known_sources("trafilatura_double")
    changed.unlink()
    assert not has_known_sources("trafilatura_double")


@pytest.fixture(scope="module")
def mutations():
    return load_mutations()


def tree_of(body):
    return parse_html(without_controls(decode_html(body)))


@pytest.mark.slow
def test_real_pages_give_the_text_that_trafilatura_gives(realweb, mutations):
    bodies = mutations.read_bodies(realweb)[::13]
    assert len(bodies) > 150
    for tree in filter(lambda tree: tree is not None, map(tree_of, bodies)):
        check_page(tree)


@pytest.mark.slow
def test_damaged_pages_give_the_text_that_trafilatura_gives(realweb, mutations):
    bodies = mutations.read_bodies(realweb)
    for number in range(0, 953, 9):
        tree = tree_of(mutations.mutate(bodies, number)[0])
        if tree is not None:
            check_page(tree)


def test_justext_is_given_the_stop_words_that_it_would_make():
    program = (
        "import justext.core, trafilatura.external as external\n"
        "made = justext.core.define_stoplist(external.jt_stoplist_init())\n"
        "from webtext.extract.trafilatura_fast.cascade import _share_stop_words\n"
        "_share_stop_words()\n"
        "shared = justext.core.define_stoplist(external.JT_STOPLIST)\n"
        "assert shared == made and shared is external.JT_STOPLIST\n"
        "assert justext.core.define_stoplist(('Und', 'DAS')) == {'und', 'das'}\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
