"""What somebody asked to be removed is gone from its shards and from every later build, and nothing else changes."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedup.near.choose import CLUSTERS
from dedup.near.sketch import sketch
from pipelines.commands.cli import main
from pipelines.commands.explain import explain
from pipelines.engine.runner import Engine
from pipelines.report.page import write_report
from pipelines.stages import shards
from pipelines.stages.build import run_shards
from pipelines.stages.documents import DocumentsConfig, write_bucket
from pipelines.stages.finished.remove import remove
from pipelines.stages.ledger import Funnel, count_rejections, count_rows
from pipelines.stages.removals import Tombstone, read_tombstones, run_removals, write_tombstones
from pipelines.stages.shards import ShardsConfig
from pipelines.stages.stage import Stage, read_manifest, run_stage
from pipelines.stages.stale import note_corpus, stale_directories
from webtext import storage
from webtext.errors import UsageError
from webtext.hashing import bucket_of, document_id
from webtext.manifest import Counts
from webtext.records import Document
from webtext.shards import SPLITS, list_shards
from webtext.tables import write_table

PARTS, DOCUMENTS = 6, 120
ENGINE = Engine(workers=1)
LONER = "https://rare.example/only"  # the one document of its host
COPY, KEPT = "https://copy.example/1", "https://host1.example/1"


def document(url, author=""):
    text = f"A letter from the island about {url}, with news of the ferry and of the weather there."
    host = url.split("/")[2]
    return Document(document_id(url), url, url, host, "Letter", author, "", text, "en", 1.0, 5, 1, ("n",), 0, 16, "x")


def documents():
    written = [
        document(f"https://host{n % 7}.example/{n}", "Ann Other; Jane Doe" if n % 40 == 0 else "B. Writer")
        for n in range(DOCUMENTS)
    ]
    return [*written, document(LONER), document(COPY)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build a corpus of six shards, in which one document was dropped as a duplicate of another."""
    output = tmp_path_factory.mktemp("built")
    (output / "pages.txt").write_text("the pages")
    found, minhash = documents(), DocumentsConfig().minhash

    def write_documents(directory):
        for part in range(PARTS):
            own = [(row, sketch(row.text, minhash)) for row in found if bucket_of(row.url, PARTS) == part]
            write_bucket(directory, f"{part:05d}-of-{PARTS:05d}", own, [])

    def write_duplicates(directory):
        cluster = min(document_id(COPY), document_id(KEPT))
        rows = [
            {"id": document_id(url), "cluster": cluster, "cluster_size": 2, "kept": url == KEPT} for url in (KEPT, COPY)
        ]
        for part in range(PARTS):
            with storage.create_file(f"{directory}/clusters-{part:05d}-of-{PARTS:05d}.parquet") as stream:
                write_table(stream, pa.Table.from_pylist(rows, schema=CLUSTERS))

    total = len(found)
    run_stage(
        Stage("documents", str(output / "documents"), {}, (str(output / "pages.txt"),)),
        write_documents,
        lambda directory: Counts(total, count_rows(directory, "part-*.parquet")),
    )
    run_stage(
        Stage("duplicates", str(output / "duplicates"), {}, (str(output / "documents"),)),
        write_duplicates,
        lambda _: Counts(total, total - 1, {"near_duplicate": 1}),
    )
    build(str(output))
    return output


def build(output):
    """Do what `webtext build` does after the duplicates."""
    config = ShardsConfig(held_out=0.2, text_bytes_a_shard=1)
    run_shards(run_removals(output, ENGINE), f"{output}/corpus", config, ENGINE)


@pytest.fixture
def output(built, tmp_path):
    """Give a copy of the corpus to remove from."""
    return str(shutil.copytree(built, tmp_path / "out"))


def digests(output):
    corpus = Path(output, "corpus")
    files = sorted(path for path in corpus.rglob("*") if path.is_file())
    return {path.relative_to(corpus).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def urls(output):
    names = [name for split in SPLITS for name in list_shards(f"{output}/corpus", split)]
    tables = [pq.read_table(f"{output}/corpus/{name}", columns=["url"]) for name in names]
    return {url for table in tables for url in table.column("url").to_pylist()}


def test_only_the_shard_of_what_is_removed_changes_and_the_rest_verifies(output):
    before, held = digests(output), urls(output)
    done = remove(output, [Tombstone.of("url", "HTTP://rare.example/only?utm_source=rss#top")], ENGINE)
    after = digests(output)
    shard = bucket_of(LONER, PARTS)
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"README.md", "croissant.json", "manifest.json"} == set(done.rewritten)
    assert [name.partition("-")[2] for name in done.rewritten] == [f"{shard:05d}-of-{PARTS:05d}.parquet"]
    assert (done.documents, done.removed, done.unchanged) == (1, 1, 2 * PARTS - 1)
    assert urls(output) == held - {LONER}
    assert main(["verify", output]) == 0
    Funnel.of(output).check()
    assert [finding["verdict"] for finding in explain(output, LONER)] == ["kept", "removed"]


