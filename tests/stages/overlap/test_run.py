"""`webtext overlap` from end to end: planted leaks, the same bytes on any number of workers, refusals, removal."""

import hashlib
import json
import re
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedup.overlap import bloom
from pipelines.commands.cli import main
from pipelines.stages.finished.verify import directory_problems
from pipelines.stages.overlap import work
from pipelines.stages.overlap.files import EVIDENCE, ITEMS, SETS
from pipelines.stages.stage import read_manifest
from webtext.hashing import document_id
from webtext.tables import write_table

LEAK = "a small grey heron stood in the shallow water below the weir and watched the evening trains go by"
SAFE = "the ferry left at noon with eleven goats and a piano that belonged to nobody on the whole island"
SHORT = "watched the evening trains"


def document(number, text):
    url = f"https://example.org/{number}"
    return {"id": document_id(url), "url": url, "text": text, "n_words": len(text.split())}


def filler(number, words=120):
    return " ".join(hashlib.sha256(f"{number} {at}".encode()).hexdigest()[:7] for at in range(words))


def write_shards(folder, texts, shards=5):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [document(number, text) for number, text in enumerate(texts)]
    schema = pa.schema([(name, pa.int32() if name == "n_words" else pa.string()) for name in rows[0]])
    for shard in range(shards):
        with (folder / f"train-{shard:05d}-of-{shards:05d}.parquet").open("wb") as stream:
            write_table(stream, pa.Table.from_pylist(rows[shard::shards], schema=schema))
    with (folder / f"heldout-00000-of-{shards:05d}.parquet").open("wb") as stream:
        write_table(stream, pa.Table.from_pylist([document(999, SAFE)], schema=schema))
    return folder


@pytest.fixture
def corpus(tmp_path):
    texts = [filler(number) for number in range(40)]
    texts[3] = f"{filler('a')} {LEAK.upper()}! {filler('b')}"
    texts[17] = f"{filler('c')}\n\n{LEAK.replace(' stood', ' stood' + chr(10))}\n{filler('d')}"
    texts[29] = " ".join(SAFE.split()[:7]) + " " + filler("e")  # a near miss
    return write_shards(tmp_path / "corpus", texts)


@pytest.fixture
def benchmark(tmp_path):
    rows = [{"text": LEAK}, {"text": SAFE}, {"text": SHORT}]
    path = tmp_path / "herons.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def overlap(*arguments):
    return main(["overlap", *(str(argument) for argument in arguments), "--probes", "10000"])


def rows(directory, name):
    return pq.read_table(directory / "overlap" / name).to_pylist()


def test_planted_leaks_are_reported_with_the_documents_they_are_in(corpus, benchmark, tmp_path, capsys):
    assert overlap(corpus, benchmark, "-o", tmp_path / "out", "--workers", "1") == 0
    out = tmp_path / "out"
    (row,) = rows(out, "sets.parquet")
    leaked = len(LEAK.split()) - 7
    assert (row["name"], row["items"], row["found"], row["exact_found"]) == ("herons", 3, leaked, leaked)
    assert (row["false_hits"], row["missed"], row["short_items"], row["short_found"]) == (0, 0, 1, 1)
    assert row["share"] == leaked / (leaked + len(SAFE.split()) - 7)
    items = rows(out, "items.parquet")
    assert [(item["share"], item["short_found"]) for item in items] == [(1.0, None), (0.0, None), (None, True)]
    found = rows(out, "evidence.parquet")
    assert {one["url"] for one in found} == {"https://example.org/3", "https://example.org/17"}
    assert all(one["share"] == 1.0 for one in found)
    assert json.loads((out / "overlap" / "dirty.json").read_text()) == {"herons": [0, 2]}
    assert "herons" in capsys.readouterr().out


def test_all_the_files_are_there_and_as_the_manifest_says(corpus, benchmark, tmp_path):
    overlap(corpus, benchmark, "-o", tmp_path / "out", "--workers", "1")
    directory = tmp_path / "out" / "overlap"
    manifest = read_manifest(str(directory))
    assert directory_problems(str(directory), manifest) == []
    assert {path.name for path in directory.iterdir()} == {
        "corpus.ngrams", "dirty.json", "distribution.parquet", "distribution.svg", "evidence.parquet",
        "items.parquet", "manifest.json", "overlap.json", "overlap.md", "sets.parquet",
    }  # fmt: skip
    assert (manifest.counts.given, manifest.counts.kept, manifest.counts.unit) == (40, 40, "documents")
    for name, schema in (("sets", SETS), ("items", ITEMS), ("evidence", EVIDENCE)):
        assert pq.read_schema(directory / f"{name}.parquet").equals(schema)
    report = json.loads((directory / "overlap.json").read_text())
    assert report["probes"]["probes"] == 10_000
    for found in report["recall"]:
        expected = 0 if found["way"] == "near_miss" else found["items"]
        assert found["items"] > 0
        assert (found["found_by_filter"], found["found_by_scan"]) == (expected, expected)
    text = (directory / "overlap.md").read_text()
    assert "near miss" in text
    assert "https://example.org/17" in text
    assert (directory / "distribution.svg").read_text().count('<path d="M50.0') == 1


