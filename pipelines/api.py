"""webtext from Python: what `from webtext import ...` gives, each name loaded when it is first asked for.

The whole way is `examples/gpt2_webtext.py`; docs/api.md has it in five lines. Whatever a user can mend is raised as
`webtext.errors.UsageError`, whose message is one line.
"""

import argparse
import contextlib
import importlib
import io
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from dedup.near.minhash import MinHashConfig
from dedup.near.sketch import Sketch
from dedup.near.sketch import sketch as sketch_text
from dedup.near.verify import jaccard
from dedup.overlap.bloom import FilterInfo, NgramFilter
from dedup.overlap.measure import ngram_overlap
from dedup.overlap.ngrams import Grams, text_ngram_hashes
from filters import Filter, first_reason, load_preset
from pipelines.stages.ledger import Funnel
from webtext import storage
from webtext.code_points import count_words
from webtext.errors import UsageError
from webtext.extract.config import ExtractConfig, Extracted
from webtext.extract.language_detector import detect
from webtext.extract.pages import extract_page
from webtext.hashing import document_id
from webtext.manifest import Counts
from webtext.reasons import Reason
from webtext.records import Document, Link, Rejection
from webtext.reddit.dumps import Posted, Refused, merge_submissions, plan_dumps, read_dump
from webtext.reddit.layout import Layout
from webtext.reddit.links import SelectConfig, select_link
from webtext.shards import SPLITS, list_shards
from webtext.tables import from_table
from webtext.urls import host_of

__all__ = [
    "Counts",
    "Document",
    "Extracted",
    "Filter",
    "Link",
    "NgramFilter",
    "Reason",
    "Rejection",
    "Sketch",
    "UsageError",
    "count_ngrams",
    "extract_text",
    "first_reason",
    "load_preset",
    "make_document",
    "ngram_overlap",
    "read_corpus",
    "read_submissions",
    "run_stage",
    "select_links",
    "similarity",
    "sketch",
]


def read_submissions(path: str | Path) -> Iterator[Posted | Rejection]:
    """Read a file of Reddit submissions: a dump of any make, or a list of URLs.

    Every line that is not blank gives something: a submission of a link, or the rejection that says why it is none.

    Raises:
        UsageError: the file is not there, is empty, or holds neither submissions nor URLs.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     dump = Path(folder, "RS.jsonl")
    ...     _ = dump.write_text('{"url": "http://a.example/x", "score": 5, "id": "a", "subreddit": "books"}')
    ...     [posted.url for posted in read_submissions(dump)]
    ['https://a.example/x']
    """
    (dump,) = plan_dumps([str(path)])
    with storage.open_file(dump.path) as stream:
        for found in read_dump(stream, dump, SelectConfig()):
            if not isinstance(found, Layout):
                yield found.rejection if isinstance(found, Refused) else found


def select_links(submissions: Iterable[Posted | Rejection], min_karma: int = 3) -> Iterator[Link | Rejection]:
    r"""Gather submissions by URL into links with enough karma, GPT-2's 3 by default; what is none is a `Rejection`.

    All submissions are in memory at once; the stage `harvest` sorts any number of them.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     urls = Path(folder, "karma.csv")
    ...     _ = urls.write_text("url,score\nhttp://a.example/x,5\nhttp://a.example/y,2\n")
    ...     [(link.url, getattr(link, "reason", "kept")) for link in select_links(read_submissions(urls))]
    [('https://a.example/x', 'kept'), ('https://a.example/y', 'low_karma')]
    """
    posted = []
    for found in submissions:
        if isinstance(found, Rejection):
            yield found
        else:
            posted.append(found)
    for url, group in groupby(sorted(posted, key=attrgetter("url", "source")), attrgetter("url")):
        postings, repeated = merge_submissions(list(group))
        yield select_link(url, postings, SelectConfig(min_karma=min_karma))
        yield from repeated


def extract_text(page: bytes | str, url: str = "", content_type: str = "text/html") -> Extracted | Reason:
    """Extract the main text of a page, with its title, author and date; or give the reason why there is none.

    Args:
        page: its bytes as a server sent them, or HTML that is decoded already.
        url: where it was found, since a date may stand there.
        content_type: what its server said it is.

    >>> extract_text("not a page")
    'not_html'
    """
    if isinstance(page, str):
        page, content_type = page.encode("utf-8", "surrogatepass"), "text/html; charset=utf-8"
    return extract_page(page, content_type, url, config=ExtractConfig())


