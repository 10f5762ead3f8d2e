"""What a training run says while it runs: every step to a file of JSON lines, some steps to a person.

The file is part of the result: it holds each step once and in order, however often the run was killed and resumed.
"""

import json
import logging
import math
import time
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from webtext.errors import UsageError
from webtext.local import sync, write_whole

LOGGER = logging.getLogger(__name__)
LOG_FILE = "log.jsonl"
_QUIET_SECONDS = 10.0


def read_log(output: Path) -> list[dict[str, Any]]:
    """The records of a run, one a step, up to a line that a kill cut off, or that a loss of power left as zeros."""
    path = output / LOG_FILE
    if not path.is_file():
        return []
    lines = path.read_text("utf-8", "replace").splitlines(keepends=True)
    whole = takewhile(lambda line: line.endswith("\n") and "\0" not in line, lines)
    return [json.loads(line) for line in whole]


class Log:
    """The log of a run that goes on at `step`: records of later steps will come again, so they are dropped."""

    def __init__(self, output: Path, step: int, tensorboard: bool) -> None:
        self.path = output / LOG_FILE
        kept = [record for record in read_log(output) if record["step"] < step]
        write_whole(self.path, "".join(json.dumps(record) + "\n" for record in kept))
        self.board = _tensorboard(output) if tensorboard else None
        self.began, self.first, self.spoke = time.perf_counter(), step, -math.inf

    def write(self, record: Mapping[str, Any], steps: int) -> None:
        """Append a record; say it aloud at the ends, at evaluations, and every ten seconds."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        if self.board is not None:
            for name in ("loss", "heldout_loss", "rate", "norm"):
                if name in record:
                    self.board.add_scalar(name, record[name], record["step"])
        now, step = time.perf_counter(), record["step"]
        if now - self.spoke >= _QUIET_SECONDS or step + 1 == steps or "heldout_loss" in record:
            self.spoke = now
            left = (now - self.began) / (step + 1 - self.first) * (steps - step - 1)
            LOGGER.info("%s, %d s left", describe(record, steps), round(left))

    def settle(self) -> None:
        """Have the disk keep what was written, before a checkpoint says that these steps are done."""
        if self.path.exists():
            sync(self.path)


def describe(record: Mapping[str, Any], steps: int) -> str:
    """One record for a person.

    >>> describe({"step": 9, "loss": 3.5, "tokens_per_second": 1000.0, "mfu": None}, 20)
    'step 10/20: loss 3.5000, 1,000 tokens/s'
    """
    parts = [f"step {record['step'] + 1}/{steps}: loss {record['loss']:.4f}"]
    if "heldout_loss" in record:
        parts.append(f"held-out {record['heldout_loss']:.4f}")
    parts.append(f"{record['tokens_per_second']:,.0f} tokens/s")
    if record["mfu"] is not None:
        parts.append(f"MFU {record['mfu']:.1%}")
    return ", ".join(parts)


def _tensorboard(output: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (optional, and slow to import)
    except ImportError as error:
        raise UsageError("TensorBoard is not installed: pip install tensorboard, or leave the flag out") from error
    return SummaryWriter(str(output / "tensorboard"))
