"""Killed and resumed it gives the same losses bit for bit; two processes do what one does with accumulation."""

import math
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from model.gpt2.checkpoint import checkpoint_paths, load_model, plain_weights
from model.gpt2.data import encode_texts
from model.gpt2.network import GPTConfig, create
from model.gpt2.optimizers import Schedule, build_optimizers, update
from model.gpt2.progress import read_log
from model.gpt2.tokenizer import byte_tokenizer
from model.gpt2.train import Split, TrainConfig, train
from webtext.errors import UsageError

SHAPE = GPTConfig(n_layer=2, n_head=2, n_embd=16, block_size=16, vocab_size=257)
CONFIG = TrainConfig(
    schedule=Schedule(peak=1e-2, steps=30, warmup_steps=3),
    tokens_per_step=64,
    checkpoint_every=5,
    evaluate_every=10,
    device="cpu",
)
TEXTS = [f"{number} bottles of beer on the wall, {number} bottles of beer; take one down. " for number in range(9)]


def make_split(folder):
    train_tokens = encode_texts(iter(TEXTS), byte_tokenizer(), folder / "train")
    return Split(
        train_tokens, encode_texts(iter(["12 bottles of beer"]), byte_tokenizer(), folder / "h"), byte_tokenizer()
    )


@pytest.fixture
def split(tmp_path):
    return make_split(tmp_path)


def losses(output):
    return [(record["step"], record["loss"], record.get("heldout_loss")) for record in read_log(output)]


@pytest.fixture
def whole(split, tmp_path):
    return train(SHAPE, CONFIG, split, tmp_path / "whole")


def test_the_loss_falls_and_each_step_is_logged_once(whole, tmp_path):
    log = read_log(tmp_path / "whole")
    assert [record["step"] for record in log] == list(range(30))
    assert log[0]["loss"] == pytest.approx(math.log(257), abs=0.1)
    assert whole.loss == log[-1]["loss"] < 3.5
    assert whole.heldout_loss == log[-1]["heldout_loss"] < 3.5
    assert [record["step"] for record in log if "heldout_loss" in record] == [9, 19, 29]


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r}); sys.path.insert(0, {root!r})
import test_train as here, model.gpt2.train
from model.gpt2.data import TokenFile
from model.gpt2.tokenizer import byte_tokenizer
base = Path(sys.argv[1])
split = here.Split(TokenFile(base / "train"), TokenFile(base / "h"), byte_tokenizer())
update, stop = model.gpt2.train._Run._update, int(sys.argv[3])
model.gpt2.train._Run._update = lambda self, finite: (update(self, finite), self.step == stop and time.sleep(600))[0]
config = here.replace(here.CONFIG, micro_batch=int(sys.argv[4]))
here.train(here.SHAPE, config, split, Path(sys.argv[2]))
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "run.py"
    tests = Path(__file__).parent
    path.write_text(SCRIPT.format(tests=str(tests), root=str(Path(__file__).parents[2])))
    return path


def test_killed_and_resumed_over_an_epoch_boundary_the_losses_are_the_same_bits(whole, tmp_path, script):
    output = tmp_path / "killed"
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    for stop in (8, 18):  # an epoch of 43 blocks ends in step 10
        command = [sys.executable, str(script), str(tmp_path), str(output), str(stop), "0"]
        with subprocess.Popen(command, env=environment) as process:
            while len(read_log(output)) < stop:
                assert process.poll() is None
                time.sleep(0.02)
            process.kill()
        assert len(read_log(output)) == stop
    split = Split(
        *(
            encode_texts(iter(t), byte_tokenizer(), tmp_path / n)
            for t, n in ((TEXTS, "a"), (["12 bottles of beer"], "b"))
        ),
        byte_tokenizer(),
    )
    resumed = train(SHAPE, CONFIG, split, output)
    assert losses(output) == losses(tmp_path / "whole")
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name])


def test_two_processes_do_what_one_does_with_accumulation(split, tmp_path, script):
    train(SHAPE, replace(CONFIG, micro_batch=2), split, tmp_path / "one")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, str(script), str(tmp_path), str(tmp_path / "two"), "-1", "2"], env=environment, check=True
    )
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == len(two) == 30
    for (step, loss, heldout), (other_step, other_loss, other_heldout) in zip(one, two, strict=True):
        assert step == other_step
        assert loss == pytest.approx(other_loss, abs=1e-4)
        assert (heldout is None) == (other_heldout is None)
        assert heldout is None or heldout == pytest.approx(other_heldout, abs=1e-4)


def test_accumulation_changes_only_rounding(whole, split, tmp_path):
    train(SHAPE, replace(CONFIG, micro_batch=1), split, tmp_path / "accumulated")
    for first, second in zip(losses(tmp_path / "whole"), losses(tmp_path / "accumulated"), strict=True):
        assert first[1] == pytest.approx(second[1], abs=1e-4)


