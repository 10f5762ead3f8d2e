"""What is not text out of a whole page, as trafilatura's `tree_cleaning` takes it out, in one walk instead of fifty.

For the setting of the cascade: tables are kept, images and links are not, and nothing is asked for precision.
"""

from copy import deepcopy

from lxml import etree
from lxml.html import HtmlElement
from trafilatura.htmlprocessing import prune_html, recover_math
from trafilatura.settings import MANUALLY_CLEANED, MANUALLY_STRIPPED
from trafilatura.xml import delete_element

_CLEANED = tuple(tag for tag in MANUALLY_CLEANED if tag != "form")  # forms are judged by what is left of the page
_LAYOUT_ROLES = ("presentation", "none")


def clean(tree: HtmlElement, *, recall: bool) -> HtmlElement:
    """Take out of a page, in place, what is never text; give the tree that is left.

    Args:
        tree: a page with the tags of HTML.
        recall: whether all of it stays if otherwise no paragraph would.
    """
    recover_math(tree)
    for element in tree.iter("figure", "table"):
        if element.tag == "table":
            if element.get("role") in _LAYOUT_ROLES:
                element.tag = "div"
        elif next(element.iterdescendants("table"), None) is not None:
            element.tag = "div"
    etree.strip_tags(tree, MANUALLY_STRIPPED)
    whole = deepcopy(tree) if recall and _loses_all_paragraphs(tree) else None
    delete_in_turn(tree, _CLEANED)
    if whole is not None and next(tree.iterdescendants("p"), None) is None:
        tree = whole
    _clean_forms(tree)
    return prune_html(tree)


def _loses_all_paragraphs(tree: HtmlElement) -> bool:
    """Tell whether there are paragraphs, all of them in what goes."""
    kept = (next(paragraph.iterancestors(_CLEANED), tree) is tree for paragraph in tree.iter("p"))
    return next(tree.iterdescendants("p"), None) is not None and not any(kept)


def delete_in_turn(tree: HtmlElement, tags: tuple[str, ...]) -> None:
    """Delete the elements of each tag in turn, as a loop over `tree.iter(tag)` does that deletes what it is given.

    Such a loop has looked up the next element before it deletes one. Where that stands within the deleted one, it goes
    on there, and ends there: what comes after stays. Texts depend on it.
    """
    elements = [element for element in tree.iter(*tags) if element is not tree]
    places: dict[object, list[int]] = {}
    for place, element in enumerate(elements):
        places.setdefault(element.tag, []).append(place)
    gone: set[HtmlElement] = set()
    for tag in tags:
        for place in places.get(tag, ()):
            element = elements[place]
            if element in gone:
                continue
            inner = _those_within(element, elements, place + 1, gone)
            delete_element(element)
            gone.add(element)
            gone.update(inner)
            if any(one.tag == tag for one in inner):
                break


def _those_within(
    element: HtmlElement, elements: list[HtmlElement], start: int, gone: set[HtmlElement]
) -> list[HtmlElement]:
    """List those of the elements, from a place on in document order, that stand within one and are still there."""
    inner = []
    for place in range(start, len(elements)):
        other = elements[place]
        if other not in gone:
            if element not in other.iterancestors(element.tag):
                break
            inner.append(other)
    return inner


def _clean_forms(tree: HtmlElement) -> None:
    """Delete forms, but for those that hold more than half of what is left of the page: these are layout."""
    forms = list(tree.iter("form"))
    chars = len(tree.text_content()) if forms else 0
    for form in forms:
        if chars and len(form.text_content()) > chars / 2:
            form.tag = "div"
        else:
            delete_element(form)
