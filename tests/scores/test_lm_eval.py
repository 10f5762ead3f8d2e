"""lm-eval finds the log-likelihoods that we find, for what `webtext export` writes."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from model.gpt2.export import export_huggingface
from model.gpt2.network import GPTConfig, create
from model.gpt2.tokenizer import train_tokenizer
from model.scores.generative_tasks import rouge, sentences

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="pip install lm_eval accelerate, to compare"
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    tokenizer = train_tokenizer(["the old stone bridge of the river, the winter market and the old doctor"] * 5, 300)
    shape = GPTConfig(n_layer=2, n_head=2, n_embd=32, block_size=96, vocab_size=tokenizer.vocab_size)
    folder = tmp_path_factory.mktemp("exported")
    export_huggingface(create(shape, 0), tokenizer, folder)
    return folder


def check(script, *flags):
    command = [sys.executable, BENCHMARKS / script, *flags]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=1100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


FORMS = {
    "piqa": lambda n: {"query": f"Q {n}:", "choices": ["the river", "a ½ market"], "gold": n % 2},
    "winograd": lambda n: {
        "context_options": [f"{n} bridges", f"{n} doctors"],
        "continuation": "stand.",
        "gold": n % 2,
    },
    "lambada": lambda n: {"context": f"{n} of the old", "continuation": "river"},
    "natural_questions": lambda n: {"question": f"Who, {n}?", "answers": ["the doctor"]},
    "wmt14_en_fr": lambda n: {"source": f"the {n} markets", "target": f"les {n} halles"},
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_lm_eval_agrees_item_by_item_with_examples_before_them(exported, tmp_path):
    flags = ["--limit", "4", "--shots", "0", "1", "5"]
    for name, form in FORMS.items():
        for part, numbers in (("on", range(4)), ("examples", range(3, 20))):
            path = tmp_path / f"{name}.{part}"
            path.write_text("".join(json.dumps(form(number)) + "\n" for number in numbers))
            flags += [f"--{part}", f"{name}={path}"]
    said = check("lm_eval_shots.py", exported, *flags)
    assert said.count("; largest difference") == 3 * len(FORMS)
    assert "piqa, 5 shots: 4 items, 5.00 examples each" in said


def test_lm_eval_agrees_on_every_log_likelihood(exported, tmp_path):
    items = [
        {"query": f"Q {number}:", "choices": ["the river", "a ½ market"], "gold": number % 2} for number in range(8)
    ]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (tmp_path / "text.txt").write_text("the old bridge of the river\n" * 120)
    flags = ["--items", tmp_path / "items.jsonl", "--text", tmp_path / "text.txt", "--batch-size", "3"]
    assert "8 items, 3 documents" in check("lm_eval_check.py", exported, *flags)


def test_rouge_is_that_of_the_package_that_comes_with_lm_eval():
    scorer = importlib.import_module("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeLsum"])
    chance = random.Random(0)

    def text():
        parts = (chance.choices(["the", "a", "cat", "dog", "sat", "ran", "4"], k=chance.randint(1, 8)) for _ in "123")
        return " ".join(f"{' '.join(part)}." for part in parts)

    for _ in range(200):
        ours, theirs = text(), text()
        expected = scorer.score(*("\n".join(sentences(part)) for part in (theirs, ours)))
        assert list(rouge(ours, theirs).values()) == pytest.approx([found.fmeasure for found in expected.values()])
