"""What a page, and the files beside robots.txt, say about learning from a page: each signal with its evidence.

Robots.txt says what may be fetched; these say what may be done with it. All known signals are read, and which of them
are obeyed is configuration. Sources: Google's robots meta tag specification (X-Robots-Tag, `noindex`, `none`),
DeviantArt's `noai` and `noimageai`, noml.info, draft-canel-robots-ai-control-00 (`DisallowAITraining`), the TDM
Reservation Protocol (W3C community group report of 2024-05-10), Spawning's ai.txt, and those of
`webtext.permissions.usage` and `webtext.permissions.licence`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from requests.utils import parse_header_links

from webtext.permissions.licence import RSL_TYPE, licence_url, parse_licence
from webtext.permissions.page_head import Element, head_elements
from webtext.permissions.paths import path_matches, path_of, paths_of, pattern_of
from webtext.permissions.robots import Robots
from webtext.permissions.signals import Signal
from webtext.permissions.usage import signal_forbids_training, usage_forbids_training

AI_TXT = "/ai.txt"  # its grammar is robots.txt's; it says what may be trained on
TDMREP = "/.well-known/tdmrep.json"

_DIRECTIVES = {name: name for name in ("none", "noai", "noml", "noimageai", "noindex")}
_DIRECTIVES["disallowaitraining"] = "disallow_ai_training"
_WITH_VALUES = frozenset(("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"))
_MAX_HEADER = 64 << 10  # characters of a header that are read
_QUOTED = 120  # characters of it that the ledger quotes
_MAX_RULES = 10_000  # the most of a tdmrep.json


@dataclass(slots=True)
class PageSays:
    """What a page says of itself: signals, and where the licences lie that it names."""

    signals: list[Signal] = field(default_factory=list)
    licences: list[str] = field(default_factory=list)  # URLs, absolute


def read_page(headers: Iterable[tuple[str, str]], beginning: bytes, url: str, agent: str) -> PageSays:
    """Read what an answer says of itself, in its headers and in its page's head.

    Args:
        headers: of the answer.
        beginning: of its body, decompressed; read up to the page's body.
        url: of the page.
        agent: our product token, by which some signals address us.
    """
    says = PageSays()
    _read_headers(says, list(headers), url, agent)
    for element in head_elements(beginning, (b"robots", b"tdm-", b"rsl", agent.lower().encode("latin-1", "replace"))):
        _READERS[element.tag](says, element, url, agent)
    return says


def _read_headers(says: PageSays, headers: list[tuple[str, str]], url: str, agent: str) -> None:
    policy = next((f", policy {value[:_QUOTED]}" for name, value in headers if name.lower() == "tdm-policy"), "")
    for name, whole in headers:
        value, lower = whole[:_MAX_HEADER], name.lower()
        found: Iterable[str] = ()
        match lower:
            case "x-robots-tag" | "robots":
                found = _robots_tag(value, agent)
            case "tdm-reservation" if "1" in map(str.strip, value.split(",")):
                found = ("tdm",)
            case "content-usage" if usage_forbids_training(value):
                found = ("content_usage",)
            case "content-signal" if signal_forbids_training(value):
                found = ("content_signal",)
            case "link":
                says.licences += [licence_url(url, link) for link in _licences_linked(value)]
        evidence = f"{name}: {value[:_QUOTED]}{policy if lower == 'tdm-reservation' else ''} in the answer's header"
        says.signals += [Signal(signal, evidence) for signal in found]


def _robots_tag(value: str, agent: str) -> Iterator[str]:
    """Yield the signals among directives that are for us; a name before a colon holds until the next one."""
    is_ours = True
    for part in value.lower().split(","):
        name, colon, directive = part.partition(":")
        if colon and name.strip() not in _WITH_VALUES:
            is_ours = name.strip() in {"*", "robots", agent.lower()}
        else:
            directive = part
        if is_ours and directive.strip() in _DIRECTIVES:
            yield _DIRECTIVES[directive.strip()]


def _licences_linked(value: str) -> Iterator[str]:
    """Yield the RSL licences that a `Link` header names."""
    for link in parse_header_links(value):
        rels = link.get("rel", "").lower().split()
        if "license" in rels and link.get("type", "").lower() == RSL_TYPE and link.get("url"):
            yield link["url"]


def _read_meta(says: PageSays, element: Element, _url: str, agent: str) -> None:
    name, content = element.get("name").lower(), element.get("content")
    found: list[str] = []
    if name in {"robots", agent.lower()}:
        directives = (part.strip() for part in content.lower().split(","))
        found = [_DIRECTIVES[directive] for directive in directives if directive in _DIRECTIVES]
    elif name == "tdm-reservation" and content == "1":
        found = ["tdm"]
    evidence = f'<meta name="{name}" content="{content[:_QUOTED]}"> in the page\'s head'
    says.signals += [Signal(signal, evidence) for signal in found]


def _read_link(says: PageSays, element: Element, url: str, _agent: str) -> None:
    is_licence = "license" in element.get("rel").lower().split() and element.get("type").lower() == RSL_TYPE
    if is_licence and element.get("href"):
        says.licences.append(licence_url(url, element.get("href")))


def _read_script(says: PageSays, element: Element, url: str, _agent: str) -> None:
    if element.get("type").lower() == RSL_TYPE:
        refusal = parse_licence(url, element.text, page_url=url).refusal(url)
        if refusal:
            says.signals.append(Signal("rsl", f"the RSL licence in the page's head {refusal}"))


_READERS = {"meta": _read_meta, "link": _read_link, "script": _read_script}


@dataclass(frozen=True, slots=True)
class Reservation:
    """A rule of a tdmrep.json."""

    pattern: str
    reserves: bool
    policy: str


def parse_tdmrep(document: bytes) -> tuple[Reservation, ...]:
    """Read a `/.well-known/tdmrep.json`; what is none has no rules."""
    try:
        rules = json.loads(document.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return ()
    found = []
    for rule in rules[:_MAX_RULES] if isinstance(rules, list) else [rules]:
        if isinstance(rule, dict) and isinstance(rule.get("location"), str):
            pattern = pattern_of(rule["location"].encode("utf-8", "replace"))
            policy = rule.get("tdm-policy")
            reserves = str(rule.get("tdm-reservation")) == "1"
            said = policy[:_QUOTED] if isinstance(policy, str) else ""
            said = said.encode("utf-8", "replace").decode()  # JSON may hold half of a pair, which no table takes
            found.append(Reservation(pattern, reserves, said))
    return tuple(found)


def tdmrep_signal(rules: Iterable[Reservation], url: str) -> Signal | None:
    """Give the signal of a tdmrep.json for a URL: the first rule that matches decides.

    >>> tdmrep_signal(parse_tdmrep(b'[{"location": "/news/*", "tdm-reservation": 1}]'), "http://x.test/news/a").evidence
    'location /news/* of /.well-known/tdmrep.json'
    """
    path = paths_of(url).decoded
    for rule in rules:
        if path_matches(rule.pattern, path):
            policy = f", policy {rule.policy}" if rule.policy else ""
            return Signal("tdm", f"location {rule.pattern[:_QUOTED]} of {TDMREP}{policy}") if rule.reserves else None
    return None


def ai_txt_signal(rules: Robots, url: str, agent: str) -> Signal | None:
    """Give the signal of an ai.txt for a page; one without an extension in its path is what `*.html` speaks of."""
    path = path_of(url).partition("?")[0]
    forms = [url] if "." in path.rpartition("/")[2] else [url, f"http://x.test{path}.html"]
    rule = next((found for form in forms if (found := rules.barring(form, agent))), None)
    return Signal("ai_txt", f"{rule} of {AI_TXT}") if rule else None