def make_document(text: str | Extracted, url: str = "http://unknown.example/", **facts: Any) -> Document:
    """Make the record that rules judge of a text; its language is detected, `facts` are other fields of it.

    >>> made = make_document("The swallows leave the wire in September, all on the same day.", title="Swallows")
    >>> made.language, made.n_words, made.title
    ('en', 12, 'Swallows')
    """
    found = text if isinstance(text, Extracted) else Extracted(text)
    language, probability = detect(found.text)
    known = {name: getattr(found, name) for name in ("title", "author", "date", "site_name", "declared_language")}
    unknown = {"karma": None, "submissions": None, "subreddits": (), "first_posted": None, "body_digest": ""}
    names = {"id": document_id(url), "url": url, "final_url": url, "host": host_of(url)}
    values = {"text": found.text, "language": language, "language_probability": probability}
    return Document(**{**names, **known, **unknown, **values, "n_words": count_words(found.text), **facts})


def sketch(text: str) -> Sketch:
    """Sketch a text for comparing: datasketch's MinHash signature of its 5-word shingles, and the shingles."""
    return sketch_text(text, MinHashConfig())


def similarity(one: Sketch, other: Sketch) -> float:
    """Give the true Jaccard similarity of two texts' shingles, 0 to 1; from 0.7 up a build calls them near-duplicates.

    >>> text = "It rained all day, and in the evening the river stood at the wall of the old mill."
    >>> round(similarity(sketch(text), sketch(text.replace("old", "new"))), 2)
    0.75
    """
    return jaccard(one.shingles, other.shingles)


def read_corpus(output: str | Path, split: str = "train") -> Iterator[Document]:
    """Read the documents of a finished corpus, in the order of its shards.

    Args:
        output: the output of a build, or its corpus directory.
        split: "train" or "validation": what is trained on, or what is held out.

    Raises:
        UsageError: there is no such corpus.
    """
    places = (storage.join(str(output), "corpus"), str(output))
    corpus = next((place for place in places if any(list_shards(place, each) for each in SPLITS)), None)
    if corpus is None or split not in (*SPLITS, "heldout"):  # the name of the latter before
        raise UsageError(f"{output} holds no {split} split: give the output of a build, and train or validation")
    for shard in (storage.join(corpus, name) for name in list_shards(corpus, split)):
        with storage.open_file(shard) as stream:
            for batch in pq.ParquetFile(stream).iter_batches():
                table = pa.Table.from_batches([batch])
                yield from from_table(table.append_column("body_digest", pa.array([""] * len(table))), Document)


def count_ngrams(texts: Iterable[str], n: int = 8, capacity: int = 10_000_000) -> NgramFilter:
    """Put the n-grams of texts into a Bloom filter, as GPT-2's authors did to measure overlap with benchmarks.

    Args:
        texts: any number of them.
        n: words of an n-gram.
        capacity: distinct n-grams that the filter is sized for, at one false positive in 100 million.

    >>> text = "It rained all day, and in the evening the river stood at the wall."
    >>> ngram_overlap(text, count_ngrams([text], capacity=100))
    1.0
    """
    made = NgramFilter(FilterInfo(Grams(n), capacity=capacity))
    for text in texts:
        made.add(text_ngram_hashes(text, made.info.grams), documents=1)
    return made


def run_stage(command: str, output: str | Path, **settings: Any) -> dict[str, Counts]:
    """Run a command that writes stages: `corpus`, or `harvest`, `fetch` and `build` one after another.

    Args:
        command: its name on the command line.
        output: the directory of the output; what is done there already is not done again.
        settings: its flags (docs/reference/command-line.md), with `_` for `-`: lists, texts, numbers, True.

    Returns:
        What each stage of the output was given, kept, and rejected for which reason.

    Raises:
        UsageError: a setting is wrong, or something that the user can mend.
    """
    parser = _Parser(prog=f"run_stage({command!r})", add_help=False, allow_abbrev=False)
    module = importlib.import_module(f"pipelines.commands.{command}")
    module.add_arguments(parser)
    arguments = parser.parse_args(["--output", str(output), *_words(settings)])
    arguments.command = command
    with contextlib.redirect_stdout(io.StringIO()):  # the ledger, which is given back
        module.run(arguments, [])
    return {name: manifest.counts for name, manifest in Funnel.of(str(output)).stages}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}")


def _words(settings: dict[str, Any]) -> Iterator[str]:
    """Write settings as they would be typed."""
    for name, value in settings.items():
        if value is False or value is None:
            continue
        yield f"--{name.replace('_', '-')}"
        if value is not True:
            yield from map(str, value if isinstance(value, (list, tuple)) else [value])
