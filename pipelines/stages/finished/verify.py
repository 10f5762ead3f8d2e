"""`webtext verify`: are these the files that were published, and do their sums still balance?"""

import heapq
from collections.abc import Mapping
from typing import Any

from pipelines.stages.output import BESIDE, FUNNEL, KINDS, Output
from pipelines.stages.own import unfinished_directory
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.errors import UsageError
from webtext.hashing import hash64
from webtext.manifest import NAME, Manifest
from webtext.tables import read_columns
from webtext.warc.warc_reader import read_record

_ROWS_READ = 32  # the rows of each index file that are compared
_PLACE = ["url", "warc_file", "warc_offset", "warc_length", "digest"]


def finished_stages(directory: str) -> list[tuple[str, str, Manifest]]:
    """Find the finished stages in a directory: itself, or those below it, as (name, path, manifest).

    Raises:
        UsageError: there is none.
    """
    own = find_manifest(directory)
    if own is not None:
        return [(own.stage, directory, own)]
    paths = [(kind.name, Output(directory).directory(kind.name)) for kind in (*FUNNEL, *BESIDE)]
    found = [(name, path, find_manifest(path)) for name, path in paths]
    stages = [(name, path, manifest) for name, path, manifest in found if manifest is not None]
    if not stages:
        unfinished = [name for name, path in paths if storage.exists(unfinished_directory(path))]
        hint = f"; {unfinished[0]} is unfinished: run the same command again" if unfinished else ""
        raise UsageError(f"{directory} holds no finished stage{hint}")
    return stages


def directory_problems(directory: str, manifest: Manifest) -> list[str]:
    """Compare a stage directory with its manifest: files missing, changed, or too many; sums that do not balance."""
    manifest.counts.check(manifest.stage)
    present = set(storage.list_tree(directory)) - {NAME}
    problems = [f"{name} is not in the manifest" for name in sorted(present - {file.name for file in manifest.files})]
    for file in manifest.files:
        if file.name not in present:
            problems.append(f"{file.name} is missing")
        elif storage.file_digest(storage.join(directory, file.name)) != (file.sha256, file.bytes):
            problems.append(f"{file.name} has changed since it was published")
    return problems


def place_problems(directory: str) -> list[str]:
    """Read a sample of the rows of a page index at their places: does the archive hold there what the row says?

    Each index file gives the rows whose URLs have the smallest hashes, so the sample is fair, and the same each time.
    """
    problems = []
    for name in storage.list_files(directory, KINDS["pages"].kept):
        with storage.open_file(storage.join(directory, name)) as stream:
            rows = read_columns(stream, _PLACE).to_pylist()
        rows = [row for row in rows if row["warc_file"]]
        drawn = heapq.nsmallest(_ROWS_READ, rows, key=lambda row: hash64(row["url"].encode(), salt=b"places"))
        wrong = [found for row in drawn if (found := _wrong_place(directory, row))]
        if wrong:
            problems.append(f"{name}: {len(wrong)} of {len(drawn)} rows do not point at their record: {wrong[0]}")
    return problems


def _wrong_place(directory: str, row: Mapping[str, Any]) -> str:
    """Say what is amiss with the place of a row; "" where its record stands there."""
    try:
        with storage.open_file(storage.join(directory, row["warc_file"])) as stream:
            record = read_record(stream, row["warc_offset"], row["warc_length"], row["digest"])
    except UsageError as error:
        return f"{row['url']} ({error})"
    if not record.is_page:
        return f"{row['url']} (there is a record of type {record.type!r})"
    return "" if record.payload_digest == row["digest"] else f"{row['url']} (there is the record of {record.url})"