def test_a_finished_run_is_found_done_and_another_run_is_refused(whole, split, tmp_path):
    before = losses(tmp_path / "whole")
    again = train(SHAPE, CONFIG, split, tmp_path / "whole")
    assert again.heldout_loss == whole.heldout_loss
    assert losses(tmp_path / "whole") == before
    with pytest.raises(UsageError, match=re.escape("holds another run (it differs in train)")):
        train(SHAPE, replace(CONFIG, seed=1), split, tmp_path / "whole")
    with pytest.raises(UsageError, match="the model has 300 ids, the tokenizer 257"):
        train(replace(SHAPE, vocab_size=300), CONFIG, split, tmp_path / "whole")


def test_only_the_newest_checkpoints_stay_and_load(whole, tmp_path):
    assert [path.name for path in checkpoint_paths(tmp_path / "whole")] == ["step-00000025.pt", "step-00000030.pt"]
    model, tokenizer = load_model(tmp_path / "whole", torch.device("cpu"))
    assert tokenizer == byte_tokenizer()
    assert all(torch.equal(model.state_dict()[name], weight) for name, weight in whole.model.state_dict().items())
    with pytest.raises(UsageError, match="is neither a run"):
        load_model(tmp_path, torch.device("cpu"))


def test_dropout_is_a_function_of_the_step(split, tmp_path):
    shape = replace(SHAPE, dropout=0.2)
    train(shape, CONFIG, split, tmp_path / "dropped")
    for path in checkpoint_paths(tmp_path / "dropped")[1:]:
        path.unlink()
    before = losses(tmp_path / "dropped")
    train(shape, CONFIG, split, tmp_path / "dropped")
    assert losses(tmp_path / "dropped") == before


def test_a_run_without_finite_gradients_stops_and_says_so(split, tmp_path):
    diverging = replace(CONFIG, schedule=Schedule(peak=1e30, steps=30, warmup_steps=0))
    with pytest.raises(UsageError, match="training diverged: 3 steps in a row"):
        train(SHAPE, diverging, split, tmp_path / "diverged")


def test_one_step_without_a_finite_gradient_is_skipped_and_counted(whole, split, tmp_path, monkeypatch):
    clip, seen = torch.nn.utils.clip_grad_norm_, []

    def sometimes_not_a_number(parameters, most):
        parameters = list(parameters)
        seen.append([parameter.detach().clone() for parameter in parameters])
        return torch.tensor(math.nan) if len(seen) == 6 else clip(parameters, most)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", sometimes_not_a_number)
    trained = train(SHAPE, CONFIG, split, tmp_path / "skipped")
    before, after = seen[5], seen[6]  # weights as step 5 and step 6 found them
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(seen[4], seen[5], strict=True))
    state = torch.load(checkpoint_paths(tmp_path / "skipped")[-1], weights_only=True)
    assert (state["skipped"], state["bad_steps"], state["step"]) == (1, 0, 30)
    assert losses(tmp_path / "skipped")[:6] == losses(tmp_path / "whole")[:6]
    assert math.isfinite(trained.loss) and trained.loss < 3.5


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_each_parameter_has_one_optimizer_and_only_matrices_decay(name):
    model = create(SHAPE, 0)
    optimizers = build_optimizers(model, name, 0.1)
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())
    for group in groups:
        assert all((parameter.dim() >= 2) == (group["weight_decay"] > 0) for parameter in group["params"])
    update(optimizers, 0.5, finite=False)
    assert {group["lr"] for group in groups} == {0.5}


def test_muon_learns(split, tmp_path):
    trained = train(SHAPE, replace(CONFIG, optimizer="muon"), split, tmp_path / "muon")
    assert trained.loss < 3.5


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_the_rate_warms_up_then_falls(shape):
    schedule = Schedule(peak=1.0, steps=100, warmup_steps=10, final_fraction=0.1, shape=shape)
    rates = [schedule.at(step) for step in range(100)]
    assert rates[:10] == [(step + 1) / 10 for step in range(10)]
    assert all(later <= earlier for earlier, later in pairwise(rates[9:]))
    assert rates[99] == pytest.approx(0.1, abs=0.02)
    if shape == "linear":
        assert rates[10:55] == [1.0] * 45


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Schedule(steps=5, warmup_steps=6), "6 warm-up steps do not fit into 5 steps"),
        (lambda: Schedule(shape="square"), "schedule 'square' is not one of"),
        (lambda: Schedule(peak=0), "peak 0 must be positive"),
        (lambda: TrainConfig(clip=0), "clip 0 must be positive"),
        (lambda: TrainConfig(keep=0), "keep is 0"),
        (lambda: build_optimizers(create(SHAPE, 0), "sgd", 0.1), "optimizer 'sgd' is not one of"),
    ],
)
def test_settings_that_cannot_train_are_refused(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wrong()


def test_wrapped_weights_lose_their_prefixes_in_any_order():
    weight = torch.zeros(1)
    assert plain_weights({"module._orig_mod.a": weight, "_orig_mod.module.b": weight, "c": weight}).keys() == {
        "a", "b", "c",
    }  # fmt: skip