def test_shards_without_a_match_are_not_written_again(output, monkeypatch):
    written, write = [], shards.write_shard
    monkeypatch.setattr(shards, "write_shard", lambda shard, *rest: (written.append(shard.number), write(shard, *rest)))
    remove(output, [Tombstone("url", LONER)], ENGINE)
    assert written == [bucket_of(LONER, PARTS)]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_the_result_is_what_a_build_with_the_tombstones_makes(workers, output, tmp_path):
    asked = [Tombstone.of("host", "www.HOST3.example"), Tombstone.of("author", "jane  doe")]
    remove(output, asked, Engine(workers))
    fresh = tmp_path / "fresh"
    for name in ("documents", "duplicates"):
        shutil.copytree(f"{output}/{name}", fresh / name)
    write_tombstones(str(fresh), asked)
    build(str(fresh))
    assert digests(str(fresh)) == digests(output)
    assert read_manifest(f"{output}/corpus").counts.given == read_manifest(f"{output}/removed").counts.kept


def test_a_later_build_keeps_it_out_and_finds_the_corpus_done(output):
    remove(output, [Tombstone("host", "host3.example")], ENGINE)
    written = Path(output, "corpus", "manifest.json").stat().st_ino
    build(output)
    assert Path(output, "corpus", "manifest.json").stat().st_ino == written
    shutil.rmtree(f"{output}/corpus")
    build(output)
    assert not [url for url in urls(output) if "host3.example" in url]


def test_requests_add_up_and_can_be_taken_back(output):
    before = digests(output)
    remove(output, [Tombstone("url", LONER)], ENGINE)
    done = remove(output, [Tombstone("author", "jane doe")], ENGINE)
    assert (done.documents, done.removed) == (3, 4)
    assert count_rejections(f"{output}/removed") == {"removed": 4}
    Path(output, "removals.jsonl").unlink()
    build(output)
    assert digests(output) == before
    assert not Path(output, "removed").exists()


def test_removing_what_was_kept_does_not_bring_its_duplicate_back(output):
    remove(output, [Tombstone("url", KEPT)], ENGINE)
    assert urls(output).isdisjoint({KEPT, COPY})


def test_a_removal_that_was_cut_short_is_finished_by_the_next(output, monkeypatch):
    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.stages.finished.remove.run_shards", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(output, [Tombstone("url", LONER)], ENGINE)
    assert LONER in urls(output)
    remove(output, [], ENGINE)
    assert LONER not in urls(output)


def test_the_card_tells_the_removal_and_holds_no_name(output):
    remove(output, [Tombstone("author", "jane doe")], ENGINE)
    card = Path(output, "corpus", "README.md").read_text()
    assert "| `removed` | 3 rejected |" in card
    assert f"{DOCUMENTS + 1 - 3:,} kept" in card
    assert "jane" not in card.lower()


def measure(output):
    """Make what is made from a corpus."""
    quiz = Path(output).parent / "quiz.txt"
    quiz.write_text("a letter from the island about the ferry and of the weather there")
    measured = ["overlap", f"{output}/corpus", f"quiz={quiz}", "-o", output, "--remove", "windows", "--probes", "1000"]
    assert main([*measured, "--workers", "1"]) == 0
    note_corpus(f"{output}/validation", f"{output}/corpus")
    assert main(["report", output]) == 0


