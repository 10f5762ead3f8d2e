"""Where an answer sends its reader: by Location, by Refresh, or by a meta element that stands for Refresh."""

import re
from collections.abc import Iterator
from html import unescape

from webtext.crawl.exchange import Exchange
from webtext.urls import resolve_url
from webtext.warc.warc_records import HttpResponse

LONGEST_REFRESH = 5.0  # seconds up to which a refresh is a redirect; a longer one lets a reader read
_READ = 64 << 10  # bytes of a page in which a refresh is looked for
# Bytes of text of a page whose refresh in `noscript` is followed. One with more is what the link was posted for: of 301
# real pages with such a refresh (realweb), each led from an article to "please switch on JavaScript".
_STUB = 300
_HIGH = re.compile(r"[\x80-\xff]")
# HTML, section "shared declarative refresh steps": seconds, a fraction that does not count, and a URL, quoted or not.
_REFRESH = re.compile(r"""\s*(\d{1,4})[\d.]*[\s;,]\s*[;,]?\s*(?:url\s*=\s*)?(["']?)(.*)""", re.IGNORECASE | re.DOTALL)
_META = re.compile(rb"<meta\b([^<>]{1,4096})>", re.IGNORECASE)
_BASE = re.compile(rb"<base\b([^<>]{1,4096})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]{1,32})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ASIDE = ((b"<!--", b"-->"), (b"<script", b"</script"), (b"<style", b"</style"), (b"<template", b"</template"))
_NO_SCRIPT = ((b"<noscript", b"</noscript"),)
_TAG = re.compile(rb"<[^<>]*>")


def redirect_target(exchange: Exchange) -> str | None:
    """Give the URL that a redirect leads to, as it is to be asked for; None where it leads nowhere."""
    assert exchange.response is not None
    return location_target(exchange.url, exchange.response)


def location_target(url: str, response: HttpResponse) -> str | None:
    """Give the URL that the answer to a URL names in its Location; None where it names none.

    Of several Locations the first counts, as curl has it: joined by a comma they would be a URL that nobody meant.
    """
    said = (value for name, value in response.headers if name.lower() == "location" and value)
    return _resolved(url, next(said, ""))


def refresh_target(exchange: Exchange) -> str | None:
    """Give the URL that a page sends its reader to within `LONGEST_REFRESH`; None where it does not, or to itself."""
    said, base = exchange.header("Refresh"), exchange.url
    if not said:
        said, relative_to = _meta_refresh(exchange.beginning[:_READ])
        base = _resolved(base, relative_to) or base
    found = _REFRESH.match(said[:8192])
    if found is None or float(found[1]) > LONGEST_REFRESH:
        return None
    quote, url = found[2], found[3]
    target = _resolved(base, url.partition(quote)[0] if quote else url)
    return target if target != exchange.url else None


def _resolved(base: str, said: str) -> str | None:
    """Resolve what a header says, its bytes as they are: browsers do not ask what encoding they are in."""
    if not said.strip():
        return None
    try:
        return resolve_url(base, _HIGH.sub(lambda match: f"%{ord(match[0]):02X}", said))
    except ValueError:
        return None


def _meta_refresh(html: bytes) -> tuple[str, str]:
    """Give what the first meta element says that stands for Refresh, and what relative URLs are relative to; "": none.

    Those in comments and scripts do not count, one in `noscript` only where the page says nothing else.
    """
    if b"refresh" not in html.lower():
        return "", ""
    shown = _without(html, _ASIDE)
    base = next((each["href"] for each in _tags(_BASE, shown) if each.get("href")), "")
    said = _first_refresh(_without(shown, _NO_SCRIPT))
    if not said and len(b"".join(_TAG.sub(b" ", shown).split())) <= _STUB:
        said = _first_refresh(shown)
    return said, base


def _first_refresh(html: bytes) -> str:
    found = (each for each in _tags(_META, html) if each.get("http-equiv", "").strip().lower() == "refresh")
    return next((each["content"] for each in found if each.get("content")), "")


def _tags(pattern: re.Pattern[bytes], html: bytes) -> Iterator[dict[str, str]]:
    """Yield the attributes of each tag of a kind, names in lower case."""
    for match in pattern.finditer(html):
        yield {
            name.lower(): unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(match[1].decode("latin-1"))
        }


def _without(html: bytes, elements: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Cut out what stands between marks; one that is not closed goes on to the end, as it does for browsers."""
    for begin, end in elements:
        kept, place, lower = [], 0, html.lower()
        while (start := lower.find(begin, place)) >= 0:
            kept.append(html[place:start])
            place = lower.find(end, start)
            if place < 0:
                place = len(html)
        html = b"".join([*kept, html[place:]])
    return html
