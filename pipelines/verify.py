"""`webtext verify DIR`: are these the files that were published, and do their sums still balance?"""

import argparse

from pipelines import stale
from pipelines.answer import add_json_argument, tell
from pipelines.ledger import BESIDE, STAGES, Funnel
from pipelines.stage import find_manifest, unfinished_directory
from webtext import storage
from webtext.errors import UnbalancedError, UsageError
from webtext.manifest import NAME, Manifest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext verify`."""
    parser.add_argument("directory", help="an output of `webtext corpus`, or one stage's directory")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Verify a directory; the exit status is 1 if anything in it is not what its manifest says."""
    del beam_arguments
    stages = finished_stages(arguments.directory)
    problems = [
        f"{name}: {problem}" for name, path, manifest in stages for problem in directory_problems(path, manifest)
    ]
    if len(stages) > 1:
        try:
            Funnel.of(arguments.directory).check()
        except UnbalancedError as error:
            problems.append(f"the sums do not balance: {error}")
    files = sum(len(manifest.files) for _, _, manifest in stages)
    size = sum(file.bytes for _, _, manifest in stages for file in manifest.files)
    outdated = list(stale.stale_directories(arguments.directory))
    verdict = f"{len(problems)} problems" if problems else "all as published; the sums balance"
    said = f"{len(stages)} stages, {files:,} files, {size:,} bytes: {verdict}"
    found = {"stages": len(stages), "files": files, "bytes": size, "problems": problems, "stale": outdated}
    tell(found, [*problems, said, *map(stale.told, outdated)], as_json=arguments.json)
    return 1 if problems else 0


def finished_stages(directory: str) -> list[tuple[str, str, Manifest]]:
    """Find the finished stages in a directory: itself, or those below it, as (name, path, manifest).

    Raises:
        UsageError: there is none.
    """
    own = find_manifest(directory)
    if own is not None:
        return [(own.stage, directory, own)]
    paths = [(name, storage.join(directory, name)) for name in (*STAGES, *BESIDE)]
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
