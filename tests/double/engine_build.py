"""The one build of all tests of engines: the sample, in tasks so small that there is something to divide.

`webtext` itself with these sizes: `main` in this process, `python -m tests.engine_build` in one of its own.
"""

import hashlib
from dataclasses import dataclass
from functools import partial

import pytest

from dedup.near.search_transforms import Plan
from pipelines.commands import cli
from pipelines.engine.runner import Engine
from pipelines.stages import build, documents, duplicates
from pipelines.stages.index import index_archives
from pipelines.stages.shards import ShardsConfig
from sample.build import ARCHIVE
from sample.build import build as make_sample

STAGES = ("documents", "duplicates", "corpus")


@dataclass(frozen=True)
class Reference:
    """What every engine is held to: the input, and what it becomes in memory."""

    archive: str
    pages: str
    digests: dict[str, str]  # the sha256 of each file, by its path from the output


def cut_small(assign=setattr):
    """Have a build of this process make small buckets and small shards, and shuffle what it compares."""
    assign(documents, "PAGES_A_BUCKET", 40)
    assign(duplicates, "Plan", partial(Plan, documents_a_run=24, keys_a_range=500))
    assign(duplicates, "RUNS_A_PROCESS", 1)
    assign(build, "ShardsConfig", lambda held_out, _: ShardsConfig(held_out, text_bytes_a_shard=100_000))


def built(pages, output, *flags):
    """Build from pages as `webtext build` with these flags does; give the sha256 of every file."""
    with pytest.MonkeyPatch.context() as patch:
        cut_small(patch.setattr)
        assert cli.main(["build", "--pages", pages, "--output", str(output), *flags]) == 0
    paths = sorted(path for stage in STAGES for path in (output / stage).rglob("*"))
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def make_reference(directory):
    """Make the input, and build it in memory."""
    make_sample(directory)
    archive, pages = str(directory / ARCHIVE), str(directory / "pages")
    index_archives([archive], None, pages, Engine(1))
    return Reference(archive, pages, built(pages, directory / "in_memory", "--workers=1"))


if __name__ == "__main__":
    cut_small()
    cli.entry()
