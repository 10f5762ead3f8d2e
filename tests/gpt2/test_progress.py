"""What a run says of itself: utilisation where the peak is known, each step once, TensorBoard only where it is."""

import logging
import sys
import types

import pytest
import torch

from model.gpt2.device import PEAK_FLOPS, World, autocast, peak_flops, select_device
from model.gpt2.progress import Log, describe, read_log
from webtext.errors import UsageError

RECORD = {"step": 9, "loss": 3.5, "norm": 1.0, "rate": 6e-4, "tokens_per_second": 489_682.0, "mfu": 0.4232}


def test_utilisation_is_shown_where_it_is_known():
    shown = "step 10/20: loss 3.5000, 489,682 tokens/s, MFU 42.3%"
    assert describe(RECORD, 20) == shown
    assert describe({**RECORD, "mfu": None}, 20) == shown.removesuffix(", MFU 42.3%")
    assert "held-out 3.2500" in describe({**RECORD, "heldout_loss": 3.25}, 20)


@pytest.mark.parametrize(
    ("name", "flops"),
    [("NVIDIA H200", 989.5e12), ("NVIDIA A100-SXM4-80GB", 312e12), ("NVIDIA GH200 480GB", 989.5e12), ("Abacus", None)],
)
def test_a_peak_is_that_of_the_device_or_none(monkeypatch, name, flops):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: name)
    assert peak_flops(torch.device("cuda", 0)) == flops
    assert peak_flops(torch.device("cpu")) is None
    assert len(PEAK_FLOPS) == 6


def test_the_log_has_each_step_once_after_a_kill(tmp_path, caplog):
    log = Log(tmp_path, 0, tensorboard=False)
    with caplog.at_level(logging.INFO, logger="model"):
        for step in range(3):
            log.write({**RECORD, "step": step}, 4)
    assert len(caplog.messages) == 1  # the others came within ten seconds
    assert caplog.messages[0].startswith("step 1/4: loss 3.5000, ")
    assert caplog.messages[0].endswith(" s left")
    with log.path.open("a") as stream:
        stream.write('{"step": 3, "lo')  # a kill in the middle of a line
    assert [record["step"] for record in read_log(tmp_path)] == [0, 1, 2]
    Log(tmp_path, 2, tensorboard=False).write({**RECORD, "step": 2, "loss": 9.0}, 4)
    assert [(record["step"], record["loss"]) for record in read_log(tmp_path)] == [(0, 3.5), (1, 3.5), (2, 9.0)]


def test_tensorboard_is_written_where_it_is_installed_and_asked_for_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="pip install tensorboard, or leave the flag out"):
        Log(tmp_path, 0, tensorboard=True)
    written = []

    class SummaryWriter:
        def __init__(self, folder):
            assert folder == str(tmp_path / "tensorboard")

        def add_scalar(self, name, value, step):
            written.append((name, value, step))

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.SimpleNamespace(SummaryWriter=SummaryWriter))
    Log(tmp_path, 0, tensorboard=True).write({**RECORD, "heldout_loss": 3.25}, 20)
    assert written == [("loss", 3.5, 9), ("heldout_loss", 3.25, 9), ("rate", 6e-4, 9), ("norm", 1.0, 9)]


def test_devices_and_precisions_are_named():
    assert select_device("cpu").type == "cpu"
    assert World.from_environment() == World(0, 1)
    with autocast(torch.device("cpu"), "bfloat16"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with autocast(torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    with pytest.raises(ValueError, match="precision 'half' is not one of"):
        autocast(torch.device("cpu"), "half")
    with pytest.raises(ValueError, match="rank 2 is not in a world of 2"):
        World(2, 2)
