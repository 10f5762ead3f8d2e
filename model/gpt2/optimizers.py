"""AdamW and Muon, the learning rate over a run, and one step: of `train`, and of `model.transfer`.

Both follow published recipes: AdamW as GPT-3 (appendix B) and nanoGPT set it, Muon (Jordan et al., 2024) for the
matrices inside the blocks with AdamW for embeddings, gains and biases. Only training changes, never the function.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

BETAS = (0.9, 0.95)  # GPT-3, appendix B
EPSILON = 1e-8  # GPT-3, appendix B
MUON_MOMENTUM = 0.95  # Jordan et al. (2024)


@dataclass(frozen=True)
class Schedule:
    """The learning rate: linear warm-up, then a decay to `final_fraction` of the peak.

    `cosine` decays all the way (GPT-3, nanoGPT); `linear` stays at the peak and falls over the last `decay_fraction`
    of the steps (warm-up, stable, decay), which suits short runs.
    """

    peak: float = 6e-4  # GPT-3 Small
    steps: int = 19_073
    warmup_steps: int = 700  # llm.c
    final_fraction: float = 0.1  # GPT-3
    shape: str = "cosine"
    decay_fraction: float = 0.5

    def __post_init__(self) -> None:
        """Raise ValueError for a schedule that cannot be followed."""
        if self.shape not in {"cosine", "linear"}:
            raise ValueError(f"schedule {self.shape!r} is not one of cosine, linear")
        if not 0 <= self.warmup_steps <= self.steps:
            raise ValueError(f"{self.warmup_steps} warm-up steps do not fit into {self.steps} steps: lower them")
        if self.peak <= 0.0 or not 0.0 <= self.final_fraction <= 1.0 or not 0.0 < self.decay_fraction <= 1.0:
            raise ValueError(
                f"peak {self.peak} must be positive, final_fraction {self.final_fraction} in [0, 1], "
                f"decay_fraction {self.decay_fraction} in (0, 1]"
            )

    @property
    def stable_steps(self) -> int:
        """Steps before the decay, which longer schedules of this warm-up and peak share."""
        if self.shape != "linear":
            raise ValueError(f"a {self.shape} schedule decays from its warm-up on: only linear has a stable part")
        return self.steps - self._decay_steps

    @property
    def _decay_steps(self) -> int:
        return max(1, round((self.steps - self.warmup_steps) * self.decay_fraction))

    def at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        span = self.steps - self.warmup_steps
        if self.shape == "cosine":
            fall = (1.0 - math.cos(math.pi * (step - self.warmup_steps) / max(span, 1))) / 2.0
        else:
            fall = max(0.0, 1.0 - (self.steps - step) / self._decay_steps)
        return self.peak * (1.0 - min(fall, 1.0) * (1.0 - self.final_fraction))


def build_optimizers(model: nn.Module, name: str, weight_decay: float) -> list[Optimizer]:
    """The optimizers of a model, each parameter in exactly one; rates are set at each step by `update`.

    Weight decay touches matrices and embeddings only, not gains and biases (nanoGPT).
    """
    if name not in {"adamw", "muon"}:
        raise ValueError(f"optimizer {name!r} is not one of adamw, muon")
    parameters = dict(model.named_parameters())
    flat = [parameter for parameter in parameters.values() if parameter.dim() < 2]
    embeddings = [parameter for key, parameter in parameters.items() if ".h." not in f".{key}" and parameter.dim() >= 2]
    inside = [parameter for key, parameter in parameters.items() if ".h." in f".{key}" and parameter.dim() >= 2]
    if name == "adamw":
        return [_adamw([*embeddings, *inside], flat, weight_decay)]
    muon = torch.optim.Muon(inside, weight_decay=weight_decay, momentum=MUON_MOMENTUM, adjust_lr_fn="match_rms_adamw")
    return [_adamw(embeddings, flat, weight_decay), muon]


def _adamw(decayed: list[nn.Parameter], flat: list[nn.Parameter], weight_decay: float) -> Optimizer:
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON, fused=decayed[0].is_cuda)


def gradients(parameters: Iterable[nn.Parameter], losses: Iterable[Tensor], clip: float) -> tuple[Tensor, float]:
    """Add up the gradients of losses, and clip them: give the sum of the losses, and the gradient's norm before.

    A loss is asked for when the gradient of the one before it is there, so that one graph is kept at a time.
    """
    total = torch.zeros(())
    for loss in losses:
        loss.backward()  # type: ignore[no-untyped-call]
        total = total.to(loss.device) + loss.detach()
    return total, nn.utils.clip_grad_norm_(parameters, clip).item()


def update(optimizers: Iterable[Optimizer], rate: float, *, finite: bool = True) -> None:
    """Step the optimizers at a rate, unless the gradient is not finite; either way it is gone."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate  # Muon's is matched to AdamW's update size
        if finite:
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
