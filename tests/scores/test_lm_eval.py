"""lm-eval finds the log-likelihoods that we find, for what `webtext export` writes."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from model.gpt2.export import export_huggingface
from model.gpt2.network import GPTConfig, create
from model.gpt2.tokenizer import train_tokenizer

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "lm_eval_check.py"


@pytest.mark.skipif(importlib.util.find_spec("lm_eval") is None, reason="pip install lm_eval accelerate, to compare")
def test_lm_eval_agrees_on_every_log_likelihood(tmp_path):
    tokenizer = train_tokenizer(["the old stone bridge of the river, the winter market and the old doctor"] * 5, 300)
    shape = GPTConfig(n_layer=2, n_head=2, n_embd=32, block_size=32, vocab_size=tokenizer.vocab_size)
    export_huggingface(create(shape, 0), tokenizer, tmp_path / "exported")
    items = [
        {"query": f"Q {number}:", "choices": ["the river", "a ½ market"], "gold": number % 2} for number in range(8)
    ]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (tmp_path / "text.txt").write_text("the old bridge of the river\n" * 120)
    flags = ["--items", tmp_path / "items.jsonl", "--text", tmp_path / "text.txt", "--batch-size", "3"]
    command = [sys.executable, SCRIPT, tmp_path / "exported", *flags]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 items, 3 documents" in done.stdout
