"""Wikipedia: left out because many benchmarks are made from it (GPT-2 paper, section 2.1).

It comes in three forms: its own hosts in every language, sites that copy it whole, and single pages that copy an
article and say so, as its licence asks. The mirrors are a list (wikipedia_mirrors.txt), the marks of a copy a few
phrases that articles about Wikipedia do not contain.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from filters.rules.lib.host_lists import host_of, is_host_in, read_hosts
from filters.rules.lib.steps import threshold
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("wikipedia", "wikipedia_mirror", "wikipedia_text")

# Another site's address with Wikipedia's in it: web archives, translators, caches, AMP.
_ADDRESS_WITHIN = re.compile(
    r"(?:^|[/=.@])(?:[a-z-]{2,12}\.)?(?:m\.)?wikipedia\.org(?=[/:?#&]|$)"
    r"|\bwikipedia-org\.(?:cdn\.ampproject\.org|translate\.goog)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"[-\u2013\u2014|:]\s*(?:wikip[eé]dia|wikipedija|wikipedie|vikipedi|википеди[яј]|вікіпедія|ויקיפדיה|ويكيبيديا|维基百科|維基百科|"
    r"위키백과|ウィキペディア|βικιπαίδεια)(?:\s*,[^,|]{3,40})?\s*$",
    re.IGNORECASE,
)
# What a copy says of its origin. Each is a formula: prose about Wikipedia does not use these words in this order.
_ORIGIN = re.compile(
    r"^from wikipedia, the free encyclopedia\b"
    r"|^(?:aus|vonuit|uit) wikipedia, der? (?:freien|vrije) enzyklop"
    r"|^un article de wikip[eé]dia, l.encyclop"
    r"|^de wikipedia, la enciclopedia libre\b"
    r"|retrieved from\W{0,3}https?://(?:www\.|[a-z-]{2,12}\.)(?:m\.)?wikipedia\.org/"
    r"|(?:this (?:article|page)|it) (?:uses|incorporates) (?:material|text|content) from the wikipedia article\b"
    r"|(?:content|text|material|article) (?:is )?(?:licen[cs]ed )?from (?:the )?wikipedia(?: article)?\b.{0,80}"
    r"(?:creative commons|cc[- ]by[- ]sa|gnu free documentation|gfdl)"
    r"|wikipedia® is a registered trademark of the wikimedia foundation",
    re.IGNORECASE | re.MULTILINE,
)
_NAMES_IT = re.compile("wikip", re.IGNORECASE)  # as all that _ORIGIN finds does, and quicker to look for
_EDGE_LINES = 12  # a copy names its origin at its beginning or its end
_SISTERS = ("wikimedia.org", "wiktionary.org", "wikiquote.org", "wikibooks.org", "wikisource.org", "wikinews.org",
            "wikiversity.org", "wikivoyage.org", "wikidata.org", "mediawiki.org")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wikipedia:
    """Reject Wikipedia, its mirrors, and its articles on other sites."""

    mirrors: bool = threshold(True, "reject sites known to copy Wikipedia", "ours, after Wikipedia:Mirrors and forks")
    texts: bool = threshold(True, "reject pages that say they are a Wikipedia article", "GPT-2 paper, 2.1: all of it")
    sister_projects: bool = threshold(
        False, "reject Wiktionary, Wikisource and the like too", "the paper names Wikipedia"
    )

    def __call__(self, document: Document) -> Reason | None:
        hosts = ("wikipedia.org", *_SISTERS) if self.sister_projects else ("wikipedia.org",)
        if any(is_host_in(host, hosts) for host in (document.host, host_of(document.url))):
            return Reason("wikipedia", document.host)
        if any(_ADDRESS_WITHIN.search(unquote(url.partition("://")[2])) for url in (document.url, document.final_url)):
            return Reason("wikipedia", document.final_url)
        if self.mirrors and is_host_in(document.host, _mirrors()):
            return Reason("wikipedia_mirror", document.host)
        if self.texts and (sign := _sign_of_copy(document)):
            return Reason("wikipedia_text", sign)
        return None


def _sign_of_copy(document: Document) -> str:
    """Find the words by which a page says that it is a Wikipedia article; "" where there are none."""
    if match := _TITLE.search(document.title) or _TITLE.search(f"- {document.site_name}"):
        return match.group().strip()
    lines = document.text.split("\n")
    edges = lines if len(lines) <= 2 * _EDGE_LINES else lines[:_EDGE_LINES] + lines[-_EDGE_LINES:]
    edge = "\n".join(edges)
    match = _ORIGIN.search(edge) if _NAMES_IT.search(edge) else None
    return match.group()[:120] if match else ""


@cache
def _mirrors() -> frozenset[str]:
    return read_hosts(Path(__file__).with_name("wikipedia_mirrors.txt")).hosts
