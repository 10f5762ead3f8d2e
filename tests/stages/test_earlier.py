"""`--against`: any directory of texts in Parquet is compared with, named in the evidence, and left as it is."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedup.near import against_transforms
from dedup.near.against import Columns
from dedup.near.minhash import MinHashConfig
from pipelines.commands.cli import main
from pipelines.engine.runner import Engine
from pipelines.stages import earlier
from pipelines.stages.build import run_shards
from pipelines.stages.duplicates import DuplicatesConfig, run_duplicates
from pipelines.stages.earlier import _labels, earlier_files, prepare_earlier, sketch_settings
from pipelines.stages.kept import Kept
from pipelines.stages.output import Output
from pipelines.stages.shards import ShardsConfig
from pipelines.stages.stage import Stage, read_manifest, run_stage
from tests.double.documents_stage import document, write_documents
from tests.double.duplicate_stage import content, edited, rejections
from webtext.errors import UsageError
from webtext.manifest import Counts, versions

ENGINE = Engine(workers=1)
URL = "https://host.example/{}"


def text(seed, edits=0):
    return edited(seed, 300, edits)


def write_parquet(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def search(output, against, columns=None, engine=ENGINE, minhash=None):
    config = DuplicatesConfig(minhash or MinHashConfig(), tuple(map(str, against)), columns or Columns())
    manifest = run_duplicates(str(output / "documents"), str(output / "duplicates"), config, engine)
    return manifest, rejections(output / "duplicates")


@pytest.fixture
def theirs(tmp_path):
    """Write a data set of somebody: nested folders, other names of columns, and other kinds of known ones."""
    write_parquet(
        tmp_path / "data/wiki/2017/a.parquet",
        content=[text(1), None, text(2)],
        link=["http://old.test/1#top", "http://old.test/x", None],
        karma=["high", "low", "none"],
    )
    write_parquet(tmp_path / "data/wiki/2018/a.parquet", content=pa.array([text(3)]).dictionary_encode())
    write_parquet(tmp_path / "data/wiki/_temporary/b.parquet", nothing=[1])
    (tmp_path / "data/wiki/README.md").write_text("a data set")
    return tmp_path / "data/wiki"


def test_any_parquet_below_a_directory_is_compared_with_and_named_in_the_evidence(tmp_path, theirs):
    before = {path: path.read_bytes() for path in theirs.rglob("*.parquet")}
    new = [(URL.format(n), text(n)) for n in range(1, 5)] + [
        ("https://old.test/x", text(9)),
        ("https://old.test/1", text(8)),
    ]
    new[0] = (URL.format(1), text(1, edits=3))
    write_documents(tmp_path / "out", new)
    manifest, dropped = search(tmp_path / "out", [theirs], Columns("content", "link"))
    assert {url: (row["reason"], row["kept_url"], row["detail"]) for url, row in dropped.items()} == {
        URL.format(1): ("near_duplicate", "https://old.test/1", "kept in the earlier corpus"),
        URL.format(2): ("exact_duplicate", "wiki/2017/a.parquet#2", "kept in the earlier corpus"),
        URL.format(3): ("exact_duplicate", "wiki/2018/a.parquet#0", "kept in the earlier corpus"),
        "https://old.test/1": ("exact_duplicate", "https://old.test/1", "kept in the earlier corpus"),
    }  # the text of old.test/x is null there: it holds no such page
    assert (manifest.counts.given, manifest.counts.kept) == (6, 2)
    assert read_manifest(str(tmp_path / "out/earlier")).counts.kept == 3
    assert {path: path.read_bytes() for path in theirs.rglob("*.parquet")} == before


def test_what_is_sketched_is_known_by_names_bytes_columns_and_sketch(tmp_path, theirs, monkeypatch):
    named, default = Columns("content", "link"), MinHashConfig()

    def sketched(columns=named, minhash=default):
        prepare_earlier((str(theirs),), columns, minhash, Output(str(tmp_path / "out")), ENGINE)
        return read_manifest(str(tmp_path / "out/earlier")).fingerprint

    first = sketched()
    with monkeypatch.context() as patched:
        patched.setattr(against_transforms, "read_texts", lambda *_: pytest.fail("sketched again"))
        assert sketched() == first
        assert sketched(minhash=MinHashConfig(threshold=0.8)) == first
    others = [sketched(columns=Columns("content")), sketched(minhash=MinHashConfig(seed=2))]
    write_parquet(theirs / "2018/a.parquet", content=[text(4)])
    others.append(sketched())
    (theirs / "2018/a.parquet").rename(theirs / "2018/c.parquet")
    others.append(sketched())
    assert len({first, *others}) == 5


def test_a_finished_search_is_not_repeated_until_the_earlier_corpus_changes(tmp_path, theirs):
    write_documents(tmp_path / "out", [(URL.format(1), text(3)), (URL.format(2), text(7))])
    columns = Columns("content")
    first, dropped = search(tmp_path / "out", [theirs], columns)
    assert list(dropped) == [URL.format(1)]
    assert search(tmp_path / "out", [theirs], columns)[0].fingerprint == first.fingerprint
    write_parquet(theirs / "2019/a.parquet", content=[text(7)])
    assert set(search(tmp_path / "out", [theirs], columns)[1]) == {URL.format(1), URL.format(2)}
    assert search(tmp_path / "out", [])[1] == {}
    assert not (tmp_path / "out/earlier").exists()


@pytest.mark.slow
def test_workers_and_the_size_of_parts_change_nothing_that_is_found(tmp_path, theirs, monkeypatch):
    new = [(URL.format(n), text(n % 5, edits=n % 3)) for n in range(20)]
    found = []
    for workers in (1, 2):
        write_documents(tmp_path / f"out{workers}", new)
        search(tmp_path / f"out{workers}", [theirs], Columns("content", "link"), Engine(workers))
        found.append((content(tmp_path / f"out{workers}/earlier"), content(tmp_path / f"out{workers}/duplicates")))
    assert found[0] == found[1]
    monkeypatch.setattr(against_transforms, "DOCUMENTS_A_PART", 1)
    write_documents(tmp_path / "out3", new)
    search(tmp_path / "out3", [theirs], Columns("content", "link"))
    parts = sorted(path.name for path in (tmp_path / "out3/earlier").glob("part-*"))
    assert parts == [
        f"part-{n:05d}-of-00004.parquet" for n in range(4)
    ]  # the null text leaves the last of its file empty
    assert rejections(tmp_path / "out3/duplicates") == rejections(tmp_path / "out1/duplicates")


def test_an_output_stands_for_its_corpus_and_a_documents_directory_for_itself(tmp_path):
    old = [(URL.format(1), text(1)), (URL.format(2), text(2))]
    documents = write_documents(tmp_path / "2017", old)
    run_duplicates(documents, str(tmp_path / "2017/duplicates"), DuplicatesConfig(), ENGINE)
    run_shards(Kept.of(Output(str(tmp_path / "2017"))), str(tmp_path / "2017/corpus"), ShardsConfig(0.5), ENGINE)
    write_documents(
        tmp_path / "2018", [("https://new.example/1", text(1, edits=2)), ("https://new.example/3", text(3))]
    )
    found = []
    for against in ("2017", "2017/corpus", "2017/documents"):
        dropped = search(tmp_path / "2018", [tmp_path / against])[1]
        found.append({url: (row["kept_url"], row["similarity"], row["cluster_size"]) for url, row in dropped.items()})
        assert (tmp_path / "2018/earlier").exists() == (against != "2017/documents")
    assert found[0] == found[1] == found[2]
    assert [kept for kept, _, _ in found[0].values()] == [URL.format(1)]
    # Sketches of other shingles cannot be compared with, so the texts of the same directory are sketched anew.
    write_documents(
        tmp_path / "2018", [("https://new.example/1", text(1, edits=2))], minhash=MinHashConfig(shingle_words=3)
    )
    assert list(search(tmp_path / "2018", [documents], minhash=MinHashConfig(shingle_words=3))[1]) == [
        "https://new.example/1"
    ]
    assert (tmp_path / "2018/earlier").exists()


@pytest.mark.parametrize("package", ["webtext", "unicode", "datasketch"])
def test_sketches_of_another_release_are_made_anew(tmp_path, package, monkeypatch):
    stage = Stage("documents", str(tmp_path / "documents"), {"sketch": sketch_settings(MinHashConfig())}, ())
    run_stage(stage, lambda _: None, lambda _: Counts(0, 0))
    assert earlier._is_ready(stage.directory, MinHashConfig())
    monkeypatch.setattr(earlier, "versions", lambda: {**versions(), package: "0"})
    assert not earlier._is_ready(stage.directory, MinHashConfig())


def test_equal_names_in_two_corpora_are_told_apart(tmp_path):
    """Documents without URLs are called by file and row; two corpora of one name must not seem to hold one page."""
    for year, seed in ((2017, 1), (2018, 2)):
        write_parquet(tmp_path / f"{year}/corpus/data.parquet", text=[text(seed)])
    write_documents(tmp_path / "out", [(URL.format(2), text(2))])
    dropped = search(tmp_path / "out", [tmp_path / "2017/corpus", tmp_path / "2018/corpus", tmp_path / "2018/corpus"])[
        1
    ]
    assert [(row["kept_url"], row["cluster_size"]) for row in dropped.values()] == [("2018/corpus/data.parquet#0", 2)]
    assert _labels(["/a/b/c", "/x/b/c", "/c"]) == ["a/b/c", "x/b/c", "/c"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"--against \S+/theirs: there is no \*\.parquet; give a corpus"),
        ({"body": ["x"]}, r"theirs/x.parquet has no column 'text' but body: name the text column"),
        ({"text": [1]}, r"the column 'text' holds int64, not text: name the text column"),
    ],
)
def test_what_is_no_corpus_says_so_before_any_work(tmp_path, files, message, capsys):
    (tmp_path / "theirs").mkdir()
    if files:
        write_parquet(tmp_path / "theirs/x.parquet", **files)
    with pytest.raises(UsageError, match=message):
        earlier_files((str(tmp_path / "theirs"),), Columns())
    out, pages = str(tmp_path / "out"), str(tmp_path / "no-pages")
    assert main(["build", "-o", out, "--pages", pages, "--against", str(tmp_path / "theirs")]) == 2
    assert "--against" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_corpus_is_not_compared_with_itself(tmp_path):
    documents = write_documents(tmp_path / "out", [(URL.format(1), text(1))])
    with pytest.raises(UsageError, match="is part of the output itself"):
        search(tmp_path / "out", [documents])


def test_a_stage_without_texts_is_named(tmp_path):
    documents = write_documents(tmp_path / "out", [(URL.format(1), text(1))])
    run_duplicates(documents, str(tmp_path / "out/duplicates"), DuplicatesConfig(), ENGINE)
    with pytest.raises(UsageError, match="duplicates/ holds no texts; give its output, or the corpus/ beside it"):
        earlier_files((str(tmp_path / "out/duplicates"),), Columns())


def test_adding_a_month_gives_what_building_both_together_gives(tmp_path):
    """Against the corpus, where old posts have more karma and no new document bridges two clusters."""
    drawn = random.Random(3)
    old = [document(URL.format(n), text(n % 8, edits=drawn.randrange(3)), karma=50) for n in range(20)]
    new = [document(f"https://new.example/{n}", text(4 + n % 8, edits=drawn.randrange(3))) for n in range(20)]

    def stays(output, documents, against=()):
        write_documents(tmp_path / output, documents)
        dropped = search(tmp_path / output, against)[1]
        return {row.url for row in documents} - set(dropped)

    first = stays("2017", old)
    place = Output(str(tmp_path / "2017"))
    run_shards(Kept.of(place), place.corpus, ShardsConfig(), ENGINE)
    added = stays("2018", new, [tmp_path / "2017"])
    assert len(first) == 8
    assert len(added) == 4
    assert first | added == stays("both", old + new)
