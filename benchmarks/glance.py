"""What the look before extraction costs, saves and loses: every page is extracted, and the look is asked as well.

    python benchmarks/glance.py PAGES.warc.gz ... [--part 0/4]

Every language takes its turn: a page whose extracted text the language rule would keep for its language (langdetect at
0.8 and more) is a wanted page of that language, and lost if the look would have spared its extraction. `kept` are those
of at least 100 words, as the default preset asks for. `whatever they declare` is the same look at pages made to declare
nothing: what would be lost if declarations were wrong everywhere. CPU seconds are of this process; what is spared is
told for a crawl of which only English is wanted.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from webtext.extract.config import ExtractConfig
from webtext.extract.decode import decode_html
from webtext.extract.extractors import load_engine
from webtext.extract.glance import foreign_text
from webtext.extract.language_detector import detect, family
from webtext.extract.pages import clean_text
from webtext.extract.tree import parse_html, without_controls
from webtext.metadata.metadata import read_metadata
from webtext.text import words

MIN_PROBABILITY, MIN_WORDS = 0.8, 100  # the default preset's limits of language and length


def read_pages(paths: list[Path]) -> Iterator[tuple[str, bytes, str]]:
    """Yield (URL, body, content type)."""
    for path in paths:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                content_type = record.http_headers.get("Content-Type") or ""
                yield record.headers["WARC-Target-URI"], record.reader.read(), content_type


def judge(url: str, body: bytes, content_type: str, tally: Counter[str]) -> None:
    """Extract one page, ask the look, and count; print the page where the look would lose it."""
    clock = time.process_time
    started = clock()
    html, encoded = without_controls(decode_html(body, content_type))
    tree = parse_html(encoded)
    if tree is None or len(body) > ExtractConfig().max_bytes:
        return
    parsed = clock()
    spared = bool(foreign_text(tree, ["en"], clean_text))
    looked = clock()
    read_metadata(tree, url)
    text = clean_text(load_engine("webtext")(html, tree))
    language, probability = detect(text)
    extracted = clock()
    of_language = family(language)
    tally["pages"] += 1
    tally["microseconds without the look"] += int((parsed - started + extracted - looked) * 1e6)
    tally["microseconds of the look"] += int((looked - parsed) * 1e6)
    tally["microseconds spared"] += int((extracted - looked) * 1e6) * spared
    tally["not in English"] += of_language != "en"
    tally["not in English, spared"] += of_language != "en" and spared
    if probability < MIN_PROBABILITY:
        return
    tree = parse_html(encoded)  # extraction has used the other up
    assert tree is not None
    lost = {"": bool(foreign_text(tree, [language], clean_text))}
    for element in tree.iter("html", "meta"):  # nobody reads it after this
        element.attrib.clear()
    lost[" whatever they declare"] = bool(foreign_text(tree, [language], clean_text))
    for group in ("all languages", *(["English"] if of_language == "en" else [])):
        for name in ("wanted", *(["kept"] if len(words(text)) >= MIN_WORDS else [])):
            tally[f"{group}: {name}"] += 1
            for declarations, is_lost in lost.items():
                tally[f"{group}: {name}, lost{declarations}"] += is_lost
                if is_lost and group == "all languages":
                    print(f"{name}, lost{declarations}: {url} {language} {probability}, {len(words(text))} words")


def main() -> None:
    """Judge each page and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", type=Path, nargs="+")
    parser.add_argument("--part", default="0/1", help="which part of the pages, as in 0/4: to run it in pieces")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.part.split("/"))
    tally: Counter[str] = Counter()
    for number, (url, body, content_type) in enumerate(read_pages(arguments.archives)):
        if number % parts == part:
            judge(url, body, content_type, tally)
    for name, count in sorted(tally.items()):
        print(f"{name:50} {count:12,}")


if __name__ == "__main__":
    main()
