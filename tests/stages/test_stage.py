"""A stage is whole or not there; done once, it is not done again; sums that do not balance are never published."""

import shutil
from pathlib import Path

import pytest

from pipelines.stages.finished.verify import directory_problems
from pipelines.stages.own import unfinished_directory
from pipelines.stages.stage import Stage, find_manifest, read_manifest, run_stage
from webtext.errors import UnbalancedError, UsageError
from webtext.manifest import Counts, Manifest


def write(text):
    def work(directory):
        Path(directory, "data.txt").write_text(text)

    return work


def balanced(_directory):
    return Counts(3, 1, {"low_karma": 2})


@pytest.fixture
def stage(tmp_path):
    source = tmp_path / "source.txt"
    source.write_text("input")
    return Stage("harvest", str(tmp_path / "links"), {"min_karma": 3}, (str(source),))


def test_a_finished_stage_has_its_files_and_counts_in_its_manifest(stage):
    manifest = run_stage(stage, write("x"), balanced)
    assert [(file.name, file.bytes) for file in manifest.files] == [("data.txt", 1)]
    assert read_manifest(stage.directory) == manifest
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert directory_problems(stage.directory, manifest) == []


def test_a_rerun_with_equal_input_and_configuration_does_nothing(stage):
    run_stage(stage, write("x"), balanced)
    run_stage(stage, write("another"), balanced)
    assert Path(stage.directory, "data.txt").read_text() == "x"


def test_a_finished_stage_whose_file_is_gone_is_not_called_finished(stage):
    def in_a_folder(directory):
        Path(directory, "data").mkdir()
        write("x")(directory)
        write("y")(Path(directory, "data"))

    run_stage(stage, in_a_folder, balanced)
    run_stage(stage, in_a_folder, balanced)
    Path(stage.directory, "data.txt").unlink()
    with pytest.raises(UsageError, match=r"data\.txt is gone: put it back, or remove"):
        run_stage(stage, write("x"), balanced)
    shutil.rmtree(stage.directory)
    run_stage(stage, write("x"), balanced)
    assert Path(stage.directory, "data.txt").read_text() == "x"


@pytest.mark.parametrize("change", ["config", "input"])
def test_a_changed_input_or_configuration_runs_again(stage, tmp_path, change):
    run_stage(stage, write("x"), balanced)
    config = {"min_karma": 4} if change == "config" else stage.config
    if change == "input":
        (tmp_path / "source.txt").write_text("other")
    run_stage(Stage(stage.name, stage.directory, config, stage.inputs), write("again"), balanced)
    assert Path(stage.directory, "data.txt").read_text() == "again"


def test_a_manifest_is_the_same_wherever_the_output_lies(stage, tmp_path):
    first = run_stage(stage, write("x"), balanced)
    second = run_stage(Stage(stage.name, str(tmp_path / "elsewhere"), stage.config, stage.inputs), write("x"), balanced)
    assert first.to_json() == second.to_json()


def test_sums_that_do_not_balance_are_not_published(stage):
    with pytest.raises(UnbalancedError, match="3 links given, but 2 kept and 2 rejected"):
        run_stage(stage, write("x"), lambda _: Counts(3, 2, {"low_karma": 2}))
    assert find_manifest(stage.directory) is None


def test_what_a_crashed_run_left_is_thrown_away(stage, tmp_path):
    def crash(directory):
        write("half")(directory)
        (tmp_path / "links.unfinished" / "stray.txt").write_text("stray")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        run_stage(stage, crash, balanced)
    assert find_manifest(stage.directory) is None
    manifest = run_stage(stage, write("x"), balanced)
    assert [file.name for file in manifest.files] == ["data.txt"]


def test_a_resumable_stage_finds_what_it_had(stage):
    resumable = Stage(stage.name, stage.directory, stage.config, stage.inputs, resumable=True)
    with pytest.raises(KeyboardInterrupt):
        run_stage(resumable, _interrupted, balanced)

    def go_on(directory):
        assert Path(directory, "data.txt").read_text() == "half"

    assert run_stage(resumable, go_on, balanced).files[0].name == "data.txt"


def _interrupted(directory):
    write("half")(directory)
    raise KeyboardInterrupt


def test_an_input_that_is_an_unfinished_stage_is_named(stage, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no finished stage"):
        run_stage(Stage("fetch", stage.directory, {}, (str(tmp_path / "empty"),)), write("x"), balanced)
    assert not (tmp_path / unfinished_directory("links")).exists()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: (folder / "data.txt").write_text("y"), "data.txt has changed since it was published"),
        (lambda folder: (folder / "data.txt").unlink(), "data.txt is missing"),
        (lambda folder: (folder / "more.txt").write_text("m"), "more.txt is not in the manifest"),
    ],
)
def test_verify_finds_what_is_not_as_published(stage, tmp_path, damage, problem):
    manifest = run_stage(stage, write("x"), balanced)
    damage(tmp_path / "links")
    assert directory_problems(stage.directory, manifest) == [problem]


def test_a_manifest_of_something_else_is_refused():
    with pytest.raises(UsageError, match="not a webtext manifest"):
        Manifest.from_json('{"format": 1, "stage": "links"}')
    with pytest.raises(UsageError, match="another release"):
        Manifest.from_json('{"format": 2}')
