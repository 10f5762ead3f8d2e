"""A finished documents stage out of texts, for the tests of the stages behind it; no page is extracted for it."""

from urllib.parse import urlsplit

from dedup.near.minhash import MinHashConfig
from dedup.near.sketch import sketch
from pipelines.stages.documents import write_bucket
from pipelines.stages.earlier import sketch_settings
from pipelines.stages.ledger import count_rows
from pipelines.stages.stage import Stage, run_stage
from webtext.hashing import bucket_of, document_id
from webtext.manifest import Counts
from webtext.records import Document, Page
from webtext.text import words


def page(url, outcome="ok", offset=0):
    return Page(
        url, url, url, "a.example", 200, outcome, "", 0, "text/html", "a.warc.gz", offset, 10, "sha1:X", "", "",
        5, 1, ("news",), None,
    )  # fmt: skip


def document(url, text, karma=5):
    host = urlsplit(url).hostname
    return Document(
        id=document_id(url),
        url=url,
        final_url=url,
        host=host,
        title="",
        author="",
        date="",
        text=text,
        language="en",
        language_probability=1.0,
        karma=karma,
        submissions=1,
        subreddits=("all",),
        first_posted=0,
        n_words=len(words(text)),
        body_digest="",
    )


def write_documents(output, documents, parts=3, minhash=None):
    """Write `output`/documents of (url, text) or documents, as `webtext build` leaves it."""
    minhash = minhash or MinHashConfig()
    rows = [one if isinstance(one, Document) else document(*one) for one in documents]
    source = output / "pages.txt"
    output.mkdir(parents=True, exist_ok=True)
    source.write_text("\n".join(sorted(f"{row.url} {row.text}" for row in rows)))

    def work(directory):
        for part in range(parts):
            own = [(row, sketch(row.text, minhash)) for row in rows if bucket_of(row.url, parts) == part]
            write_bucket(directory, f"{part:05d}-of-{parts:05d}", own, [])

    run_stage(
        Stage("documents", str(output / "documents"), {"sketch": sketch_settings(minhash)}, (str(source),)),
        work,
        lambda directory: Counts(len(rows), count_rows(directory, "part-*.parquet")),
    )
    return str(output / "documents")
