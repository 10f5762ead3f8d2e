"""Train a GPT-2 on tokens, so that a kill, a resume or another number of processes changes nothing but time.

Everything that shapes a loss is in `TrainConfig` or is a function of the step: which blocks, which rate, which random
numbers. The one batch knob is tokens per step; how it is cut into micro-batches and processes follows from the device.
"""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from model.gpt2.checkpoint import load_checkpoint, plain_weights, save_checkpoint, start_run
from model.gpt2.data import Batches, Longs, TokenFile
from model.gpt2.device import World, autocast, join_world, peak_flops, select_device
from model.gpt2.network import GPT, GPTConfig, create, flops_per_token
from model.gpt2.optimizers import Schedule, build_optimizers, gradients, update
from model.gpt2.progress import Log, read_log
from model.gpt2.tokenizer import Tokenizer
from webtext.errors import UsageError
from webtext.hashing import hash64

LOGGER = logging.getLogger(__name__)
MICRO_BATCH_TOKENS = {"cuda": 1 << 16, "mps": 1 << 13, "cpu": 1 << 12}  # what a device takes in one pass
FEW_TOKENS = 32_768  # below this many a step, GPT-2 124M was seen to stall (nanoGPT issues 303 and 411)
BAD_STEPS = 3  # steps in a row without a finite gradient after which a run has diverged


