"""`webtext evaluate`: each set stands for itself, and what is wrong with a file is one line."""

import argparse
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.gpt2.optimizers import Schedule
from model.gpt2.train import TrainConfig
from model.gpt2.train_corpus import train_corpus
from pipelines.commands import evaluate
from webtext.errors import UsageError


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    pq.write_table(pa.table({"text": ["the old river runs to the sea " * 9] * 9}), folder / "train-0.parquet")
    pq.write_table(
        pa.table({"text": pa.array([], pa.string())}), folder / "heldout-0.parquet"
    )  # empty: as good as none
    config = TrainConfig(schedule=Schedule(1e-3, 2, 1), tokens_per_step=64, device="cpu")
    train_corpus(folder, folder / "run", config, size="tiny", vocab_size=257, block_size=32)
    (folder / "run" / "t.txt").write_text("the old river")
    return folder / "run"


def command(*arguments):
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return evaluate.run(parser.parse_args([str(argument) for argument in arguments]), [])


def test_each_set_stands_for_itself(out, tmp_path, capsys):
    results = tmp_path / "r.json"
    rows = [{"query": f"Q{number}", "choices": ["the old river", "a"], "gold": number % 2} for number in range(5)]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "dirty.json").write_text('{"piqa": [1, 4], "another": [99]}')
    flags = ["--on", f"piqa={tmp_path / 'p.jsonl'}", "--dirty", tmp_path / "dirty.json"]
    assert command(out, *flags, "--output", results, "--device", "cpu") == 0
    assert "| piqa acc |" in capsys.readouterr().out
    parts = json.loads(results.read_text())["details"]["piqa"]["accuracies"]["acc"]
    assert {part: found["items"] for part, found in parts.items()} == {"all": 5, "clean": 3, "dirty": 2}
    right = {part: round(found["percent"] * found["items"] / 100) for part, found in parts.items()}
    assert right["clean"] + right["dirty"] == right["all"]
    (tmp_path / "dirty.json").write_text('{"piqa": [5]}')
    flags = [*flags, "--on", f"text={out / 't.txt'}", "--on", f"coqa={tmp_path / 'none'}", "--limit", 2]
    assert command(out, *flags, "--output", results, "--device", "cpu") == 2
    assert "piqa failed: the list of dirty items goes to 5, but the items end at 4" in capsys.readouterr().err
    found = json.loads(results.read_text())
    assert found["failed"].keys() == {"piqa", "coqa"}
    assert found["figures"].keys() == {"text_bits_per_byte"}
    (tmp_path / "dirty.json").write_text('{"piqa": [0, 4]}')
    assert command(out, *flags, "--output", results, "--device", "cpu") == 2
    parts = json.loads(results.read_text())["details"]["piqa"]["accuracies"]["acc"]
    assert {part: one["items"] for part, one in parts.items()} == {"all": 2, "clean": 1, "dirty": 1}


def test_what_is_wrong_is_said_before_any_work(out, tmp_path):
    with pytest.raises(UsageError, match="--on text= is given twice"):
        command(out, "--on", "text=a", "--on", "text=b")
    with pytest.raises(UsageError, match=r"--output .* cannot be written: Is a directory"):
        command(tmp_path / "no run yet", "--on", "text=a", "--output", tmp_path)
    for wrong in ("[1]", '{"piqa": 1}', '{"piqa": [true]}', "{", ""):
        (tmp_path / "dirty.json").write_text(wrong)
        with pytest.raises(UsageError, match=r"dirty\.json"):
            command(out, "--on", "text=a", "--dirty", tmp_path / "dirty.json")
    with pytest.raises(UsageError, match="are 0 or more"):
        command(out, "--on", "text=a", "--stride", -1)


def test_a_stride_beyond_the_context_and_long_items_are_told(out, tmp_path, capsys):
    assert command(out, "--on", f"text={out / 't.txt'}", "--stride", 4000, "--device", "cpu") == 2
    assert "--stride 4000 is not between 1 and 32, the context" in capsys.readouterr().err
    long = {"query": "river " * 90, "choices": ["sea " * 50, "b"], "gold": 0}
    (tmp_path / "long.jsonl").write_text(
        json.dumps(long) + "\n" + json.dumps({**long, "query": "Q", "choices": ["a", "b"]})
    )
    assert (
        command(out, "--on", f"set={tmp_path / 'long.jsonl'}", "--output", tmp_path / "r.json", "--device", "cpu") == 0
    )
    assert "set: 1 longer than this network reads (32 tokens): scored on their end" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["details"]["set"]["cut"] == 1


