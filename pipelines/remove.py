"""`webtext remove`: take a page, a host or an author out of a corpus, and keep them out of every later build.

A request becomes a tombstone in `OUTPUT/removals.jsonl`. Only the shards that hold something it matches are written
again; manifest and card follow. The result is the corpus that a build with these tombstones makes, byte for byte.
"""

import argparse
import functools
import hashlib
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from dedup.repeats import RepeatsConfig
from pipelines import stale
from pipelines.answer import add_json_argument, tell
from pipelines.build import run_shards
from pipelines.removals import DIRECTORY, KINDS, Tombstone, read_tombstones, run_removals, write_tombstones
from pipelines.repeats import DIRECTORY as REPEATS
from pipelines.repeats import run_repeats
from pipelines.runner import Engine, add_engine_arguments, engine_from
from pipelines.shards import SPLITS, Shard, ShardsConfig, plan_shards
from pipelines.stage import find_manifest, read_input, read_manifest
from pipelines.verify import directory_problems
from webtext import manifest, storage
from webtext.errors import UsageError
from webtext.manifest import Manifest
from webtext.records import Rejection
from webtext.tables import write_records


@dataclass(frozen=True)
class Removal:
    """What a removal did."""

    documents: int  # that the corpus holds fewer of than before; below 0 where requests were taken back
    removed: int  # documents that all requests so far keep out
    rewritten: tuple[str, ...]  # shards that changed
    unchanged: int  # shards that did not
    stale: tuple[str, ...]  # directories that were made from the corpus as it was


def remove(output: str, asked: list[Tombstone], engine: Engine) -> Removal:
    """Add requests to an output's tombstones, and take what they match out of its corpus.

    Raises:
        UsageError: the corpus, or the documents that it is made of, are not there or damaged.
    """
    documents, duplicates, removed, corpus = (
        storage.join(output, name) for name in ("documents", "duplicates", DIRECTORY, "corpus")
    )
    repeats = storage.join(output, REPEATS)
    before = read_manifest(corpus)
    if problems := directory_problems(corpus, before):
        raise UsageError(f"{corpus}: {problems[0]}: run `webtext build` again before removing anything")
    old = {stage: find_manifest(stage) for stage in (removed, repeats)}
    is_current = _is_made_from(before, (documents, duplicates, *(stage for stage, found in old.items() if found)))
    write_tombstones(output, [*read_tombstones(output), *asked])
    now = run_removals(output, engine)
    assert now is not None
    asked_for = old[repeats]
    if asked_for is not None:  # what goes may change what repeats: a line that it had, a passage that stayed in it
        run_repeats(documents, duplicates, removed, repeats, RepeatsConfig(**asked_for.config), engine)
    config = ShardsConfig(**before.config)
    shards = plan_shards(documents, config)
    changes = [(found, find_manifest(stage)) for stage, found in old.items()]
    unchanged = frozenset(shard for shard in shards if is_current and not _is_touched(shard, changes))
    cut = repeats if asked_for else None
    after = run_shards(documents, duplicates, corpus, config, engine, removed, cut, unchanged)
    known = {(file.name, file.sha256) for file in before.files}
    changed = tuple(file.name for file in after.files if _is_shard(file.name) and (file.name, file.sha256) not in known)
    total = sum(_is_shard(file.name) for file in after.files)
    lost = before.counts.kept - after.counts.kept
    return Removal(
        lost, sum(now.counts.rejected.values()), changed, total - len(changed), tuple(stale.stale_directories(output))
    )


def _is_shard(name: str) -> bool:
    return name.startswith(SPLITS)


def _is_made_from(made: Manifest, inputs: tuple[str, ...]) -> bool:
    """Tell whether a corpus is the one that these inputs give by this release."""
    files = [read_input(path) for path in inputs]
    return made.fingerprint == manifest.fingerprint("corpus", made.config, files)


def _is_touched(shard: Shard, changes: list[tuple[Manifest | None, Manifest | None]]) -> bool:
    """Tell whether something else is taken from a shard than before, by the stages' manifests of before and now."""
    return any(_taken_from(shard, old) != _taken_from(shard, now) for old, now in changes)


def _taken_from(shard: Shard, found: Manifest | None) -> dict[str, str]:
    """Give the digests of the files that say what is taken from a shard, rejections of no rows left out."""
    wanted = {part.replace("part-", kind, 1) for part in shard.parts for kind in ("rejections-", "cuts-")}
    files = {} if found is None else {file.name: file.sha256 for file in found.files}
    return {name: digest for name, digest in files.items() if name in wanted and digest != _no_rows()}


@functools.cache
def _no_rows() -> str:
    """Give the digest of a file of rejections that has no row."""
    stream = io.BytesIO()
    write_records(stream, [], Rejection)
    return hashlib.sha256(stream.getvalue()).hexdigest()


def read_list(path: str) -> list[Tombstone]:
    """Read a file of requests: `url ...`, `host ...` or `author ...` a line, or a bare URL; # begins a remark.

    Raises:
        UsageError: there is no such file, or a line is no request.
    """
    if not Path(path).is_file():
        raise UsageError(f"no such file: {path}")
    lines = (line.strip() for line in Path(path).read_text("utf-8", errors="replace").splitlines())
    return [_request(path, number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]


def _request(path: str, number: int, line: str) -> Tombstone:
    kind, _, value = line.partition(" ")
    if kind in KINDS:
        return Tombstone.of(kind, value)
    if "://" in line:
        return Tombstone.of("url", line)
    raise UsageError(f"{path}, line {number}: write `url ...`, `host ...`, `author ...`, or a URL, not {line!r}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext remove`."""
    parser.add_argument("--output", "-o", required=True, help="an output of `webtext corpus` or `webtext build`")
    group = parser.add_argument_group("what to remove", "without any, what OUTPUT/removals.jsonl says is applied")
    for kind, meaning in _MEANINGS.items():
        group.add_argument(f"--{kind}", nargs="+", action="extend", default=[], metavar=kind.upper(), help=meaning)
    group.add_argument("--list", nargs="+", action="extend", default=[], metavar="FILE", help=_LIST)
    add_engine_arguments(parser)
    add_json_argument(parser)


_MEANINGS = {
    "url": "pages, by their URL as posted or as reached",
    "host": "hosts, with all below them",
    "author": "what these authors wrote, as the pages name them",
}
_LIST = "files of requests: `url ...`, `host ...` or `author ...` a line, or a bare URL"


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Remove what was asked for, and print what changed."""
    asked = [Tombstone.of(kind, value) for kind in KINDS for value in getattr(arguments, kind)]
    asked += [tombstone for path in arguments.list for tombstone in read_list(path)]
    if not asked and not read_tombstones(arguments.output):
        raise UsageError("nothing to remove: name it with --url, --host, --author or --list")
    done = remove(arguments.output, asked, engine_from(arguments, beam_arguments))
    tell(asdict(done), _lines(done), as_json=arguments.json)
    return 0


def _lines(done: Removal) -> Iterator[str]:
    total = len(done.rewritten) + done.unchanged
    changed = f"{len(done.rewritten)} of {total} files changed"
    yield f"{done.documents:,} documents removed now, {done.removed:,} in all; {changed}"
    yield from (f"  {name}" for name in done.rewritten)
    yield from map(stale.told, done.stale)