@dataclass(frozen=True)
class TrainConfig:
    """How to train. The first group shapes the losses; the second does not, up to rounding."""

    schedule: Schedule = field(default_factory=Schedule)
    tokens_per_step: int = 524_288  # 512 sequences of 1024, section 2.3 of the paper
    optimizer: str = "adamw"
    weight_decay: float = 0.1  # GPT-3, appendix B
    clip: float = 1.0  # GPT-3, appendix B
    seed: int = 0
    precision: str = "auto"

    device: str = "auto"
    micro_batch: int = 0
    """Sequences in one pass; 0 is what suits the device."""
    compile: bool = True
    """Compile on CUDA; other devices never do."""
    evaluate_every: int = 250
    evaluate_tokens: int = 1 << 20
    checkpoint_every: int = 1000
    keep: int = 2
    tensorboard: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for settings that cannot train."""
        for name in ("tokens_per_step", "evaluate_every", "evaluate_tokens", "checkpoint_every", "keep"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        if self.micro_batch < 0 or self.clip <= 0.0 or self.weight_decay < 0.0:
            raise ValueError(
                f"micro_batch {self.micro_batch} and weight_decay {self.weight_decay} must not be negative, "
                f"clip {self.clip} must be positive"
            )

    def identity(self) -> dict[str, Any]:
        """What the losses depend on."""
        names = ("schedule", "tokens_per_step", "optimizer", "weight_decay", "clip", "seed", "precision")
        every = asdict(self)
        return {name: every[name] for name in names}


@dataclass(frozen=True)
class Split:
    """The tokens to train on, those held out (if any), and the tokenizer of both."""

    train: TokenFile
    heldout: TokenFile | None
    tokenizer: Tokenizer


@dataclass(frozen=True)
class Trained:
    """The end of a run: its last training loss and held-out loss in nats a token, and the model."""

    loss: float
    heldout_loss: float | None
    model: GPT


def micro_batch_size(batch_size: int, block_size: int, world_size: int, device_type: str) -> int:
    """The largest share of a process's batch that its device takes in one pass."""
    if batch_size % world_size:
        raise UsageError(
            f"a step of {batch_size} sequences cannot be shared by {world_size} processes: "
            f"set tokens per step to a multiple of {world_size * block_size}"
        )
    share = batch_size // world_size
    most = max(1, MICRO_BATCH_TOKENS[device_type] // block_size)
    return next(size for size in range(min(most, share), 0, -1) if share % size == 0)


def micro_batches(starts: Longs, micro_batch: int, world: World) -> list[Longs]:
    """The parts of a global batch that fall to a process.

    Pass m of rank r takes part m * size + r, so that all passes together are the batch, whatever the world.
    """
    parts = starts.reshape(-1, micro_batch)
    return list(parts[world.rank :: world.size])


def train(model_config: GPTConfig, config: TrainConfig, split: Split, output: Path) -> Trained:
    """Train, or resume training, in the folder `output`; under torchrun, all processes call this together.

    Raises UsageError where `output` holds another run, the batch cannot be shared, or the loss is no longer a number.
    """
    if model_config.vocab_size != split.tokenizer.vocab_size:
        raise UsageError(f"the model has {model_config.vocab_size} ids, the tokenizer {split.tokenizer.vocab_size}")
    with join_world() as world:
        return _Run(model_config, config, split, output, world).finish()


class _Run:
    """One process's part in a run: the objects that live from step to step."""

    def __init__(self, model_config: GPTConfig, config: TrainConfig, split: Split, output: Path, world: World) -> None:
        self.config, self.split, self.output, self.world = config, split, output, world
        self.device = select_device(config.device)
        block = model_config.block_size
        batch_size = max(1, config.tokens_per_step // block)
        self.batches = Batches(split.train.ids, block, batch_size, config.seed)
        self.micro_batch = config.micro_batch or micro_batch_size(batch_size, block, world.size, self.device.type)
        if batch_size % (self.micro_batch * world.size):
            raise UsageError(
                f"{batch_size} sequences a step are no multiple of {self.micro_batch} x {world.size} processes"
            )
        if world.is_first:
            about = split.train.about["fingerprint"]
            identity = {"train": config.identity(), "corpus": about, "tokens": len(split.train.ids)}
            output.mkdir(parents=True, exist_ok=True)
            start_run(output, model_config, split.tokenizer, identity)
        world.wait()
        self.model = create(model_config, config.seed).to(self.device)
        self.optimizers = build_optimizers(self.model, config.optimizer, config.weight_decay)
        self.step, self.bad_steps, self.skipped = 0, 0, 0
        self._resume()
        self.network = self._wrapped()
        self.log = Log(output, self.step, config.tensorboard) if world.is_first else None

    def _wrapped(self) -> nn.Module:
        network: nn.Module = self.model
        if self.config.compile and self.device.type == "cuda":
            network = torch.compile(network)  # type: ignore[assignment]
        if self.world.size > 1:
            network = DistributedDataParallel(network)
        return network

    def _resume(self) -> None:
        state = load_checkpoint(self.output, self.device)
        if state is None:
            return
        self.model.load_state_dict(plain_weights(state["model"]))
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        self.step, self.bad_steps, self.skipped = state["step"], state["bad_steps"], state["skipped"]
        LOGGER.info("resuming at step %d", self.step)

    def _save(self) -> None:
        if self.world.is_first:
            state = {
                "step": self.step,
                "bad_steps": self.bad_steps,
                "skipped": self.skipped,
                "model": self.model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            }
            if self.log is not None:
                self.log.settle()
            save_checkpoint(self.output, state, self.config.keep)
        self.world.wait()

    def finish(self) -> Trained:
        """Run the steps that are left; return the end."""
        steps = self.config.schedule.steps
        self._announce()
        loss, heldout = math.nan, None
        while self.step < steps:
            began = time.perf_counter()
            loss, norm = self._one_step()
            record: dict[str, float | None] = {
                "step": self.step,
                "loss": loss,
                "norm": norm,
                "rate": self.config.schedule.at(self.step),
            }
            record |= self._speed(time.perf_counter() - began)
            self.step += 1
            last = self.step == steps
            if self.split.heldout is not None and (last or self.step % self.config.evaluate_every == 0):
                heldout = self.heldout_loss(self.split.heldout)
                record["heldout_loss"] = heldout
            if self.log is not None:
                self.log.write(record, steps)
            if last or self.step % self.config.checkpoint_every == 0:
                self._save()
        if heldout is None and self.split.heldout is not None:
            heldout = self.heldout_loss(self.split.heldout)
        if math.isnan(loss) and self.world.is_first:  # there was no step left
            loss = next((record["loss"] for record in reversed(read_log(self.output))), loss)
        return Trained(loss, heldout, self.model)

    def _announce(self) -> None:
        if not self.world.is_first:
            return
        block, batch = self.batches.block_size, self.batches.batch_size
        LOGGER.info(
            "%s parameters, %s tokens a step (%d x %d x %d), %d steps = %.2f epochs of %s tokens, on %s",
            f"{self.model.parameter_count():,}",
            f"{batch * block:,}",
            self.world.size,
            batch // self.world.size,
            block,
            self.config.schedule.steps,
            self.config.schedule.steps * batch / self.batches.blocks,
            f"{len(self.split.train.ids):,}",
            self.device,
        )
        if batch * block < FEW_TOKENS and self.model.config.n_embd >= 768:
            LOGGER.warning("%d tokens a step are few for this model: expect a noisy loss that stalls", batch * block)

    def _one_step(self) -> tuple[float, float]:
        """Forward, backward, update: the global mean loss in nats and the norm of the gradient."""
        self.network.train()
        if self.model.config.dropout > 0.0:
            torch.manual_seed(hash64(f"{self.config.seed}/{self.step}/{self.world.rank}".encode()) >> 1)
        total, norm = gradients(self.model.parameters(), self._losses(), self.config.clip)
        mean = self.world.sum(total).item() / self.world.size
        self._update(math.isfinite(norm) and math.isfinite(mean))
        return mean, norm

    def _losses(self) -> Iterator[Tensor]:
        """Give the loss of each pass of this process, as its part of their mean."""
        parts = micro_batches(self.batches.samples(self.step), self.micro_batch, self.world)
        for number, starts in enumerate(parts):
            ids = torch.from_numpy(self.batches.read(starts)).to(self.device, non_blocking=True)
            with self._synchronised(number == len(parts) - 1), autocast(self.device, self.config.precision):
                yield self.network(ids[:, :-1], ids[:, 1:]) / len(parts)

    def _synchronised(self, last: bool) -> AbstractContextManager[Any]:
        """Exchange gradients in the last pass only."""
        if isinstance(self.network, DistributedDataParallel) and not last:
            return self.network.no_sync()
        return nullcontext()

    def _update(self, finite: bool) -> None:
        """Step the optimizers; a gradient that is not finite is thrown away, and counted."""
        update(self.optimizers, self.config.schedule.at(self.step), finite=finite)
        self.bad_steps = 0 if finite else self.bad_steps + 1
        self.skipped += not finite
        if not finite:
            LOGGER.warning("step %d: the gradient is not finite; the step is skipped", self.step)
        if self.bad_steps == BAD_STEPS:
            raise UsageError(
                f"training diverged: {BAD_STEPS} steps in a row up to step {self.step} had no finite gradient; "
                "lower the learning rate, or train in float32"
            )

    def _speed(self, seconds: float) -> dict[str, float | None]:
        rate = self.batches.batch_size * self.batches.block_size / seconds
        peak = peak_flops(self.device)
        used = None if peak is None else rate * flops_per_token(self.model.config) / (peak * self.world.size)
        return {"seconds": seconds, "tokens_per_second": rate, "mfu": used}

    @torch.no_grad()
    def heldout_loss(self, tokens: TokenFile) -> float:
        """Mean nats a token over the first `evaluate_tokens` held-out tokens, in order, shared by the processes.

        A fixed number of tokens, each scored once; the batch changes nothing but rounding.
        """
        self.network.eval()
        total = torch.zeros(2, dtype=torch.float64, device=self.device)
        for number, ids in enumerate(_blocks(tokens, self.batches.block_size, self.config.evaluate_tokens)):
            if number % self.world.size == self.world.rank:
                pair = torch.from_numpy(ids[None].astype(np.int64)).to(self.device)
                with autocast(self.device, self.config.precision):
                    loss = self.model(pair[:, :-1], pair[:, 1:])
                total += torch.stack((loss.double() * (len(ids) - 1), total.new_tensor(len(ids) - 1)))
        nats, count = self.world.sum(total).tolist()
        return float(nats / count)


def _blocks(tokens: TokenFile, block_size: int, limit: int) -> Iterator[np.ndarray[Any, Any]]:
    """Consecutive blocks with one id more than `block_size` (the last may be shorter): each target once."""
    end = min(len(tokens.ids) - 1, limit)
    for start in range(0, end, block_size):
        yield tokens.ids[start : min(start + block_size, end) + 1]
