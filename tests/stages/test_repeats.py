"""Repeated lines and passages in a build: off by default, counted, explained, and the same whoever does the work."""

import argparse

import pyarrow.parquet as pq
import pytest

from dedup.repeats import transforms
from dedup.repeats.find import RepeatsConfig
from pipelines.commands.build import add_build_arguments, build_config
from pipelines.commands.cli import main
from pipelines.commands.explain import explain
from pipelines.engine.runner import Engine
from pipelines.stages import repeats
from pipelines.stages.build import run_shards
from pipelines.stages.duplicates import DuplicatesConfig, run_duplicates
from pipelines.stages.finished.remove import remove
from pipelines.stages.kept import Kept
from pipelines.stages.ledger import Funnel
from pipelines.stages.removals import Tombstone, run_removals, write_tombstones
from pipelines.stages.repeats import run_repeats
from pipelines.stages.shards import ShardsConfig
from pipelines.stages.stage import find_manifest
from tests.double.documents_stage import document, write_documents
from tests.double.duplicate_stage import content, edited
from webtext.text import words

pytestmark = pytest.mark.usefixtures("quick_starts")

ENGINE = Engine(workers=1)
BOTH = RepeatsConfig(min_documents=4, min_hosts=3, passage_words=20, words_left=30)
SHARE, REFRAIN = "Share this article with your friends!", "As I always say, so it goes."
PASSAGE = edited(99, 25)
SHARDS = ShardsConfig(held_out=0.3, text_bytes_a_shard=6000)


def url(host, number):
    return f"https://h{host}.example/{number}"


def pages():
    """Write 24 pages of six hosts: a line of all, a refrain of one host, a passage of three, and one of a line."""
    found = []
    for number in range(24):
        text = [edited(number, 60), SHARE, edited(number + 100, 40)]
        text += [REFRAIN] * (number % 6 == 0)
        text += [f"Number {number}: {PASSAGE}. {number} agree."] * (number in {3, 8, 13})
        found.append((url(number % 6, number), "\n".join(text)))
    short = f"Here is a page of two lines\n{SHARE}"
    syndicated = [(url(host, "copy"), f"{edited(7777, 80)}\n{edited(8888, 80)}") for host in range(5)]
    return [*found, (url(1, "short"), short), *syndicated]


def build(output, config, engine=ENGINE, documents=None):
    directory = write_documents(output, documents or pages())
    duplicates, repeats, corpus = (str(output / name) for name in ("duplicates", "repeats", "corpus"))
    run_duplicates(directory, duplicates, DuplicatesConfig(), engine)
    kept = run_repeats(run_removals(str(output), engine), repeats, config, engine)
    run_shards(kept, corpus, SHARDS, engine)
    return rows(output)


