"""Pages of the gold set, damaged in every way we could think of, through `webtext build`: none may be lost.

    python benchmarks/mutations.py OUTPUT [--pages 20000] [--workers 2] [--realweb ../shared/realweb]

Writes the damaged pages as WARC files, builds a corpus from them, and checks that each page is in the corpus or was
rejected for one reason of the closed set. Prints the funnel, and which mutations made the pages that cost the
extractor its process: `mutate(bodies, number)` makes the page of `https://mutated.example/<number>` again.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipelines.commands.cli import main as webtext
from pipelines.stages.ledger import Funnel
from webtext import storage
from webtext.records import Rejection
from webtext.tables import read_records
from webtext.warc.warc_records import HttpResponse, encode_record, encode_response

Mutation = Callable[[bytes, random.Random], bytes]
URL = "https://mutated.example/{}"
PAGES_A_FILE = 1000
COSTLY = ("extract_timeout", "extract_crash", "extract_memory")
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


def mutate(bodies: Sequence[bytes], number: int) -> tuple[bytes, list[str]]:
    """Make the damaged page of a number, and name what was done to it: one to three mutations of one page."""
    chance = random.Random(number)
    body = bodies[number % len(bodies)]
    chosen = chance.choices(MUTATIONS, k=chance.randint(1, 3))
    for mutation in chosen:
        body = mutation(body, chance) or b"<p>"
    return body, [mutation.__name__ for mutation in chosen]


def read_bodies(realweb: Path) -> list[bytes]:
    """Read the bodies of the real pages."""
    with (realweb / "web.warc.gz").open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True)
        return [record.reader.read() for record in records]


def write_archives(bodies: Sequence[bytes], pages: int, directory: Path) -> list[Path]:
    """Write so many damaged pages as WARC files."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for first in range(0, pages, PAGES_A_FILE):
        paths.append(directory / f"mutated-{first // PAGES_A_FILE:03d}.warc.gz")
        with paths[-1].open("wb") as stream:
            for number in range(first, min(first + PAGES_A_FILE, pages)):
                response = HttpResponse(200, (("Content-Type", "text/html"),), mutate(bodies, number)[0], "OK")
                block, kind = encode_response(response), "application/http; msgtype=response"
                stream.write(encode_record("response", URL.format(number), "2017-12-01T00:00:00Z", kind, block))
    return paths


def build(bodies: Sequence[bytes], pages: int, output: Path, workers: int) -> Funnel:
    """Build a corpus from damaged pages; give its funnel, in which every page is accounted for."""
    archives = [str(path) for path in write_archives(bodies, pages, output / "warc")]
    status = webtext(["build", "--output", str(output), "--workers", str(workers), "--warc", *archives])
    assert status == 0, status
    funnel = Funnel.of(str(output))
    funnel.check()
    assert funnel.stages[0][1].counts.given == pages
    return funnel


def costly(output: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the reason and the detail of each page that cost the extractor its process."""
    documents = str(output / "documents")
    for name in storage.list_files(documents, "rejections-*.parquet"):
        with storage.open_file(storage.join(documents, name)) as stream:
            for row in read_records(stream, Rejection):
                if row.reason in COSTLY:
                    yield int(row.url.rpartition("/")[2]), row.reason, row.detail


def main() -> None:
    """Damage, build and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--realweb", type=Path, default=Path("../shared/realweb"))
    arguments = parser.parse_args()
    bodies, start = read_bodies(arguments.realweb)[:953], time.perf_counter()
    build(bodies, arguments.pages, arguments.output, arguments.workers)
    for number, reason, detail in sorted(costly(arguments.output)):
        print(f"{number:6} {reason} ({detail}): {', '.join(mutate(bodies, number)[1])}")
    print(f"{arguments.pages:,} pages in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
