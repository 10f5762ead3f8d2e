"""Menus, teasers and lists of links out of a part of a page, as trafilatura takes them out, in a fifth of its time.

Stands in for `prune_unwanted_sections` of trafilatura with the setting that the cascade uses: no precision, no links,
no images. What is saved: four searches by class and id are one walk; only what holds links is tested for its share of
links; and where the first of two rounds of these tests takes nothing out, the second could not either.
"""

import itertools
from collections import defaultdict

from lxml import etree
from lxml.html import HtmlElement
from trafilatura import xpaths
from trafilatura.htmlprocessing import is_paragraph_listing, link_density_test_tables
from trafilatura.utils import LINK_FARM_RATIO
from trafilatura.xml import delete_element

from webtext.extract.trafilatura_fast.selectors import RememberedTests

_UNWANTED = RememberedTests(
    [*xpaths.OVERALL_DISCARD_XPATH, *xpaths.DISCARD_IMAGE_ELEMENTS, *xpaths.TEASER_DISCARD_XPATH]
)
_OVERALL = (1 << len(xpaths.OVERALL_DISCARD_XPATH)) - 1
_CAPTION = ((1 << len(xpaths.DISCARD_IMAGE_ELEMENTS)) - 1) << len(xpaths.OVERALL_DISCARD_XPATH)
_MAX_OVERALL_SHARE = 7  # at least a seventh of the text stays, or nothing goes

# The thresholds of trafilatura's link_density_test and delete_by_link_density, in characters of text.
_LINKED_CHARS, _LINKED_SHARE = 100, 0.9  # one link this long that is next to all of the text
_SMALL_PARAGRAPH, _SMALL_LAST_PARAGRAPH = 30, 60
_SMALL_PART, _SMALL_LAST_PART = 100, 300
_LINKS_SHARE, _SHORT_LINKS_SHARE, _SHORT_LINK = 0.8, 0.8, 10
_FARM_LINKS, _FARM_LINK_CHARS = 4, 100  # more links than these, shorter on average than those
_TINY_CHARS, _TINY_CHILDREN = 100, 3


def prune_sections(tree: HtmlElement, *, keep_teasers: bool) -> None:
    """Take out of a tree, in place, what trafilatura takes for boilerplate.

    Args:
        tree: a page, or a part of one, with trafilatura's tags.
        keep_teasers: whether what calls itself a teaser stays.
    """
    found = _UNWANTED(tree)
    _prune_overall(tree, [element for element, bits in found if bits & _OVERALL])
    others = _CAPTION if keep_teasers else ~_OVERALL
    for element, bits in found:
        if bits & others:
            delete_element(element)
    if next(tree.iterdescendants("ref"), None) is not None:
        if _prune_linked(tree):
            _prune_linked(tree)
        for table in [table for table in tree.iter("table") if link_density_test_tables(table)]:
            delete_element(table, keep_tail=False)
    etree.strip_tags(tree, "span", "ref")


def _prune_overall(tree: HtmlElement, found: list[HtmlElement]) -> None:
    """Take out what was found, unless next to nothing would be left."""
    if not found:
        return
    within = set(found)
    outer = [element for element in found if within.isdisjoint(element.iterancestors())]
    chars = len(tree.text_content())
    if chars - sum(len(element.text_content()) for element in outer) > chars / _MAX_OVERALL_SHARE:
        for element in outer:
            delete_element(element)


def _prune_linked(tree: HtmlElement) -> bool:
    """Take out parts that are mostly links; tell whether there were any."""
    images = next(tree.iterdescendants("graphic"), None) is not None
    changed = False
    link_chars: dict[HtmlElement, int] = {}  # of what has not changed since
    for tag in ("div", "list", "p"):
        for element in _find_linked(tree, tag, link_chars, images=images):
            parent = element.getparent()
            if parent is not None and not (tag == "p" and parent.tag in ("item", "td", "th")):
                delete_element(element)
                changed = True
                link_chars.clear()
    return changed


def _find_linked(tree: HtmlElement, tag: str, link_chars: dict[HtmlElement, int], *, images: bool) -> list[HtmlElement]:
    """List the elements of a tag whose text is mostly links: menus, lists of articles.

    Inner elements come first, so that of the outer ones it is known without counting that they have as much text.
    """
    found = []
    least: defaultdict[HtmlElement, int] = defaultdict(int)
    for element in reversed(list(tree.iter(tag))):
        links = list(element.iterdescendants("ref"))
        if not links or (images and next(element.iterdescendants("graphic"), None) is not None):
            continue
        for link in links:
            if link not in link_chars:
                link_chars[link] = _chars(link)
        lengths = [link_chars[link] for link in links]
        chars = least[element]
        if chars < _SMALL_LAST_PART or sum(lengths) > chars * _LINKED_SHARE:
            chars = _chars(element)
            if _is_linked(element, links, lengths, chars):
                found.append(element)
        for outer in itertools.islice(element.iterancestors(tag), 1):
            least[outer] += chars
    return found


def _is_linked(element: HtmlElement, links: list[HtmlElement], lengths: list[int], chars: int) -> bool:
    """Tell whether the text of an element, of so many characters, is mostly links, with texts of such lengths."""
    linked = sum(lengths)
    if len(links) == 1 and linked > _LINKED_CHARS and linked > chars * _LINKED_SHARE:
        return True
    last = element.getnext() is None
    if element.tag == "p":
        small = _SMALL_LAST_PARAGRAPH if last else _SMALL_PARAGRAPH
    else:
        small = _SMALL_LAST_PART if last else _SMALL_PART
    texts = [length for length in lengths if length]
    if chars < small:
        if not texts or linked > chars * _LINKS_SHARE:
            return True
        if len(texts) > 1 and sum(length < _SHORT_LINK for length in texts) / len(texts) > _SHORT_LINKS_SHARE:
            return True
        return element.tag == "div" and len(element) >= _TINY_CHILDREN and chars < _TINY_CHARS
    is_farm = len(links) > _FARM_LINKS and chars * LINK_FARM_RATIO < linked < _FARM_LINK_CHARS * len(texts)
    return is_farm and not is_paragraph_listing(links)


def _chars(element: HtmlElement) -> int:
    """Count the characters of an element's text, its spaces made single."""
    text = etree.tostring(element, method="text", encoding=str, with_tail=False) if len(element) else element.text or ""
    return len(" ".join(text.split()))