def test_a_table_over_shots_stands_beside_the_papers_own_protocol(out, tmp_path, capsys):
    for part, numbers in (("p", range(6)), ("e", range(20, 40))):
        rows = [{"query": f"Q{number}", "choices": ["a", "b"], "gold": number % 2} for number in numbers]
        (tmp_path / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "dirty.json").write_text('{"piqa": [1, 4]}')
    flags = ["--on", f"piqa={tmp_path / 'p.jsonl'}", "--on", f"text={out / 't.txt'}", "--device", "cpu"]
    shots = [*flags, "--shots", "0,5", "--shots", 1, "--examples", f"piqa={tmp_path / 'e.jsonl'}"]
    results = tmp_path / "r.json"
    assert command(out, *shots, "--dirty", tmp_path / "dirty.json", "--output", results) == 0
    said = capsys.readouterr().out
    assert "| piqa, shots | 0 | 1 | 5 |" in said
    assert "| examples that fitted, mean | 0 | 1 | 4 |" in said  # 32 bytes hold no fifth one
    assert "| piqa acc, dirty | " in said
    found = json.loads(results.read_text())
    assert found["shots"]["piqa"]["0"]["figures"] == {
        key: value for key, value in found["figures"].items() if key.startswith("piqa")
    }
    assert found["shots"]["piqa"]["5"]["details"]["parts"]["dirty"].keys() >= {"piqa_acc", "piqa_acc_norm"}
    assert "text" not in found["shots"]
    assert command(out, *flags, "--shots", "1") == 2
    assert "1 shots take examples: give --examples piqa=FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--examples", "piqa=e"), "takes examples (none of the sets, without --shots)"),
        (("--shots", "1", "--examples", "arc=e"), "takes examples (piqa, copa)"),
        (("--shots", "1", "--examples", "e"), "takes examples (piqa, copa)"),
        (("--shots", "1", "--examples", "piqa=e", "--examples", "piqa=f"), "--examples piqa= is given twice"),
    ],
)
def test_examples_belong_to_a_set(out, flags, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        command(out, "--on", "piqa=p", "--on", "copa=c", "--on", "text=t", *flags)


@pytest.mark.parametrize("shots", ["x", "1,", "-1", "1 2", "99999"])
def test_shots_are_numbers(out, shots, capsys):
    with pytest.raises(SystemExit):
        command(out, "--on", "piqa=p", f"--shots={shots}")
    assert "such as 0,1,5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("piqa", '{"query": "Q", "choices": ["a"], "gold": -1}', "f:1: 'gold' is -1"),
        ("piqa", "\ufeff{", "f:1 is not JSON"),
        ("lambada", '{"context": "a", "continuation": null}', "f:1: 'continuation' should be text, not null"),
        (
            "coqa",
            '{"story": "S", "history": [["a"]], "question": "Q", "answers": ["a"]}',
            "pairs of question and answer",
        ),
        (
            "coqa",
            '{"story": "S", "history": [], "question": "Q", "answers": []}',
            "'answers' should be a list of texts",
        ),
        ("cnn_dm", '{"article": "a"}', "f:1 has no field 'summary' but article"),
        ("wmt14_en_fr", '{"source": 1, "target": "b"}', "'source' should be text, not 1"),
        ("natural_questions", '{"question": "Q", "answers": "a"}', "'answers' should be a list"),
        ("cbt_cn", "1 a b\n2 The cat ran .\tdog\t\tcat|dog", "should have a blank XXXXX"),
        ("cbt_cn", "1 The XXXXX ran .\tcow\t\tcat|dog", "should have a blank XXXXX"),
        ("cbt_ne", "only a story", "has no line with a blank"),
        ("ptb", "", "f is empty"),
    ],
)
def test_malformed_files_are_one_line(out, tmp_path, capsys, name, content, said):
    (tmp_path / "f").write_text(content, "utf-8")
    assert command(out, "--on", f"{name}={tmp_path / 'f'}", "--device", "cpu") == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
