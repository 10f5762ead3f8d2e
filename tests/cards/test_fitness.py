"""A corpus is measured for what a family of models is made from, and what it lacks is said."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cards.fitness import FAMILIES, Shape, shape_of, shortcomings
from pipelines.commands.cli import main


def test_a_corpus_is_measured_over_all_its_shards(tmp_path):
    texts = ["one", "one\ntwo", "a\nb\nc\nd", "x\ny"]
    words = [1, 2, 600, 512]
    for number in range(2):
        rows = slice(2 * number, 2 * number + 2)
        table = pa.table({"text": texts[rows], "n_words": words[rows]})
        pq.write_table(table, tmp_path / f"train-0000{number}-of-00002.parquet")
    assert shape_of(str(tmp_path), "train-*") == Shape(4, 0.75, 2.0, 257.0, 0.5)
    assert shape_of(str(tmp_path), "heldout-*").documents == 0


@pytest.mark.parametrize(
    ("shape", "family", "lacks"),
    [
        (Shape(0, 0, 0, 0, 0), "gpt2", ["no document"]),
        (Shape(1, 1.0, 5, 90, 0), "bert", ["second document"]),
        (Shape(9, 0.49, 1, 90, 0), "bert", ["49.0%"]),
        (Shape(9, 0.49, 1, 90, 0), "albert", ["49.0%"]),
        (Shape(9, 0.5, 1, 90, 0), "albert", []),
        (Shape(1, 0.0, 1, 90, 0), "t5", []),
    ],
)
def test_what_a_family_cannot_do_without(shape, family, lacks):
    found = shortcomings(shape, family)
    assert len(found) == len(lacks)
    assert all(part in said for part, said in zip(lacks, found, strict=True))


def test_the_command_says_it(sample_output, capsys):
    for family in FAMILIES:
        assert main(["verify", str(sample_output), "--for", family]) == 0
    assert "for t5: 95 documents" in capsys.readouterr().out
    main(["verify", str(sample_output), "--for", "bert", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["shape"]["corpus"]["with_paragraphs"] > 0.5
    assert main(["verify", str(sample_output / "links"), "--for", "bert"]) == 2
    assert "holds no corpus" in capsys.readouterr().err
