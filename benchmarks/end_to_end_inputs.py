"""The pages of the end-to-end benchmark: the same WARC files for every system, eight a set, so that two workers share.

Four sets: `realweb` (the pages of web.warc.gz), `english` (3,000 English pages: realweb's own, then Debian's
documentation), `debian` (10,000 pages of Debian's documentation in many languages, about half of them English) and
`wcxb` (WCXB's development pages, of seven kinds).
Pages of a large archive are taken by the hash of their address. Every record says what its payload is, without which
datatrove would guess, and drop a third.
"""

import io
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter
from wcxb import read_set

from webtext.extract.config import ExtractConfig, Extracted
from webtext.extract.language_detector import detect
from webtext.extract.pages import extract_page
from webtext.hashing import document_id

FILES = 8
ENGLISH_PAGES, DEBIAN_PAGES = 3000, 10_000
CERTAIN = 0.99  # the probability of a language from which it is certain


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an archive."""

    url: str
    content_type: str
    body: bytes


def read_pages(archives: Iterable[Path]) -> Iterator[Page]:
    """Yield the responses of archives."""
    for archive in archives:
        with archive.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                kind = record.http_headers.get("Content-Type") or "text/html"
                yield Page(record.headers["WARC-Target-URI"], kind, record.reader.read())


def is_english(page: Page) -> bool:
    """Tell whether a page's text is in English for certain."""
    found = extract_page(page.body, page.content_type, page.url, config=ExtractConfig())
    if not isinstance(found, Extracted):
        return False
    language, probability = detect(found.text)
    return language == "en" and probability >= CERTAIN


def sampled(archives: list[Path], share: int) -> Iterator[Page]:
    """Yield one page of so many, by the hash of the address."""
    return (page for page in read_pages(archives) if int(document_id(page.url), 16) % share == 0)


def english_pages(realweb: list[Path], debian: list[Path]) -> Iterator[Page]:
    """Yield the English pages of realweb, then of a seventh of Debian's."""
    for pages in (read_pages(realweb), sampled(debian, 7)):
        yield from filter(is_english, pages)


def labelled_pages(wcxb: Path) -> Iterator[Page]:
    """Yield WCXB's pages, encoded anew as UTF-8 and declared so by their answer's head."""
    for entry, html in read_set(wcxb):
        yield Page(entry["url"], "text/html; charset=utf-8", html.encode())


def make(folder: Path, realweb: Path, debian: Path, wcxb: Path) -> None:
    """Write the sets that are not there yet.

    Args:
        folder: where they go, a folder each.
        realweb: the folder of web.warc.gz.
        debian: a folder of WARC files that scale_pages.py has made of at least 50,000 pages; without it only
            `realweb` is made of the first three.
        wcxb: the folder of WCXB's development pages; the set is left out without it.
    """
    web, documentation = [realweb / "web.warc.gz"], sorted(debian.glob("*.warc.gz"))
    write(folder / "realweb", read_pages(web))
    if documentation:
        write(folder / "english", islice(english_pages(web, documentation), ENGLISH_PAGES))
        write(folder / "debian", islice(sampled(documentation, 5), DEBIAN_PAGES))
    if wcxb.exists():
        write(folder / "wcxb", labelled_pages(wcxb))


def write(folder: Path, pages: Iterable[Page]) -> None:
    """Write a set of pages in turn to its files, and how many there are; what is there already stays."""
    if (folder / "pages.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = 0
    with ExitStack() as stack:
        names = [folder / f"pages-{number:05d}.warc.gz" for number in range(FILES)]
        writers = [WARCWriter(stack.enter_context(name.open("wb")), gzip=True) for name in names]
        for count, page in enumerate(pages, 1):
            headers = [("Content-Type", page.content_type), ("Content-Length", str(len(page.body)))]
            writer = writers[count % FILES]
            record = writer.create_warc_record(
                page.url,
                "response",
                payload=io.BytesIO(page.body),
                http_headers=StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1"),
                warc_headers_dict={"WARC-Identified-Payload-Type": "text/html", "WARC-Date": "2017-12-01T00:00:00Z"},
            )
            writer.write_record(record)
    (folder / "pages.json").write_text(json.dumps({"pages": count}))
