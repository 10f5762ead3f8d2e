"""The file systems behind gs://, s3://, hdfs:// and whatever else Beam opens: which there are, and what they refuse.

`webtext.storage` is the one user. All functions here take paths that a scheme names, literally.
"""

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, BinaryIO

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.options.value_provider import RuntimeValueProvider

from webtext.errors import UsageError


@dataclass(frozen=True)
class _Client:
    """What opens the paths of a scheme, where that is not among our dependencies."""

    module: str  # the module to import
    package: str  # the name that pip knows
    errors: tuple[str, ...]  # what it raises besides `OSError`, as MODULE.NAME


_CLIENTS = {
    "gs": _Client(
        *("google.cloud.storage", "webtext[dataflow]"),
        ("google.api_core.exceptions.GoogleAPIError", "google.auth.exceptions.GoogleAuthError"),
    ),
    "s3": _Client(
        *("boto3", "webtext[s3]"),
        ("botocore.exceptions.BotoCoreError", "apache_beam.io.aws.clients.s3.messages.S3ClientError"),
    ),
    "hdfs": _Client("hdfs", "webtext[hdfs]", ("hdfs.util.HdfsError",)),
    "azfs": _Client("azure.storage.blob", "apache-beam[azure]", ("azure.core.exceptions.AzureError",)),
}


def set_options(arguments: Sequence[str]) -> None:
    """Set up the file systems by Beam's own flags: S3's endpoint and keys, HDFS's host, port and user."""
    FileSystems.set_options(PipelineOptions(list(arguments)))


def file_system(path: str) -> Any:
    """Give the file system of a path with a scheme.

    Raises:
        UsageError: nothing here opens such paths, or it is not told enough to.
    """
    client = _CLIENTS.get(path.partition("://")[0])
    if client is not None and not _is_installed(client.module):
        raise UsageError(f"cannot reach {path}: pip install '{client.package}' opens such paths")
    if not (FileSystems._pipeline_options or RuntimeValueProvider.runtime_options):  # noqa: SLF001 (Beam has no getter)
        set_options([])
    if path.startswith("s3://"):
        _share_s3_client()
    with told(f"cannot reach {path}"):
        return FileSystems.get_filesystem(path)


@cache
def _share_s3_client() -> None:
    """Let boto3 make one client for all that Beam does on S3: Beam asks for one a file, a tenth of a second each.

    What is shared is boto3's own, which its documentation calls safe for threads; Beam's, which is not, stays as it is.
    """
    module, boto3 = (importlib.import_module(name) for name in ("apache_beam.io.aws.clients.s3.boto3_client", "boto3"))
    client = cache(lambda **settings: boto3.session.Session().client(**settings))
    session = SimpleNamespace(Session=lambda: SimpleNamespace(client=client))
    vars(module)["boto3"] = SimpleNamespace(session=session)


@cache
def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it would lie in
        return False


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Tell in one line what a file system refuses."""
    try:
        yield
    except refusals(ValueError) as error:  # a scheme that nothing opens, a path with a zero byte
        raise UsageError(f"{what}: {cause(error)}") from error


def refusals(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """Give what file systems raise where a path, a right or a network is not as wanted, and `more`."""
    names = (name.rpartition(".") for client in _CLIENTS.values() for name in client.errors)
    loaded = ((sys.modules.get(module), name) for module, _, name in names)
    found = (getattr(module, name) for module, name in loaded if module is not None)
    return (OSError, *more, *found)  # Beam's own is an OSError


def cause(error: BaseException) -> str:
    """Say in one line what an error is; Beam's holds those of each path."""
    details = getattr(error, "exception_details", None)
    inner = next(iter(details.values()), None) if isinstance(details, dict) else details
    if isinstance(inner, BaseException):
        return cause(inner)
    said = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error) or type(error).__name__
    return str(said).splitlines()[0]


def open_remote(path: str) -> BinaryIO:
    """Open a file for reading, as it lies."""
    system = file_system(path)
    with told(f"cannot read {path}"):
        opened: BinaryIO = system.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
        return opened


