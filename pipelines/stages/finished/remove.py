"""`webtext remove`: take a page, a host or an author out of a corpus, and keep them out of every later build.

A request becomes a tombstone in `OUTPUT/removals.jsonl`. Only the shards that hold something it matches are written
again; manifest and card follow. The result is the corpus that a build with these tombstones makes, byte for byte.
"""

import functools
import hashlib
import io
from dataclasses import dataclass

from dedup.repeats.find import RepeatsConfig
from pipelines.engine.runner import Engine
from pipelines.stages import stale
from pipelines.stages.build import run_shards
from pipelines.stages.finished.verify import directory_problems
from pipelines.stages.kept import Kept, beside
from pipelines.stages.output import Output
from pipelines.stages.own import check_output
from pipelines.stages.removals import Tombstone, count_met, read_tombstones, run_removals, write_tombstones
from pipelines.stages.repeats import run_repeats
from pipelines.stages.shards import Shard, ShardsConfig, plan_shards
from pipelines.stages.stage import as_json, find_manifest, read_input, read_manifest
from webtext import manifest
from webtext.errors import UsageError
from webtext.manifest import Manifest
from webtext.records import Rejection
from webtext.shards import split_of_shard
from webtext.tables import write_records


@dataclass(frozen=True)
class Met:
    """A request, and how many documents it keeps out."""

    kind: str
    value: str
    documents: int


@dataclass(frozen=True)
class Removal:
    """What a removal did."""

    documents: int  # how many fewer the corpus holds than before; below 0 where requests were taken back
    removed: int  # documents that all requests so far keep out
    rewritten: tuple[str, ...]  # shards that changed
    unchanged: int  # shards that did not
    stale: tuple[str, ...]  # directories that were made from the corpus as it was
    met: tuple[Met, ...]  # requests of this time that meet documents
    unmet: tuple[Tombstone, ...]  # requests of this time that meet no document of the corpus


def remove(output: str, asked: list[Tombstone], engine: Engine) -> Removal:
    """Add requests to an output's tombstones, and take what they match out of its corpus.

    Raises:
        UsageError: the corpus, or the documents that it is made of, are not there or damaged.
    """
    place = Output(output)
    check_output(place, "removed", "repeats", "corpus")
    before = read_manifest(place.corpus)
    if problems := directory_problems(place.corpus, before):
        raise UsageError(f"{place.corpus}: {problems[0]}: run `webtext build` again before removing anything")
    stages = (place.removed, place.repeats)
    old = [find_manifest(stage) for stage in stages]
    config = ShardsConfig(**before.config)
    is_current = before.config == as_json(config) and _is_made_from(before, Kept.of(place).inputs)
    write_tombstones(output, [*read_tombstones(output), *asked])
    kept = run_removals(output, engine)
    if old[1] is not None:  # what goes may change what repeats: a line that it had, a passage that stayed in it
        kept = run_repeats(kept, place.repeats, RepeatsConfig(**old[1].config), engine)
    changes = list(zip(old, map(find_manifest, stages), strict=True))
    shards = plan_shards(place.documents, config)
    unchanged = frozenset(shard for shard in shards if is_current and not _is_touched(shard, changes))
    after = run_shards(kept, place.corpus, config, engine, unchanged)
    known = {(file.name, file.sha256) for file in before.files}
    written = [file for file in after.files if split_of_shard(file.name)]
    changed = tuple(file.name for file in written if (file.name, file.sha256) not in known)
    met = count_met(kept, asked)
    return Removal(
        documents=before.counts.kept - after.counts.kept,
        removed=sum(read_manifest(place.removed).counts.rejected.values()),
        rewritten=changed,
        unchanged=len(written) - len(changed),
        stale=tuple(stale.stale_directories(output)),
        met=tuple(Met(request.kind, request.value, count) for request, count in met.items() if count),
        unmet=tuple(request for request, count in met.items() if not count),
    )


def _is_made_from(made: Manifest, inputs: tuple[str, ...]) -> bool:
    """Tell whether a corpus is the one that these inputs give by this release."""
    files = [read_input(path) for path in inputs]
    return made.fingerprint == manifest.fingerprint("corpus", made.config, files, manifest.versions())


def _is_touched(shard: Shard, changes: list[tuple[Manifest | None, Manifest | None]]) -> bool:
    """Tell whether something else is taken from a shard than before, by the stages' manifests of before and now."""
    return any(_taken_from(shard, old) != _taken_from(shard, now) for old, now in changes)


def _taken_from(shard: Shard, found: Manifest | None) -> dict[str, str]:
    """Give the digests of the files that say what is taken from a shard, rejections of no rows left out."""
    wanted = {beside(part, kind) for part in shard.parts for kind in ("rejections", "cuts")}
    files = {} if found is None else {file.name: file.sha256 for file in found.files}
    return {name: digest for name, digest in files.items() if name in wanted and digest != _no_rows()}


@functools.cache
def _no_rows() -> str:
    """Give the digest of a file of rejections that has no row."""
    stream = io.BytesIO()
    write_records(stream, [], Rejection)
    return hashlib.sha256(stream.getvalue()).hexdigest()
