"""Against an earlier corpus: what it holds is not taken again, it stays as it is, and where that equals one build."""

import io
import json
import random

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.near.against import Columns, read_texts
from dedup.near.against_transforms import SketchCorpus
from dedup.near.parts import Catalog
from dedup.near.search import Plan
from pipelines.stages.earlier import earlier_files
from tests.double.duplicate_stage import (
    DOCUMENTS,
    EVERY_PAIR,
    content,
    edited,
    facts,
    rejections,
    run_beam,
    run_steps,
    write_parts,
)
from webtext.errors import UsageError


def write_corpus(folder, documents, name="train-00000-of-00001.parquet"):
    folder.mkdir(exist_ok=True)
    rows = [{"text": text, **{key: known[key] for key in ("url", "id", "karma")}} for text, known in documents]
    schema = pa.schema([("text", pa.string()), ("url", pa.string()), ("id", pa.string()), ("karma", pa.int32())])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / name)


def sketch_earlier(folder, work, text="text"):
    transform = SketchCorpus(
        earlier_files((str(folder),), Columns(text=text)), str(work), EVERY_PAIR, Columns(text=text)
    )
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", "--no_save_main_session"])) as pipeline:
        pipeline | transform
    return transform.source


def kept(documents, dropped):
    return {known["url"] for _, known in documents if known["url"] not in dropped}


def build(folder, documents, earlier=None):
    """Build `documents` alone or against parts of an earlier corpus; give the rejections."""
    own = write_parts(folder / "documents", documents, 2)
    sources = (own,) if earlier is None else (own, earlier)
    run_steps(Plan(Catalog(sources), 2 * len(documents) + 2, EVERY_PAIR), folder / "found", random.Random(0))
    return rejections(folder / "found")


def test_what_the_earlier_corpus_holds_is_rejected_with_evidence(tmp_path):
    write_corpus(
        tmp_path / "old", [(edited(1), facts("https://old.test/1", 3)), (edited(2), facts("https://old.test/2"))]
    )
    before = (tmp_path / "old/train-00000-of-00001.parquet").read_bytes()
    new = [
        (edited(1, edits=1), facts("http://new.test/1", 99)),
        (edited(2).upper(), facts("http://new.test/2", 99)),
        (edited(3), facts("https://old.test/1", 99)),  # the same page, changed since: its URL is taken
        (edited(4), facts("http://new.test/4")),
    ]
    earlier = sketch_earlier(tmp_path / "old", tmp_path / "sketches")
    own = write_parts(tmp_path / "documents", new, 3)
    run_beam(Plan(Catalog((own, earlier)), 6, EVERY_PAIR), tmp_path / "found")
    dropped = rejections(tmp_path / "found")
    assert {url: (row["reason"], row["kept_url"]) for url, row in dropped.items()} == {
        "http://new.test/1": ("near_duplicate", "https://old.test/1"),
        "http://new.test/2": ("exact_duplicate", "https://old.test/2"),
        "https://old.test/1": ("exact_duplicate", "https://old.test/1"),
    }
    assert {row["detail"] for row in dropped.values()} == {"kept in the earlier corpus"}
    assert {name.partition("-of-")[2] for name in content(tmp_path / "found")} == {"00003.parquet", ""}, (
        "own parts only"
    )
    assert 0.7 <= dropped["http://new.test/1"]["similarity"] < 1
    assert (tmp_path / "old/train-00000-of-00001.parquet").read_bytes() == before


def test_the_summary_is_of_this_run_and_not_of_the_earlier_corpus(tmp_path):
    """A hundred old documents, half of them copies, do not hide that every new one went."""
    old = [(edited(n % 50), facts(f"https://old.test/{n}")) for n in range(100)]
    write_corpus(tmp_path / "old", old)
    earlier = sketch_earlier(tmp_path / "old", tmp_path / "sketches")
    own = write_parts(tmp_path / "documents", [(edited(1), facts("https://new.test/1"))], 2)
    run_steps(Plan(Catalog((own, earlier)), 101, EVERY_PAIR, earlier=100), tmp_path / "found", random.Random(0))
    summary = json.loads((tmp_path / "found/summary.json").read_text())
    found = {name: summary[name] for name in ("documents", "earlier_documents", "clusters", "removal_share")}
    assert found == {"documents": 1, "earlier_documents": 100, "clusters": 1, "removal_share": 1.0}
    assert [cluster["size"] for cluster in summary["largest_clusters"]] == [3]


def test_the_earlier_corpus_is_never_rejected(tmp_path):
    old = [(edited(1, edits=n), facts(f"http://old.test/{n}")) for n in range(3)]
    write_corpus(tmp_path / "old", old)
    earlier = sketch_earlier(tmp_path / "old", tmp_path / "sketches")
    dropped = build(tmp_path, [(edited(1), facts("http://new.test/1", 99))], earlier)
    assert list(dropped) == ["http://new.test/1"]
    assert dropped["http://new.test/1"]["cluster_size"] == 4


@settings(max_examples=8)  # each is three runs of Beam
@given(DOCUMENTS, st.data())
def test_a_new_month_adds_what_one_build_of_both_would_keep_where_old_posts_have_more_karma(
    tmp_path_factory, documents, data
):
    """The rule allows it: no new document would win a cluster, link two that stayed, or need one that went."""
    folder = tmp_path_factory.mktemp("months")
    old_seeds = data.draw(st.sets(st.integers(0, len(documents) or 1)))
    plain = [(text, {**known, "body_digest": ""}) for text, known in documents]
    copies = [(edited(int(known["karma"]) * 7), known) for _, known in plain]  # clusters of equal texts: no chains
    old = [(text, {**known, "karma": 100}) for number, (text, known) in enumerate(copies) if number in old_seeds]
    new = [document for number, document in enumerate(copies) if number not in old_seeds]
    (folder / "first").mkdir()
    first = kept(old, build(folder / "first", old))
    write_corpus(folder / "old", [document for document in old if document[1]["url"] in first])
    (folder / "second").mkdir()
    added = kept(new, build(folder / "second", new, sketch_earlier(folder / "old", folder / "sketches")))
    (folder / "both").mkdir()
    assert first | added == kept(old + new, build(folder / "both", old + new))


def test_anybodys_parquet_will_do(tmp_path):
    table = pa.table({"content": [edited(1), None, edited(2)], "n": [1, 2, 3]})
    (tmp_path / "theirs").mkdir()
    pq.write_table(table, tmp_path / "theirs/data.parquet")
    earlier = sketch_earlier(tmp_path / "theirs", tmp_path / "sketches", "content")
    dropped = build(tmp_path, [(edited(2), facts("http://new.test/1", 99))], earlier)
    assert dropped["http://new.test/1"]["kept_url"] == "theirs/data.parquet#2"
    assert pq.read_table(tmp_path / "sketches/part-00000-of-00001.parquet").column("url").to_pylist() == [
        "theirs/data.parquet#0",
        "theirs/data.parquet#2",
    ]


def test_a_missing_column_and_a_wrong_file_say_what_to_do():
    stream = io.BytesIO()
    pq.write_table(pa.table({"body": ["x"]}), stream)
    with pytest.raises(UsageError, match=r"x\.parquet has no column 'text' but body: name the text column"):
        list(read_texts(stream, "x.parquet", Columns()))
    with pytest.raises(UsageError, match=r"x.parquet is not a Parquet file"):
        list(read_texts(io.BytesIO(b"nothing of the kind"), "x.parquet", Columns()))
