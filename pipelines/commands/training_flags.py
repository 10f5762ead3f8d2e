"""What the commands around GPT-2 share: a missing extra said in one line, the device flag, progress on stderr."""

import argparse
import contextlib
import logging
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from webtext import manifest
from webtext.errors import UsageError

_OURS = {"run.json", "sweep.json", "made-from.json"}  # only webtext writes these, releases without a mark among them
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


@contextlib.contextmanager
def writing(output: Path, command: str, *patterns: str) -> Iterator[None]:
    """Keep a folder for a command while it writes there: from other runs, and the user's files from the command.

    Args:
        output: the folder; a hidden mark in it says that it is webtext's.
        command: that writes there.
        patterns: of the names that it will write.

    Raises:
        UsageError: another run writes there, a file under such a name is there that no run of webtext wrote, or the
            folder is a stage's, or not on this disk.
    """
    if not is_first():
        yield
        return
    if "".join(output.parts[:1]).endswith(":"):  # what a path makes of `s3://`
        raise UsageError(f"--output {output}: {command} writes on this disk only, so name a folder of it")
    from pipelines.stages.lock import locked  # noqa: PLC0415  (Beam, which `--help` need not wait for)
    from pipelines.stages.own import MARK, mark  # noqa: PLC0415

    with locked(str(output.absolute())):
        present = {path.name for path in output.iterdir()} if output.is_dir() else set()
        if manifest.NAME in present:
            raise UsageError(f"--output {output} is a stage's own directory: choose a folder beside it")
        foreign = sorted(name for name in present if any(fnmatchcase(name, pattern) for pattern in patterns))
        if foreign and not present & {MARK, *_OURS}:
            what = f"{output} holds {foreign[0]}, which is not webtext's"
            raise UsageError(f"{what}: nothing was changed; move it away, or choose another --output")
        mark(str(output), command)
        yield


def show_progress() -> None:
    """Send the log of the trainer to standard error; of several processes, only the first one's."""
    level = logging.INFO if is_first() else logging.WARNING
    logging.basicConfig(format="%(message)s")
    logging.getLogger("model").setLevel(level)
