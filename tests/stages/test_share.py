"""Shares of a stage over one output: together they are one run, byte for byte, whichever of them dies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.commands.cli import EXIT_OK, EXIT_USAGE, main
from pipelines.engine.share import Share
from pipelines.stages.lock import locked
from pipelines.stages.share import done_shares
from sample.build import ARCHIVE, DUMP
from tests.double.engine_build import cut_small, digests
from webtext.errors import UsageError

pytestmark = pytest.mark.usefixtures("quick_starts")
ROOT = Path(__file__).resolve().parents[2]
FINGERPRINT = "a" * 64


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "1/3/5", "-1/3", "1e3/9", "", "1/9999999"])
def test_what_is_no_share_is_one_line(text, tmp_path, capsys):
    with pytest.raises(UsageError, match="give one of so many"):
        Share.parse(text)
    assert main(["build", "-o", str(tmp_path / "out"), f"--share={text}"]) == EXIT_USAGE
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shares_are_all_of_it_and_nothing_twice(of):
    owners = [[share for share in range(1, of + 1) if Share(share, of).owns(place)] for place in range(20)]
    assert all(len(each) == 1 for each in owners)


@pytest.fixture
def build(in_memory, tmp_path, monkeypatch):
    cut_small(monkeypatch.setattr)

    def run(*flags):
        return main(["build", "--pages", in_memory.pages, "--output", str(tmp_path / "out"), "--workers=1", *flags])

    return run


def parts(output):
    return {path.name: path.stat().st_mtime_ns for path in (output / "documents.unfinished").glob("part-*")}


def test_shares_make_what_one_run_makes_also_where_one_is_missing(build, in_memory, tmp_path, capsys):
    out = tmp_path / "out"
    assert build("--share=1/3") == EXIT_OK
    assert "documents: share 1/3 is done" in capsys.readouterr().out
    first = parts(out)
    assert build("--share=3/3") == EXIT_OK
    both = parts(out)
    assert 0 < len(first) < len(both) < 4
    assert first.items() <= both.items()  # the second did none of the first's again
    assert not (out / "documents").exists()
    made = {}
    os.link(out / "documents.unfinished" / min(first), tmp_path / "kept")
    assert build() == EXIT_OK
    assert digests(out) == in_memory.digests
    made = {path.name: path.stat() for path in (out / "documents").iterdir()}
    assert made[min(first)].st_ino == (tmp_path / "kept").stat().st_ino  # nor did the last
    assert build("--share=2/3") == EXIT_OK
    assert "documents is published" in capsys.readouterr().out
    assert digests(out) == in_memory.digests


def test_shares_of_other_settings_are_not_taken_over(build, in_memory, tmp_path):
    assert build("--share=1/2", "--set", "length.min_words=90") == EXIT_OK
    assert build() == EXIT_OK
    assert digests(tmp_path / "out") == in_memory.digests


def test_a_share_that_was_killed_is_done_again(build, in_memory, tmp_path):
    out = tmp_path / "out"
    assert build("--share=1/2") == EXIT_OK
    (out / "documents.unfinished" / ".share-1-of-2").rename(out / "documents.unfinished" / ".share-1-of-2.lock")
    for path in (out / "documents.unfinished").glob("part-*"):
        path.write_bytes(b"")  # a loss of power leaves it so
    assert build() == EXIT_OK
    assert digests(out) == in_memory.digests


def test_who_is_at_work_is_told_and_nothing_is_published_beside_him(build, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("pipelines.stages.share._PATIENCE", 0.5)
    out = tmp_path / "out"
    assert build("--share=1/2") == EXIT_OK
    with locked(str(out / "documents.unfinished" / ".share-2-of-2")):
        assert build() == EXIT_USAGE
        assert build("--share=2/2") == EXIT_USAGE
    with locked(str(out / "documents")):
        assert build("--share=2/2") == EXIT_USAGE
    assert capsys.readouterr().err.count("is being written by") == 3
    assert not (out / "documents").exists()
    assert done_shares(str(out / "documents.unfinished"), FINGERPRINT) == []


def test_slots_are_shared_only_where_each_share_has_one(tmp_path, capsys):
    words = ["fetch", "-o", str(tmp_path), "--contact", "https://crawl.webtext.dev", "--slots", "2", "--share", "1/3"]
    assert main(words) == EXIT_USAGE
    assert "give --slots 3 or more" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------- Slurm


@pytest.fixture
def slurm(tmp_path, sample_web):
    """Give a function that runs the launcher with the double in the place of Slurm, and the jobs that it submitted."""
    tools, jobs = tmp_path / "tools", tmp_path / "jobs"
    for folder in (tools, jobs):
        folder.mkdir()
    programs = {
        "sbatch": f'exec {sys.executable} {ROOT / "tests" / "double" / "sbatch.py"} "$@"',
        "webtext": f"exec {sys.executable} -c 'from pipelines.commands.cli import entry; entry()' \"$@\"",
    }
    for name, line in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)

    def run(dead=""):
        environment = os.environ | {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "SBATCH_DOUBLE": str(jobs),
            "SBATCH_DEAD": dead,
            "OUTPUT": str(tmp_path / "out"),
            "SUBMISSIONS": str(sample_web / DUMP),
            "FETCH": f"--replay {sample_web / ARCHIVE} --workers 1",
            "BUILD": "--held-out 0.05",
            "TASKS": "2",
        }
        launcher = ["bash", str(ROOT / "deploy" / "slurm.sh")]
        told = subprocess.run(launcher, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
        assert told.returncode == 0, told.stderr
        return [json.loads(path.read_text()) for path in sorted(jobs.glob("*.json"), key=lambda path: int(path.stem))]

    return run


@pytest.mark.slow
def test_arrays_of_tasks_over_one_output_make_the_corpus_of_one_run_though_tasks_die(slurm, tmp_path, sample_output):
    jobs = slurm(dead="fetch:2 build:1")
    assert [job["flags"].get("array") for job in jobs] == [None, "1-2", None, "1-2", None]
    failed = [(place, task) for place, job in enumerate(jobs) for task, status in job["states"].items() if status]
    assert failed == [(1, "2"), (3, "1")], [job["told"] for job in jobs]
    out = tmp_path / "out"
    for stage in ("links", "corpus"):
        made = {path.relative_to(sample_output): path for path in (sample_output / stage).rglob("*.parquet")}
        assert made
        assert all((out / name).read_bytes() == path.read_bytes() for name, path in made.items())
    rows = [row for path in (out / "pages").glob("index-*") for row in pq.read_table(path, columns=["url"]).to_pylist()]
    assert len(rows) == len({row["url"] for row in rows})
    assert not [path.name for path in out.rglob(".share*")]
    events = [json.loads(line) for line in Path(f"{out}.jsonl").read_text().splitlines()]
    assert [event["stage"] for event in events if event["event"] == "published"] == [
        *("harvest", "fetch", "documents", "duplicates", "corpus")
    ]
