"""Two corpora compared: what is not shared is named with the rule that did it, and nothing is left over."""

import json
from argparse import ArgumentParser

import pyarrow.parquet as pq
import pytest

from pipelines.commands import diff
from pipelines.commands.diff import NEVER_SEEN, compare_corpora
from tests.double.synthetic_output import make_output
from webtext.errors import UsageError


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diff")
    return make_output(folder / "a", 400, 0), make_output(folder / "b", 300, 1)


def documents(output):
    paths = sorted((output / "corpus/data").glob("*-of-*.parquet"))
    return {row["url"]: (row["text"], path.name[:5]) for path in paths for row in pq.read_table(path).to_pylist()}


def verdicts(output):
    found = {}
    for stage in ("links", "pages", "documents", "duplicates"):
        for path in (output / stage).glob("rejections-*.parquet"):
            found.update((row["url"], f"{stage}: {row['reason']}") for row in pq.read_table(path).to_pylist())
    return found


def test_sides_are_those_of_sets(outputs):
    a, b = outputs
    found = compare_corpora(str(a), str(b))
    in_a, in_b = documents(a), documents(b)
    both = in_a.keys() & in_b.keys()
    assert found.shared == len(both)
    assert found.changed_text == sum(in_a[url][0] != in_b[url][0] for url in both)
    assert found.moved_split == sum(in_a[url][1] != in_b[url][1] for url in both)
    for side, own, other, said in ((found.only_a, in_a, in_b, verdicts(b)), (found.only_b, in_b, in_a, verdicts(a))):
        alone = own.keys() - other.keys()
        expected = [said.get(url, NEVER_SEEN) for url in alone]
        assert side.documents == len(alone) == sum(side.reasons.values())
        assert side.reasons == {reason: expected.count(reason) for reason in set(expected)}
        for reason, urls in side.examples.items():
            assert urls and all(said.get(url, NEVER_SEEN) == reason for url in urls)


def test_a_corpus_is_no_different_from_itself(outputs):
    found = compare_corpora(str(outputs[0]), str(outputs[0]))
    assert found.shared == len(documents(outputs[0]))
    assert (found.changed_text, found.moved_split, found.only_a.reasons, found.settings) == (0, 0, {}, {})


def test_settings_that_differ_are_named(outputs, tmp_path):
    a = make_output(tmp_path / "a", 40)
    path = a / "documents" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"] = {"minhash": {"threshold": 0.7}}
    path.write_text(json.dumps(manifest))
    found = compare_corpora(str(a), str(outputs[1])).settings
    assert found == {"documents.minhash.threshold": (0.7, None), "documents.name": (None, "documents")}


def test_shards_alone_can_be_compared(outputs, capsys):
    parser = ArgumentParser()
    diff.add_arguments(parser)
    a, b = (str(output / "corpus") for output in outputs)
    assert diff.run(parser.parse_args([a, b]), []) == 0
    assert "never saw them" in capsys.readouterr().out
    assert diff.run(parser.parse_args([a, b, "--json"]), []) == 0
    assert json.loads(capsys.readouterr().out)["shared"] == compare_corpora(a, b).shared


def test_no_corpus_is_told(outputs, tmp_path):
    with pytest.raises(UsageError, match="holds no corpus"):
        compare_corpora(str(outputs[0]), str(tmp_path))
