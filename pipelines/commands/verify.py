"""`webtext verify DIR`: are these the files that were published, and do their sums still balance?"""

import argparse

from pipelines.commands.answer import add_json_argument, tell
from pipelines.stages import stale
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import KINDS
from pipelines.stages.verify import directory_problems, finished_stages, place_problems
from webtext.errors import UnbalancedError


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
    for name, path, manifest in stages:
        if manifest.stage in KINDS["pages"].writers:
            problems += [f"{name}: {problem}" for problem in place_problems(path)]
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