@pytest.mark.slow
def test_the_output_is_the_same_with_one_worker_and_with_two(corpus, benchmark, tmp_path):
    files = []
    for workers in ("1", "2"):
        out = tmp_path / workers
        overlap(corpus, benchmark, "-o", out, "--workers", workers, "--remove", "windows")
        written = [path for path in sorted(out.rglob("*.*")) if path.name != "timings.json"]
        files.append({path.relative_to(out): path.read_bytes() for path in written})
    assert files[0] == files[1]


def test_a_filter_answers_for_a_benchmark_that_came_later(corpus, benchmark, tmp_path):
    overlap(corpus, benchmark, "-o", tmp_path / "first", "--workers", "1")
    later = tmp_path / "later.txt"
    later.write_text(f"{SAFE}\n{LEAK}\n")
    ngrams = tmp_path / "first" / "overlap" / "corpus.ngrams"
    assert overlap(ngrams, later, "-o", tmp_path / "second") == 0
    (row,) = rows(tmp_path / "second", "sets.parquet")
    assert (row["found"], row["exact_found"], row["short_found"]) == (len(LEAK.split()) - 7, None, None)
    assert "not cross-checked" in (tmp_path / "second" / "overlap" / "overlap.md").read_text()


def test_own_training_splits_stand_beside(corpus, benchmark, tmp_path):
    train = tmp_path / "train.jsonl"
    train.write_text(json.dumps({"text": SAFE}))
    overlap(corpus, benchmark, "-o", tmp_path / "out", "--own-train", f"herons={train}", "--workers", "1")
    (row,) = rows(tmp_path / "out", "sets.parquet")
    assert row["own_train_share"] == 1 - row["share"]


def test_a_known_set_can_be_called_otherwise(corpus, tmp_path):
    (tmp_path / "ptb.test.txt").write_text(LEAK)
    assert overlap(corpus, "mine=ptb", "--data-dir", tmp_path, "-o", tmp_path / "out", "--workers", "1") == 0
    assert [(row["name"], row["share"]) for row in rows(tmp_path / "out", "sets.parquet")] == [("mine", 1.0)]


def test_any_parquet_is_a_corpus(benchmark, tmp_path):
    pq.write_table(pa.table({"content": [LEAK, None, "x"]}), tmp_path / "mine.parquet")
    assert overlap(tmp_path / "mine.parquet", benchmark, "-o", tmp_path / "out", "--text-field", "content") == 0
    assert [one["url"] for one in rows(tmp_path / "out", "evidence.parquet")] == ["mine.parquet#0"]


def test_another_n_and_normaliser_can_be_chosen(corpus, benchmark, tmp_path):
    overlap(corpus, benchmark, "-o", tmp_path / "out", "--n", "13", "--normalizer", "gpt3", "--workers", "1")
    (row,) = rows(tmp_path / "out", "sets.parquet")
    assert row["found"] == len(LEAK.split()) - 12
    assert json.loads((tmp_path / "out" / "overlap" / "overlap.json").read_text())["filter"]["grams"]["n"] == 13


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["CORPUS", "none.jsonl"], "cannot read none.jsonl"),
        (["CORPUS", "BENCHMARK", "BENCHMARK"], "two benchmarks are called herons"),
        (["CORPUS", "BENCHMARK", "--own-train", "x=BENCHMARK"], "--own-train names x"),
        (["CORPUS", "BENCHMARK", "--own-train", "x"], "write NAME=PATH"),
        (["CORPUS", "BENCHMARK", "--n", "0"], "n must be 1 or more"),
        (["CORPUS", "BENCHMARK", "--error-rate", "2"], "between 0 and 1"),
        (["CORPUS", "BENCHMARK", "--remove", "all"], "write windows, or documents:SHARE"),
        (["CORPUS", "BENCHMARK", "--remove", "documents:x"], "--remove documents:x"),
        (["CORPUS", "BENCHMARK", "--text-field", "body"], "has no column 'body'"),
        (["nowhere/*.parquet", "BENCHMARK"], "no such file"),
        (["BENCHMARK", "BENCHMARK"], "holds no Parquet file"),
        (["CORPUS", "unheard_of"], "no benchmark of this name"),
    ],
)
def test_what_can_be_mended_is_one_line(corpus, benchmark, tmp_path, capsys, arguments, said):
    places = {"CORPUS": str(corpus), "BENCHMARK": str(benchmark), "x=BENCHMARK": f"x={benchmark}"}
    assert overlap(*(places.get(one, one) for one in arguments), "-o", tmp_path / "out", "--workers", "1") == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out" / "overlap").exists()


