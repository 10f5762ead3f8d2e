"""Files wherever Beam opens them: local disk, gs://, s3://, hdfs://.

The one place that knows how a path is opened, listed and published. A file appears under its name whole or not at
all: it is written under a temporary name beside it and renamed. Temporary names begin with a dot, so no pattern of
ours matches them. A path is literal: `[`, `]`, `?` and `*` in it are characters, except in what is given to `expand`.
"""

import contextlib
import errno
import fnmatch
import glob
import os
import posixpath
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from apache_beam.io.filesystem import FileSystem

from webtext import clouds, local
from webtext.errors import UsageError
from webtext.hashing import sha256_of

_MAGIC = re.compile(r"[*?[]")
# What a user can mend: a full disk or quota, a place that may not be written.
_MENDABLE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM}


def join(directory: str, *names: str) -> str:
    """Join names to a directory path of any file system; a name that is a whole path stands alone."""
    path = directory
    for name in names:
        path = posixpath.join(path, name) if is_local(name) else name
    return path


def is_local(path: str) -> bool:
    """Tell whether a path is on a local disk."""
    return "://" not in path


def absolute(path: str) -> str:
    """Make a path mean the same from any directory; one with a scheme does already."""
    return str(Path(path).absolute()) if is_local(path) else path


def open_file(path: str) -> BinaryIO:
    """Open a file for reading in binary, seekable, as it lies (never decompressed by its name).

    Raises:
        UsageError: there is no such file, or it may not be read.
    """
    if not is_local(path):
        return clouds.open_remote(path)
    try:
        # Not Path.open, which takes the path apart first: the search for duplicates opens thousands.
        return open(path, "rb")  # noqa: PTH123
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise UsageError(f"cannot read {path}: {clouds.cause(error)}") from error


