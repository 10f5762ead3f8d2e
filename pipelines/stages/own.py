"""What is ours to replace: a directory is only emptied where its own manifest names all that lies in it.

A directory that a run is writing or taking away has no manifest; it has a mark instead, a hidden file that goes last.
So whatever stops a run, the next one knows what is ours, and never takes a folder of the user's for it.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from pipelines.engine.timings import read_timings
from pipelines.stages.output import KINDS, Output
from webtext import manifest, storage
from webtext.errors import UsageError
from webtext.manifest import Manifest

MARK = ".webtext"
RULES, REOPENING = ".rules", ".reopening"  # hidden notes of the fetch stage
_NOTES = {MARK, RULES, REOPENING, manifest.NAME}
_OF_DESKTOPS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what a file manager leaves wherever somebody has looked
_AWAY = "nothing was changed; move it away, or choose another --output"


def mark(directory: str, stage: str) -> None:
    """Mark a directory as one that a stage writes, or takes away; it is made where it is not there."""
    with storage.create_file(storage.join(directory, MARK), durable=True) as stream:
        stream.write(stage.encode())


def unmark(directory: str) -> None:
    """Take the mark off a directory that is done."""
    storage.remove_file(storage.join(directory, MARK))


def check_ours(directory: str, writers: Sequence[str]) -> None:
    """See that a stage may replace a directory, and the unfinished one beside it.

    Args:
        directory: the stage's.
        writers: what the manifest of such a directory may call the stage.

    Raises:
        UsageError: what lies there is not ours, or not all of it.
    """
    _check(directory, writers)
    unfinished = unfinished_directory(directory)
    if storage.is_local(unfinished) and Path(unfinished).is_symlink():
        raise UsageError(f"{unfinished} is a symbolic link, and it is moved to {directory}: remove the link")
    _check(unfinished, writers)


def check_output(output: Output, *names: str) -> None:
    """See, before any work, that a command may replace the stages of an output that it will write.

    Raises:
        UsageError: what lies there is not ours, or not all of it.
    """
    for name in names:
        check_ours(output.directory(name), KINDS[name].writers)
    read_timings(output.root)


def _check(directory: str, writers: Sequence[str]) -> None:
    if storage.is_local(directory) and Path(directory).exists() and not Path(directory).is_dir():
        raise UsageError(f"{directory} is no directory: {_AWAY}")
    present = {name for name in storage.list_all(directory) if name not in _OF_DESKTOPS}
    present -= {name for name in present if name in {RULES, REOPENING} or _is_temporary(name, _NOTES)}
    known = present
    if MARK in present:
        writer = _read(directory, MARK)
    elif manifest.NAME in present:
        try:
            found = Manifest.from_json(_read(directory, manifest.NAME))
        except UsageError as error:
            raise UsageError(f"{directory} is not webtext's ({error}): {_AWAY}") from error
        writer, known = found.stage, {manifest.NAME, *(file.name for file in found.files)}
        present = _below(directory, present, known)
    elif present:
        raise UsageError(f"{directory} is not webtext's ({_some(present)}): {_AWAY}")
    else:
        return
    if writer not in writers:
        raise UsageError(f"{directory} was written by {writer}, not by {' or '.join(writers)}: {_AWAY}")
    if foreign := {name for name in present - known if not _is_temporary(name, known)}:
        raise UsageError(f"{directory} holds what its manifest does not name ({_some(foreign)}): {_AWAY}")


def _read(directory: str, name: str) -> str:
    with storage.open_file(storage.join(directory, name)) as stream:
        return stream.read().decode(errors="replace")


def _below(directory: str, present: set[str], known: set[str]) -> set[str]:
    """Put, for each folder that known names lie in, what is in it."""
    for folder in {name.partition("/")[0] for name in known if "/" in name} & present:
        if storage.is_local(directory) and not Path(directory, folder).is_dir():
            continue
        inside = {f"{folder}/{name}" for name in storage.list_all(storage.join(directory, folder))}
        present = present - {folder} | {name for name in inside if name.rpartition("/")[2] not in _OF_DESKTOPS}
    return present


def _is_temporary(name: str, known: set[str]) -> bool:
    """Tell whether a name is one under which `create_file` was writing a known one when it was killed."""
    folder, slash, file = name.rpartition("/")
    return file.startswith(".") and folder + slash + file[1:].rpartition(".")[0] in known


def _some(names: set[str]) -> str:
    return f"it holds {min(names)}" + (f" and {len(names) - 1:,} more" if len(names) > 1 else "")


def take_away(directory: str, stage: str, replaces: Sequence[str] = ()) -> None:
    """Take away a stage's directory, if it is there.

    It is marked first and loses its manifest next, so that it is neither done nor foreign wherever this is cut short.

    Raises:
        UsageError: what lies there is not ours, or not all of it.
    """
    _check(directory, (stage, *replaces))
    if storage.exists(directory):
        mark(directory, stage)
        storage.remove_file(storage.join(directory, manifest.NAME))
        storage.remove_directory(directory)


def place_of(directory: str) -> str:
    """Give the place that a stage's directory is: where it is a symbolic link, what that leads to.

    Raises:
        UsageError: it leads to the root of a file system, which nothing can be moved to.
    """
    if not storage.is_local(directory) or not Path(directory).is_symlink():
        return directory
    place = os.path.realpath(directory)
    if os.path.ismount(place):
        raise UsageError(f"{directory} leads to {place}, where a disk is mounted: let it lead to a folder of that disk")
    return place


def unfinished_directory(directory: str) -> str:
    """Name the place where a stage works before it is published."""
    return place_of(directory.rstrip("/")) + ".unfinished"
