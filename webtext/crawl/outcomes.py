"""What can become of a page: the closed set of outcomes, and the judgement of an answer by what HTTP says of it.

Bot walls, consent walls and pages that say "not found" with a status of 200 are judged later, by their text.
"""

import re

from webtext.mime import is_html, may_be_html
from webtext.permissions.signals import OUTCOME, PREFIX, SIGNALS

# Every outcome with what it means; besides these, `http_NNN` is an answer with that status. docs/fetch.md shows this
# table, and a test holds them equal.
OUTCOMES: dict[str, str] = {
    "ok": "an HTML page came, whole",
    "not_fetched": "left for a later run: a limit of pages or time was reached, or there was no resolver or no route",
    "removed": "somebody asked for its removal (`webtext remove`), so it is not asked for again",
    "private_address": "the host is, or resolves to, an address that is not public, or the port is not the web's",
    "bad_url": "the URL cannot be asked for",
    "dns_error": "the host's name does not resolve",
    "connect_timeout": "no connection in time",
    "connection_error": "no connection, or it broke off",
    "tls_error": "no TLS connection: certificate or protocol",
    "read_timeout": "the server fell silent for too long, before its answer or within it",
    "total_timeout": "the exchange as a whole took too long",
    "bad_response": "what came is not HTTP, or its headers have no end",
    "incomplete": "the body ended before its length or its last chunk",
    "bad_encoding": "the body is not compressed as its header says",
    "too_large": "the body is larger than allowed, as sent or decompressed",
    "not_html": "the content is not HTML, by its declared type or by its first bytes",
    "empty_body": "the answer has no content",
    "bad_redirect": "a redirect without a usable target",
    "redirect_loop": "a redirect back to a URL that was asked before",
    "too_many_redirects": "more redirects than allowed",
    "media": "a redirect to a picture, a film or a sound, by extension or host; such a redirect is not followed",
    "reddit_internal": "a redirect to Reddit itself",
    "download": "a redirect to a file that is no page, by extension",
    "wikipedia": "a redirect to Wikipedia (`--wikipedia` follows it)",
    "robots_disallowed": "robots.txt does not allow it",
    "robots_unreachable": "robots.txt is there but cannot be read (5xx, 429, timeouts), so nothing may be fetched",
    OUTCOME: "the page or its site opts out of being learned from; the ledger's reason names the signal",
    "dead_host": "the host failed several times in a row and was given up",
}
_STATUS = re.compile(r"http_[1-9]\d\d")
ACCEPTED_STATUS = frozenset({200, 203})  # 203: as 200, changed by a proxy
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TRANSIENT = frozenset(
    {"connect_timeout", "connection_error", "read_timeout", "incomplete", "bad_response", "dns_error"}
)
TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


def reason_of(outcome: str, signal: str) -> str:
    """Give the reason that the ledger has for an outcome: with the signal, for a page that is not taken because of one.

    >>> reason_of("opt_out", "noai"), reason_of("http_404", "noai")
    ('opt_out_noai', 'http_404')
    """
    return PREFIX + signal if outcome == OUTCOME else outcome


def is_reason(slug: str) -> bool:
    """Tell whether a slug is a reason of the ledger for a link that was not fetched."""
    return (is_outcome(slug) and slug != OUTCOME) or slug.removeprefix(PREFIX) in SIGNALS


def is_outcome(slug: str) -> bool:
    """Tell whether a slug is an outcome of a fetch."""
    return slug in OUTCOMES or _STATUS.fullmatch(slug) is not None


def judge_answer(status: int, content_type: str, beginning: bytes) -> str:
    """Give the outcome of an answer that came whole, by status, declared type and first bytes.

    >>> judge_answer(404, "text/html", b"<html>"), judge_answer(200, "text/html", b"%PDF-1.4")
    ('http_404', 'not_html')
    """
    if status not in ACCEPTED_STATUS:
        return f"http_{status}" if 100 <= status <= 999 else "bad_response"
    if not may_be_html(content_type):
        return "not_html"
    if not beginning.strip():
        return "empty_body"
    return "ok" if is_html(content_type, beginning) else "not_html"


def is_transient(outcome: str) -> bool:
    """Tell whether asking again may help.

    >>> is_transient("http_503"), is_transient("http_404")
    (True, False)
    """
    return outcome in TRANSIENT or (outcome.startswith("http_") and int(outcome[5:]) in TRANSIENT_STATUS)