@contextlib.contextmanager
def create_file(path: str, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file for writing; it appears under its name, whole, when the block ends without an exception.

    Args:
        path: its name.
        durable: whether its bytes and its name outlive the machine's loss of power from then on. What a stage writes
            need not, one by one: it is made so when the stage is published.

    Raises:
        UsageError: the disk is full or the place may not be written.
    """
    directory, name = posixpath.split(path)
    temporary = join(directory, f".{name}.{secrets.token_hex(4)}")
    try:
        make_directory(directory)
        with _create(temporary) as stream:
            yield stream
            if durable and is_local(path):
                stream.flush()
                os.fsync(stream.fileno())
        rename(temporary, path)
        if durable and is_local(path):
            sync(directory or ".")
    except clouds.refusals() as error:
        remove_file(temporary)
        if not is_local(path) or getattr(error, "errno", None) in _MENDABLE:
            raise UsageError(
                f"cannot write {path}: {clouds.cause(error)}; free some space or choose another output"
            ) from error
        raise
    except BaseException:
        remove_file(temporary)
        raise


def _create(path: str) -> BinaryIO:
    return Path(path).open("wb") if is_local(path) else clouds.create_remote(path)


def sync(path: str) -> None:
    """Have the disk keep a local file's bytes, or the names in a local directory, whatever happens to the machine."""
    if is_local(path):
        local.sync(path)


def rename(source: str, target: str) -> None:
    """Move a file over another name of the same file system, replacing what stands there."""
    if is_local(source):
        Path(source).replace(target)
        return
    clouds.rename_remote(source, target)


def remove_file(path: str) -> None:
    """Remove a file if it is there."""
    if is_local(path):
        Path(path).unlink(missing_ok=True)
    else:
        clouds.remove_remote(path)


def remove_directory(path: str) -> None:
    """Remove a directory and all in it if it is there. Whether it may be removed is for the caller to know."""
    if not is_local(path):
        clouds.remove_tree(path)
    elif Path(path).is_dir():
        shutil.rmtree(path)


def make_directory(path: str) -> None:
    """Make a directory where the file system has such things.

    Raises:
        UsageError: it cannot be made there.
    """
    if not is_local(path):
        clouds.make_remote_directory(path)
    elif path:
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = clouds.cause(error)
            raise UsageError(f"cannot make the directory {path}: {said}; choose another output") from error


def exists(path: str) -> bool:
    """Tell whether there is a file or directory of this name; on a store of objects, a directory is what holds some.

    Raises:
        UsageError: its file system cannot be asked, or nothing here opens such paths.
    """
    if not is_local(path):
        return clouds.is_there(path)
    with clouds.told(f"cannot reach {path}"):
        return Path(path).exists()


def list_all(directory: str) -> list[str]:
    """List the names of whatever lies in a directory, hidden or not, file or directory, sorted."""
    if is_local(directory):
        found = {entry.name for entry in Path(directory).iterdir()} if Path(directory).is_dir() else set()
    else:
        start = len(clouds.inside(directory))
        found = {entry.path[start:].partition("/")[0] for entry in clouds.entries(directory)} - {""}
    return sorted(found)


def list_files(directory: str, pattern: str = "*") -> list[str]:
    """List the names of a directory's files that match a pattern, sorted; hidden ones (a dot first) are left out."""
    if is_local(directory):
        folder = Path(directory)
        found = [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    else:
        start = len(clouds.inside(directory))
        found = [name for entry in clouds.entries(directory) if (name := entry.path[start:]) and "/" not in name]
    return sorted(name for name in found if fnmatch.fnmatchcase(name, pattern) and not name.startswith("."))


def list_times(directory: str, pattern: str = "*") -> list[float]:
    """Tell when the files that `list_tree` lists were written: seconds since 1970, the earliest first."""
    names = list_tree(directory, pattern)
    if is_local(directory):
        return sorted(Path(directory, name).stat().st_mtime for name in names)
    wanted = {clouds.inside(directory) + name for name in names}
    folders = {posixpath.dirname(path) for path in wanted}
    found = {entry.path: entry.last_updated_in_seconds for folder in folders for entry in clouds.entries(folder)}
    return sorted(float(written) for path, written in found.items() if path in wanted)


def list_tree(directory: str, pattern: str = "*") -> list[str]:
    """List the files below a directory, at any depth, whose names match a pattern: paths from it, sorted.

    What begins with a dot or an underscore, file or directory, is somebody's bookkeeping and left out.
    """
    if is_local(directory):
        found = [path.relative_to(directory).as_posix() for path in Path(directory).rglob("*") if path.is_file()]
    else:
        found = [path.removeprefix(clouds.inside(directory)) for path in clouds.walk(directory)]
    shown = (name for name in found if not any(step.startswith((".", "_")) for step in name.split("/")))
    return sorted(name for name in shown if fnmatch.fnmatchcase(posixpath.basename(name), pattern))


def expand(pattern: str) -> list[str]:
    """List the files that a path or glob pattern names, sorted; what is there under the very name is meant literally.

    Likewise the directories that a pattern begins with: in `/data/[2017]/*.zst` only the star is one where there is a
    directory `/data/[2017]`.

    Raises:
        UsageError: it names none.
    """
    base, rest = _literal_beginning(pattern)
    if not rest:
        return [pattern]
    if not _MAGIC.search(rest):
        paths = []
    elif is_local(pattern):
        paths = sorted(join(base, name) for name in glob.glob(rest, root_dir=base or None, recursive=True))  # noqa: PTH207
    else:
        try:
            matches = re.compile(FileSystem.translate_pattern(rest)).match
        except re.error as error:
            raise UsageError(f"{pattern} is no pattern: {error}") from error
        names = ((path, path.removeprefix(clouds.inside(base))) for path in clouds.walk(base))
        paths = sorted(path for path, name in names if matches(name))
    if not paths:
        raise UsageError(f"no such file: {pattern}")
    return paths


def _literal_beginning(pattern: str) -> tuple[str, str]:
    """Cut a path into what is there by its literal name, and what is left: "" where all of it is there."""
    if exists(pattern):
        return pattern, ""
    steps = pattern.split("/")
    first = 0 if is_local(pattern) else 3  # behind the scheme, and the bucket or first directory
    for number in range(first, len(steps)):
        if _MAGIC.search(steps[number]) and not exists("/".join(steps[: number + 1])):
            return "/".join(steps[:number]) + ("/" if number == 1 and not steps[0] else ""), "/".join(steps[number:])
    return pattern, posixpath.basename(pattern) or pattern


def file_size(path: str) -> int:
    """Return the size of a file in bytes, without opening it.

    Raises:
        UsageError: there is no such file, or it is a directory.
    """
    if not is_local(path):
        return clouds.size_of(path)
    with clouds.told(f"cannot read {path}"):
        known = Path(path).stat()
        if stat.S_ISDIR(known.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return known.st_size


def file_digest(path: str) -> tuple[str, int]:
    """Return a file's sha256 (hexadecimal) and its size in bytes."""
    with open_file(path) as stream:
        return sha256_of(stream)


def file_identity(path: str) -> tuple[str, int]:
    """Return what tells a file's content from another's, and its size in bytes, without carrying a remote file here.

    On a local disk that is the sha256. Elsewhere it is the checksum that the file system keeps, behind the name of its
    scheme: `gs:` and a CRC-32C in base 64, `s3:` and an entity tag, `hdfs:` and its composite.

    Raises:
        UsageError: there is no such file, or it may not be read.
    """
    if is_local(path):
        return file_digest(path)
    size = file_size(path)
    return f"{path.partition('://')[0]}:{clouds.checksum_of(path)}", size
