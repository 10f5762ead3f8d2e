"""Opt-outs: the ways in which a page or a site says that it is not for machines to learn from.

Robots.txt says what may be fetched; these say what may be done with it. All known signals are read, and which of them
count is configuration. Sources: Google's robots meta tag specification (X-Robots-Tag, `noindex`, `none`), DeviantArt's
`noai` and `noimageai`, the TDM Reservation Protocol (W3C TDMRep community group report, sections 6.1 to 6.3), and
Spawning's ai.txt.
"""

import json
import re
from collections.abc import Iterable, Iterator
from html import unescape

from webtext.crawl.robots_paths import path_matches, path_of

SIGNALS = ("none", "noai", "noimageai", "noindex", "tdm", "ai_txt")  # in the order in which one of several is named
DEFAULT_SIGNALS = ("none", "noai", "noimageai", "tdm", "ai_txt")
AI_TXT = "/ai.txt"  # in robots.txt's grammar; it says what may be trained on
TDMREP = "/.well-known/tdmrep.json"

_DIRECTIVES = frozenset({"none", "noai", "noimageai", "noindex"})
_NAMED_VALUE = re.compile(r"(max-snippet|max-image-preview|max-video-preview|unavailable_after)\s*:", re.IGNORECASE)
_HEAD_END = re.compile(rb"<body[\s>]|</head\s*>", re.IGNORECASE)
_SKIPPED = re.compile(rb"<!--.*?-->|<(script|style|noscript)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_META = re.compile(rb"<meta\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


def signal_of_headers(headers: Iterable[tuple[str, str]], agent: str) -> frozenset[str]:
    """Read the signals of a response's headers: X-Robots-Tag (for all robots or for `agent`) and TDM-Reservation.

    >>> sorted(signal_of_headers([("X-Robots-Tag", "googlebot: noindex, noai"), ("TDM-Reservation", "1")], "webtext"))
    ['tdm']
    """
    found: set[str] = set()
    for name, value in headers:
        match name.lower():
            case "x-robots-tag":
                found.update(_robots_tag(value, agent))
            case "tdm-reservation" if value.strip() == "1":
                found.add("tdm")
    return frozenset(found)


def _robots_tag(value: str, agent: str) -> Iterator[str]:
    """Yield the directives that are for us; a name before a colon holds until the next one."""
    is_ours = True
    for part in value.lower().split(","):
        directive = part
        if ":" in part and not _NAMED_VALUE.match(part.strip()):
            name, _, directive = part.partition(":")
            is_ours = name.strip() in {"*", "robots", agent.lower()}
        if is_ours and directive.strip() in _DIRECTIVES:
            yield directive.strip()


def signal_of_html(html: bytes, agent: str) -> frozenset[str]:
    """Read the signals of a page's meta elements: robots (or `agent`) and tdm-reservation.

    Args:
        html: the page's beginning; read up to its body, ASCII suffices.
        agent: our product token.
    """
    end = _HEAD_END.search(html)
    head = _SKIPPED.sub(b"", html[: end.start()] if end else html)
    found: set[str] = set()
    for match in _META.finditer(head):
        attributes = {
            name.lower(): unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(match[1].decode("latin-1"))
        }
        name, content = attributes.get("name", "").strip().lower(), attributes.get("content", "")
        if name in {"robots", agent.lower()}:
            found.update(part.strip() for part in content.lower().split(",") if part.strip() in _DIRECTIVES)
        elif name == "tdm-reservation" and content.strip() == "1":
            found.add("tdm")
    return frozenset(found)


def tdmrep_reserves(document: bytes, url: str) -> bool:
    """Tell whether a `/.well-known/tdmrep.json` reserves the rights to a URL: the first rule that matches decides.

    >>> tdmrep_reserves(b'[{"location": "/news/*", "tdm-reservation": 1}]', "http://x.test/news/a")
    True
    """
    try:
        rules = json.loads(document.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return False
    path = path_of(url)
    for rule in rules if isinstance(rules, list) else [rules]:
        if isinstance(rule, dict) and isinstance(rule.get("location"), str) and path_matches(rule["location"], path):
            return str(rule.get("tdm-reservation")) == "1"
    return False


def first_signal(found: Iterable[str], counting: Iterable[str] = SIGNALS) -> str:
    """Name one of the signals found, by the order of `SIGNALS`, of those that count; "" where none does."""
    present = set(found) & set(counting)
    return next((signal for signal in SIGNALS if signal in present), "")
