"""How a stage runs, so that it is whole or not there: work in `<directory>.unfinished`, publish by manifest, last.

A rerun whose inputs and configuration have the fingerprint of the manifest that is there does nothing. After a crash
the unfinished directory is thrown away (fetch keeps it: its archive holds what it need not ask for again).
"""

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from pipelines.engine import run_log
from pipelines.engine.progress import shown
from pipelines.engine.share import Share
from pipelines.engine.timings import note_timing, timed
from pipelines.stages.lock import locked
from pipelines.stages.own import check_ours, mark, place_of, take_away, unfinished_directory, unmark
from pipelines.stages.share import check_idle, done_shares, forget_shares, has_shares, note_done, prepared
from webtext import manifest, storage
from webtext.errors import Ended, UsageError
from webtext.manifest import Counts, File, Manifest

_READ_AT_ONCE = 16  # remote files


@dataclass(frozen=True)
class Stage:
    """A stage to run: where to, from what, and how."""

    name: str
    directory: str
    config: Mapping[str, Any]  # all that its output depends on, as JSON values; nothing that it does not depend on
    inputs: tuple[str, ...]  # files, or directories of finished stages
    resumable: bool = False  # whether an unfinished directory is gone on with
    replaces: tuple[str, ...] = ()  # other stages whose directory this one may take the place of
    share: Share | None = None  # do this share of its tasks, and publish nothing
    packages: tuple[str, ...] = ()  # packages whose versions count beside those of our dependencies

    def fingerprint(self, inputs: Sequence[File]) -> str:
        """Hash all that the output is a function of."""
        return manifest.fingerprint(self.name, self.config, inputs, manifest.versions(*self.packages))


def run_stage(
    stage: Stage,
    work: Callable[[str], None],
    count: Callable[[str], Counts],
    prepare: Callable[[Sequence[File]], None] | None = None,
) -> Manifest:
    """Run a stage, or find it done.

    One run at a time writes a directory, and none replaces what is not its own (`pipelines.stages.own`).

    Args:
        stage: what to run.
        work: writes the stage's files into the directory it is given.
        count: counts them, from the files themselves: a counter of Beam's may count a retried bundle twice.
        prepare: called with the inputs before it is seen whether the stage is done, while no other run may change it.

    Raises:
        UsageError: an input is missing or unfinished, the directory holds what is not ours, or another run writes it.
        UnbalancedError: kept and rejected are not what was given; nothing is published.
        Ended: only a share of its tasks was asked for, and is done.
    """
    check_ours(stage.directory, (stage.name, *stage.replaces))
    inputs = [read_input(path) for path in stage.inputs]
    if prepare is None and (done := _done(stage, inputs)):
        return done
    if stage.share is not None:
        _run_share(stage, stage.share, inputs, work, count, prepare)
    with locked(stage.directory):
        if prepare is not None:
            prepare(inputs)
        return _done(stage, inputs) or _run(stage, inputs, work, count)


def _done(stage: Stage, inputs: Sequence[File]) -> Manifest | None:
    """Give the manifest of a stage that need not run again.

    Raises:
        UsageError: one of its files is gone. A crawl is not begun anew unasked, so no stage is.
    """
    done = find_manifest(stage.directory)
    if done is None or done.fingerprint != stage.fingerprint(inputs):
        return None
    if gone := {file.name for file in done.files}.difference(storage.list_tree(stage.directory)):
        first = storage.join(stage.directory, min(gone))
        raise UsageError(f"{first} is gone: put it back, or remove {stage.directory}, and the stage is made anew")
    return done


def _run_share(
    stage: Stage,
    share: Share,
    inputs: Sequence[File],
    work: Callable[[str], None],
    count: Callable[[str], Counts],
    prepare: Callable[[Sequence[File]], None] | None,
) -> NoReturn:
    """Do a share of a stage's tasks beside other shares, and end the run."""
    unfinished, fingerprint = unfinished_directory(stage.directory), stage.fingerprint(inputs)
    with ExitStack() as stack:
        with prepared(stage.directory):
            if prepare is not None:
                prepare(inputs)
            if not stage.resumable and not done_shares(unfinished, fingerprint) and not has_shares(unfinished):
                storage.remove_directory(unfinished)
            mark(unfinished, stage.name)
            stack.enter_context(locked(storage.join(unfinished, share.name)))
        with shown(f"{stage.name}, share {share}", unfinished, count):
            work(unfinished)
        note_done(unfinished, share, fingerprint)
    raise Ended(f"{stage.name}: share {share} is done; when all are, the same command without --share publishes")


