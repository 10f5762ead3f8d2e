"""A corpus is read by what people read data sets with, in one line each, wherever its shards lie."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from dedup.near.against import Columns
from pipelines.api import read_corpus
from pipelines.commands.cli import main
from pipelines.commands.stats import corpus_directory, statistics
from pipelines.report.questions import Questions
from pipelines.report.samples import draw_kept
from pipelines.report.tallies import CorpusTally
from pipelines.stages.earlier import earlier_files
from pipelines.stages.overlap.work import find_corpus
from webtext.manifest import Manifest, fingerprint

_DATASETS = """
import json, sys
from datasets import load_dataset
def rows(*arguments, **more):
    return {name: sorted(split["id"]) for name, split in load_dataset(*arguments, **more).items()}
corpus = sys.argv[1]
print(json.dumps([
    rows(corpus),
    rows("parquet", data_dir=corpus),
    rows("parquet", data_dir=corpus + "/data"),
    {name: sorted(row["id"] for row in split) for name, split in load_dataset(corpus, streaming=True).items()},
]))
"""


def by_datasets(corpus, caches):
    """Load by four ways in a process of its own: the library reads its caches' place when it is imported."""
    place = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(caches), "HF_DATASETS_CACHE": str(caches / "cache")}
    ran = subprocess.run(
        [sys.executable, "-c", _DATASETS, str(corpus)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **place},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def ids_of(corpus, split):
    paths = sorted((corpus / "data").glob(f"{split}-*.parquet"))
    return sorted(identity for path in paths for identity in pq.read_table(path).column("id").to_pylist())


def test_every_loader_reads_both_splits(sample_output, tmp_path):
    duckdb, pandas, polars = (pytest.importorskip(name) for name in ("duckdb", "pandas", "polars"))
    corpus = sample_output / "corpus"
    splits = {split: ids_of(corpus, split) for split in ("train", "validation")}
    assert all(splits.values())
    for found in by_datasets(corpus, tmp_path):
        assert found == splits
    every = sorted(splits["train"] + splits["validation"])
    assert sorted(pandas.read_parquet(corpus / "data")["id"]) == every
    assert sorted(ds.dataset(corpus / "data").to_table(columns=["id"]).column("id").to_pylist()) == every
    assert sorted(pq.read_table(corpus / "data", columns=["id"]).column("id").to_pylist()) == every
    assert sorted(polars.read_parquet(corpus / "data")["id"]) == every
    assert sorted(polars.scan_parquet(corpus / "data/train-*.parquet").collect()["id"]) == splits["train"]
    asked = f"SELECT id FROM '{corpus}/data/*.parquet'"  # noqa: S608
    assert sorted(identity for (identity,) in duckdb.sql(asked).fetchall()) == every


def test_a_corpus_without_held_out_documents_is_read_by_every_loader(sample_output, tmp_path):
    duckdb, pandas, polars = (pytest.importorskip(name) for name in ("duckdb", "pandas", "polars"))
    pages = str(sample_output / "pages")
    for stage in ("documents", "duplicates"):  # nothing is left to do but to cut the shards
        shutil.copytree(sample_output / stage, tmp_path / stage)
    assert main(["build", "--pages", pages, "--output", str(tmp_path), "--held-out", "0", "--workers", "1"]) == 0
    corpus = tmp_path / "corpus"
    every = ids_of(corpus, "train")
    assert every == sorted(ids_of(sample_output / "corpus", "train") + ids_of(sample_output / "corpus", "validation"))
    assert [path.name for path in (corpus / "data").iterdir()] == ["train-00000-of-00001.parquet"]
    for found in by_datasets(corpus, tmp_path / "caches"):
        assert found == {"train": every}
    for loaded in (pandas.read_parquet(corpus / "data"), polars.read_parquet(corpus / "data")):
        assert sorted(loaded["id"]) == every
    assert len(duckdb.sql(f"SELECT id FROM '{corpus}/data/*.parquet'").fetchall()) == len(every)  # noqa: S608
    assert list(read_corpus(tmp_path, "validation")) == []
    assert main(["verify", str(tmp_path)]) == 0


@pytest.fixture(scope="module")
def before(sample_output, tmp_path_factory):
    """Give the corpus in the layout of releases before: shards beside the card, the held-out ones `heldout-*`."""
    output = tmp_path_factory.mktemp("before")
    for stage in ("documents", "duplicates", "pages", "links", "corpus"):
        shutil.copytree(sample_output / stage, output / stage)
    corpus = output / "corpus"
    said = (corpus / "manifest.json").read_text("utf-8")
    for path in sorted((corpus / "data").iterdir()):
        name = path.name.replace("validation", "heldout")
        path.rename(corpus / name)
        said = said.replace(f"data/{path.name}", name)
    (corpus / "data").rmdir()
    told = Manifest.from_json(said)
    config = {name: value for name, value in told.config.items() if name != "folder"}
    identity = fingerprint("corpus", config, told.inputs, told.versions)
    (corpus / "manifest.json").write_text(replace(told, config=config, fingerprint=identity).to_json(), "utf-8")
    return output


def test_a_corpus_of_a_release_before_is_read_everywhere(sample_output, before, capsys):
    for split in ("train", "validation", "heldout"):
        ids = [document.id for document in read_corpus(before, split)]
        now = "validation" if split == "heldout" else split
        assert ids and ids == [document.id for document in read_corpus(sample_output, now)]
    tallies = [CorpusTally.of_corpus(corpus_directory(str(output))) for output in (before, sample_output)]
    assert statistics(tallies[0]) == statistics(tallies[1])
    assert draw_kept(str(before / "corpus"), 5) == draw_kept(str(sample_output / "corpus"), 5)
    url = next(read_corpus(before)).url
    host = next(read_corpus(before)).host
    assert Questions(str(before)).of_host(host) == Questions(str(sample_output)).of_host(host)
    assert [len(earlier_files((str(output),), Columns())) for output in (before, sample_output)] == [2, 2]
    assert [len(find_corpus(str(output / "corpus"), Columns()).files) for output in (before, sample_output)] == [1, 1]
    assert main(["verify", str(before)]) == 0
    assert main(["explain", url, "--output", str(before)]) == 0
    assert main(["diff", str(before), str(sample_output)]) == 0
    assert "corpus" in capsys.readouterr().out


def test_the_next_build_lays_a_corpus_of_a_release_before_out_anew(sample_output, before, tmp_path):
    output = shutil.copytree(before, tmp_path / "output")
    assert main(["build", "--pages", str(output / "pages"), "--output", str(output), "--workers", "1"]) == 0
    names = sorted(path.relative_to(output) for path in (output / "corpus").rglob("*") if path.is_file())
    assert names == sorted(
        path.relative_to(sample_output) for path in (sample_output / "corpus").rglob("*") if path.is_file()
    )


def test_a_removal_lays_a_corpus_of_a_release_before_out_anew(sample_output, before, tmp_path):
    output = shutil.copytree(before, tmp_path / "output")
    url = next(read_corpus(before)).url
    assert main(["remove", "--output", str(output), "--url", url, "--workers", "1"]) == 0
    assert len(list(read_corpus(output))) == len(list(read_corpus(before))) - 1
    assert {path.name for path in (output / "corpus").iterdir()} == {
        *("data", "README.md", "croissant.json", "manifest.json")
    }
