"""With --json a command prints one object on standard output, which holds what docs/reference/json.md says it holds."""

import json
import re
import shutil
from pathlib import Path

import pytest

from pipelines.commands import reference
from pipelines.commands.answer import ANSWERS, Key
from pipelines.commands.cli import main
from sample.build import ARCHIVE, DUMP

_KINDS = {"integer": int, "number": (int, float), "string": str, "boolean": bool, "null": type(None), "any": object}


def leaves(value, path=""):
    """Yield each path of an object that ends in a value, with the value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}\0{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def pattern_of(key):
    """Make an expression that matches the paths of a key; a name may hold any character but the one between names."""
    written = re.escape(key.path.replace(".", "\0")).replace(r"\*", "[^\0]+")
    return re.compile(written + (r"(\[\]|\0.+)*" if key.kind == "any" else ""))


def unlike(answer, found):
    """Name what an answer holds that is not documented or of another type, and what is documented and not there."""
    keys = {key: pattern_of(key) for key in ANSWERS[answer]}
    seen = set()
    for path, value in leaves(found):
        fits = [key for key, pattern in keys.items() if pattern.fullmatch(path)]
        kinds = [_KINDS[kind] for key in fits for kind in key.kind.split(" or ")]
        if not any(isinstance(value, kind) and not (kind is int and value is True) for kind in kinds):
            yield f"{path} = {value!r}"
        seen.update(fits)
    yield from (f"{key.path} is not there" for key in keys if key.always and key not in seen)


def test_what_is_not_documented_is_found():
    assert list(unlike("verify", {"stages": 1, "files": "1", "bytes": 1, "more": [1]})) == ["files = '1'", "more[] = 1"]
    assert list(unlike("verify", {"stages": 1, "files": 1})) == ["bytes is not there"]
    assert pattern_of(Key("a.*.b[]", "any", "")).fullmatch("a\0x.y\0b[]\0c")


@pytest.fixture
def folder(tmp_path, sample_web, sample_output):
    """Give a folder with the sample as `web`, and a copy of its finished output as `out`."""
    (tmp_path / "web").symlink_to(sample_web)
    shutil.copytree(sample_output, tmp_path / "out")
    return tmp_path


def ask(capfd, *arguments, status=0):
    """Run a command in this process, and read the one object on its standard output."""
    assert main([*map(str, arguments), "--json"]) == status
    return json.loads(capfd.readouterr().out)


@pytest.mark.slow
def test_the_stages_answer_in_json(folder, capfd):
    output, dump, archive = folder / "out", folder / "web" / DUMP, folder / "web" / ARCHIVE
    one = ("--workers", "1", "--output", output)
    corpus = ask(capfd, "corpus", "-s", dump, "--replay", archive, *one)
    assert list(unlike("corpus", corpus)) == []
    assert list(corpus["stages"]) == ["links", "pages", "documents", "duplicates", "corpus"]
    for counts in corpus["stages"].values():
        assert counts["given"] == counts["kept"] + sum(counts["rejected"].values())
    apart = {
        "harvest": ask(capfd, "harvest", "-s", dump, *one),
        "fetch": ask(capfd, "fetch", "--replay", archive, *one),
        "build": ask(capfd, "build", *one),
    }
    for name, found in apart.items():
        assert list(unlike(name, found)) == []
        assert found["stages"].items() <= corpus["stages"].items()
    tried = ask(capfd, "build", "--dry-run", "20", *one)
    assert list(unlike("build --dry-run", tried)) == []
    assert 15 < tried["documents"] <= 20  # pages are asked for, and some give no text
    quiz = folder / "quiz.txt"
    quiz.write_text("Which of the planets of our solar system has the shortest day, and how long is it there?")
    overlap = ask(capfd, "overlap", output / "corpus", f"quiz={quiz}", "--remove", "windows", "--probes", "1000", *one)
    assert list(unlike("overlap", overlap)) == []
    assert list(overlap["stages"]) == ["overlap", "decontaminated"]
    verified = ask(capfd, "verify", output)
    assert list(unlike("verify", verified)) == []
    status = ask(capfd, "status", output)
    assert list(unlike("status", status)) == []
    assert (status["is_done"], status["stale"]) == (True, [])
    removed = ask(capfd, "remove", "--host", "plainmargin.example", *one)
    assert list(unlike("remove", removed)) == []
    assert removed["documents"] > 0
    assert "overlap" in removed["stale"]
    tried = ask(capfd, "filters", "--try", output / "corpus/data" / "train-*.parquet", "--preset", "gopher")
    assert list(unlike("filters --try", tried)) == []
    model = folder / "model.npz"
    written = ask(capfd, "filters", "--train-perplexity", model, "--good", output / "corpus/data" / "train-*.parquet")
    assert (written, list(unlike("filters --train-classifier", written))) == ({"model": str(model)}, [])
    assert model.is_file()


def test_rules_and_presets_answer_in_json(capfd):
    found = ask(capfd, "filters")
    assert list(unlike("filters", found)) == []
    one = ask(capfd, "filters", "--preset", "webtext", "--set", "length.min_words=7")
    (preset,) = one["presets"]
    assert [rule["settings"]["min_words"] for rule in preset["rules"] if rule["name"] == "length"] == [7]


def test_a_stage_that_was_stopped_is_told_with_its_tasks(tmp_path, capfd):
    (tmp_path / "documents.unfinished").mkdir()
    (tmp_path / "documents.unfinished" / "rejections-00000-of-00004.parquet").touch()
    found = ask(capfd, "status", tmp_path, status=1)
    assert list(unlike("status", found)) == []
    stage = found["stages"]["documents"]
    assert stage.pop("last_task_at") > 1_700_000_000
    no_pace = {"tasks_per_s": None, "left_s": None}
    assert stage == {"is_done": False, "tasks_done": 1, "tasks": 4, "is_stale": False, **no_pace}
    assert found["next"] == "documents"


def test_an_error_leaves_standard_output_empty(tmp_path, capfd):
    assert main(["build", "--json", "--output", str(tmp_path)]) == 2
    told = capfd.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)


def test_every_answer_is_in_the_reference():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text("utf-8")
    assert page == reference.pages()["json.md"]
    assert all(f"## webtext {name}" in page for name in ANSWERS)