def _run(stage: Stage, inputs: Sequence[File], work: Callable[[str], None], count: Callable[[str], Counts]) -> Manifest:
    unfinished = unfinished_directory(stage.directory)
    check_idle(unfinished)
    if not stage.resumable and not done_shares(unfinished, stage.fingerprint(inputs)):
        storage.remove_directory(unfinished)
    mark(unfinished, stage.name)
    run_log.note("stage", stage=stage.name, directory=stage.directory)
    with timed() as clock, shown(stage.name, unfinished, count):
        work(unfinished)
    forget_shares(unfinished)
    counts = count(unfinished)
    counts.check(stage.name)
    files = _describe_all(unfinished, [name for name in storage.list_tree(unfinished) if name != manifest.NAME])
    versions = manifest.versions(*stage.packages)
    finished = Manifest(stage.name, stage.fingerprint(inputs), stage.config, inputs, counts, files, versions)
    _publish(stage, finished)
    note_timing(stage.directory, clock.timing)
    told = {"given": counts.given, "kept": counts.kept, "rejected": dict(counts.rejected)}
    took = {"wall_s": clock.timing.wall_s, "cpu_s": clock.timing.cpu_s}
    run_log.note("published", stage=stage.name, directory=stage.directory, **told, **took)
    return finished


def discard(directory: str, stage: str) -> None:
    """Take away the directory of a stage that is not wanted, if it is there.

    Raises:
        UsageError: what lies there is not ours, or another run writes it.
    """
    if storage.exists(directory):
        with locked(directory):
            take_away(directory, stage)


def as_json(config: Any) -> dict[str, Any]:
    """Lay a configuration (a data class) out as the JSON values that a manifest holds."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(config), sort_keys=True))
    return values


def find_manifest(directory: str) -> Manifest | None:
    """Read the manifest of a stage directory; None where there is none, so where the stage is not done."""
    path = storage.join(directory, manifest.NAME)
    if not storage.exists(path):
        return None
    with storage.open_file(path) as stream:
        try:
            return Manifest.from_json(stream.read().decode())
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error


def read_manifest(directory: str, *wanted: str) -> Manifest:
    """Read the manifest of a finished stage, which must be one of those wanted, where any are named.

    Raises:
        UsageError: the directory holds no finished stage, or one of another kind.
    """
    found = find_manifest(directory)
    if found is None:
        raise UsageError(f"{directory} holds no finished stage (no {manifest.NAME}): run that stage first")
    if wanted and found.stage not in wanted:
        raise UsageError(f"{directory} was written by {found.stage}: a directory of {' or '.join(wanted)} is wanted")
    return found


def read_input(path: str) -> File:
    """Identify an input by its content: a file by its bytes, a finished stage by the names and hashes of its files.

    A file that is not on a local disk is not read for it: its file system's own checksum stands for its bytes.

    What a stage was made from is no part of that: a page fetched again at another time gives the same documents, and
    so the same corpus.

    Raises:
        UsageError: there is no such file, or the stage is not finished.
    """
    if storage.exists(storage.join(path, manifest.NAME)) or (storage.is_local(path) and Path(path).is_dir()):
        files = read_manifest(path).files
        listing = "".join(f"{file.sha256}  {file.name}\n" for file in files)
        return File(
            Path(path.rstrip("/")).name, sha256(listing.encode()).hexdigest(), sum(file.bytes for file in files)
        )
    if not storage.exists(path):
        raise UsageError(f"{path} is not there: run that stage first, or correct the path")
    identity, size = storage.file_identity(path)
    return File(Path(path).name, identity, size)


def _describe_all(directory: str, names: Sequence[str]) -> list[File]:
    """Read files back for their sha256; remote ones several at a time, since each is mostly waited for."""
    if storage.is_local(directory):
        return [_describe(directory, name) for name in names]
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        return list(pool.map(partial(_describe, directory), names))


def _describe(directory: str, name: str) -> File:
    digest, size = storage.file_digest(storage.join(directory, name))
    return File(name, digest, size)


def _publish(stage: Stage, finished: Manifest) -> None:
    """Move the unfinished files to their place, the manifest last; a local directory moves whole.

    All of it is on the disk before the manifest says that it is there, so that a loss of power cannot make it untrue.
    """
    unfinished, place = unfinished_directory(stage.directory), place_of(stage.directory.rstrip("/"))
    is_local = storage.is_local(place)
    if is_local:
        for file in finished.files:
            storage.sync(storage.join(unfinished, file.name))
        _write_manifest(unfinished, finished)
    take_away(place, stage.name, stage.replaces)
    if is_local:
        unmark(unfinished)
        Path(unfinished).rename(place)
        storage.sync(str(Path(place).parent))
        return
    mark(place, stage.name)
    for folder in sorted({posixpath.dirname(file.name) for file in finished.files} - {""}):
        storage.make_directory(storage.join(place, folder))  # HDFS moves nothing into a folder that is not there
    for file in finished.files:
        storage.rename(storage.join(unfinished, file.name), storage.join(place, file.name))
    _write_manifest(place, finished)
    unmark(place)
    storage.remove_directory(unfinished)


def _write_manifest(directory: str, finished: Manifest) -> None:
    with storage.create_file(storage.join(directory, manifest.NAME), durable=True) as stream:
        stream.write(finished.to_json().encode())
