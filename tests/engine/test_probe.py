"""The probe of runners: right where a runner is right, and never "right" for one that says it is done and is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.engine.probe import FEATURES, main, probe

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["FnApiRunner", "BundleBasedDirectRunner"])
def test_a_runner_that_does_it_all_is_right_throughout(runner, capsys, tmp_path):
    assert main([f"--runner={runner}", "--output", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[: len(feature.name)] for line, feature in zip(lines, FEATURES, strict=True)] == [
        feature.name for feature in FEATURES
    ]
    assert all(" right " in line for line in lines)


def test_what_is_done_and_is_not_right_is_wrong(tmp_path):
    asked = replace(FEATURES[0], answer=["first=3", "second=6"])
    assert probe(asked, ["--runner=FnApiRunner"], str(tmp_path)) == "WRONG, and says it is done: first=3, second=3"


def test_what_a_runner_cannot_do_is_told_in_a_line(capsys, tmp_path):
    assert main(["--runner=NoSuchRunner", "--output", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(FEATURES)
    assert all("fails: ValueError: " in line for line in lines)


def test_every_feature_is_in_the_table_of_known_answers():
    page = (ROOT / "docs" / "engines.md").read_text("utf-8")
    table = page.partition("## What a runner must do")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]
    assert rows == [feature.name for feature in FEATURES]
