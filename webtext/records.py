"""The records that stages hand to one another, and nothing else.

All are frozen and flat: a stage makes new records and never edits one. Times are seconds since 1970 in UTC (`int`) in
memory and Arrow timestamps in files (`webtext.tables`). They are data classes rather than named tuples because Beam
takes a tuple of two for a key and a value. Of rejections there is one for every third line of a dump: they are
msgspec's, made in a quarter of the time.
"""

from dataclasses import dataclass

import msgspec

MOST_EXCERPT = 2_000  # characters of a text, or of a line, that a rejection keeps: a screen or two to judge it by


@dataclass(frozen=True, slots=True)
class Link:
    """A distinct outbound URL posted to Reddit, with what its submissions say of it together."""

    url: str  # canonical: the key of the ledger
    fetch_url: str  # the posted URL, repaired only as far as a browser would: it is asked for on the wire
    host: str
    karma: int | None  # the karma of the best submission, or the sum, as the harvest was told; None: a list gave none
    submissions: int
    subreddits: tuple[str, ...]  # distinct, sorted
    first_posted: int | None  # the time of the earliest submission that counts; None: none of them says when


@dataclass(frozen=True, slots=True)
class Page:
    """One link's HTTP exchange, or the reason why there was none: a row of the page index."""

    url: str
    fetch_url: str
    final_url: str  # after redirects; the fetch URL where nothing answered
    host: str  # the host of the final URL
    status: int | None
    outcome: str  # "ok", or the reason why there is no page to extract
    detail: str
    fetched_at: int | None
    content_type: str
    warc_file: str  # relative to the directory of the index; "" where nothing was recorded
    warc_offset: int | None  # the place of the response record in its archive, in bytes
    warc_length: int | None  # the record's length in compressed bytes
    digest: str  # sha1 of the body in base 32, as WARC writes it: "sha1:..."
    robots: str  # verdict of robots.txt: "allowed", "disallowed", "unreachable", ... ; "" where not asked
    opt_out: str  # the signal against training that was found ("noai", "tdm", ...), obeyed or not; "" where none
    karma: int | None  # these four are the link's; None for an archive that came without links
    submissions: int | None
    subreddits: tuple[str, ...]
    first_posted: int | None


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a page, with what is known about it."""

    id: str  # webtext.hashing.document_id(url)
    url: str  # canonical URL of the link
    final_url: str
    host: str  # the host of the final URL
    title: str
    author: str
    date: str  # ISO date the page declares, "" where it declares none
    text: str  # Unicode NFC, a paragraph a line
    language: str  # ISO 639-1 as langdetect names it
    language_probability: float
    karma: int | None
    submissions: int | None
    subreddits: tuple[str, ...]
    first_posted: int | None
    n_words: int  # the number of webtext.text.words
    body_digest: str  # the digest of the page's body, as in the page index
    site_name: str = ""  # the name that the page declares
    declared_language: str = ""  # the language that the page declares, which is not always what it is written in


class Rejection(msgspec.Struct, frozen=True):
    """A URL that does not stay, with the one reason why."""

    url: str  # canonical where there is one, else as it was found
    stage: str  # "harvest", "fetch", "extract", "filter", "exact_duplicate" ...
    reason: str  # a slug of a closed set: also the name of its counter
    detail: str = ""
    kept_url: str | None = None  # the URL that stays in a duplicate's place
    similarity: float | None = None  # the true Jaccard similarity of a near-duplicate to it, 0 to 1
    cluster: str | None = None  # smallest id of the near-duplicate cluster
    cluster_size: int | None = None
    excerpt: str | None = None  # first characters of the text, or of the line, where there was one
