"""`webtext verify DIR`: are these the files that were published, and do their sums still balance?"""

from pipelines.stages.output import BESIDE, FUNNEL, Output
from pipelines.stages.own import unfinished_directory
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import NAME, Manifest


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
    present = set(storage.list_files(directory)) - {NAME}
    problems = [f"{name} is not in the manifest" for name in sorted(present - {file.name for file in manifest.files})]
    for file in manifest.files:
        if file.name not in present:
            problems.append(f"{file.name} is missing")
        elif storage.file_digest(storage.join(directory, file.name)) != (file.sha256, file.bytes):
            problems.append(f"{file.name} has changed since it was published")
    return problems
