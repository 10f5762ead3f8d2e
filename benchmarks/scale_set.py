"""Pages by the hundred thousand for the scale run: genuine ones as they are, and word-edited variants of what they say.

A set of N documents is the same for everybody who has the same genuine pages: which of them are taken is decided by the
hash of their URL, and a variant is a function of its number alone. So the sets are nested, their mixture is the same at
each size, and the planted duplicates are known without writing them down.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from lxml import etree
from lxml.html import document_fromstring

from webtext.errors import UsageError
from webtext.hashing import hash64
from webtext.warc.warc_reader import iter_warc, read_record
from webtext.warc.warc_records import HttpResponse, encode_record, encode_response, parse_response

SEED = 8
EXACT, NEAR = 0.05, 0.10  # shares of the variants that copy an earlier one
POOL_PAGES = 4000  # genuine pages whose words the variants are made of
FEWEST, MOST = 200, 400  # words of a variant
EDITED = 0.25  # share of a variant's words that are replaced: two of one passage share some 0.75**5 of their shingles
MOST_EDITS = 3  # words by which a near copy differs: at least 0.85 of its shingles stay
PAGES_A_FILE = 5000
PARAGRAPH = 60  # words
_ENGLISH = {"the", "of", "and", "to", "in", "is", "a"}
_LEAST_ENGLISH = 0.15  # share of those among the words of a page that is taken to be English
_HEAD = "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{title}</title></head><body>"
_MAIN = "<nav><a href='/'>Home</a> <a href='/all'>All</a></nav><main><h1>{title}</h1>{text}</main>"
_CONTENT = "<div id='content'><h2>{title}</h2>{text}</div>"
_SITES = (
    "<article><h1>{title}</h1>{text}</article></body></html>",
    _MAIN + "<footer>Contact</footer></body></html>",
    _CONTENT + "<div id='menu'><ul><li><a href='/a'>More</a></ul></div></body></html>",
)


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A genuine page, ordered by the hash of its URL."""

    order: int
    archive: str
    offset: int
    length: int


def find_genuine(archives: Sequence[Path]) -> list[Place]:
    """List the HTTP responses of archives by the hash of their URL."""
    places = []
    for archive in archives:
        with archive.open("rb") as stream:
            for record in iter_warc(stream, archive.name):
                if record.is_http_response:
                    order = hash64(record.url.encode(), salt=b"scale")
                    places.append(Place(order, str(archive), record.offset, record.length))
    return sorted(places)


class Variants:
    """Short pages by number: edited passages of genuine English pages, some of them copies of earlier ones."""

    def __init__(self, pages: Sequence[Sequence[str]]) -> None:
        """Take the words of pages as the pool."""
        self._pages = [np.array(words, dtype=object) for words in pages]

    @staticmethod
    def copied(number: int) -> tuple[int, str]:
        """Tell which variant a variant copies and how: itself and "" if it copies none.

        >>> Variants.copied(0)
        (0, '')
        """
        draw = np.random.default_rng([SEED, 0, number])
        kind, source = draw.random(), int(draw.random() * number)
        if number == 0 or kind >= EXACT + NEAR:
            return number, ""
        while Variants.copied(source)[1]:
            source -= 1
        return source, "exact" if kind < EXACT else "near"

    def words(self, number: int) -> list[str]:
        """Write the text of a variant, as words."""
        source, how = self.copied(number)
        draw = np.random.default_rng([SEED, 1, source])
        page = self._pages[int(draw.integers(len(self._pages)))]
        taken = (int(draw.integers(len(page))) + np.arange(draw.integers(FEWEST, MOST + 1))) % len(page)
        words = page[taken]
        edited = np.flatnonzero(draw.random(len(words)) < EDITED)
        words[edited] = [self._any_word(draw) for _ in edited]
        if how == "near":
            draw = np.random.default_rng([SEED, 2, number])
            for place in draw.integers(len(words), size=int(draw.integers(1, MOST_EDITS + 1))):
                words[place] = self._any_word(draw)
        return [str(word) for word in words]

    def _any_word(self, draw: np.random.Generator) -> str:
        page = self._pages[int(draw.integers(len(self._pages)))]
        return str(page[int(draw.integers(len(page)))])

    def page(self, number: int) -> bytes:
        """Write the page of a variant; a copy stands on another site, in other surroundings."""
        words = self.words(number)
        starts = range(0, len(words), PARAGRAPH)
        text = "".join(f"<p>{html.escape(' '.join(words[start : start + PARAGRAPH]))}</p>" for start in starts)
        title = html.escape(" ".join(words[:4]))
        return (_HEAD + _SITES[number % len(_SITES)]).format(title=title, text=text).encode()

    @staticmethod
    def url(number: int) -> str:
        """Name the address of a variant, on one of a thousand invented hosts."""
        return f"https://site{number * 7919 % 1009}.variants.test/{number}"


def english_pages(places: Sequence[Place], wanted: int = POOL_PAGES) -> list[list[str]]:
    """Read the words of the first so many genuine pages that seem to be English prose of some length."""
    return list(islice((words for place in places if _is_english(words := _paragraph_words(place))), wanted))


def _is_english(words: list[str]) -> bool:
    return len(words) >= FEWEST and sum(word in _ENGLISH for word in words) >= _LEAST_ENGLISH * len(words)


def _paragraph_words(place: Place) -> list[str]:
    with Path(place.archive).open("rb") as stream:
        body = parse_response(read_record(stream, place.offset, place.length).block).body
    try:
        paragraphs = document_fromstring(body).findall(".//p")
    except (etree.ParserError, ValueError):  # an empty page, or one that says it has another encoding
        return []
    text = " ".join("".join(paragraph.itertext()) for paragraph in paragraphs)
    return re.findall(r"[^\s\x00-\x1f\x7f]+", text)


def members(places: Sequence[Place], variants: Variants, documents: int, share: float) -> Iterator[bytes]:
    """Yield the records of a set: its genuine pages as they lie, and its variants."""
    genuine = round(documents * share)
    if genuine > len(places):
        raise UsageError(f"{genuine:,} genuine pages are wanted, but there are {len(places):,}: give more --genuine")
    for place in places[:genuine]:
        with Path(place.archive).open("rb") as stream:
            stream.seek(place.offset)
            yield stream.read(place.length)
    for number in range(documents - genuine):
        response = HttpResponse(200, (("Content-Type", "text/html; charset=utf-8"),), variants.page(number), "OK")
        yield encode_record(
            "response",
            Variants.url(number),
            "2017-12-01T00:00:00Z",
            "application/http; msgtype=response",
            encode_response(response),
        )


def write_set(folder: Path, records: Iterator[bytes]) -> int:
    """Write records as archives of 5,000 each; give the number of bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    size = 0
    for number in range(1_000_000):
        some = b"".join(islice(records, PAGES_A_FILE))
        if not some:
            break
        (folder / f"pages-{number:05d}.warc.gz").write_bytes(some)
        size += len(some)
    return size
