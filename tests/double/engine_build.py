"""The one build of all tests of engines: the sample, in tasks so small that there is something to divide.

`webtext` itself with these sizes: `main` in this process, `python -m tests.double.engine_build` in one of its own.
"""

import hashlib
from dataclasses import dataclass
from functools import partial

import pytest

from dedup.near.search import Plan
from pipelines.commands import build, cli
from pipelines.stages import documents, duplicates
from pipelines.stages.shards import ShardsConfig
from sample.build import ARCHIVE

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
    return digests(output)


def digests(output):
    """Give the sha256 of every file of a build."""
    paths = sorted(path for stage in STAGES for path in (output / stage).rglob("*") if path.is_file())
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def reference(web, pages, output):
    """Describe a build that was made in memory."""
    return Reference(str(web / ARCHIVE), pages, digests(output))


if __name__ == "__main__":
    cut_small()
    cli.entry()
