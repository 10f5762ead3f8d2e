"""Files wherever Beam opens them: local disk, gs://, s3://, hdfs://.

The one place that knows how a path is opened, listed and published. A file appears under its name whole or not at
all: it is written under a temporary name beside it and renamed. Temporary names begin with a dot, so no pattern of
ours matches them.
"""

import contextlib
import errno
import fnmatch
import importlib.util
import os
import posixpath
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from webtext.errors import UsageError
from webtext.hashing import sha256_of

# What file systems of Beam want that is not among our dependencies: a module of it, and what brings it.
_WANTED = {"gs": ("google.api_core", "webtext[dataflow]"), "s3": ("boto3", "apache-beam[aws]")}


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
    try:
        # Not Path.open, which takes the path apart first: the search for duplicates opens thousands.
        return open(path, "rb") if is_local(path) else _open_remote(path)  # noqa: PTH123
    except (OSError, ValueError, BeamIOError) as error:  # ValueError: no file system has this scheme
        raise UsageError(f"cannot read {path}: {_cause(error)}") from error


def _open_remote(path: str) -> BinaryIO:
    opened: BinaryIO = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return opened


@contextlib.contextmanager
def create_file(path: str) -> Iterator[BinaryIO]:
    """Open a file for writing; it appears under its name, whole, when the block ends without an exception.

    Raises:
        UsageError: the disk is full or the place may not be written.
    """
    directory, name = posixpath.split(path)
    temporary = join(directory, f".{name}.{secrets.token_hex(4)}")
    try:
        make_directory(directory)
        with _create(temporary) as stream:
            yield stream
        rename(temporary, path)
    except OSError as error:
        remove_file(temporary)
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM}:
            raise UsageError(
                f"cannot write {path}: {_cause(error)}; free some space or choose another output"
            ) from error
        raise
    except BaseException:
        remove_file(temporary)
        raise


def _create(path: str) -> BinaryIO:
    if is_local(path):
        return Path(path).open("wb")
    created: BinaryIO = FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return created


def rename(source: str, target: str) -> None:
    """Move a file over another name of the same file system, replacing what stands there."""
    if is_local(source):
        Path(source).replace(target)
        return
    if FileSystems.exists(target):
        FileSystems.delete([target])
    FileSystems.rename([source], [target])


def remove_file(path: str) -> None:
    """Remove a file if it is there."""
    if is_local(path):
        Path(path).unlink(missing_ok=True)
    elif FileSystems.exists(path):
        FileSystems.delete([path])


def remove_directory(path: str) -> None:
    """Remove a directory and all in it if it is there."""
    if FileSystems.exists(path):
        FileSystems.delete([path])


def make_directory(path: str) -> None:
    """Make a directory where the file system has such things.

    Raises:
        UsageError: it cannot be made there.
    """
    if is_local(path) and path:
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the directory {path}: {_cause(error)}; choose another output") from error


def exists(path: str) -> bool:
    """Tell whether there is a file or directory of this name.

    Raises:
        UsageError: its file system cannot be asked, or nothing here opens such paths.
    """
    try:
        return Path(path).exists() if is_local(path) else bool(FileSystems.exists(path))
    except (OSError, ValueError, BeamIOError) as error:
        raise UsageError(f"cannot reach {path}: {_obstacle(path, error)}") from error


def list_files(directory: str, pattern: str = "*") -> list[str]:
    """List the names of a directory's files that match a pattern, sorted; hidden ones (a dot first) are left out."""
    if is_local(directory):
        folder = Path(directory)
        found = [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    else:
        listed = FileSystems.match([join(directory, "*")])[0].metadata_list
        found = [posixpath.basename(entry.path) for entry in listed]
    return sorted(name for name in found if fnmatch.fnmatchcase(name, pattern) and not name.startswith("."))


def list_tree(directory: str, pattern: str = "*") -> list[str]:
    """List the files below a directory, at any depth, whose names match a pattern: paths from it, sorted.

    What begins with a dot or an underscore, file or directory, is somebody's bookkeeping and left out.
    """
    if is_local(directory):
        found = [path.relative_to(directory).as_posix() for path in Path(directory).rglob("*") if path.is_file()]
    else:
        listed = FileSystems.match([join(directory, "**")])[0].metadata_list
        found = [entry.path.removeprefix(directory.rstrip("/") + "/") for entry in listed]
    shown = (name for name in found if not any(step.startswith((".", "_")) for step in name.split("/")))
    return sorted(name for name in shown if fnmatch.fnmatchcase(posixpath.basename(name), pattern))


def expand(pattern: str) -> list[str]:
    """List the files that a path or glob pattern names, sorted.

    Raises:
        UsageError: it names none.
    """
    try:
        matched = FileSystems.match([pattern])[0].metadata_list
    except (OSError, ValueError, BeamIOError) as error:  # ValueError: of a scheme that nothing here opens
        raise UsageError(f"cannot read {pattern}: {_obstacle(pattern, error)}") from error
    paths = sorted(entry.path for entry in matched)
    if not paths:
        raise UsageError(f"no such file: {pattern}")
    return paths


def file_size(path: str) -> int:
    """Return the size of a file in bytes, without opening it.

    Raises:
        UsageError: there is no such file, or it is a directory.
    """
    try:
        if is_local(path):
            known = Path(path).stat()
            if stat.S_ISDIR(known.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            return known.st_size
        (found,) = FileSystems.match([path])[0].metadata_list
    except (OSError, ValueError, BeamIOError) as error:
        raise UsageError(f"cannot read {path}: {_cause(error)}") from error
    return int(found.size_in_bytes)


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
    try:
        return f"{path.partition('://')[0]}:{FileSystems.checksum(path)}", size
    except (OSError, ValueError, BeamIOError) as error:
        raise UsageError(f"cannot read {path}: {_cause(error)}") from error


def _cause(error: OSError | ValueError | BeamIOError) -> str:
    return getattr(error, "strerror", None) or str(error).splitlines()[0]


def _obstacle(path: str, error: OSError | ValueError | BeamIOError) -> str:
    """Say why a path cannot be asked for: that its file system wants a package, or what the file system says."""
    module, package = _WANTED.get(path.partition("://")[0], ("", ""))
    is_there = not module or importlib.util.find_spec(module) is not None
    return _cause(error) if is_there else f"pip install '{package}' opens such paths"
