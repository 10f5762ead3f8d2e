"""What some megabytes of an input tell of all of it: how many links and pages there are, what a page takes and gives.

CPU time is measured here and now, on the user's own pages, since a page of his may be ten times one of ours.
"""

import contextlib
import io
import os
import re
import resource
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from dedup.near.sketch import sketch
from pipelines.pages.page_index import PageIndex
from pipelines.pages.page_pool import Judged, PagePool
from pipelines.stages.archives.archived_pages import capture_of
from pipelines.stages.documents import DocumentsConfig, plan_buckets, read_pages, write_bucket
from pipelines.stages.harvest import HarvestConfig, find_dumps
from pipelines.stages.shards import CORPUS
from pipelines.stages.stage import read_manifest
from webtext import storage
from webtext.errors import UsageError
from webtext.records import Document, Link, Page, Rejection
from webtext.reddit.dumps import Posted, Refused, read_dump
from webtext.reddit.links import select_link
from webtext.tables import write_table
from webtext.urls import canonicalize_url, host_of
from webtext.warc.warc_reader import iter_warc, read_response
from webtext.warc.warc_records import HttpResponse

MOST_FILES = 16  # the most that are looked into, evenly spread
_WARM = 5  # pages before the clock starts
LEAST_BYTES = 1 << 20  # the least that is read of each of them

_MEMBER = re.compile(rb"\x1f\x8b\x08")  # how a gzip member begins

Fetched = tuple[Page, HttpResponse]


@dataclass(frozen=True)
class LinksFound:
    """What the submissions come to, by a sample."""

    bytes: int  # all files together
    read: int  # those of them that are in the sample
    posted: float  # submissions that may become links
    links: float  # links with enough karma; each URL counts once in the sample, so this is too many rather than too few
    refused: float
    url_bytes: float  # mean length of a URL
    cpu_s: float  # the time to read all of it
    busiest_host: float  # share of the links that are on the host with the most


@dataclass(frozen=True)
class PagesFound:
    """What the pages come to, by a sample."""

    pages: float  # those that can be extracted
    bytes: float  # those of their archives
    sampled: int  # pages that were extracted for this
    kept: float  # share that stays after the filters
    cpu_s: float  # a page: reading, extracting, judging and sketching it
    part_bytes: float  # a document, on disk, with its shingle hashes
    rejection_bytes: float  # a page that is rejected, on disk
    corpus_bytes: float  # a document, in a shard
    text_bytes: float  # a document
    words: float  # a document
    shingles: float  # a document