def rows(output):
    found = pq.read_table(output / "corpus/data").to_pylist()
    return {row["url"]: row for row in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    output = tmp_path_factory.mktemp("built")
    return output, build(output, BOTH)


def test_what_repeats_across_hosts_goes_and_all_else_stays_as_it_was(built):
    _, found = built
    given = dict(pages())
    holders = sorted(address for address, row in found.items() if PASSAGE in row["text"])
    assert len(holders) == 1
    for address, row in found.items():
        expected = given[address].replace(f"{SHARE}\n", "")
        if PASSAGE in expected and address not in holders:
            expected = expected.replace(f"{PASSAGE}. ", "")
        assert row["text"] == expected
        assert row["n_words"] == len(words(expected))
    # One host has them all: they are its author's own.
    assert sum(REFRAIN in row["text"] for row in found.values()) == 4
    copies = [row for address, row in found.items() if address.endswith("copy")]
    assert [row["text"] for row in copies] == [given[url(0, "copy")]]  # its lines are no boilerplate of five hosts


def test_the_sums_balance_and_count_what_changed(built):
    output, found = built
    manifest = find_manifest(str(output / "repeats"))
    assert manifest.counts.rejected == {"mostly_repeated": 1}
    assert (manifest.counts.given, manifest.counts.kept) == (26, 25)
    notes = dict(manifest.counts.notes)
    characters = notes.pop("characters_cut")
    assert notes == {"changed": 24, "lines_cut": 24, "passages_cut": 2}
    assert characters == 24 * len(f"{SHARE}\n") + 2 * len(f"{PASSAGE}. ")
    funnel = Funnel.of(str(output))
    funnel.check()
    assert [name for name, _ in funnel.stages] == ["documents", "duplicates", "repeats", "corpus"]
    assert len(found) == 25
    assert "mostly_repeated" in (output / "corpus/README.md").read_text()
    assert main(["verify", str(output)]) == 0
    assert main(["status", str(output)]) == 0
    assert pq.read_table(output / "repeats/lines.parquet").select(["documents", "hosts"]).to_pylist() == [
        {"documents": 25, "hosts": 6}
    ]


def test_every_cut_is_explained(built, capsys):
    output, _ = built
    cut = [finding for finding in explain(str(output), url(1, 1)) if finding["stage"] == "repeats"]
    assert [(one["verdict"], one["why"], one["documents"], one["text"]) for one in cut] == [
        ("cut", "line", 25, f"{SHARE}\n")
    ]
    assert main(["explain", url(1, "short"), "--output", str(output)]) == 0
    told = capsys.readouterr().out
    assert "mostly_repeated" in told
    assert "7 of 13 words left without repeated lines, at least 30" in told
    assert [finding["verdict"] for finding in explain(str(output), url(1, "short"))] == ["kept", "mostly_repeated"]


def test_nothing_is_cut_by_default_and_what_was_asked_for_before_goes(built, tmp_path):
    output, _ = built
    assert run_repeats(Kept("", ""), str(tmp_path / "none"), RepeatsConfig(), ENGINE) == Kept("", "")
    plain = build(tmp_path, RepeatsConfig())
    assert {address: row["text"] for address, row in plain.items() if "copy" not in address} == {
        address: text for address, text in pages() if "copy" not in address
    }
    before = content(tmp_path / "corpus")
    assert build(tmp_path, BOTH) == rows(output)
    build(tmp_path, RepeatsConfig())
    assert content(tmp_path / "corpus") == before
    assert not (tmp_path / "repeats").exists()


def test_lines_alone_and_passages_alone(built, tmp_path):
    lines = build(tmp_path, RepeatsConfig(min_documents=4))
    assert sum(PASSAGE in row["text"] for row in lines.values()) == 3
    assert not any(SHARE in row["text"] for row in lines.values())
    passages = build(tmp_path, RepeatsConfig(passage_words=20))
    assert sum(PASSAGE in row["text"] for row in passages.values()) == 1
    assert sum(SHARE in row["text"] for row in passages.values()) == 25
    assert not (tmp_path / "repeats/lines.parquet").exists()


@pytest.mark.slow
def test_workers_runs_and_ranges_change_no_byte(built, tmp_path, monkeypatch):
    output, _ = built
    build(tmp_path / "two", BOTH, Engine(workers=2))
    monkeypatch.setattr(repeats, "DOCUMENTS_A_RUN", 3)
    monkeypatch.setattr(transforms, "_DOCUMENTS_A_RANGE", 2)
    monkeypatch.setattr(transforms, "_WORDS_A_RANGE", 50)
    build(tmp_path / "small", BOTH)
    for other in ("two", "small"):
        for stage in ("repeats", "corpus"):
            assert content(tmp_path / other / stage) == content(output / stage)


def test_a_removal_on_request_gives_what_a_build_with_it_gives(tmp_path):
    """The page that a passage stays in is removed: then it stays in another, and only the shards concerned change."""
    for name in ("taken_out", "anew"):
        (tmp_path / name).mkdir()
    found = build(tmp_path / "taken_out", BOTH)
    holder = next(address for address, row in found.items() if PASSAGE in row["text"])
    done = remove(str(tmp_path / "taken_out"), [Tombstone.of("url", holder)], ENGINE)
    assert (done.documents, done.removed) == (1, 1)
    after = rows(tmp_path / "taken_out")
    assert holder not in after
    assert sum(PASSAGE in row["text"] for row in after.values()) == 1
    write_tombstones(str(tmp_path / "anew"), [Tombstone.of("url", holder)])
    build(tmp_path / "anew", BOTH)
    for stage in ("removed", "repeats", "corpus"):
        assert content(tmp_path / "taken_out" / stage) == content(tmp_path / "anew" / stage)


def test_a_removal_leaves_shards_alone_that_lose_nothing(tmp_path):
    lonely = document("https://rare.example/1", f"{edited(5555, 90)}\n{edited(6666, 90)}")
    output = tmp_path / "out"
    output.mkdir()
    build(output, RepeatsConfig(passage_words=20), documents=[*pages(), lonely])
    done = remove(str(output), [Tombstone.of("url", lonely.url)], ENGINE)
    assert done.documents == 1
    assert done.unchanged > 0


def test_flags_ask_for_it_and_the_length_rule_says_what_is_too_little(tmp_path, capsys):
    flags = ["build", "-o", str(tmp_path), "--pages", str(tmp_path / "none")]
    assert main([*flags, "--drop-repeated-lines", "1"]) == 2
    assert "in 2 documents or more" in capsys.readouterr().err
    parser = argparse.ArgumentParser()
    add_build_arguments(parser)
    assert not build_config(parser.parse_args([])).repeats.any
    asked = ["--drop-repeated-lines", "9", "--repeated-on-hosts", "4", "--drop-repeated-passages", "50"]
    config = build_config(parser.parse_args([*asked, "--set", "length.min_words=40"])).repeats
    assert config == RepeatsConfig(9, 4, passage_words=50, words_left=40)
    assert build_config(parser.parse_args([*asked, "--set", "length.enabled=false"])).repeats.words_left == 1
