"""What each file that a stage read held, as a side file of the stage: how it was understood, counts, and damage."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from webtext import storage

_MOST_DAMAGE = 10  # places that are named; all are counted


@dataclass(frozen=True, slots=True)
class Input:
    """A file that was read."""

    name: str  # what the ledger calls it
    read_as: str  # how it was understood, for people
    counts: Mapping[str, int]  # what was found in it
    damaged: int = 0  # places that could not be read
    damage: tuple[str, ...] = ()  # the first of them, each with what was amiss


class InputTally:
    """Counts what is found in a file while it is read."""

    def __init__(self, name: str) -> None:
        """Begin with nothing."""
        self.name, self.read_as = name, ""
        self.counts: dict[str, int] = {}
        self._damaged, self._damage = 0, list[str]()

    def count(self, what: str) -> None:
        """Count one of something."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def note_damage(self, detail: str) -> None:
        """Count a place that could not be read."""
        self._damaged += 1
        if len(self._damage) < _MOST_DAMAGE:
            self._damage.append(detail)

    def write(self, directory: str, suffix: str) -> None:
        """Write the side file."""
        counts = dict(sorted(self.counts.items()))
        told = Input(self.name, self.read_as, counts, self._damaged, tuple(self._damage))
        with storage.create_file(storage.join(directory, f"inputs-{suffix}.json")) as stream:
            stream.write(json.dumps(asdict(told), indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def read_inputs(directory: str) -> Iterator[Input]:
    """Read the side files of a stage, in the order of its inputs."""
    for name in storage.list_files(directory, "inputs-*.json"):
        with storage.open_file(storage.join(directory, name)) as stream:
            told = json.load(stream)
        yield Input(**{**told, "damage": tuple(told["damage"])})
