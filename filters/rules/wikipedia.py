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

from filters.rules.lib.host_lists import read_hosts
from filters.rules.lib.steps import threshold
from webtext.hosts import ends_with_any
from webtext.reasons import Reason
from webtext.records import Document
from webtext.urls import host_of

REASONS = ("wikipedia", "wikipedia_mirror", "wikipedia_text")

# Another site's address with that of an article in it: web archives, translators, caches. A query may also name where
# a reader came from (`utm_source=en.wikipedia.org`, `ref=...`), which shows nothing of what the page is.
_ARTICLE_WITHIN = re.compile(
    r"(?:^|[/=.@:])(?:[a-z-]{2,12}\.)?(?:m\.)?wikipedia\.org(?::\d+)?"
    r"(?:/(?:wiki|w|zh-[a-z]{2,4}|sr-[a-z]{2})/|/(?:w/)?(?:index\.php)?\?(?:title|curid)=)",
    re.IGNORECASE,
)
_CAME_FROM = re.compile(r"(?:^|[?&;])(?:utm_\w+|ref\w*|src|source|from|via|origin|campaign|cite)=[^&;]*", re.IGNORECASE)
_HOST_OF_A_COPY = re.compile(r"\bwikipedia-org\.(?:cdn\.ampproject\.org|translate\.goog)$", re.IGNORECASE)
_NAMES = (
    r"wikip[eéè]dia|wikipedija|wikipedie|wikipeedia|vikipedi[aojy]?|vikipēdija|viquip[eè]dia|vichipedie|wikipédia"
    r"|википеди[яј]|вікіпедія|уикипедия|βικιπαίδεια|վիքիպեդիա|ვიკიპედია|ויקיפדיה|ويكيبيديا|ویکی.?پدیا|ویکیپیڈیا|विकिपीडिया"
    r"|উইকিপিডিয়া|விக்கிப்பீடியா|వికీపీడియా|วิกิพีเดีย|维基百科|維基百科|위키백과|ウィキペディア"
)
# As its own pages are titled: "Heron - Wikipedia, the free encyclopedia", in many languages. A colon ("My first love:
# Wikipedia") or a dash within a word is no such sign.
_TITLE = re.compile(
    rf"(?:^|\s)[-\u2013\u2014|] ?(?:{_NAMES})"
    r"(?: (?:tiếng việt|bahasa \w{1,20}))?(?: ?[,\uff0c\u3001\u060c\u055d\u055b\u0589] ?[^,|]{3,40})?$",
    re.IGNORECASE,
)
# What a copy says of its origin. Each is a formula: prose about Wikipedia does not use these words in this order. A
# reference ("Retrieved from https://en.wikipedia.org/wiki/Heron", as APA has it) is none: MediaWiki's own line begins
# so and has the address in quotation marks, with nothing but categories behind it.
_ORIGIN = re.compile(
    r"^from wikipedia, the free encyclopedia\b"
    r"|^(?:aus|vonuit|uit) wikipedia, der? (?:freien|vrije) enzyklop"
    r"|^un article de wikip[eé]dia, l.encyclop"
    r"|^de wikipedia, la enciclopedia libre\b"
    r"|^retrieved from[ \xa0]?[\"\u201c]https?://(?:www\.|[a-z-]{2,12}\.)(?:m\.)?wikipedia\.org/[^\s\"\u201d]{1,500}[\"\u201d]?"
    r"(?=[ \xa0.]*(?:$|(?:hidden )?categor))"
    r"|(?:this (?:article|page)|it) (?:uses|incorporates) (?:material|text|content) from the wikipedia article\b"
    r"|(?:content|text|material|article) (?:is )?(?:licen[cs]ed )?from (?:the )?wikipedia(?: article)?\b.{0,80}"
    r"(?:creative commons|cc[- ]by[- ]sa|gnu free documentation|gfdl)"
    r"|wikipedia® is a registered trademark of the wikimedia foundation",
    re.IGNORECASE | re.MULTILINE,
)
_NAMES_IT = re.compile("wikip", re.IGNORECASE)  # all that _ORIGIN finds has this, and it is quicker to look for
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
        if any(ends_with_any(host, hosts) for host in {document.host, host_of(document.url)}):
            return Reason("wikipedia", document.host)
        if _HOST_OF_A_COPY.search(document.host) or any(map(_shows_article, {document.url, document.final_url})):
            return Reason("wikipedia", document.final_url)
        if self.mirrors and ends_with_any(document.host, _mirrors()):
            return Reason("wikipedia_mirror", document.host)
        if self.texts and (sign := _sign_of_copy(document)):
            return Reason("wikipedia_text", sign)
        return None


def _shows_article(url: str) -> bool:
    """Tell whether an address has that of a Wikipedia article in its path, or as the page that its query asks for."""
    path, _, query = url.partition("://")[2].partition("?")
    return _ARTICLE_WITHIN.search(unquote(f"{path}?{_CAME_FROM.sub('', query)}")) is not None


def _sign_of_copy(document: Document) -> str:
    """Find the words by which a page says that it is a Wikipedia article; "" where there are none."""
    for title in (document.title, f"- {document.site_name}"):
        if match := _TITLE.search(" ".join(title.split())):
            return match.group().strip()
    lines = document.text.split("\n")
    edges = lines if len(lines) <= 2 * _EDGE_LINES else lines[:_EDGE_LINES] + lines[-_EDGE_LINES:]
    edge = "\n".join(edges)
    match = _ORIGIN.search(edge) if _NAMES_IT.search(edge) else None
    return match.group()[:120] if match else ""


@cache
def _mirrors() -> frozenset[str]:
    return read_hosts(Path(__file__).with_name("wikipedia_mirrors.txt")).hosts
