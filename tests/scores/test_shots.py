"""Examples before an item: by hash, never one that is scored, as many as fit; every task has a table of them."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.gpt2.network import GPTConfig, create
from model.gpt2.tokenizer import byte_tokenizer
from model.scores import generative_protocols, protocols
from model.scores.protocols import Settings, evaluate_set
from model.scores.shots import Example, Shots
from webtext.errors import UsageError

BYTES = byte_tokenizer()


def examples(count):
    return [Example(f"Q{number} A{number}", f"Q{number}") for number in range(count)]


@given(st.integers(0, 6), st.integers(0, 80), st.permutations(range(9)))
def test_as_many_of_an_items_own_examples_as_fit_stand_before_it(wanted, room, order):
    pool = [examples(9)[place] for place in order]
    shots = Shots(pool, ["an item"], wanted)
    before = shots.before("an item", lambda text: len(text) <= room)
    drawn = Shots(examples(9), ["an item"], wanted).drawn("an item")
    assert len(set(drawn)) == wanted  # the order of a file means nothing
    count = min(wanted, room // len("Q0 A0\n\n"))
    assert (before, shots.used) == ("".join(f"{text}\n\n" for text in drawn[:count]), [count])
    assert Shots(pool, ["an item"], min(1, wanted)).drawn("an item") == drawn[:1]


def test_items_have_examples_of_their_own():
    shots = Shots(examples(500), [], 2)
    assert len({tuple(shots.drawn(f"item {number}")) for number in range(100)}) > 50


def test_no_example_is_an_item_that_is_scored_however_it_is_spelt():
    pool = [*examples(3), Example("again", "q1!"), Example("twice", "Q2")]
    shots = Shots(pool, ["Q1"], 2)
    assert set(shots.drawn("Q1")) == {"Q0 A0", "twice"}
    with pytest.raises(
        UsageError, match=r"3 shots take as many examples, but there are 2 \(1 are items that are scored"
    ):
        Shots(pool, ["Q1"], 3)
    assert Shots([Example("!", "!")], ["?"], 1).drawn("?") == ["!"]  # what has no word is compared as it stands


def test_an_item_with_its_options_in_another_order_is_no_example_for_it(small, tmp_path):
    rows = [{"query": f"Q{number}", "choices": ["yes", "no", "red"], "gold": number % 3} for number in range(5)]
    swapped = [{**row, "choices": row["choices"][::-1], "gold": 2 - row["gold"]} for row in rows]
    for part, some in (("items", rows), ("examples", swapped)):
        (tmp_path / part).write_text("".join(json.dumps(row) + "\n" for row in some))
    settings = Settings(examples={"piqa": tmp_path / "examples"}, shots=1)
    with pytest.raises(UsageError, match=r"there are 0 \(5 are items that are scored\)"):
        evaluate_set(small, BYTES, "piqa", tmp_path / "items", settings)


STORY = [f"{number} A sentence ." for number in range(1, 21)]
FORMS = {  # each item carries its number once, as m3m
    "lambada": lambda m: json.dumps({"context": f"I saw {m} and the", "continuation": "dog"}),
    "lambada_cloze": lambda m: json.dumps({"context": f"I saw {m} and the", "continuation": "dog"}),
    "cbt_ne": lambda m: "\n".join([*STORY, f"21 The XXXXX ran {m} .\tdog\t\tcat|dog"]),
    "winograd": lambda m: json.dumps({"context_options": [f"cat {m}", f"dog {m}"], "continuation": "ran.", "gold": 0}),
    "piqa": lambda m: json.dumps({"query": f"Goal {m}", "choices": ["a", "b"], "gold": 1}),
    "coqa": lambda m: json.dumps({"story": f"{m}.", "history": [["Q", "A"]], "question": "Who?", "answers": ["Bob"]}),
    "cnn_dm": lambda m: json.dumps({"article": f"News {m}.", "summary": "New."}),
    "wmt14_fr_en": lambda m: json.dumps({"source": m, "target": "t"}),
    "natural_questions": lambda m: json.dumps({"question": f"Why {m}?", "answers": ["A", "B"]}),
}


@pytest.fixture(scope="module")
def small():
    return create(GPTConfig(n_layer=1, n_head=1, n_embd=16, block_size=1100, vocab_size=257), 0).eval()


@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_task_is_scored_over_shots_and_over_clean_and_dirty_items(small, tmp_path, monkeypatch, name):
    read = []  # every text that the model is given
    for module, function in ((protocols, "score_choices"), (protocols, "score_lambada")):
        monkeypatch.setattr(module, function, _noting(getattr(module, function), read))
    for asked in ("answer_in_conversation", "summarize", "translate", "answer_question"):
        monkeypatch.setattr(generative_protocols, asked, _noting_prompt(getattr(generative_protocols, asked), read))
    for part, numbers in (("items", range(4)), ("examples", range(2, 9))):
        (tmp_path / part).write_text("\n".join(FORMS[name](f"m{number}m") for number in numbers))
    for shots in (0, 1, 2):
        read.clear()
        settings = Settings(dirty={name: [3]}, examples={name: tmp_path / "examples"}, shots=shots)
        found = evaluate_set(small, BYTES, name, tmp_path / "items", settings)
        assert (found.details["items"], found.details["shots"]) == (4, shots)
        assert found.parts["all"] == found.figures
        assert [figures.keys() for figures in found.parts.values()] == [found.figures.keys()] * 3
        for text in read:
            *before, item = map(int, re.findall(r"m(\d)m", text))
            assert item in range(4)
            assert len(set(before)) == (0 if "TL;DR" not in text and name == "cnn_dm" else shots)
            assert set(before) <= set(range(4, 9))


def _noting(function, read):
    def noting(model, tokenizer, items, *rest, **named):
        read.extend("".join(option) for item in items for option in item.options)
        return function(model, tokenizer, items, *rest, **named)

    return noting


def _noting_prompt(function, read):
    def noting(complete, prompt, *rest):
        read.append(prompt)
        return function(complete, prompt, *rest)

    return noting
