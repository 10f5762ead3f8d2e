"""Statistics are those of the Parquet files, counted here another way."""

import json
from argparse import ArgumentParser

import numpy as np
import pytest

from pipelines.commands import stats
from pipelines.commands.stats import corpus_directory, statistics
from pipelines.report.tallies import CorpusTally
from tests.double.synthetic_output import make_output
from webtext.errors import UsageError


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return make_output(tmp_path_factory.mktemp("stats"))


def query(output, columns):
    import duckdb  # noqa: PLC0415  (what it leaks, it lists where its garbage is not looked for: tests/conftest.py)

    return duckdb.read_parquet(f"{output}/corpus/data/*-of-*.parquet").project(columns).fetchall()


def run(*arguments):
    parser = ArgumentParser()
    stats.add_arguments(parser)
    return stats.run(parser.parse_args([str(argument) for argument in arguments]), [])


def test_totals_are_duckdbs(output):
    found = statistics(CorpusTally.of_corpus(str(output / "corpus")))
    columns = "count(*), sum(n_words), sum(length(text)), sum(strlen(text)), count(DISTINCT host)"
    ((documents, words, characters, size, hosts),) = query(output, columns)
    assert found["total"] == {"documents": documents, "words": words, "characters": characters, "bytes": size}
    assert found["hosts"] == hosts
    assert sum(split["documents"] for split in found["splits"].values()) == documents


def test_quantiles_are_numpys(output):
    found = statistics(CorpusTally.of_corpus(str(output / "corpus")))
    for name, column in (("words_a_document", "n_words"), ("karma", "karma")):
        values = [value for (value,) in query(output, column) if value is not None]
        spread = found[name]
        assert spread["mean"] == pytest.approx(np.mean(values))
        assert spread["known"] == len(values)
        for share in (0.05, 0.25, 0.5, 0.75, 0.95):
            assert spread["quantiles"][f"{share:.0%}"] == np.quantile(values, share, method="inverted_cdf")


def test_json_is_the_same_for_an_output_and_its_corpus(output, capsys):
    assert run(output, "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert run(output / "corpus", "--json") == 0
    alone = json.loads(capsys.readouterr().out)
    assert whole.pop("funnel")["links"]["rejected"]["low_karma"] == 100
    assert alone.pop("funnel") == {}
    assert whole == alone


def test_table_has_the_splits(output, capsys):
    assert run(output) == 0
    ((words,),) = query(output, "sum(n_words)")
    printed = capsys.readouterr().out
    assert f"{words:,}" in printed
    assert "near_duplicate" in printed


def test_no_corpus_is_told(tmp_path):
    with pytest.raises(UsageError, match="holds no corpus"):
        corpus_directory(str(tmp_path))
