"""`webtext remove`: take a page, a host or an author out of a corpus, and keep them out of every later build.

A request becomes a tombstone in `OUTPUT/removals.jsonl`. Only the shards that hold something it matches are written
again; manifest and card follow. The result is the corpus that a build with these tombstones makes, byte for byte.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pipelines.commands.answer import add_json_argument, tell
from pipelines.commands.named_output import add_output_argument
from pipelines.engine.runner import add_engine_arguments, engine_from
from pipelines.stages import stale
from pipelines.stages.finished.remove import Removal, remove
from pipelines.stages.removals import KINDS, Tombstone, read_tombstones
from webtext.errors import UsageError
from webtext.foreign import list_lines, read_bytes


def read_list(path: str) -> list[Tombstone]:
    """Read a file of requests: `url ...`, `host ...` or `author ...` a line, or a bare URL; # begins a remark.

    Raises:
        UsageError: there is no such file, or a line is no request.
    """
    if not Path(path).is_file():
        raise UsageError(f"no such file: {path}")
    return [_request(path, number, line) for number, line in list_lines(read_bytes(Path(path)))]


def _request(path: str, number: int, line: str) -> Tombstone:
    kind, _, value = line.partition(" ")
    if kind in KINDS:
        return Tombstone.of(kind, value)
    if "://" in line:
        return Tombstone.of("url", line)
    raise UsageError(f"{path}, line {number}: write `url ...`, `host ...`, `author ...`, or a URL, not {line!r}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext remove`."""
    add_output_argument(parser, bare=False)
    group = parser.add_argument_group("what to remove", "without any, what OUTPUT/removals.jsonl says is applied")
    for kind, meaning in _MEANINGS.items():
        group.add_argument(f"--{kind}", nargs="+", action="extend", default=[], metavar=kind.upper(), help=meaning)
    group.add_argument("--list", nargs="+", action="extend", default=[], metavar="FILE", help=_LIST)
    add_engine_arguments(parser)
    add_json_argument(parser)


_MEANINGS = {
    "url": "pages, by their URL as posted or as reached (default: none)",
    "host": "hosts, with all below them (default: none)",
    "author": "what these authors wrote, as the pages name them (default: none)",
}
_LIST = "files of requests: `url ...`, `host ...` or `author ...` a line, or a bare URL (default: none)"


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
    for met in done.met:
        yield f"{met.kind} {met.value}: {met.documents:,} documents are kept out"
    for request in done.unmet:
        yield f"no document of the corpus meets: {request.kind} {request.value} (it stands for later builds)"
    yield from map(stale.told, done.stale)
