"""The table of stages, storages and engines names tests that are there, and a reason in each cell that has none."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs" / "engines.md").read_text("utf-8").partition("## Each stage, on each storage")[2]
STAGES = ("harvest", "fetch", "index", "documents", "duplicates", "corpus", "remove", "overlap")


def tables():
    """Give the tables of the section, as rows of cells, without the lines below their heads."""
    found = [[]]
    for line in SECTION.partition("\n## ")[0].splitlines():
        if line.startswith("| "):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1] and not line.startswith("|"):
            found.append([])
    return [table for table in found if table]


MATRIX, TESTS, REASONS = tables()


def test_every_cell_is_a_test_or_a_reason():
    known = {key for key, _ in TESTS[1:]} | {key for key, _ in REASONS[1:]}
    assert tuple(MATRIX[0][1 : len(STAGES) + 1]) == STAGES
    for row in MATRIX[1:]:
        assert len(row) == len(MATRIX[0])
        assert set(row[1:]) <= known, row
    used = {cell for row in MATRIX[1:] for cell in row[1:]}
    assert used == known


def test_every_test_that_is_named_is_there():
    for _, test in TESTS[1:]:
        path, _, name = test.strip("`").partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), test
