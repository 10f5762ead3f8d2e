"""Real text for the benchmarks of de-duplication: what the pages of a WARC say, extracted once and kept in build/."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType
from trafilatura import extract

CACHE = Path("build/benchmarks")
SHORTEST = 100  # words


def real_pages(warc: Path) -> list[tuple[str, str]]:
    """Extract (URL, text) of the pages with at least 100 words, in the order of the archive."""
    cache = CACHE / f"pages-{sha256(str(warc.resolve()).encode()).hexdigest()[:12]}.json"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(list(_extracted(warc))))
    return [(url, text) for url, text in json.loads(cache.read_text())]


def real_texts(warc: Path) -> list[str]:
    """Give the distinct texts of an archive, in its order."""
    return list(dict.fromkeys(text for _, text in real_pages(warc)))


def _extracted(warc: Path) -> Iterator[tuple[str, str]]:
    with warc.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            text = extract(record.reader.read(), fast=True, include_comments=False)
            if text and len(text.split()) >= SHORTEST:
                yield record.headers["WARC-Target-URI"], text


def long_texts(warc: Path, words: int) -> list[list[str]]:
    """Give the words of the texts that have at least so many."""
    return [split for split in (text.split() for text in real_texts(warc)) if len(split) >= words]
