"""Where the arithmetic runs, and how fast it could: the device, its number format, its peak.

Kept apart so that every other module can be read, and tested, as if there were only one device.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed
from torch import Tensor

# Dense bf16 peaks of the makers' data sheets, in FLOP/s; the first name found in the device's own name counts.
PEAK_FLOPS = {"H200": 989.5e12, "H100": 989.5e12, "GH200": 989.5e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}

_PATIENCE = timedelta(hours=6)  # the first process may tokenise a whole corpus while the others wait


def select_device(name: str = "auto") -> torch.device:
    """The device called `name`; `auto` is CUDA (this process's one), else Apple's, else the CPU."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def autocast(device: torch.device, precision: str = "auto") -> AbstractContextManager[object]:
    """Arithmetic in bfloat16 where the device has it (`auto`), or as `bfloat16` / `float32` says."""
    if precision not in {"auto", "bfloat16", "float32"}:
        raise ValueError(f"precision {precision!r} is not one of auto, bfloat16, float32")
    has_it = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bfloat16" or (precision == "auto" and has_it):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def peak_flops(device: torch.device) -> float | None:
    """Dense bf16 FLOP/s of a known GPU; None where we do not know, so that no utilisation is made up."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((flops for part, flops in PEAK_FLOPS.items() if part in name), None)


@dataclass(frozen=True)
class World:
    """The processes that train together: one, or those that torchrun started."""

    rank: int = 0
    size: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for a rank outside the world."""
        if not 0 <= self.rank < self.size:
            raise ValueError(f"rank {self.rank} is not in a world of {self.size}")

    @classmethod
    def from_environment(cls) -> "World":
        """Read what torchrun sets; a world of one where it set nothing."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def sum(self, value: Tensor) -> Tensor:
        """The sum of a tensor over all processes."""
        if self.size > 1:
            torch.distributed.all_reduce(value)
        return value

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            torch.distributed.barrier()


@contextmanager
def join_world() -> Iterator[World]:
    """The world that torchrun describes, with a process group that lives as long as the outermost such block."""
    world = World.from_environment()
    joins = world.size > 1 and not torch.distributed.is_initialized()
    if joins:
        if torch.cuda.is_available():
            torch.cuda.set_device(select_device())
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        torch.distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield world
    finally:
        if joins:
            torch.distributed.destroy_process_group()
