"""A draw is fair, the same for everybody, and of the whole output; what comes from the web cannot steer a terminal."""

import json
from argparse import ArgumentParser

import pyarrow.parquet as pq
import pytest

from pipelines.commands import sample
from pipelines.commands.sample import sample_kept, sample_rejected
from pipelines.report.samples import Draw
from tests.double.synthetic_output import make_output
from webtext.errors import UsageError
from webtext.hashing import hash64


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return make_output(tmp_path_factory.mktemp("sample"))


def run(*arguments):
    parser = ArgumentParser()
    sample.add_arguments(parser)
    return sample.run(parser.parse_args([str(argument) for argument in arguments]), [])


def rows_of(output, stage, pattern="rejections-*.parquet"):
    return [row for path in (output / stage).rglob(pattern) for row in pq.read_table(path).to_pylist()]


def smallest(rows, key, number, salt=b"sample"):
    return sorted(rows, key=lambda row: hash64(row[key].encode(), salt=salt))[:number]


def test_rejections_are_those_with_the_smallest_hashes(output):
    rows, count = sample_rejected(str(output), "timeout", 7)
    every = [row for row in rows_of(output, "pages") if row["reason"] == "timeout"]
    assert rows == smallest(every, "url", 7)
    assert count == len(every)


def test_another_salt_draws_others(output):
    every = rows_of(output, "corpus", "*-of-*.parquet")
    rows = sample_kept(str(output), 6, "again")
    assert [row["id"] for row in rows] == [row["id"] for row in smallest(every, "id", 6, b"again")]
    assert [row["text"] for row in rows] == [row["text"] for row in smallest(every, "id", 6, b"again")]
    assert rows != sample_kept(str(output), 6)


def test_a_draw_of_more_than_there_is_is_all(output):
    rows, count = sample_rejected(str(output), "too_short", 10_000)
    assert len(rows) == count == len([row for row in rows_of(output, "documents") if row["reason"] == "too_short"])


def test_a_draw_admits_only_what_it_would_keep():
    draw = Draw(2)
    for rank in (9, 5, 7, 8, 1):
        if draw.admits(rank):
            draw.add(rank, str(rank), {"rank": rank})
    assert [row["rank"] for row in draw.rows] == [1, 5]
    assert not Draw(0).admits(0)


def test_a_reason_that_is_not_there_is_answered_with_those_that_are(output, tmp_path):
    with pytest.raises(UsageError, match="the reasons here are http_404, language"):
        sample_rejected(str(output), "wikipedia", 3)
    with pytest.raises(UsageError, match="no finished stage"):
        sample_rejected(str(tmp_path), "timeout", 3)
    with pytest.raises(UsageError, match="run that stage first"):
        sample_kept(str(tmp_path), 3)
    with pytest.raises(UsageError, match="shorter word"):
        run(output, "--kept", "--salt", "x" * 17)


def test_print_shows_facts_and_text_without_control_characters(output, capsys):
    assert run(output, "--reason", "not_a_url") == 0
    printed = capsys.readouterr()
    assert "\x00" not in printed.out
    assert "reason not_a_url" in printed.out
    assert printed.err == "1 rejected as not_a_url, 1 shown\n"
    assert run(output, "--reason", "too_short") == 0
    assert "\x00" not in capsys.readouterr().out
    assert run(output, "--kept", "-n", 1, "--characters", 10) == 0
    assert "more characters" in capsys.readouterr().out


def test_json_has_the_whole_text(output, capsys):
    assert run(output, "--kept", "-n", 3, "--json") == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["text"] for row in printed] == [row["text"] for row in sample_kept(str(output), 3)]