def test_what_was_made_from_the_corpus_is_named_as_stale_wherever_one_may_look(output, capsys, tmp_path):
    measure(output)
    assert list(stale_directories(output)) == []
    done = remove(output, [Tombstone("url", LONER)], ENGINE)
    assert done.stale == ("overlap", "decontaminated", "validation", "report")
    lines = [
        "overlap/ is stale, its n-gram filter still knows what is no longer in the corpus: run `webtext overlap` again",
        "decontaminated/ is stale, made from the corpus as it was: run `webtext overlap --remove` again",
        "validation/ is stale, its models were trained on the corpus as it was: run `webtext validate` again",
        "report/ is stale, made from the corpus as it was: run `webtext report` again",
    ]
    capsys.readouterr()
    assert main(["verify", output]) == 0
    assert capsys.readouterr().out.splitlines()[-4:] == lines
    assert main(["verify", output, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stale"] == list(done.stale)
    main(["status", output])
    assert capsys.readouterr().out.splitlines()[-4:] == lines
    later = ["-o", str(tmp_path / "later"), "--probes", "1000"]
    assert main(["overlap", f"{output}/overlap/corpus.ngrams", f"quiz={tmp_path / 'quiz.txt'}", *later]) == 0
    assert capsys.readouterr().err == f"{lines[0]}\n"
    page = Path(write_report(output)).read_text()
    assert f'<div class="alarm">{lines[0]}.</div>' in page
    assert list(stale_directories(output)) == ["overlap", "decontaminated", "validation"]
    measure(output)
    assert list(stale_directories(output)) == []
    assert 'class="alarm"' not in Path(write_report(output)).read_text().partition('id="overlap"')[2]


def test_a_damaged_corpus_is_not_removed_from(output):
    path = next(Path(output, "corpus/data").glob("train-*"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UsageError, match=f"{path.name} has changed since it was published"):
        remove(output, [Tombstone("url", LONER)], ENGINE)


def test_the_command_reads_lists_and_prints_json(output, tmp_path, capsys):
    asked = tmp_path / "requests.txt"
    asked.write_text("# from the mail of Monday\nhost rare.example\nauthor Jane Doe\nhttp://host1.example/1\n\n")
    assert main(["remove", "-o", output, "--list", str(asked), "--json", "--workers", "1"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["documents"], printed["removed"]) == (5, 5)
    assert read_tombstones(output) == [
        Tombstone("author", "jane doe"),
        Tombstone("host", "rare.example"),
        Tombstone("url", KEPT),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to remove"),
        (("--host", "not a host"), "'not a host' is no host"),
        (("--url", "ftp://a.example/"), "is no url"),
        (("--list", "nowhere.txt"), "no such file: nowhere.txt"),
    ],
)
def test_what_cannot_be_removed_is_told_in_one_line(output, capsys, arguments, message):
    assert main(["remove", "-o", output, *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
    assert not Path(output, "removals.jsonl").exists()


def test_verify_tells_scripts_what_is_wrong(output, capsys):
    assert main(["verify", output, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["stages"], told["problems"]) == (3, [])
    path = next(Path(output, "corpus/data").glob("train-*"))
    path.unlink()
    assert main(["verify", output, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"] == [f"corpus: data/{path.name} is missing"]


def content(output):
    """Give the bytes of each stage, and of what was made from the corpus."""
    stages = ("documents", "duplicates", "corpus", "overlap", "decontaminated", "validation", "report")
    files = [path for stage in stages for path in Path(output, stage).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files}


@pytest.mark.parametrize("before", [(), (Tombstone("url", LONER),)])
def test_a_request_that_meets_nothing_changes_nothing_and_is_named(output, capsys, before):
    if before:
        remove(output, list(before), ENGINE)
    measure(output)
    held = content(output)
    asked = ["--host", "nowhere.example", "host9.example", "--url", "http://host1.example/none", "--author", "Nobody"]
    capsys.readouterr()
    assert main(["remove", "-o", output, *asked, "--workers", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"0 documents removed now, {len(before)} in all; 0 of {2 * PARTS} files changed",
        "no document of the corpus meets: url https://host1.example/none (it stands for later builds)",
        "no document of the corpus meets: host nowhere.example (it stands for later builds)",
        "no document of the corpus meets: host host9.example (it stands for later builds)",
        "no document of the corpus meets: author nobody (it stands for later builds)",
    ]
    assert content(output) == held
    assert list(stale_directories(output)) == []
    assert len(read_tombstones(output)) == len(before) + 4
    build(output)
    assert content(output) == held


def test_of_several_requests_those_that_meet_nothing_are_named(output):
    asked = [Tombstone("host", "example"), Tombstone("host", "nowhere.example"), Tombstone("author", "jane doe")]
    done = remove(output, asked, ENGINE)
    assert done.unmet == (Tombstone("host", "nowhere.example"),)
    assert [(met.kind, met.value, met.documents > 0) for met in done.met] == [
        ("host", "example", True),
        ("author", "jane doe", True),
    ]
    assert done.documents == DOCUMENTS + 1


def test_what_was_dropped_as_a_duplicate_is_not_counted_as_removed_too(output):
    done = remove(output, [Tombstone("url", COPY)], ENGINE)
    assert (done.documents, done.removed, done.rewritten) == (0, 0, ())
    assert [finding["verdict"] for finding in explain(output, COPY)] == ["kept"]
