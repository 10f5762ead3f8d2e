"""RSL 1.0 licences: what a document of rslstandard.org/rsl grants to whoever would train on a page.

A licence is a set of `content` elements, each for the URLs that a pattern of robots.txt matches, with alternative
`license` elements. One of them must let us train as we are: training among the permitted usages (or no list of them),
not among the prohibited ones, nothing to be paid, given or reported for it, no condition on who or where we are, and no
licence server to be asked first. What is said of other URLs says nothing. Sections are those of RSL-SPEC-1.0 of
2025-12-10, with its errata to 2026-08-07.
"""

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree

from webtext.permissions.paths import path_matches, paths_of, pattern_of

MAX_BYTES = 500 << 10
RSL_TYPE = "application/rsl+xml"
_TRAINING = frozenset({"all", "ai-all", "ai-train", "train-ai", "train-genai"})  # the last two: of the first drafts
_SEPARATOR = re.compile(r"[\s,]+")
_MAX_CONTENTS = 10_000
# Levels of `content` and `license` in one another. There ought to be one of each; where an end tag is missing there are
# some. Each element is read once a level, so more would let half a megabyte cost minutes.
_MAX_NESTED = 8


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the URLs of a pattern: why they may not be trained on, "" where they may."""

    host: str  # "" for any
    pattern: str
    refusal: str


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence document, read."""

    url: str  # the place where it lies
    terms: tuple[Terms, ...]
    problem: str = ""  # why it cannot be read, which is no permission

    def refusal(self, url: str) -> str:
        """Say why a page may not be trained on; "" where it may, or where the licence does not speak of it."""
        if self.problem:
            return self.problem
        path, host = paths_of(url).decoded, (urlsplit(url).hostname or "").removeprefix("www.")
        about = [terms for terms in self.terms if terms.host in {"", host} and path_matches(terms.pattern, path)]
        longest = max((len(terms.pattern) for terms in about), default=0)
        return next((terms.refusal for terms in about if len(terms.pattern) == longest and terms.refusal), "")


def licence_url(base: str, named: str) -> str:
    """Give the URL of a licence as it is named in a file or page; a name that makes no URL is given as it is.

    >>> licence_url("http://x.test/a/b", "c.xml"), licence_url("http://x.test/", "http://[")
    ('http://x.test/a/c.xml', 'http://[')
    """
    try:
        return urljoin(base, named)
    except ValueError:
        return named


def licence_of_answer(url: str, status: int | None, body: bytes, detail: str = "") -> Licence:
    """Tell what the answer to a licence's URL means: without a document there is no permission (section 4.3)."""
    if status is not None and 200 <= status < 300:
        return parse_licence(url, body)
    return Licence(url, (), f"cannot be read ({f'status {status}' if status is not None else detail or 'no answer'})")


def parse_licence(url: str, document: bytes, page_url: str = "") -> Licence:
    """Read a licence; a document without any RSL in it is no permission (section 4.3).

    Args:
        url: where it lies.
        document: RSL, or a feed with RSL in it.
        page_url: of the page that it is embedded in, which is what an element without a URL is about.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(document[:MAX_BYTES], parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is not None and _levels(root) > _MAX_NESTED:
        return Licence(url, (), "nests its terms in one another without end")
    found: list[Terms] = []
    for element in root.iter(etree.Element) if root is not None else ():
        if _name(element) == "content" and len(found) < _MAX_CONTENTS:
            found.append(_terms(element, page_url))
    return Licence(url, tuple(found), "" if found else "is no RSL document")


def _levels(root: etree._Element) -> int:
    """Count the levels of `content` and `license` in one another."""
    level = most = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if _name(element) in {"content", "license"}:
            level += 1 if event == "start" else -1
            most = max(most, level)
    return most


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()  # a prefix without a namespace, too


def _terms(content: etree._Element, page_url: str) -> Terms:
    location = (content.get("url") or "").strip() or page_url or "/"
    host, path = "", location
    if "://" in location:
        host, _, path = location.partition("://")[2].partition("/")
        host, path = host.rpartition("@")[2].partition(":")[0].lower().removeprefix("www."), f"/{path}"
    pattern = pattern_of(path.encode("utf-8", "replace"))
    if content.get("server"):
        return Terms(host, pattern, "a licence must be had of its licence server")
    licences = [child for child in content.iter(etree.Element) if _name(child) == "license"]
    refusals = [_refusal(licence) for licence in licences]
    return Terms(host, pattern, "" if "" in refusals or not refusals else refusals[0])


def _refusal(licence: etree._Element) -> str:
    """Say why a licence does not let us train as we are; "" where it does."""
    permitted: list[str] = []
    has_list = False
    for element in licence.iter(etree.Element):
        name, kind = _name(element), (element.get("type") or "").strip().lower()
        tokens = [token for token in _SEPARATOR.split((element.text or "").lower()) if token]
        if name in {"permits", "prohibits"} and kind in {"user", "geo"} and tokens:
            return f"{name} only some: {kind} {' '.join(tokens)[:60]}"
        if name == "prohibits" and kind in {"usage", ""} and (barred := _TRAINING.intersection(tokens)):
            return f"prohibits {min(barred)}"
        if name == "permits" and kind in {"usage", ""}:
            has_list, permitted = True, permitted + tokens
        if name == "payment" and kind != "free":
            return f"asks for payment ({kind or 'of no stated type'})"
        if name == "reporting":
            return "asks for reports"
    if has_list and not _TRAINING.intersection(permitted):
        return f"permits {' '.join(permitted)[:60] or 'nothing'} only"
    return ""
