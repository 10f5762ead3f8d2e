"""The day of a page that declares none: what htmldate finds in its short texts, with days written as it reads them.

In a text in which its own patterns find no day, htmldate would have dateparser try 200 languages: 25 ms a text, and 1.5
seconds and 40 MB before the first. On 5,676 real pages that was nine tenths of the search's time, for 42 days in 309
texts. So dateparser is not asked; in what ways those days were written is known here (docs/extraction.md).
"""

import itertools
import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache

from babel.dates import get_month_names
from htmldate import find_date
from htmldate.core import search_page
from htmldate.extractors import MONTH_KEYS, MONTH_NUMBERS, try_date_expr
from htmldate.utils import Extractor
from lxml import etree
from lxml.html import Element, HtmlElement

EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)  # the web's; a declared date outside is a default or a typo
_BOUNDS = tuple(datetime(one.year, one.month, one.day) for one in (EARLIEST, LATEST))  # noqa: DTZ001 - htmldate's have no zone
_FORMAT = "%Y-%m-%d"
_OPTIONS = Extractor(extensive=False, max=_BOUNDS[1], min=_BOUNDS[0], original=True, format=_FORMAT)
_YEAR = re.compile(r"(?:19|20)\d\d")
_COPYRIGHT = re.compile("\u00a9|copyright|all rights", re.IGNORECASE)
_UNDATED = frozenset(("script", "style", "noscript", "option", "textarea", "title", "footer"))
_MAX_CHARS, _MAX_TEXTS = 120, 30
_FREE_CHARS = range(7, 52)  # htmldate's limits of a text that is a date, and little else

# Languages whose names of months htmldate lacks (it has those of English, French, German, Indonesian, Turkish).
_LANGUAGES = ("es", "pt", "it", "nl", "ru", "pl", "cs", "sv", "da", "nb", "fi", "uk", "ro", "el", "hu")
_DAY_FIRST = re.compile(
    r"(?<!\d)([0-3]?\d)[.\u00ba]?[ \xa0-](?:de[ \xa0])?([^\W\d_]{3,12})\.?,?[ \xa0-](?:de[ \xa0])?((?:19|20)\d\d)(?!\d)"
)
_SHORT_MONTH = re.compile(r"\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)t?\.?(?=\s\d)")
_NO_OFFSET = re.compile(r"(:\d\d(?:\.\d+)?) ?[+-](?:2[4-9]|[3-9]\d):?\d\d(?!\d)")  # Python knows less than a day's.
_AMERICAN = re.compile(r"(?<![\d/.-])(1[0-2]|0?[1-9])([/-])(1[3-9]|2\d|3[01])\2((?:19|20)\d\d)(?!\d)")
_EAST_ASIAN = re.compile(
    r"((?:19|20)\d\d) ?[\u5e74\ub144] ?(1[0-2]|[1-9]) ?[\u6708\uc6d4] ?([12]\d|3[01]|[1-9]) ?[\u65e5\uc77c]"
)


def search_day(tree: HtmlElement, stamps: Iterable[str] = ()) -> str:
    """Search the short texts of a page that hold a year, in a tenth of the time of the whole page.

    Args:
        tree: the page.
        stamps: when the page's data says that it was published, in whatever form.

    Returns:
        A day in ISO 8601, or "".
    """
    html = Element("html")
    body = etree.SubElement(html, "body")
    for stamp in map(plain_days, itertools.islice(stamps, _MAX_TEXTS)):
        etree.SubElement(body, "time", {"class": "published", "datetime": stamp}).text = stamp
    _copy_dated(tree, body)
    try:
        return _search(html, body) if len(body) else ""
    except (ValueError, ArithmeticError):  # dateutil, which htmldate asks, raises more than it says of what is no date
        return ""


def _search(html: HtmlElement, body: HtmlElement) -> str:
    # Without bounds htmldate takes the day on which it runs.
    earliest, latest = (one.isoformat() for one in (EARLIEST, LATEST))
    marked = find_date(html, extensive_search=False, original_date=True, url="", min_date=earliest, max_date=latest)
    if marked:
        return str(marked)
    texts = (text for element in body if len(text := (element.text or "").strip()) in _FREE_CHARS)
    days = [day for text in texts if (day := try_date_expr(text, _FORMAT, False, *_BOUNDS))]
    return min(days, default=None) or search_page(etree.tostring(html, encoding="unicode"), _OPTIONS) or ""


def _copy_dated(tree: HtmlElement, body: HtmlElement) -> None:
    """Put the first short texts of a page that hold a year into a body, with what names them and what is around."""
    for element in tree.iter(etree.Element):
        text, tail = element.text or "", element.tail or ""
        # This is asked first, for nearly every element ends here.
        if not ("20" in text or "19" in text or "20" in tail or "19" in tail) and element.tag != "time":
            continue
        text = element.text_content() if element.tag == "time" else f"{text} {tail}"
        if len(text) > _MAX_CHARS or element.tag in _UNDATED:
            continue
        if _YEAR.search(text) and not _COPYRIGHT.search(text):
            around = [one for one in (element.getparent(), element) if one is not None]
            named = " ".join(
                value for one in around for name in ("class", "id", "itemprop") if (value := one.get(name))
            )
            dated = etree.SubElement(body, "time" if element.tag == "time" else "p", {"class": named})
            if when := element.get("datetime"):
                dated.set("datetime", plain_days(when[:_MAX_CHARS]))
            dated.text = plain_days(text)
            if len(body) >= _MAX_TEXTS:
                return


def plain_days(text: str) -> str:
    """Write the days in a text as htmldate reads them.

    >>> plain_days("Dec. 19, 2025; 8/21/2025; 24-Nov-2021; 7 kwietnia 2021; 1998\ub144 7\uc6d4 24\uc77c")
    'Dec 19, 2025; 21/8/2025; 24 november 2021; 7 april 2021; 1998-7-24'
    """
    text = _AMERICAN.sub(r"\3\2\1\2\4", _SHORT_MONTH.sub(r"\1", _NO_OFFSET.sub(r"\1", text)))
    text = _EAST_ASIAN.sub(r"\1-\2-\3", text) if not text.isascii() else text
    return _DAY_FIRST.sub(_in_english, text)


def _in_english(match: re.Match[str]) -> str:
    day, word, year = match.groups()
    month = MONTH_NUMBERS.get(word.lower()) or _other_months().get(word.lower())
    return f"{day} {MONTH_KEYS[month - 1]} {year}" if month else match[0]


@cache
def _other_months() -> dict[str, int]:
    """Give the numbers of months by their names, short and long, in other languages than those that htmldate knows."""
    found: dict[str, int] = {}
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    found.setdefault(name.rstrip(".").lower(), number)
    return found
