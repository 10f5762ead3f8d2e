"""GPT-1's transformations are those of its figure 1, and fine-tuning learns what can be learnt and nothing else."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.gpt2.network import GPTConfig, create
from model.transfer.inputs import Example, read_example, transform
from model.transfer.probe import Classifier, Gap, ProbeConfig, Transfer, _read, divide, gap, probe, read_examples
from pipelines.commands.cli import main
from webtext.errors import UsageError

START, DELIMITER, EXTRACT = 1000, 1001, 1002


def codes(text):
    return [ord(letter) for letter in text]


def made(item):
    return [
        "".join(
            {START: "<s>", DELIMITER: "<$>", EXTRACT: "<e>"}.get(n, chr(n)) for n in transform(texts, codes, START, 99)
        )
        for texts in read_example(item).sequences
    ]


@pytest.mark.parametrize(
    ("item", "sequences"),
    [
        ({"text": "T", "label": 0}, ["<s>T<e>"]),
        ({"premise": "P", "hypothesis": "H", "label": 2}, ["<s>P<$>H<e>"]),
        ({"text": "A", "other": "B", "label": 1}, ["<s>A<$>B<e>", "<s>B<$>A<e>"]),
        ({"context": "C", "choices": ["1", "2", "3"], "gold": 2}, ["<s>C<$>1<e>", "<s>C<$>2<e>", "<s>C<$>3<e>"]),
        ({"query": "C", "choices": ["1", "2"], "gold": 1}, ["<s>C<$>1<e>", "<s>C<$>2<e>"]),
    ],
)
def test_figure_1(item, sequences):
    assert made(item) == sequences


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        ({}, "no task"),
        ({"text": 3, "label": 1}, "must be text"),
        ({"text": "a", "label": "good"}, "number of a class"),
        ({"text": "a", "label": True}, "number of a class"),
        ({"text": "a", "label": -1}, "number of a class"),
        ({"text": "a"}, "number of a class"),
        ({"context": "a", "choices": ["b"], "gold": 1}, "1 choices"),
    ],
)
def test_items_that_are_of_no_task(item, wrong):
    with pytest.raises(UsageError, match=wrong):
        read_example(item)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=4), st.integers(12, 80))
def test_a_long_sequence_fits_and_the_longest_text_is_cut_first(lengths, room):
    texts = ["abcd"[number] * length for number, length in enumerate(lengths)]
    ids = transform(texts, codes, START, room)
    assert len(ids) <= room
    assert (ids[0], ids[-1], ids.count(DELIMITER)) == (START, EXTRACT, len(texts) - 1)
    kept = [ids.count(ord("abcd"[number])) for number in range(len(texts))]
    cut = [number for number, length in enumerate(lengths) if kept[number] < length]
    assert all(kept[number] >= max(kept) for number in cut)  # whoever lost something is as long as any
    if not cut:
        assert sum(lengths) + len(texts) + 1 == len(ids)


def test_a_model_too_short_for_the_marks_is_told():
    with pytest.raises(UsageError, match="too short"):
        transform(["a", "b"], codes, START, 4)


SHAPE = GPTConfig(n_layer=1, n_head=2, n_embd=16, block_size=24, vocab_size=257)


def test_the_answer_is_read_at_the_extract_token_and_padding_changes_nothing():
    classifier = Classifier(create(SHAPE, 0), 2, 0.0).eval()
    short, long = [257, 5, 6, 259], [257, 1, 2, 3, 4, 5, 6, 7, 258, 9, 259]
    (alone,), _ = _read(classifier, [[short]])
    (beside, _), _ = _read(classifier, [[short], [long]])
    assert torch.allclose(alone, beside, atol=1e-6)
    ids = torch.tensor([short])
    scores, _ = classifier(ids, torch.tensor([3]))
    assert torch.allclose(alone, scores[0], atol=1e-6)
    (both,), _ = _read(classifier, [[short, long]])
    (one,), _ = _read(classifier, [[long]])
    assert torch.allclose(both, alone + one, atol=1e-5)  # a similarity: both orders are added up


def test_equal_texts_never_stand_on_both_sides():
    examples = [read_example({"text": f"{n % 50}", "other": "x", "label": n % 2}) for n in range(100)]
    examples += [read_example({"text": "x", "other": f"{n % 50}", "label": n % 2}) for n in range(100)]
    train, heldout = divide(examples)
    assert {frozenset(one.sequences) for one in train}.isdisjoint({frozenset(one.sequences) for one in heldout})
    assert 0.05 < len(heldout) / 200 < 0.4


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Save a GPT-2 that was not trained: fine-tuning alone must teach it."""
    from model.gpt2.checkpoint import save_checkpoint, start_run  # noqa: PLC0415
    from model.gpt2.tokenizer import byte_tokenizer  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("run")
    start_run(folder, SHAPE, byte_tokenizer(), {})
    save_checkpoint(folder, {"model": create(SHAPE, 0).state_dict(), "step": 0}, 1)
    return folder


def letters(count):
    """Make items whose class is whether an `a` stands in them: learnable from bytes."""
    return [Example(((f"{'a' if number % 2 else 'b'} {number:05d}",),), number % 2) for number in range(count)]


FAST = ProbeConfig(learning_rate=5e-3, epochs=12, seeds=2)


def test_what_can_be_learnt_is_learnt_and_equal_runs_do_not_differ(run):
    learnt = probe(run, "letters", letters(300), FAST)
    assert min(learnt.accuracies) > 0.9
    assert learnt.commonest < 0.7
    assert gap(learnt, probe(run, "letters", letters(300), FAST)) == Gap(0.0, 0.0, 0.0)


def test_a_gap_is_paired_by_seed():
    one = Transfer("t", 1, 1, 0.5, (0.8, 0.7, 0.9))
    other = Transfer("t", 1, 1, 0.5, (0.7, 0.6, 0.8))
    found = gap(one, other)
    assert found.low == pytest.approx(0.1)
    assert found.high == pytest.approx(0.1)
    assert gap(Transfer("t", 1, 1, 0.5, (0.8,)), Transfer("t", 1, 1, 0.5, (0.8,))) is None


def test_files_are_of_one_kind(tmp_path):
    path = tmp_path / "items.jsonl"
    rows = [{"text": "a", "label": 1}, {"context": "a", "choices": ["b", "c"], "gold": 1}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(UsageError, match="several kinds"):
        read_examples(path)


def test_the_command_compares_two_runs(run, tmp_path, capsys):
    path = tmp_path / "items.jsonl"
    rows = [{"context": f"{n}", "choices": ["a", "b"], "gold": n % 2} for n in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["probe", str(run), "--against", str(run), "--on", f"few={path}", "--seeds", "2", "--epochs", "1"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "no difference to be seen" in said
    assert "over 2 seeds" in said
    assert main(["probe", str(run), "--on", "few"]) == 2
    assert "give NAME=FILE" in capsys.readouterr().err
    assert main(["probe", str(run), "--on", f"a={path}", "--on", f"a={path}"]) == 2
