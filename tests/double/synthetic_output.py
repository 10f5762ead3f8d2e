"""A small output with every kind of row in it, made without running a pipeline: what the report's tests read."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dedup.near.choose import CLUSTERS
from pipelines.stages.ledger import count_rejections, count_rows
from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.hashing import bucket_of, document_id, split_of
from webtext.manifest import Counts
from webtext.records import MOST_EXCERPT, Document, Link, Page, Rejection
from webtext.shards import SPLITS, shard_name
from webtext.tables import DOCUMENTS, to_table, write_records, write_table

CORPUS = [name for name in DOCUMENTS.names if name != "body_digest"]
PARTS = 4
WORDS = (
    *("the", "of", "a", "river", "stone", "light", "morning", "house", "word", "paper"),
    *("north", "engine", "salt", "garden", "letter", "number", "road", "größe", "東京"),
)
HOSTS = ("news.bbc.co.uk", "www.nytimes.com", "someone.blogspot.com", "github.com", "a.example", "b.example")
HOSTILE = '<script>alert("x")</script>\x00\u202e & co'


def make_output(output: Path, links: int = 400, seed: int = 0) -> Path:
    """Write finished stages; the same for the same arguments."""
    draw = random.Random(seed)
    posted = [_link(number, draw) for number in range(links)]
    pages, unfetched = _fetch(posted)
    documents, unwanted = _extract(pages, draw)
    corpus, duplicates = _deduplicate(documents)
    source = output / "source.txt"
    output.mkdir(parents=True, exist_ok=True)
    source.write_text(f"{links} {seed}")
    refused = [
        Rejection(f"https://low.example/{number}", "harvest", "low_karma", "karma 1") for number in range(links // 4)
    ]
    refused.append(Rejection(HOSTILE, "harvest", "not_a_url", HOSTILE))
    # Each is a link all the same.
    refused += [Rejection(link.url, "harvest", "repeated_submission") for link in posted[::3]]
    refused.append(Rejection("", "harvest", "malformed_line", "RS.jsonl:4", excerpt='{"url": "http://cut.ex'))
    given = {"links": len(posted) + len(refused)}
    _stage(output, "links", str(source), {"links": (posted, Link), "rejections": (refused, Rejection)}, given["links"])
    _stage(
        output,
        "pages",
        "links",
        {"index": (pages + unfetched[0], Page), "rejections": (unfetched[1], Rejection)},
        len(posted),
        kept=len(pages),
    )
    _stage(
        output, "documents", "pages", {"part": (documents, Document), "rejections": (unwanted, Rejection)}, len(pages)
    )
    tables = {"rejections": (duplicates, Rejection), "clusters": (_clusters(documents, duplicates), None)}
    _stage(output, "duplicates", "documents", tables, len(documents), kept=len(corpus))
    splits = {split: ([d for d in corpus if split_of(d.id, 0.1) == split], Document) for split in SPLITS}
    _stage(output, "corpus", "duplicates", splits, len(corpus), kept=len(corpus))
    return output


def _stage(output, name, source, tables, given, kept=None):
    def work(directory):
        for pattern, (rows, kind) in tables.items():
            parts = PARTS if pattern in {"part", "rejections"} else 1
            if kind is None:
                with storage.create_file(f"{directory}/{pattern}-00000-of-00001.parquet") as stream:
                    write_table(stream, pa.Table.from_pylist(rows, schema=CLUSTERS))
                continue
            for part in range(parts):
                own = sorted((row for row in rows if bucket_of(row.url, parts) == part), key=lambda row: row.url)
                file = f"{pattern}-{part:05d}-of-{parts:05d}.parquet"
                name = shard_name(pattern, part, parts) if pattern in SPLITS else file
                with storage.create_file(f"{directory}/{name}") as stream:
                    if pattern in SPLITS:
                        write_table(stream, to_table(own, DOCUMENTS).select(CORPUS))
                    else:
                        write_records(stream, own, kind)

    def count(directory):
        rows = count_rows(directory, f"{next(iter(tables))}-*.parquet") if kept is None else kept
        return Counts(given, rows, count_rejections(directory))

    stage = Stage(name, str(output / name), {"name": name}, (str(output / source),))
    return run_stage(stage, work, count)


def _link(number, draw):
    host = HOSTS[min(int(draw.expovariate(0.5)), len(HOSTS) - 1)]
    url = f"https://{host}/{number}"
    karma = None if number % 50 == 7 else int(draw.paretovariate(0.9) * 3)
    when = None if karma is None else 1_300_000_000 + draw.randrange(60_000_000)
    return Link(url, url, host, karma, 1 + number % 3, ("pics", "science")[: 1 + number % 2], when)


def _fetch(links):
    pages, failed, rejections = [], [], []
    for number, link in enumerate(links):
        outcome = ("http_404", "timeout")[number % 2] if number % 5 == 0 else "ok"
        if link.host == "github.com":
            outcome = "robots_disallowed"
        row = Page(
            link.url, link.url, link.url, link.host, 200 if outcome == "ok" else None, outcome, "", 1_400_000_000,
            "text/html", "a.warc.gz", number, 1, "sha1:X", "allowed", "", link.karma, link.submissions, link.subreddits,
            link.first_posted,
        )  # fmt: skip
        (pages if outcome == "ok" else failed).append(row)
        if outcome != "ok":
            rejections.append(
                Rejection(link.url, "fetch", outcome, "no answer in 30 s" if outcome == "timeout" else "")
            )
    return pages, (failed, rejections)


def _text(draw, words):
    return "\n".join(" ".join(draw.choice(WORDS) for _ in range(words // 5)) + "." for _ in range(5))


def _extract(pages, draw):
    documents, rejections = [], []
    for number, page in enumerate(pages):
        text = _text(draw, 100 + int(draw.paretovariate(1) * 60))
        if number % 11 == 3:
            rejections.append(
                Rejection(
                    page.url, "filter", "language", f"{('de', 'fr')[number % 2]} 0.99", excerpt=text[:MOST_EXCERPT]
                )
            )
        elif number % 13 == 4:
            rejections.append(Rejection(page.url, "filter", "too_short", "3 words, at least 100", excerpt=HOSTILE))
        else:
            documents.append(_document(page, HOSTILE if number == 0 else f"Page {number}", text))
    return _with_copies(documents), rejections


def _document(page, title, text):
    return Document(
        id=document_id(page.url),
        url=page.url,
        final_url=page.final_url,
        host=page.host,
        title=title,
        author="",
        date="2012-03-04" if len(text) % 3 else "",
        text=text,
        language="en",
        language_probability=0.99,
        karma=page.karma,
        submissions=page.submissions,
        subreddits=page.subreddits,
        first_posted=page.first_posted,
        n_words=len(text.split()),
        body_digest="sha1:X",
    )


def _with_copies(documents):
    """Make near-duplicates: of every twelve documents the second to fourth say nearly what the first says."""
    made = []
    for number, document in enumerate(documents):
        if not _is_copy(number):
            made.append(document)
            continue
        first = documents[number - number % 12]
        lines = first.text.split("\n")
        lines[number % 12] = lines[number % 12].replace("the", "that", 2) + " An addition."
        made.append(replace(document, text="\n".join(lines), n_words=first.n_words + 2))
    return made


def _is_copy(number):
    return number % 12 in {1, 2, 3} and number < 120


def _deduplicate(documents):
    kept, dropped = [], []
    for number, document in enumerate(documents):
        if _is_copy(number):
            first = documents[number - number % 12]
            dropped.append(
                Rejection(
                    document.url, "dedup", "near_duplicate", "", first.url, 0.99 - 0.05 * (number % 12), first.id, 4
                )
            )
        else:
            kept.append(document)
    return kept, dropped


def _clusters(documents, dropped):
    gone = {row.url: row for row in dropped}
    first = {row.cluster for row in dropped}
    return [
        {
            "id": document.id,
            "url": document.url,
            "cluster": gone[document.url].cluster if document.url in gone else document.id,
            "cluster_size": 4,
            "kept": document.url not in gone,
            "similarity": gone[document.url].similarity if document.url in gone else 1.0,
            "n_words": document.n_words,
        }
        for document in documents
        if document.url in gone or document.id in first
    ]


def write_verdict(directory):
    """Write what `webtext validate` leaves, as docs/validation.md has it."""
    directory.mkdir()
    difference = {
        "estimate": 0.12,
        "text_error": 0.01,
        "training_error": 0.01,
        "interval": [0.1, 0.14],
        "smallest_visible": 0.02,
    }
    comparison = {
        "verdict": "better",
        "reason": "decided on neutral text: held-out, corpus",
        "overall": difference,
        "panels": {"held-out, corpus": {**difference, "verdict": "better"}},
        "bits_per_byte": {"held-out, corpus": [1.5, 1.62]},
    }
    verdict = {
        "good": True,
        "tier": {"name": "smoke"},
        "judge": "Kneser-Ney 5-grams over GPT-2's tokens",
        "comparisons": {"shuffled words": comparison, "other": {**comparison, "overall": None, "panels": {}}},
        "efficiencies": {
            "shuffled words": {
                "ratio": 0.12,
                "interval": [0.1, 0.15],
                "is_bound": False,
                "budgets": [1e5, 2e5],
                "losses": [[2.0, 1.9], [2.4, 2.3]],
            }
        },
        "checks": [{"name": "beats unigrams", "passed": True, "detail": "4.2 nats"}],
        "training": {"tokens": 9, "unigram_entropy": 6.5, "bigram_entropy": 5.0},
        "memorization": {
            "samples": {
                "texts": 5,
                "median": 0.0,
                "mean": 0.01,
                "share_without": 0.8,
                "distribution": [0.0, 0.0, 0.0, 0.0, 0.05],
            }
        },
    }
    (directory / "verdict.json").write_text(json.dumps(verdict))
    log = [
        {
            "corpus": "corpus",
            "seed": 0,
            "step": step,
            "loss": 9 - step / 10,
            "heldout_loss": 9 - step / 12 if step % 5 == 0 else None,
        }
        for step in range(30)
    ]
    (directory / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in log))
    (directory / "samples.txt").write_text("one >>> two\n\n--------\n\n<b>three</b> >>> four\n")


def write_overlap(directory):
    """Write what `webtext overlap` leaves, as docs/overlap.md has it."""
    directory.mkdir()
    empty = {"exact_share": None, "own_train_share": None, "false_hits": None, "short_found": None}
    lambada = {
        "name": "lambada",
        "items": 5,
        "ngrams": 200,
        "share": 0.1,
        "exact_share": 0.095,
        "false_hits": 1,
        "items_with_overlap": 2,
        "mean_share": 0.12,
        "median_share": 0.05,
        "short_items": 1,
        "short_found": 1,
        "empty_items": 1,
    }
    ptb = {
        **lambada,
        **empty,
        "name": "ptb",
        "items": 4,
        "ngrams": 100,
        "share": 0.0,
        "own_train_share": 0.0267,
        "items_with_overlap": 0,
        "mean_share": 0.0,
        "median_share": 0.0,
        "short_items": 0,
        "empty_items": 0,
    }
    points = [("lambada", 0.0, 1, 1 / 3), ("lambada", 0.3, 3, 1.0), ("ptb", 0.0, 4, 1.0)]
    held = {"name": "lambada", "position": 2, "rank": 1, "url": "https://a.example/1", "ngrams_found": 3, "share": 0.3}
    tables = {
        "sets": [{**lambada, "own_train_share": None}, ptb],
        "distribution": [dict(zip(("name", "share", "items", "cumulative"), point, strict=True)) for point in points],
        "evidence": [{**held, "excerpt": "<b>words</b>"}, {**held, "rank": 2, "excerpt": "fewer"}],
    }
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), directory / f"{name}.parquet")
    summary = {
        "filter": {"grams": {"n": 8}, "ngrams": 10, "documents": 2, "bytes": 999},
        "probes": {"probes": 1000, "hits": 0, "upper_bound": 0.003},
    }
    (directory / "overlap.json").write_text(json.dumps(summary))
