"""The text of a cleaned page, as trafilatura's main extractor finds it, with its searches done in fewer walks.

Stands in for `extract_content`, for the setting that the cascade uses: tables are kept, links, images, formatting and
comments are not, nothing is asked for precision and no duplicates are looked for. How an element becomes text is left
to trafilatura's own functions (`handle_textelem`, `process_node`).
"""

from copy import deepcopy
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement
from trafilatura.htmlprocessing import process_node
from trafilatura.main_extractor import NOT_AT_THE_END, REBUILT_BLOCKS, handle_textelem
from trafilatura.settings import (
    DEDUPE_SCAN_CAP,
    INLINE_FORMATTABLE,
    MIN_DUPLICATE_LENGTH,
    TAG_CATALOG,
    Extractor,
)
from trafilatura.utils import SPACING_PROTECTED, text_chars_test
from trafilatura.xml import delete_element
from trafilatura.xpaths import BODY_XPATH

from webtext.extract.trafilatura_fast.sections import prune_sections
from webtext.extract.trafilatura_fast.selectors import RememberedTests

_TABLE_TAGS = {"table", "td", "th", "tr"}
_TAKEN_TAGS = {*TAG_CATALOG, *INLINE_FORMATTABLE, "div", "table", "graphic"}
_WILD_TAGS, _WILD_TAGS_RECALL = ("code", "p", "quote", "table", "div"), ("lb", "list")
_ENOUGH_PARAGRAPHS = 3  # times the least text of a page: with less in paragraphs, text in <div> counts, too
_FRAMES = RememberedTests(BODY_XPATH)


@dataclass(frozen=True, slots=True)
class Content:
    """What the main extractor found on a page."""

    body: etree._Element
    text: str
    recovered: bool  # whether it had to look outside of what it took for the article


def find_content(tree: HtmlElement, options: Extractor) -> Content:
    """Find the text of a page; the tree, cleaned and with trafilatura's tags, is used up."""
    backup = deepcopy(tree)
    order = list(tree.iter())  # before the main pass moves elements
    body, tags = _main_pass(tree, options)
    text = _text_of(body)
    recovered = len(body) == 0 or len(text) < options.min_extracted_size
    if recovered:
        taken = {twin for element, twin in zip(order, backup.iter(), strict=True) if element.tag == "done"}
        _recover(backup, body, options, tags, taken)
        text = _text_of(body)
    _drop_repeats(body)
    etree.strip_elements(body, "done")
    etree.strip_tags(body, "div")
    for line_break in body.iter("lb"):
        blank = bool(line_break.tail) and line_break.tail.isspace()
        if blank and next(line_break.iterancestors(SPACING_PROTECTED), None) is None:
            line_break.tail = None
    return Content(body, text, recovered)


def _text_of(body: etree._Element) -> str:
    return " ".join(body.itertext()).strip()


def _joined(element: etree._Element) -> str:
    """Give an element's text without spaces between its parts, single-spaced."""
    return " ".join(_raw_text(element).split())


def _raw_text(element: etree._Element) -> str:
    return "".join(element.itertext()) if len(element) else element.text or ""


def _drop_repeats(body: etree._Element) -> None:
    """Drop what is long and says what the part before it says."""
    previous = None
    for element in list(body):
        raw = _raw_text(element)
        current = " ".join(raw.split()) if len(raw) > MIN_DUPLICATE_LENGTH else None
        if current is not None and current == previous and len(current) > MIN_DUPLICATE_LENGTH:
            delete_element(element, keep_tail=False)
        else:
            previous = current


def _main_pass(tree: HtmlElement, options: Extractor) -> tuple[etree._Element, set[str]]:
    """Take the text of the first part of the page that looks like its article and has any; tell which tags counted."""
    tags = {*TAG_CATALOG, *_TABLE_TAGS}
    body = etree.Element("body")
    frames: list[tuple[HtmlElement, int]] | None = None
    for place in range(len(BODY_XPATH)):
        frames = _FRAMES(tree) if frames is None else frames
        frame = next((element for element, bits in frames if bits >> place & 1), None)
        if frame is None:
            continue
        frames = None  # what is pruned here, the next search does not find
        prune_sections(frame, keep_teasers=options.focus == "recall")
        if len(frame) == 0:
            continue
        if _lacks_paragraphs(frame, options.min_extracted_size * _ENOUGH_PARAGRAPHS):
            tags.add("div")
        start = len(body)
        lead = _take_frame(frame, body, tags, options)
        while len(body) > 0 and body[-1].tag in NOT_AT_THE_END:
            delete_element(body[-1], keep_tail=False)
        if sum(element.tag != "graphic" for element in body) > 1:
            if lead is not None:
                body.insert(start, lead)
            break
    return body, tags


