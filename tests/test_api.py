"""The public names of webtext: they are few, typed, lazy, and their examples run."""

import doctest
import importlib
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import webtext
from pipelines import api
from sample.build import ARCHIVE, DUMP
from webtext import Document, Link, Rejection, UsageError, read_corpus, read_submissions, run_stage, select_links
from webtext.reddit.dumps import Posted

ROOT = Path(__file__).resolve().parent.parent


def test_the_names_are_the_same_in_the_package_and_its_home():
    assert webtext.__all__ == api.__all__
    assert all(getattr(webtext, name) is getattr(api, name) for name in webtext.__all__)
    assert set(dir(webtext)) >= {*api.__all__, "__version__", "__doc__"}
    with pytest.raises(AttributeError, match="nothing_such"):
        importlib.import_module("webtext").nothing_such  # noqa: B018


def test_what_is_pure_stays_free_of_the_api():
    program = (
        "import sys\nfrom webtext import __version__, records\nimport webtext\n"
        "assert not hasattr(webtext, '__wrapped__')\n"
        "print({'pipelines.api', 'apache_beam'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_the_examples_in_docstrings_run():
    tested = doctest.testmod(api)
    assert tested.failed == 0
    assert tested.attempted >= 10
    functions = [getattr(api, name) for name in api.__all__ if name.islower()]
    home = [function for function in functions if function.__module__ == api.__name__]
    without = {function.__name__ for function in home if ">>>" not in function.__doc__}
    assert without <= {"sketch", "read_corpus", "run_stage"}  # the example of similarity, and of examples/


def test_the_five_lines_of_the_docs_run(capsys):
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text("utf-8"), re.DOTALL)
    exec(source, {})  # noqa: S102
    assert re.fullmatch(r"en \d+ \w+\n", capsys.readouterr().out)


def test_every_name_is_in_the_docs():
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert [name for name in api.__all__ if name.islower() and f"`{name}(" not in page] == []


def test_every_line_of_a_dump_is_accounted_for(sample_web):
    found = list(read_submissions(sample_web / DUMP))
    links = list(select_links(found))
    assert {type(each) for each in found} == {Posted, Rejection}
    assert {type(each) for each in links} == {Link, Rejection}
    posted = sum(isinstance(each, Posted) for each in found)
    merged = sum(each.submissions for each in links if isinstance(each, Link))
    low = [each for each in links if isinstance(each, Rejection) and each not in found]
    assert (
        merged
        < posted
        <= merged + sum(int((re.findall(r"submissions=(\d+)", each.detail) or ["1"])[0]) for each in low)
    )


def test_a_corpus_is_read_back(sample_output):
    train, held_out = (list(read_corpus(sample_output, split)) for split in ("train", "validation"))
    assert all(isinstance(document, Document) for document in train)
    assert len(train) > len(held_out) > 0
    assert list(read_corpus(sample_output / "corpus", "validation")) == held_out
    with pytest.raises(UsageError, match="holds no nothing split"):
        next(read_corpus(sample_output, "nothing"))


def test_a_wrong_setting_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="unrecognized arguments: --min-carma 3"):
        run_stage("harvest", tmp_path, min_carma=3)
    with pytest.raises(UsageError, match="no such file"):
        run_stage("harvest", tmp_path, submissions=[tmp_path / "RS.zst"], self_posts=False)


def test_the_example_makes_the_corpus_of_the_command(sample_web, sample_output, tmp_path, capsys):
    shutil.copytree(sample_output, tmp_path / "out")
    main = runpy.run_path(str(ROOT / "examples" / "gpt2_webtext.py"))["main"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*/manifest.json")}
    main([str(sample_web / DUMP), str(tmp_path / "out"), "--replay", str(sample_web / ARCHIVE)])
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*/manifest.json")} == before
    assert "of the 8-grams are in the training text" in capsys.readouterr().out
