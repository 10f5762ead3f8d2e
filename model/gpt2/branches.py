"""Losses at several lengths for little more than the price of the longest run: one stable rate, and a decay from each.

A run that warms up, stays at its peak and decays has, until its decay begins, the very states of any longer one. So the
stable part is trained once, and each length branches off from it (Hägele et al., 2024, section 3): a branch is, bit for
bit, the run of its length alone.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from model.gpt2.checkpoint import checkpoint_paths
from model.gpt2.device import World
from model.gpt2.network import GPTConfig
from model.gpt2.progress import LOG_FILE
from model.gpt2.train import Split, TrainConfig, Trained, train


def train_branches(
    shape: GPTConfig, config: TrainConfig, split: Split, output: Path, lengths: Sequence[int], world: World
) -> Iterator[Trained]:
    """Train a run for each length, in steps and ascending; the last is the one in `output`, the others stand beside it.

    Each is trained when it is asked for. Under torchrun, all processes do so together. Raises ValueError for a schedule
    that is never stable.
    """
    trunk = None
    for length in lengths:
        schedule = replace(config.schedule, steps=length)
        place = output if length == lengths[-1] else output.with_name(f"{output.name}-{length:08d}")
        if len(lengths) > 1:
            stable = replace(schedule, steps=schedule.stable_steps, final_fraction=1.0)
            path = output.with_name(f"{output.name}-stable-{stable.steps:08d}")
            _go_on(trunk, path, world)
            train(shape, replace(config, schedule=stable), split, path)
            trunk = path
        _go_on(trunk, place, world)
        yield train(shape, replace(config, schedule=schedule), split, place)


def _go_on(source: Path | None, output: Path, world: World) -> None:
    """Let a run that has no checkpoint yet begin where another has ended; the checkpoint comes last, and whole."""
    if source is not None and world.is_first and not checkpoint_paths(output):
        newest = checkpoint_paths(source)[-1]
        place = output / newest.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / LOG_FILE, output / LOG_FILE)
        partial = place.with_name(f"{place.name}.partial")
        shutil.copyfile(newest, partial)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(place)
    world.wait()
