"""No folder of the user's is replaced or emptied, whatever it is called and whatever stops a run."""

import os
import shutil
from pathlib import Path

import pytest

from pipelines.commands.cli import EXIT_USAGE, main
from pipelines.stages.output import AFTER_PAGES, KINDS
from pipelines.stages.own import MARK, check_ours, mark, take_away
from pipelines.stages.stage import Stage, discard, find_manifest, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Counts

LINKS = "https://a.example/one\nhttps://b.example/two\n"
STAGES = [name for name, kind in KINDS.items() if kind.writers]


def tree(folder):
    """Give all that lies in a folder: path → content, or what a link leads to."""
    found = {}
    for path in sorted(folder.rglob("*")):
        where = str(path.relative_to(folder))
        found[where] = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


DONE = {"documents", "documents/data.txt", "documents/manifest.json", "timings.json"}


def left(output):
    """Name what lies in an output, without the lock and the temporary files that only a kill can leave there."""
    return {name for name in tree(output) if not name.endswith(".lock") and not name.startswith(".timings")}


def stage(tmp_path, name="documents", config=None):
    source = tmp_path / "source.txt"
    source.write_text("input")
    return Stage(name, str(tmp_path / "out" / name), config or {}, (str(source),))


def write(directory):
    Path(directory, "data.txt").write_text("ours")


def counted(_directory):
    return Counts(1, 1)


def commands(tmp_path):
    (tmp_path / "urls.txt").write_text(LINKS)
    harvest = ["--submissions", str(tmp_path / "urls.txt")]
    web = ["--contact", "https://ours.net/crawl"]
    return {
        "links": ["harvest", *harvest],
        "pages": ["fetch", "--links", str(tmp_path / "links"), *web],
        "documents": ["build", "--pages", str(tmp_path / "pages")],
        "earlier": ["corpus", *harvest, *web],
        "duplicates": ["build", "--pages", str(tmp_path / "pages")],
        "removed": ["corpus", *harvest, *web],
        "repeats": ["corpus", *harvest, *web],
        "corpus": ["corpus", *harvest, *web],
        "overlap": ["overlap", str(tmp_path), f"quiz={tmp_path / 'urls.txt'}"],
    }


@pytest.mark.parametrize("ending", ["", ".unfinished"])
@pytest.mark.parametrize("name", [name for name in STAGES if name != "decontaminated"])
def test_a_command_touches_no_folder_that_is_not_ours_and_says_so_before_any_work(tmp_path, capsys, name, ending):
    out = tmp_path / "home"
    (out / f"{name}{ending}" / "letters").mkdir(parents=True)
    (out / f"{name}{ending}" / "letters" / "mother.txt").write_text("dear")
    before = tree(out)
    assert main([*commands(tmp_path)[name], "--output", str(out), "--workers", "1"]) == EXIT_USAGE
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and told.out == ""
    assert f"{name}{ending} is not webtext's (it holds letters): nothing was changed" in told.err
    assert tree(out) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({".git": ""}, "it holds .git"),
        ({"manifest.json": '{"name": "my web app"}'}, "not a webtext manifest"),
        ({"manifest.json": "\x00\xff"}, "not a webtext manifest"),
        ({"a": "", "b": "", "c": ""}, "it holds a and 2 more"),
    ],
)
def test_whatever_else_lies_there_is_not_ours(tmp_path, content, says):
    folder = tmp_path / "out" / "documents"
    folder.mkdir(parents=True)
    for name, text in content.items():
        (folder / name).write_text(text)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=says):
        check_ours(str(folder), ["documents"])
    assert tree(tmp_path) == before


def test_a_file_in_the_place_of_a_directory_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "documents").write_text("a file")
    with pytest.raises(UsageError, match="documents is no directory"):
        run_stage(stage(tmp_path), write, counted)
    assert (tmp_path / "out" / "documents").read_text() == "a file"


@pytest.mark.parametrize("name", ["notes.txt", ".notes", "sub/notes.txt"])
def test_a_finished_stage_with_a_file_of_the_users_is_not_replaced(tmp_path, name):
    run_stage(stage(tmp_path), write, counted)
    path = tmp_path / "out" / "documents" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    before = tree(tmp_path)
    again = stage(tmp_path, config={"other": 1})
    for attempt in (lambda: run_stage(again, write, counted), lambda: discard(again.directory, "documents")):
        with pytest.raises(UsageError, match=r"holds what its manifest does not name \(it holds (\.?notes|sub)"):
            attempt()
    assert tree(tmp_path) == before


def test_what_a_file_manager_or_a_killed_run_leaves_is_no_obstacle(tmp_path):
    run_stage(stage(tmp_path), write, counted)
    for name in (".DS_Store", ".data.txt.0a1b2c3d", ".manifest.json.0a1b2c3d"):
        (tmp_path / "out" / "documents" / name).write_text("")
    run_stage(stage(tmp_path, config={"other": 1}), write, counted)
    assert sorted(path.name for path in (tmp_path / "out" / "documents").iterdir()) == ["data.txt", "manifest.json"]


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    (tmp_path / "out" / "documents").mkdir(parents=True)
    (tmp_path / "out" / "documents.unfinished").mkdir()
    assert run_stage(stage(tmp_path), write, counted).files[0].name == "data.txt"
    assert left(tmp_path / "out") == DONE


