"""The card and the Croissant record: what other people's tools make of a corpus."""

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cards.card import write_card
from pipelines.cards.croissant import COLUMNS
from tests.double.synthetic_output import make_output
from webtext.manifest import Counts
from webtext.tables import DOCUMENTS


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = make_output(tmp_path_factory.mktemp("card")) / "corpus"
    rows = sum(pq.read_metadata(path).num_rows for path in directory.glob("data/*-of-*.parquet"))
    write_card(
        str(directory),
        {"held_out": 0.1, "near": {"threshold": 0.8}},
        Counts(rows, rows),
        [("harvest", Counts(9, 7, {"low_karma": 2, "": 0}))],
    )
    return directory


def test_hugging_face_shows_splits_and_features(corpus, tmp_path):
    """In a process of its own: the library reads its caches' place and its offline switch when it is imported."""
    program = (
        "import json, sys\n"
        "from datasets import load_dataset\n"
        "loaded = load_dataset(sys.argv[1])\n"
        "features = {name: str(kind) for name, kind in loaded['train'].features.items()}\n"
        "print(json.dumps([{name: split.num_rows for name, split in loaded.items()}, features]))\n"
    )
    place = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    ran = subprocess.run(
        [sys.executable, "-c", program, str(corpus)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **place},
    )
    assert ran.returncode == 0, ran.stderr
    rows, features = json.loads(ran.stdout)
    assert rows == {name: _rows(corpus, name) for name in ("train", "validation")}
    assert list(features) == [name for name in DOCUMENTS.names if name != "body_digest"]
    assert features["karma"] == "Value('int32')"
    assert features["subreddits"] == "List(Value('string'))"


def _rows(corpus, split):
    return sum(pq.read_metadata(path).num_rows for path in corpus.glob(f"data/{split}-*.parquet"))


def test_the_card_tells_counts_settings_and_reasons(corpus):
    text = (corpus / "README.md").read_text("utf-8")
    assert f"| train | {_rows(corpus, 'train'):,} |" in text
    assert "| near.threshold | `0.8` |" in text
    assert "|  | `low_karma` | 2 rejected |" in text
    assert f"num_examples: {_rows(corpus, 'validation')}" in text
    assert f"download_size: {sum(path.stat().st_size for path in corpus.glob('data/*-of-*.parquet'))}" in text


def test_a_long_list_of_a_setting_is_told_by_its_first_values(corpus, tmp_path):
    shutil.copytree(corpus / "data", tmp_path / "data")
    names = [f"r{number}" for number in range(1020)]
    write_card(str(tmp_path), {"select": {"without_subreddits": names}}, Counts(1, 1))
    text = (tmp_path / "README.md").read_text("utf-8")
    assert '"r19"] and 1,000 more` |' in text and "r20" not in text


def test_the_card_says_what_its_documents_are_fit_for(corpus, tmp_path):
    rows = _rows(corpus, "train") + _rows(corpus, "validation")
    said = " ".join((corpus / "README.md").read_text("utf-8").split())
    assert f"{rows:,} documents, 100.0% with two paragraphs or more" in said
    assert "is here for: gpt2, bert, roberta, albert, electra, xlnet, t5 (`webtext verify --for`)" in said
    table = pq.read_table(next(corpus.glob("data/train-*.parquet")))
    place = table.schema.get_field_index("text")
    flat = table.set_column(place, "text", pa.array(["one line"] * table.num_rows))
    pq.write_table(flat, tmp_path / "train-00000-of-00001.parquet")
    write_card(str(tmp_path), {}, Counts(1, 1))
    said = " ".join((tmp_path / "README.md").read_text("utf-8").split())
    assert f"{table.num_rows:,} documents, 0.0% with two paragraphs or more, 1 paragraphs" in said
    assert "is here for: all but bert, albert (" in said


def test_every_column_is_explained():
    assert [name for name in DOCUMENTS.names if name != "body_digest"] == list(COLUMNS)


def test_an_empty_split_is_left_out_of_the_header(tmp_path, corpus):
    for path in corpus.glob("data/*-of-*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table if path.name.startswith("train") else table.slice(0, 0), tmp_path / path.name)
    write_card(str(tmp_path), {}, Counts(1, 1))
    header = (tmp_path / "README.md").read_text("utf-8").split("---\n")[1]
    assert "split: train" in header and "validation" not in header
    assert [record["@id"] for record in json.loads((tmp_path / "croissant.json").read_text())["recordSet"]] == ["train"]


def test_equal_shards_have_equal_cards(corpus):
    names = ("README.md", "croissant.json")
    before = [(corpus / name).read_bytes() for name in names]
    rows = _rows(corpus, "train") + _rows(corpus, "validation")
    funnel = [("harvest", Counts(9, 7, {"": 0, "low_karma": 2}))]
    write_card(str(corpus), {"near": {"threshold": 0.8}, "held_out": 0.1}, Counts(rows, rows), funnel)
    assert [(corpus / name).read_bytes() for name in names] == before


def test_croissant_names_each_shard_with_its_checksum_and_each_column(corpus):
    record = json.loads((corpus / "croissant.json").read_text("utf-8"))
    shards = {entry["@id"]: entry for entry in record["distribution"] if entry["@type"] == "cr:FileObject"}
    for path in corpus.glob("data/*-of-*.parquet"):
        assert shards.pop(f"data/{path.name}")["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert shards == {}
    for records in record["recordSet"]:
        assert [field["name"] for field in records["field"]] == list(COLUMNS)
        assert {field["source"]["fileSet"]["@id"] for field in records["field"]} == {f"{records['name']}-shards"}


@pytest.mark.parametrize(
    ("honoured", "told"),
    [
        (("robots.txt", "noai"), "Pages were left out where sites said so by `robots.txt`, `noai`."),
        ((), "It is not known which signals were honoured."),
    ],
)
def test_the_card_says_what_was_honoured(corpus, tmp_path, honoured, told):
    for path in corpus.glob("data/*-of-*.parquet"):
        (tmp_path / path.name).symlink_to(path)
    write_card(str(tmp_path), {"honoured": list(honoured)}, Counts(1, 1))
    assert told in " ".join((tmp_path / "README.md").read_text("utf-8").split())
