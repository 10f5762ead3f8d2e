"""The progress display counts a stage's files where there are new ones, and for a small share of the time."""

from types import SimpleNamespace

import pytest

from pipelines.engine import progress
from webtext.manifest import Counts


class Looks:
    """An event that lets so many looks happen, and the display that they are drawn on."""

    def __init__(self, number, before=lambda _: None):
        self.left, self.before, self.pauses, self.lines = number, before, [], []

    def wait(self, pause):
        self.pauses.append(pause)
        self.before(self.left)
        self.left -= 1
        return self.left < 0

    def update(self, line, **_):
        self.lines.append(str(line))


def test_files_are_counted_only_where_there_are_new_ones(tmp_path):
    counted = []

    def arrive(left):
        if left in (6, 3):
            (tmp_path / f"part-{left}").touch()

    looks = Looks(6, arrive)
    count = lambda directory: counted.append(directory) or Counts(9, len(counted))  # noqa: E731
    progress._watch("documents", str(tmp_path), count, looks, looks)
    assert len(counted) == 2
    assert [line.partition(",")[0] for line in looks.lines] == ["documents: 1 of 9 (11%)"] * 3 + [
        "documents: 2 of 9 (22%)"
    ] * 3


def test_the_longer_it_takes_to_count_the_later_is_the_next_look(tmp_path, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)

    def count(_):
        clock.now += 1.0
        return Counts(9, 3)

    looks = Looks(2)
    (tmp_path / "part").touch()
    progress._watch("documents", str(tmp_path), count, looks, looks)
    assert looks.pauses == pytest.approx([2.0, 50.0, 2.0])