def _lacks_paragraphs(tree: HtmlElement, enough: int) -> bool:
    """Tell whether all paragraphs of the page that a part stands in have less than so many characters."""
    chars = 0
    for paragraph in tree.getroottree().getroot().iter("p"):
        if next(paragraph.iterancestors("p"), None) is None:  # else it has been counted
            chars += len(paragraph.text_content())
            if chars >= enough:
                return False
    return True


def _take_frame(frame: HtmlElement, body: etree._Element, tags: set[str], options: Extractor) -> etree._Element | None:
    """Append the text of a part of the page; give its own text before its first element, if it counts."""
    elements = list(frame.iterdescendants("*"))
    inner = {element.tag for element in elements}
    lead = None
    if inner == {"lb"} or (frame.tag == "div" and "div" in tags and inner <= {*INLINE_FORMATTABLE, "lb"}):
        elements = [frame]  # all of it is one run of text
    elif text_chars_test(frame.text):
        lead = etree.Element("p")
        lead.text = frame.text
        lead = process_node(lead, options)
    within_moved = False  # whether elements that are still to come may have gone along with one
    for element in elements:
        if within_moved and element.getroottree().getroot() is body:
            continue
        tag, tail = element.tag, element.tail  # both may be changed
        if tag not in _TAKEN_TAGS:  # of cells, spans, what was taken before: they give nothing of themselves
            continue
        taken = handle_textelem(element, tags, options)
        if taken is not None:
            body.append(taken)
            if taken is element or element.getroottree().getroot() is body:
                within_moved = within_moved or len(element) > 0
            else:
                element.tag = "done"
        # Text after a block that was built anew is a paragraph, unless it went along.
        if tag in REBUILT_BLOCKS and text_chars_test(tail) and (taken is None or taken.tail is None):
            rest = etree.Element("p")
            rest.text = tail
            if process_node(rest, options) is not None:
                body.append(rest)
    return lead


def _recover(
    tree: HtmlElement, body: etree._Element, options: Extractor, tags: set[str], taken: set[HtmlElement]
) -> None:
    """Append text from the whole page, where it is not what was taken before."""
    recall = options.focus == "recall"
    tags = {*tags, "div", "lb"} if recall else set(tags)
    prune_sections(tree, keep_teasers=recall or options.fast)
    texts = [_joined(element) for element in body]
    all_text, known = "\n".join(filter(None, texts)), set(texts)
    whole: set[HtmlElement] = set()  # taken as they are: what is in them is taken, too
    for element in list(tree.iterdescendants(*_WILD_TAGS, *(_WILD_TAGS_RECALL if recall else ()))):
        if element.tag == "div" and not recall and "w3-code" not in element.get("class", ""):
            continue
        if element in taken or (whole and not whole.isdisjoint(element.iterancestors())):
            continue
        found = handle_textelem(element, tags, options)
        if found is None:
            continue
        if found is element:
            whole.add(element)
        text = _joined(found)
        if not text and _has_known_images(found, body):
            continue
        # Text with the text after it is a piece of a run, of whatever length.
        run = " ".join(f"{text}{found.tail}".split()) if text_chars_test(found.tail) else ""
        searched = len(all_text) <= DEDUPE_SCAN_CAP
        if text in known and text:
            continue
        if text and searched and ((len(text) > MIN_DUPLICATE_LENGTH and text in all_text) or (run and run in all_text)):
            continue
        body.append(found)
        if searched:
            all_text += "\n" + (run or text)
        known.add(text)


def _has_known_images(found: etree._Element, body: etree._Element) -> bool:
    images = {image.get("src") for image in found.iter("graphic")}
    return bool(images) and images <= {image.get("src") for image in body.iter("graphic")}
