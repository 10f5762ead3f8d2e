"""Splits of data sets that others made: nobody trains on a test set because of how its files are called."""

import logging

import pytest

from webtext.splits import split_files

CARD = """---
license: mit
configs:
- config_name: small
  data_files: small/*.parquet
- config_name: default
  data_files:
  - split: train
    path: data/part-*
  - split: validation
    path: ["data/check-*", "./more/check.parquet"]
  - split: test
    path: data/exam-*
---
# A data set
"""


@pytest.mark.parametrize(
    ("names", "train", "heldout"),
    [
        (["data/train-0.parquet", "data/test-0.parquet"], ["data/train-0.parquet"], ["data/test-0.parquet"]),
        (["train.parquet", "validation.parquet", "test.parquet"], ["train.parquet"], ["validation.parquet"]),
        (["a.parquet", "test.parquet"], ["a.parquet"], ["test.parquet"]),
        (["en/train/0.parquet", "en/heldout/0.parquet"], ["en/train/0.parquet"], ["en/heldout/0.parquet"]),
        (["x/heldout-0.parquet", "x/train-0.parquet", "dev.parquet"], ["x/train-0.parquet"], ["x/heldout-0.parquet"]),
        # What stands in a folder of validation is no training text, whatever its name (datasets, pull request 4985).
        (["val/train-0.parquet", "train/train-1.parquet"], ["train/train-1.parquet"], ["val/train-0.parquet"]),
        (["0.parquet", "_temporary/0/1.parquet", ".tmp/2.parquet", "._0.parquet"], ["0.parquet"], []),
        (["squad-Test01.parquet", "squad_TRAIN01.parquet"], ["squad_TRAIN01.parquet"], ["squad-Test01.parquet"]),
        (["latest.parquet", "evaluations.parquet", "training-notes.parquet"], ["training-notes.parquet"], []),
        (["latest.parquet", "contest.parquet"], ["contest.parquet", "latest.parquet"], []),
        (["test.parquet"], [], ["test.parquet"]),
        (["en-test-00000-of-00002.parquet", "en.parquet"], ["en.parquet"], ["en-test-00000-of-00002.parquet"]),
        (["how-to-test-a-bike.parquet", "a.dev-log.parquet"], ["a.dev-log.parquet", "how-to-test-a-bike.parquet"], []),
        # A name that has two keywords is held out where one of them says so.
        (["train.test.parquet", "train.train.parquet"], ["train.train.parquet"], ["train.test.parquet"]),
        (["holdout.parquet", "train.parquet"], ["train.parquet"], ["holdout.parquet"]),
        ([], [], []),
    ],
)
def test_splits_are_told_by_names(names, train, heldout):
    found = split_files(names)
    assert (list(found.train), list(found.heldout)) == (train, heldout)
    assert sorted([*found.train, *found.heldout, *found.left_out]) == sorted(names)


def test_the_card_comes_before_the_names():
    names = [
        "data/part-0.parquet",
        "data/check-0.parquet",
        "more/check.parquet",
        "data/exam-0.parquet",
        "train.parquet",
    ]
    found = split_files(names, CARD)
    assert found.train == ("data/part-0.parquet",)
    assert found.heldout == ("data/check-0.parquet", "more/check.parquet")
    assert found.left_out == ("data/exam-0.parquet", "train.parquet")
    assert "splits by its card" in found.description()


@pytest.mark.parametrize(
    "card",
    [
        "",
        "# no header",
        "---\nconfigs: [\n---\n",
        "---\n- a list\n---\n",
        "---\nconfigs: 3\n---\n",
        "---\nconfigs: [1, {data_files: 7}]\n---\n",
        "---\ndate: 2024-13-45\n---\n",
        "---\n" + "[" * 5000 + "\n---\n",
        "---\nconfigs: [{data_files: [{split: train, path: none-*}]}]\n---\n",
    ],
)
def test_a_card_that_says_nothing_leaves_it_to_the_names(card):
    assert split_files(["train.parquet", "other.parquet"], card).train == ("train.parquet",)


@pytest.mark.parametrize("files", ["t/*", "[t/*, u]", "{train: 't/*', test: x}", "[{split: train, path: 't/*'}]"])
def test_every_spelling_of_a_cards_files(files):
    found = split_files(["t/0.parquet", "x"], f"---\nconfigs:\n- config_name: a\n  data_files: {files}\n---\n")
    assert found.train == ("t/0.parquet",)


def test_what_is_left_out_is_said_once(caplog):
    found = split_files([f"test-{number}.parquet" for number in range(5)] + ["train.parquet", "val.parquet"])
    with caplog.at_level(logging.WARNING):
        found.say("some/where")
        found.say("some/where")
    (record,) = caplog.records
    assert record.getMessage() == (
        "some/where: left out 5 of 7 files, test-0.parquet, test-1.parquet, test-2.parquet ... (splits by name)"
    )
