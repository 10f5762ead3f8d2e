"""Files on this disk, with Python alone: those that are read, and those that are written whole or not at all.

Rules and models know nothing of Beam, which opens gs:// and s3://; so what lies there is copied, once a process.
What is written by `webtext.storage` may lie anywhere; what is written here is of commands that know this disk only.
"""

import atexit
import contextlib
import errno
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NewType

from webtext.errors import UsageError

# The type of a rule's field that names a file. What lies in the file is part of the identity of what the rule makes,
# whatever the field is called; `local_path` takes nothing else, so a type checker finds a field that was forgotten.
FilePath = NewType("FilePath", str)
_MANIFEST = "manifest.json"  # webtext.manifest.NAME, which a rule has no need of


def local_path(path: FilePath) -> Path:
    """Give the place of a file on this disk; one that a scheme names is copied to a folder that ends with the process.

    Raises:
        UsageError: a remote file is not there, or may not be read.
    """
    return _copied(path) if "://" in path else Path(path)


def local_corpus(place: str) -> Path:
    """Give the place of a corpus, or of a file, on this disk; of one that a scheme names all files are copied.

    Raises:
        UsageError: there is nothing, it may not be read, or it is an output without a corpus.
    """
    if "://" not in place:
        return Path(corpus_of(place, lambda path: Path(path).is_file()))
    storage = importlib.import_module("webtext.storage")
    return _copied_tree(corpus_of(place.rstrip("/"), storage.exists))


def corpus_of(place: str, exists: Callable[[str], bool]) -> str:
    """Give the corpus of an output of ours; what is none, a corpus itself or somebody's files, is given back.

    Args:
        place: an output, a corpus, Parquet files.
        exists: whether there is a file of a name, on the file system of `place`.

    Raises:
        UsageError: the output has no finished corpus.
    """
    if exists(f"{place}/corpus/{_MANIFEST}"):
        return f"{place}/corpus"
    if exists(f"{place}/documents/{_MANIFEST}"):
        raise UsageError(f"{place} holds no finished corpus: `webtext build` makes one")
    return place


def only_here(place: str) -> Path:
    """Give the place of a folder that must be on this disk, as a run of training and what is made of it.

    Raises:
        UsageError: it is elsewhere.
    """
    if "://" in place:
        raise UsageError(f"{place} is not on this machine: runs of training are read and written here alone")
    return Path(place)


@cache
def _copied_tree(place: str) -> Path:
    storage = importlib.import_module("webtext.storage")
    names = storage.list_tree(place)
    if not names:
        return _copied(FilePath(place))
    target = _folder() / place.rpartition("/")[2]
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        with storage.open_file(storage.join(place, name)) as source, (target / name).open("wb") as copy:
            shutil.copyfileobj(source, copy)
    return target


def _folder() -> Path:
    """Make a folder that ends with the process."""
    folder = tempfile.mkdtemp(prefix="webtext-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _copied(path: FilePath) -> Path:
    storage = importlib.import_module("webtext.storage")  # Beam, which a run without remote files does not need here
    target = _folder() / path.rstrip("/").rpartition("/")[2]
    with storage.open_file(path) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return target


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the place beside a file where it is to be written; it has its name when the block ends, and is on the disk.

    So its name never stands for half of it, whatever happens to the process or to the machine. A link is followed; what
    is no file (a pipe, /dev/stdout) is written as it is.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        yield place
        return
    partial = place.with_name(f"{place.name}.partial")
    try:
        yield partial
        sync(partial)
        partial.replace(place)
        sync(place.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: str) -> None:
    """Write a file of text in UTF-8, as `whole_file` has it."""
    with whole_file(path) as place:
        place.write_text(content, "utf-8")


def sync(path: Path | str) -> None:
    """Have the disk keep a file's bytes, or the names in a directory, whatever happens to the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:  # a file system that cannot be asked to
            raise
    finally:
        os.close(descriptor)
