"""A branch of a run with a stable rate is, bit for bit, the run of its length alone."""

from dataclasses import replace

import pytest
import torch

from model.gpt2.branches import train_branches
from model.gpt2.data import encode_texts
from model.gpt2.device import World
from model.gpt2.network import GPTConfig
from model.gpt2.optimizers import Schedule
from model.gpt2.progress import read_log
from model.gpt2.tokenizer import byte_tokenizer
from model.gpt2.train import Split, TrainConfig, train

SHAPE = GPTConfig(n_layer=1, n_head=1, n_embd=16, block_size=16, vocab_size=byte_tokenizer().vocab_size)
CONFIG = TrainConfig(
    schedule=Schedule(1e-2, 12, 2, 0.0, shape="linear", decay_fraction=0.4),
    tokens_per_step=32, device="cpu", evaluate_every=100, checkpoint_every=3, keep=1, optimizer="muon",
)  # fmt: skip


def losses(folder):
    return [(record["step"], record["loss"], record["rate"]) for record in read_log(folder)]


def test_each_branch_is_the_run_of_its_length(tmp_path):
    texts = (f"text {number} of some words and {number % 3} more" for number in range(40))
    tokens = encode_texts(texts, byte_tokenizer(), tmp_path / "tokens", source="t")
    split = Split(tokens, None, byte_tokenizer())
    branches = list(train_branches(SHAPE, CONFIG, split, tmp_path / "all" / "run", (5, 12), World()))
    for length, branch, name in zip((5, 12), branches, ("run-00000005", "run"), strict=True):
        alone = train(SHAPE, replace(CONFIG, schedule=replace(CONFIG.schedule, steps=length)), split, tmp_path / name)
        assert branch.loss == alone.loss
        assert losses(tmp_path / "all" / name) == losses(tmp_path / name)
        for one, other in zip(branch.model.parameters(), alone.model.parameters(), strict=True):
            assert torch.equal(one, other)
    # The stable part is trained once: four steps for the first, and four more for the second.
    stable = {path.name: len(read_log(path)) for path in (tmp_path / "all").glob("run-stable-*")}
    assert stable == {"run-stable-00000004": 4, "run-stable-00000008": 8}


def test_a_schedule_that_always_falls_has_no_branches():
    with pytest.raises(ValueError, match="only linear has a stable part"):
        _ = Schedule(steps=1000).stable_steps
