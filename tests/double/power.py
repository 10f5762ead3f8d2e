"""A disk that stops a run at one of the changes that it makes: interrupted, killed, or without power."""

import os
from pathlib import Path

ENDS = ("interrupted", "killed", "without power")


class StoppedError(Exception):
    """The run has come to its moment."""


class Disk:
    """Counts the changes that a run makes, stops it at one, and remembers what each file held when it was last synced.

    An interrupted run may still tidy up; a killed one changes nothing any more; without power, what was not synced is
    gone, too.
    """

    def __init__(self, monkeypatch, moment=10**9, end="without power"):
        self.synced, self.done, self.moment, self.end = {}, 0, moment, end
        fsync = os.fsync

        def keep(descriptor):
            self.step()
            fsync(descriptor)
            place = f"/proc/self/fd/{descriptor}"
            if Path(place).is_file():
                self.synced[os.fstat(descriptor).st_ino] = Path(place).read_bytes()

        monkeypatch.setattr(os, "fsync", keep)
        for name in ("rename", "replace", "unlink", "mkdir"):
            monkeypatch.setattr(Path, name, self.stepping(getattr(Path, name)))

    def hold(self, folder):
        """Take what lies in a folder for what the disk holds."""
        self.synced |= {path.stat().st_ino: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def step(self):
        self.done += 1
        if self.done == self.moment + 1 or (self.done > self.moment and self.end != "interrupted"):
            raise StoppedError

    def stepping(self, change):
        def stepped(*arguments, **named):
            self.step()
            return change(*arguments, **named)

        return stepped

    def lose(self, folder):
        """Leave of each file what is on the disk."""
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(self.synced.get(path.stat().st_ino, b""))
