"""Pages of the gold set, damaged in every way we could think of, through extraction and filters: none may be lost.

    python benchmarks/mutations.py [--pages 20000] [--realweb ../shared/realweb]

Prints how many pages ended in which outcome; ends with status 1 if an outcome is no reason of the closed set.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from filters import apply_filters, load_preset
from webtext.extract import REASONS, ExtractConfig, ExtractionPool
from webtext.hashing import document_id
from webtext.language import detect
from webtext.reasons import Reason
from webtext.records import Document
from webtext.text import words

Mutation = Callable[[bytes, random.Random], bytes]
TAGS = (
    b"div",
    b"p",
    b"table",
    b"tr",
    b"td",
    b"ul",
    b"li",
    b"span",
    b"font",
    b"a",
    b"b",
    b"form",
    b"svg",
    b"math",
    b"pre",
)
JUNK = (
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\x1b$B"),
    *(b"<", b">", b"&", b"&#0;", b"&#x110000;", b"]]>", b"<!--", b"-->", b"<![CDATA["),
    *(b"</html>", b"<body>", b"<script>", b"</script>", b"<plaintext>", b"<textarea>"),
)


def flip_bytes(body: bytes, chance: random.Random) -> bytes:
    """Change some bytes to any others."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, max(2, len(body) // 200))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(body: bytes, chance: random.Random) -> bytes:
    """Keep the beginning, the end, or leave out the middle."""
    first, last = sorted(chance.choices(range(len(body) + 1), k=2))
    return chance.choice([body[:first], body[last:], body[:first] + body[last:]])


def nest(body: bytes, chance: random.Random) -> bytes:
    """Put the page, or a place in it, into many open elements, closed or not."""
    tag, depth = chance.choice(TAGS), chance.choice([10, 100, 300, 1000, 3000])
    place = chance.randrange(len(body) + 1)
    opened, closed = b"<%s>" % tag * depth, b"</%s>" % tag * (depth if chance.random() < 0.5 else 0)
    return body[:place] + opened + body[place:] + closed


def repeat(body: bytes, chance: random.Random) -> bytes:
    """Repeat a piece many times in its place."""
    place = chance.randrange(len(body) + 1)
    piece = body[place : place + chance.choice([1, 20, 200, 2000])]
    return body[:place] + piece * chance.choice([2, 10, 50]) + body[place:]


def insert_junk(body: bytes, chance: random.Random) -> bytes:
    """Insert what parsers stumble over."""
    for _ in range(chance.randint(1, 30)):
        place = chance.randrange(len(body) + 1)
        body = body[:place] + chance.choice(JUNK) * chance.choice([1, 1, 1, 50]) + body[place:]
    return body


def shuffle_tags(body: bytes, chance: random.Random) -> bytes:
    """Exchange pieces of the page, cut where a tag begins."""
    pieces = body.split(b"<")
    for _ in range(chance.randint(1, 50)):
        one, other = chance.randrange(len(pieces)), chance.randrange(len(pieces))
        pieces[one], pieces[other] = pieces[other], pieces[one]
    return b"<".join(pieces)


def change_encoding(body: bytes, chance: random.Random) -> bytes:
    """Write the page in another encoding than it says."""
    return body.decode("utf-8", "replace").encode(chance.choice(["utf-16", "cp1251", "shift_jis", "utf-7"]), "replace")


def drop_tags(body: bytes, chance: random.Random) -> bytes:
    """Leave out all closing tags of a kind, or all angle brackets of a kind."""
    return body.replace(
        chance.choice([b"</p>", b"</div>", b"</script>", b"</style>", b"</title>", b">", b'"', b"</a>"]), b""
    )


MUTATIONS: tuple[Mutation, ...] = (
    flip_bytes, cut, nest, repeat, insert_junk, shuffle_tags, change_encoding, drop_tags,
)  # fmt: skip


def mutate(bodies: list[bytes], number: int) -> bytes:
    """Make the damaged page of a number: one to three mutations of one gold page; the same number, the same page."""
    chance = random.Random(number)
    body = bodies[number % len(bodies)]
    for mutation in chance.choices(MUTATIONS, k=chance.randint(1, 3)):
        body = mutation(body, chance) or b"<p>"
    return body


def read_bodies(realweb: Path) -> list[bytes]:
    """Read the bodies of the real pages."""
    with (realweb / "web.warc.gz").open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True)
        return [record.reader.read() for record in records]


def outcomes(bodies: list[bytes], numbers: range) -> Iterator[str]:
    """Yield what becomes of each damaged page: "kept", or a reason."""
    filters = load_preset("webtext")
    with ExtractionPool(ExtractConfig(seconds=10.0)) as extract:
        for number in numbers:
            url = f"https://mutated.example/{number}"
            result = extract(mutate(bodies, number), "text/html", url)
            if isinstance(result, Reason):
                assert result in REASONS, result
                yield str(result)
                continue
            language, probability = detect(result.text)
            document = Document(
                id=document_id(url), url=url, final_url=url, host="mutated.example", title=result.title,
                author=result.author, date=result.date, text=result.text, language=language,
                language_probability=probability, karma=None, submissions=None, subreddits=(), first_posted=None,
                n_words=len(words(result.text)), body_digest="",
            )  # fmt: skip
            judged = apply_filters(document, filters)
            yield str(judged) if isinstance(judged, Reason) else "kept"


def main() -> None:
    """Damage, extract, judge and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--realweb", type=Path, default=Path("../shared/realweb"))
    arguments = parser.parse_args()
    bodies, start = read_bodies(arguments.realweb)[:953], time.perf_counter()
    counts = Counter(outcomes(bodies, range(arguments.pages)))
    for outcome, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"{outcome:20} {count:7,}")
    assert counts.total() == arguments.pages
    print(f"{'pages':20} {counts.total():7,} in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
