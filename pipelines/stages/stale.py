"""Which results are stale: they were made from the corpus before documents were removed from it.

An n-gram filter still knows what was removed, a report still shows it, a model was trained on it. None of them is made
again without being asked for, because that may take days; `remove`, `verify`, `status`, the report, and `overlap` on a
filter name what is stale.
"""

import json
from collections.abc import Iterator

from pipelines.stages.output import KINDS, Output
from pipelines.stages.stage import find_manifest, read_input
from webtext import manifest, storage

NOTE = "made-from.json"  # beside what has no manifest: the corpus that it was made from


def note_corpus(directory: str, corpus: str) -> None:
    """Note beside some result which corpus it was made from, where that is a finished stage."""
    if storage.exists(storage.join(corpus, manifest.NAME)):
        note = {"corpus": read_input(corpus).sha256}
        with storage.create_file(storage.join(directory, NOTE), durable=True) as stream:
            stream.write(f"{json.dumps(note)}\n".encode())


def stale_directories(output: str) -> Iterator[str]:
    """Name the directories of an output that were made from another corpus than the one that is there."""
    place = Output(output)
    if find_manifest(place.corpus) is None:
        return
    sources = {"corpus": place.corpus, "overlap": place.overlap}
    now = {name: read_input(path).sha256 for name, path in sources.items() if find_manifest(path)}
    for name in (kind.name for kind in KINDS.values() if kind.outdated):
        made_from = _made_from(place.directory(name))
        if any(now.get(source, digest) != digest for source, digest in made_from.items()):
            yield name


def _made_from(directory: str) -> dict[str, str]:
    """Read what a directory was made from: name of the input → digest."""
    found = find_manifest(directory)
    if found is not None:
        return {file.name: file.sha256 for file in found.inputs}
    path = storage.join(directory, NOTE)
    if not storage.exists(path):
        return {}
    with storage.open_file(path) as stream:
        made_from: dict[str, str] = json.load(stream)
    return made_from


def told(name: str) -> str:
    """Say in a line that a directory is stale, why, and what to do.

    >>> told("report")
    'report/ is stale, made from the corpus as it was: run `webtext report` again'
    """
    kind = KINDS[name]
    return f"{name}/ is stale, {kind.outdated}: run `webtext {kind.command}` again"


def told_of_filter(path: str) -> Iterator[str]:
    """Say that a filter is stale, where it lies in OUTPUT/overlap and the corpus beside that has changed since."""
    directory = path.rpartition("/")[0]
    output, _, name = directory.rpartition("/")
    if name == "overlap" and "overlap" in stale_directories(output or "."):
        yield told("overlap")