def test_a_filter_too_large_is_refused_before_the_work_starts(corpus, benchmark, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bloom, "machine_memory", lambda: 1000)
    monkeypatch.setattr(work.Work, "__call__", lambda *_: pytest.fail("the work has started"))
    assert overlap(corpus, benchmark, "-o", tmp_path / "out") == 2
    assert re.search(r"takes [\d,]+ bytes", capsys.readouterr().err)


def test_a_corpus_without_an_ngram_is_no_0_per_cent(benchmark, tmp_path, capsys):
    pq.write_table(pa.table({"text": ["too short"]}), tmp_path / "mine.parquet")
    assert overlap(tmp_path / "mine.parquet", benchmark, "-o", tmp_path / "out") == 2
    assert "1 documents and no 8-gram" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------- removal


def test_windows_are_removed_and_every_document_is_accounted_for(corpus, benchmark, tmp_path):
    overlap(corpus, benchmark, "-o", tmp_path / "out", "--remove", "windows", "--workers", "1")
    directory = tmp_path / "out" / "decontaminated"
    manifest = read_manifest(str(directory))
    assert directory_problems(str(directory), manifest) == []
    assert (manifest.counts.given, manifest.counts.kept, dict(manifest.counts.rejected)) == (40, 40, {})
    assert dict(manifest.counts.notes) == {"cut": 2, "pieces": 4}
    left = pq.read_table(list(directory.glob("train-*.parquet"))).to_pylist()
    assert len(left) == 42
    assert not any(LEAK in " ".join(row["text"].lower().split()) for row in left)
    cuts = [row for path in sorted(directory.glob("cuts-*.parquet")) for row in pq.read_table(path).to_pylist()]
    assert {row["url"] for row in cuts} == {"https://example.org/3", "https://example.org/17"}
    held_out = "heldout-00000-of-00005.parquet"
    assert (directory / held_out).read_bytes() == (corpus / held_out).read_bytes()


def test_documents_above_a_share_are_removed(benchmark, tmp_path):
    corpus = write_shards(tmp_path / "corpus", [LEAK, f"{LEAK} {filler(1)}", filler(2)], shards=2)
    overlap(corpus, benchmark, "-o", tmp_path / "out", "--remove", "documents:0.5", "--workers", "1")
    manifest = read_manifest(str(tmp_path / "out" / "decontaminated"))
    assert (manifest.counts.given, manifest.counts.kept) == (3, 2)
    assert dict(manifest.counts.rejected) == {"benchmark_overlap": 1}
    clean = tmp_path / "again"
    overlap(tmp_path / "out" / "decontaminated", benchmark, "-o", clean, "--workers", "1")
    assert [one["url"] for one in rows(clean, "evidence.parquet")] == ["https://example.org/1"]


def test_text_is_compared_composed_and_without_format_characters(tmp_path):
    """The same page with soft hyphens, zero-width spaces and decomposed accents is the same page, on both sides."""
    leak = LEAK.replace("small", "d\u00e9j\u00e0 vu").replace("heron", "na\u00efve h\u00e9ron")
    foreign = unicodedata.normalize("NFD", leak).replace("er", "e\u00adr").replace("wat", "\u200bwa\u200dt")
    for number, (page, item) in enumerate([(foreign, leak), (leak, foreign)]):
        folder = tmp_path / str(number)
        corpus = write_shards(folder / "corpus", [filler(1), f"{filler(2)}\n{page}\n{filler(3)}"], 1)
        (folder / "set.jsonl").write_text(json.dumps({"text": item}) + "\n")
        assert overlap(corpus, folder / "set.jsonl", "--output", folder) == 0
        (row,) = rows(folder, "sets.parquet")
        assert row["share"] == row["exact_share"] == 1.0
        (seen,) = rows(folder, "evidence.parquet")
        assert seen["excerpt"].endswith(page[-10:])


def test_only_the_training_split_of_a_foreign_data_set_is_read(tmp_path, benchmark, capsys):
    folder = write_shards(tmp_path / "set" / "data", [filler(number) for number in range(10)], 2)
    (folder / "heldout-00000-of-00002.parquet").rename(folder / "test-00000-of-00001.parquet")
    write_shards(tmp_path / "set" / "_temporary", [LEAK], 1)
    assert overlap(tmp_path / "set", benchmark, "--output", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "overlap" / "overlap.json").read_text())["filter"]["documents"] == 10
    for name in ("train-00000-of-00002.parquet", "train-00001-of-00002.parquet"):
        (folder / name).unlink()
    (tmp_path / "set" / "data" / "test-00000-of-00001.parquet").rename(tmp_path / "set" / "test.parquet")
    assert overlap(tmp_path / "set", benchmark, "--output", tmp_path / "none") == 2
    assert "has no training split: " in capsys.readouterr().err