class Prefix(io.RawIOBase):
    """The first bytes of a file, as if it ended there."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        """Give at most `size` bytes of a stream, from where it stands."""
        self._stream, self._left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._stream.read(min(len(buffer), self._left))
        buffer[: len(block)] = block
        self._left -= len(block)
        return len(block)


def sample_links(config: HarvestConfig, most_bytes: int) -> LinksFound:
    """Read the beginnings of dumps, as `harvest` does.

    Raises:
        UsageError: there are none, or none can be read.
    """
    dumps = find_dumps(config)
    sizes = {dump.path: storage.file_size(dump.path) for dump in dumps}
    some = _spread(dumps)
    each = max(LEAST_BYTES, most_bytes // len(some))
    hosts: Counter[str] = Counter()
    links: set[str] = set()
    read = posted = refused = length = 0
    began = time.process_time()
    for dump in some:
        size = min(each, sizes[dump.path])
        read += size
        with storage.open_file(dump.path) as stream:
            beginning = io.BufferedReader(Prefix(stream, size))
            for found in read_dump(beginning, dump, config.select, self_posts=config.self_posts):
                if not isinstance(found, Posted):
                    refused += isinstance(found, Refused)
                    continue
                posted += 1
                link = select_link(found.url, found.postings, config.select)
                if isinstance(link, Link) and found.url not in links:
                    links.add(found.url)
                    length += len(found.url)
                    hosts[host_of(found.url)] += 1
    total = sum(sizes.values())
    share = total / read
    cpu = (time.process_time() - began) * share
    busiest = max(hosts.values(), default=0) / max(1, len(links))
    mean = length / max(1, len(links))
    return LinksFound(total, read, posted * share, len(links) * share, refused * share, mean, cpu, busiest)


def sample_archives(archives: Sequence[str], most_bytes: int, most_pages: int) -> tuple[float, float, list[Fetched]]:
    """Read some places of WARC files: how many pages all have, of how many bytes, and some of them.

    Raises:
        UsageError: none of them holds a page where it was looked for.
    """
    sizes = {path: storage.file_size(path) for path in archives}
    some = _spread(archives)
    each = max(LEAST_BYTES, most_bytes // len(some))
    read = counted = 0
    pages: list[Fetched] = []
    for path in some:
        found, end = _captures(path, sizes[path], each)
        read += end
        counted += len(found)
        pages += found[:: max(1, len(found) * len(some) // most_pages)]
    if not counted:
        raise UsageError(f"no page is in the first {each:,} bytes of {some[0]}: give more with --sample-mb")
    total = sum(sizes.values())
    return counted * total / read, float(total), pages[:most_pages]


def _captures(path: str, size: int, most_bytes: int) -> tuple[list[Fetched], int]:
    """Read whole pages at places spread over an archive: the pages, and the bytes that all records there fill."""
    found, read = [], 0
    pieces = 1 if size <= most_bytes else most_bytes // LEAST_BYTES
    for piece in range(pieces):
        with storage.open_file(path) as stream:
            stream.seek(piece * size // pieces)
            block = stream.read(-(-min(size, most_bytes) // pieces))
        aligned, end = block[_record_at(block) :] if piece else block, 0
        with contextlib.suppress(UsageError):  # the last record is cut, unless the file ends there
            for record in iter_warc(io.BytesIO(aligned), path):
                if not record.is_whole:
                    continue
                end = record.offset + record.length
                url = canonicalize_url(record.url) if record.is_page else None
                if url is not None and (page := capture_of(path, url, record)).outcome == "ok":
                    found.append((page, record.http()))
        read += end
    return found, read


def _record_at(block: bytes) -> int:
    """Find where the first compressed record of a block begins; its end where none does, as in a plain archive."""
    for place in _MEMBER.finditer(block):
        with contextlib.suppress(zlib.error):
            if zlib.decompressobj(31).decompress(block[place.start() :], 5) == b"WARC/":
                return place.start()
    return len(block)


def sample_finished(pages: str, most_pages: int) -> tuple[float, float, list[Fetched]]:
    """Read some pages of a finished pages directory: how many there are, in how many bytes, and some.

    Raises:
        UsageError: the stage is not finished.
    """
    manifest = read_manifest(pages)
    indexes = [storage.join(pages, name) for name in storage.list_files(pages, "index-*.parquet")]
    buckets = plan_buckets(indexes, manifest.counts.kept)
    rows = (page for bucket in buckets for page in read_pages(bucket, PageIndex()))
    some = [(page, _response(pages, page)) for page in islice(rows, most_pages)]
    lengths = [page.warc_length or 0 for page, _ in some]
    return float(manifest.counts.kept), sum(lengths) / max(1, len(some)) * manifest.counts.kept, some


def _response(pages: str, page: Page) -> HttpResponse:
    with storage.open_file(storage.join(pages, page.warc_file)) as stream:
        return read_response(stream, page.warc_offset or 0, page.warc_length or 0, page.digest)


def try_pages(found: tuple[float, float, list[Fetched]], config: DocumentsConfig) -> PagesFound:
    """Make documents of a sample of pages, as the documents stage does, and say what that took and gave."""
    number, size, pages = found
    judged: list[Judged] = []
    with PagePool(config.page, processes=1) as pool:
        for timed in (pages[:_WARM], pages):  # what is loaded once is no cost of a page
            before = _cpu()
            judged = [pool.submit(page, response)() for page, response in timed]
            cpu = _cpu() - before
    rejections = [outcome for outcome in judged if isinstance(outcome, Rejection)]
    sketch("kernels are loaded by being used", config.minhash)
    with tempfile.TemporaryDirectory() as directory:
        before = _cpu()
        kept_pages = [outcome for outcome in judged if isinstance(outcome, Document)]
        documents = [(document, sketch(document.text, config.minhash)) for document in kept_pages]
        write_bucket(directory, "sample", documents, rejections)
        cpu += _cpu() - before
        sizes = {name.partition("-")[0]: os.path.getsize(f"{directory}/{name}") for name in os.listdir(directory)}  # noqa: PTH202, PTH208
        shard = io.BytesIO()
        write_table(shard, pq.read_table(f"{directory}/part-sample.parquet", columns=CORPUS.names))
    kept, lost = max(1, len(documents)), max(1, len(rejections))
    return PagesFound(
        pages=number,
        bytes=size,
        sampled=len(pages),
        kept=len(documents) / max(1, len(pages)),
        cpu_s=cpu / max(1, len(pages)),
        part_bytes=(sizes["part"] + sizes["shingles"]) / kept,
        rejection_bytes=sizes["rejections"] / lost,
        corpus_bytes=shard.tell() / kept,
        text_bytes=sum(len(document.text.encode()) for document, _ in documents) / kept,
        words=sum(document.n_words for document, _ in documents) / kept,
        shingles=sum(len(sketched.shingles) for _, sketched in documents) / kept,
    )


def _cpu() -> float:
    """Tell the CPU seconds of this process and of its children, those that live too."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + spent.ru_utime + spent.ru_stime
    ticks = os.sysconf("SC_CLK_TCK")
    for child in Path("/proc/self/task").glob("*/children"):
        for process in child.read_text("ascii").split():
            with contextlib.suppress(OSError):  # it has just ended
                fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
                total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def _spread(files: Sequence[Any]) -> list[Any]:
    """Choose at most `MOST_FILES` files, evenly spread."""
    return list(files[:: -(-len(files) // MOST_FILES)])