def create_remote(path: str) -> BinaryIO:
    """Open a file for writing; it is there when it is closed."""
    system = file_system(path)
    with told(f"cannot write {path}"):
        created: BinaryIO = system.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
        if path.startswith("s3://"):
            _allow_nothing(created.raw._uploader)  # type: ignore[attr-defined] # noqa: SLF001
        return created


def _allow_nothing(uploader: Any) -> None:
    """Let an upload to S3 be of no byte: Beam's has no part then, which S3 refuses; a part may be empty."""
    finish = uploader.finish

    def finish_with_a_part() -> None:
        if not uploader.parts and not uploader.buffer:
            uploader._write_to_s3(b"")  # noqa: SLF001
        finish()

    uploader.finish = finish_with_a_part


def rename_remote(source: str, target: str) -> None:
    """Move a file over another name.

    A store of objects writes over what stands there, so that what it held is never gone before the new is there. HDFS
    does not; there the new stands beside it, under a name that begins with a dot, until the old is gone.
    """
    system = file_system(source)
    with told(f"cannot write {target}"):
        if system.has_dirs() and system.exists(target):
            _delete(system, [target])
        system.rename([source], [target])


def remove_remote(path: str) -> None:
    """Remove a file if it is there."""
    system = file_system(path)
    with told(f"cannot remove {path}"):
        if system.exists(path):
            _delete(system, [path])


def remove_tree(path: str) -> None:
    """Remove a directory and all in it if it is there."""
    system = file_system(path)
    with told(f"cannot remove {path}"):
        if not system.has_dirs():
            _delete(system, [entry.path for entry in entries(path)])
        elif system.exists(path):
            system.delete([path])


def _delete(system: Any, paths: list[str]) -> None:
    """Delete files by their literal names, of which Beam's `delete` takes those on gs:// for patterns."""
    if hasattr(system, "_gcsIO"):
        failed = {path: error for path, error in system._gcsIO().delete_batch(paths) if error}  # noqa: SLF001
        if failed:
            raise BeamIOError("Delete operation failed", failed)
    elif paths:
        system.delete(paths)


def make_remote_directory(path: str) -> None:
    """Make a directory where the file system has such things."""
    system = file_system(path)
    with told(f"cannot make the directory {path}"):
        if system.has_dirs() and not system.exists(path):
            system.mkdirs(path)


def is_there(path: str) -> bool:
    """Tell whether there is a file or directory; on a store of objects, a directory is what holds some."""
    system = file_system(path)
    with told(f"cannot reach {path}"):
        return bool(system.exists(path)) or (not system.has_dirs() and bool(entries(path)))


def entries(directory: str) -> list[FileMetadata]:
    """List what lies in a directory; on a store of objects, at any depth."""
    system = file_system(directory)
    with told(f"cannot reach {directory}"):
        if not system.has_dirs():
            return list(system._list(inside(directory)))  # noqa: SLF001 (Beam's public `match` knows patterns only)
        return list(system._list(directory)) if system.exists(directory) else []  # noqa: SLF001


def walk(directory: str) -> Iterator[str]:
    """Yield the paths of all files below a directory."""
    has_dirs = file_system(directory).has_dirs()
    for entry in entries(directory):
        if has_dirs and not entry.size_in_bytes and entries(inside(entry.path)):
            yield from walk(entry.path)
        else:
            yield entry.path


def inside(directory: str) -> str:
    """Write what the paths of all that lies in a directory begin with."""
    return directory.rstrip("/") + "/"


def size_of(path: str) -> int:
    """Give the size of a file in bytes."""
    system = file_system(path)
    with told(f"cannot read {path}"):
        return int(system.metadata(path).size_in_bytes)


def checksum_of(path: str) -> str:
    """Give the checksum that the file system keeps of a file."""
    system = file_system(path)
    with told(f"cannot read {path}"):
        return str(system.checksum(path))
