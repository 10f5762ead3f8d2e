"""The page of promises says what the code says, and names tests that are there."""

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROWS = [
    re.split(r"\s*\|\s*", line)[1:-1]
    for line in (ROOT / "docs" / "limits.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and "`" in line
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip(". ,"))
def test_a_promise_stands_in_the_code_and_a_test_holds_it(row):
    _, value, place, test = row
    path, _, name = test.strip("`").partition("::")
    source = (ROOT / path).read_text("utf-8")
    assert not name or re.search(rf"^def {name}\(", source, re.MULTILINE)
    module, found, attribute = place.strip("`").partition(":")
    if not found:
        assert (ROOT / module).exists()
        return
    holder, _, name = attribute.rpartition(".")
    at = importlib.import_module(module)
    values = {field.name: field.default for field in dataclasses.fields(getattr(at, holder))} if holder else vars(at)
    assert float(value.partition(" ")[0]) == values[name]


def test_there_are_promises_of_each_kind():
    assert len(ROWS) > 30
