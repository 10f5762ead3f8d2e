"""`webtext verify`: are these the files that were published, and do their sums still balance?"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from pipelines.cards.fitness import FAMILIES, Shape, shape_of, shortcomings, told
from pipelines.commands.answer import add_json_argument, tell
from pipelines.commands.named_output import OUTPUT, add_output_argument
from pipelines.stages import stale
from pipelines.stages.finished.verify import directory_problems, finished_stages, place_problems
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import KINDS
from webtext.errors import UnbalancedError, UsageError
from webtext.manifest import Manifest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext verify`."""
    add_output_argument(parser, f"{OUTPUT}, or one stage's directory")
    parser.add_argument(
        "--for",
        dest="family",
        choices=FAMILIES,
        help="tell also whether the corpus has what these models are made from (default: do not)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Verify a directory; the exit status is 1 if anything in it is not what its manifest says."""
    del beam_arguments
    stages = finished_stages(arguments.output)
    problems = [
        f"{name}: {problem}" for name, path, manifest in stages for problem in directory_problems(path, manifest)
    ]
    for name, path, manifest in stages:
        if manifest.stage in KINDS["pages"].writers:
            problems += [f"{name}: {problem}" for problem in place_problems(path)]
    if len(stages) > 1:
        try:
            Funnel.of(arguments.output).check()
        except UnbalancedError as error:
            problems.append(f"the sums do not balance: {error}")
    shapes = _shapes(stages) if arguments.family else {}
    lacking = [f"{name}: {lack}" for name, shape in shapes.items() for lack in shortcomings(shape, arguments.family)]
    if arguments.family and not shapes:
        raise UsageError(f"{arguments.output} holds no corpus to look at for {arguments.family}")
    files = sum(len(manifest.files) for _, _, manifest in stages)
    size = sum(file.bytes for _, _, manifest in stages for file in manifest.files)
    outdated = list(stale.stale_directories(arguments.output))
    verdict = f"{len(problems)} problems" if problems else "all as published; the sums balance"
    said = f"{len(stages)} stages, {files:,} files, {size:,} bytes: {verdict}"
    found = {"stages": len(stages), "files": files, "bytes": size, "problems": problems, "stale": outdated}
    if arguments.family:
        found |= {"for": arguments.family, "shape": {name: asdict(shape) for name, shape in shapes.items()}}
        found["lacking"] = lacking
    fit = [line for shape in shapes.values() for line in told(shape, arguments.family)]
    tell(found, [*problems, said, *map(stale.told, outdated), *fit, *lacking], as_json=arguments.json)
    return 1 if problems or lacking else 0


def _shapes(stages: Sequence[tuple[str, str, Manifest]]) -> dict[str, Shape]:
    pattern = KINDS["corpus"].kept
    return {name: shape_of(path, pattern) for name, path, done in stages if done.stage in KINDS["corpus"].writers}