def test_a_crawl_is_not_replaced_by_an_index_of_other_archives_finished_or_not(tmp_path):
    for directory in ("pages", "pages.unfinished"):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        run_stage(Stage("fetch", str(tmp_path / "out" / "pages"), {}, ()), write, counted)
        if directory == "pages.unfinished":
            (tmp_path / "out" / "pages").rename(tmp_path / "out" / directory)
        before = tree(tmp_path)
        with pytest.raises(UsageError, match=f"{directory} was written by fetch, not by index"):
            run_stage(Stage("index", str(tmp_path / "out" / "pages"), {}, ()), write, counted)
        assert tree(tmp_path) == before


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("moment", range(40))
def test_wherever_a_replacement_is_stopped_the_next_run_goes_on(tmp_path, monkeypatch, moment):
    """Stop at the n-th change of the disk; what is there then is either finished or known to be ours."""
    first, second = stage(tmp_path), stage(tmp_path, config={"other": 1})
    run_stage(first, write, counted)
    done = 0

    def stopping(change):
        def stopped(*arguments, **named):
            nonlocal done
            done += 1
            if done > moment:
                raise StoppedError
            return change(*arguments, **named)

        return stopped

    with monkeypatch.context() as patched:
        for name in ("rename", "replace", "unlink", "mkdir", "rmdir"):
            patched.setattr(Path, name, stopping(getattr(Path, name)))
        for name in ("unlink", "rmdir", "fsync"):
            patched.setattr(os, name, stopping(getattr(os, name)))
        try:
            run_stage(second, write, counted)
        except StoppedError:
            pass
        else:
            assert moment >= done  # nothing was left to stop
    for config in (first.config, second.config):
        found = find_manifest(first.directory)
        if found is not None and found.config == config:
            assert (tmp_path / "out" / "documents" / "data.txt").read_text() == "ours"
    run_stage(second, write, counted)
    assert left(tmp_path / "out") == DONE


def test_a_directory_that_is_half_taken_away_is_ours_and_not_done(tmp_path):
    run_stage(stage(tmp_path), write, counted)
    folder = tmp_path / "out" / "documents"
    mark(str(folder), "documents")
    (folder / "manifest.json").unlink()
    check_ours(str(folder), ["documents"])
    assert find_manifest(str(folder)) is None
    take_away(str(folder), "documents")
    assert not folder.exists()


def test_a_symbolic_link_is_followed_to_where_the_user_wants_the_stage(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "documents").symlink_to(disk / "documents")
    for config in ({}, {"other": 1}):
        run_stage(stage(tmp_path, config=config), write, counted)
        assert (tmp_path / "out" / "documents").is_symlink()
        assert find_manifest(str(tmp_path / "out" / "documents")).config == config
        assert sorted(path.name for path in disk.iterdir()) == ["documents"]
    (tmp_path / "out" / "documents.unfinished").mkdir()  # not where the stage works


def test_a_link_to_a_folder_of_the_users_is_not_replaced(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "sea.jpg").write_text("jpeg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "documents").symlink_to(photos)
    with pytest.raises(UsageError, match="is not webtext's"):
        run_stage(stage(tmp_path), write, counted)
    assert (photos / "sea.jpg").read_text() == "jpeg"


def test_a_link_in_the_place_of_the_unfinished_directory_is_named_before_any_work(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "disk").mkdir()
    (tmp_path / "out" / "documents.unfinished").symlink_to(tmp_path / "disk")
    with pytest.raises(UsageError, match="unfinished is a symbolic link"):
        run_stage(stage(tmp_path), write, counted)


def test_the_mark_names_the_stage_and_is_gone_when_it_is_done(tmp_path):
    seen = []
    run_stage(
        stage(tmp_path), lambda directory: (seen.append(Path(directory, MARK).read_text()), write(directory)), counted
    )
    assert seen == ["documents"]
    assert not (tmp_path / "out" / "documents" / MARK).exists()


def test_a_build_checks_all_that_it_will_write():
    assert {*AFTER_PAGES, "links", "pages", "overlap", "decontaminated"} == set(STAGES)
    assert storage.is_local("x")


def test_a_page_of_the_users_is_not_written_over_by_the_report(tmp_path, capsys):
    run_stage(Stage("harvest", str(tmp_path / "links"), {}, ()), lambda _: None, lambda _: Counts(0, 0))
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("my thesis")
    assert main(["report", str(tmp_path)]) == EXIT_USAGE
    assert "report/index.html is not webtext's" in capsys.readouterr().err
    assert tree(tmp_path / "report") == {"index.html": b"my thesis"}


def test_an_output_may_be_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "urls.txt").write_text(LINKS)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        for flags in ((), ("--link-shards", "2")):
            assert main(["harvest", "-s", "urls.txt", "--output", ".", "--workers", "1", *flags]) == 0
    assert (tmp_path / "urls.txt").read_text() == LINKS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["links", "timings.json", "urls.txt", "webtext.toml"]
