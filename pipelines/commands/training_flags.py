"""What the commands around GPT-2 share: a missing extra said in one line, the device flag, progress on stderr."""

import argparse
import contextlib
import logging
import os
from collections.abc import Iterator

from webtext.errors import UsageError

_TRAIN_EXTRA = {"torch", "tiktoken", "tokenizers", "safetensors"}


@contextlib.contextmanager
def need_training() -> Iterator[None]:
    """Import the trainer inside; raises UsageError, naming the extra, where its libraries are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _TRAIN_EXTRA:
            raise
        raise UsageError(f"this needs {error.name}: pip install 'webtext[train]'") from error


def add_device(parser: argparse.ArgumentParser) -> None:
    """Declare `--device`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: the best there is)")


def is_first() -> bool:
    """Tell whether this is the process that reports: the only one, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def show_progress() -> None:
    """Send the log of the trainer to standard error; of several processes, only the first one's."""
    level = logging.INFO if is_first() else logging.WARNING
    logging.basicConfig(format="%(message)s")
    logging.getLogger("model").setLevel(level)
