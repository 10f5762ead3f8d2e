"""`webtext status` tells done from unfinished from not begun, and what was made from something that is no more."""

import os
import time

import pytest

from pipelines.commands.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, main
from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.manifest import Counts


def finish(output, name, *inputs, content=b"rows", kept=3):
    directory = storage.join(str(output), name)

    def work(unfinished):
        with storage.create_file(storage.join(unfinished, f"{name}-00000-of-00001.parquet")) as stream:
            stream.write(content)

    paths = tuple(storage.join(str(output), given) for given in inputs)
    run_stage(Stage(name, directory, {"kept": kept}, paths), work, lambda _: Counts(kept, kept))


def status(output, capsys):
    for manifest in output.glob("*/manifest.json"):
        os.utime(manifest, (0, time.time() - 600))
    code = main(["status", str(output)])
    return code, capsys.readouterr().out.splitlines()


@pytest.fixture
def pages(tmp_path):
    finish(tmp_path, "pages")
    return tmp_path


def test_nothing_is_no_stage(tmp_path, capsys):
    assert main(["status", str(tmp_path)]) == EXIT_USAGE
    assert "holds no stage" in capsys.readouterr().err


def test_a_run_that_stopped_says_how_far_it_came(pages, capsys):
    unfinished = pages / "documents.unfinished"
    unfinished.mkdir()
    for name in ("part-00000-of-00007.parquet", "rejections-00000-of-00007.parquet", "part-00003-of-00007.parquet"):
        (unfinished / name).touch()
        os.utime(unfinished / name, (0, time.time() - 7265))
    assert status(pages, capsys) == (
        EXIT_FAILURE,
        [
            "pages       done: 3 kept of 3 links, 1 files, 4 B, 10 min ago",
            "documents   unfinished: 1 of 7 tasks; the last 2 h 1 min ago",
            "duplicates  not begun",
            "corpus      not begun",
            f"next: documents, by `webtext build --output {pages}`; the same flags as before go on from here",
        ],
    )


def test_the_pace_of_a_run_is_that_of_its_tasks(pages, capsys, monkeypatch):
    now = time.time()
    monkeypatch.setattr("pipelines.commands.status.time.time", lambda: now)
    (pages / "documents.unfinished").mkdir()
    for number in range(4):
        path = pages / "documents.unfinished" / f"rejections-{number:05d}-of-00010.parquet"
        path.touch()
        os.utime(path, (0, now - 50 - 30 * number))
    _, lines = status(pages, capsys)
    assert lines[1] == "documents   unfinished: 4 of 10 tasks, 2.0 a minute, 3 min left; the last 50 s ago"


def test_an_unfinished_stage_beside_a_finished_one_is_unfinished(pages, capsys):
    (pages / "pages.unfinished").mkdir()
    code, lines = status(pages, capsys)
    assert (code, lines[0]) == (EXIT_FAILURE, "pages       unfinished: 0 tasks")


def test_all_done_is_all_done(pages, capsys):
    for name, before in (("documents", "pages"), ("duplicates", "documents"), ("corpus", "duplicates")):
        finish(pages, name, before)
    code, lines = status(pages, capsys)
    assert code == EXIT_OK
    assert [line.split()[:2] for line in lines] == [
        [name, "done:"] for name in ("pages", "documents", "duplicates", "corpus")
    ]


def test_a_stage_made_from_what_is_no_more_is_told(pages, capsys):
    for name, before in (("documents", "pages"), ("duplicates", "documents"), ("corpus", "duplicates")):
        finish(pages, name, before)
    finish(pages, "documents", "pages", content=b"other rows", kept=2)
    code, lines = status(pages, capsys)
    assert code == EXIT_FAILURE
    assert "duplicates  was made from another documents/ than the one that is there" in lines
