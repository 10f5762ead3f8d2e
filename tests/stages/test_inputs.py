"""What a stage knows of its inputs and its cost: no remote file is read to identify it, no clock is in a manifest."""

import dataclasses
import hashlib
from pathlib import Path

import pytest
from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

from pipelines.engine.timings import NAME, Timing, note_timing, read_timings
from pipelines.stages.stage import Stage, find_manifest, read_input, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Counts


class ShelfFileSystem(LocalFileSystem):
    """Files of which only the name, the size and a checksum can be had: shelf://NAME."""

    files = {"shelf://archive.warc.gz": ("yZRlqg==", 7_000_000_000_000)}  # noqa: RUF012

    @classmethod
    def scheme(cls):
        return "shelf"

    def metadata(self, path):
        if path not in self.files:
            raise BeamIOError("no such file", {path: ""})
        return FileMetadata(path, self.files[path][1])

    def exists(self, path):
        return path in self.files

    def checksum(self, path):
        if path not in self.files:
            raise BeamIOError("no such file", {path: ""})
        return self.files[path][0]

    def open(self, path, *_args, **_named):
        raise AssertionError(f"{path} was read")


def test_a_remote_input_is_known_by_the_checksum_that_its_file_system_keeps():
    found = read_input("shelf://archive.warc.gz")
    assert dataclasses.astuple(found) == ("archive.warc.gz", "shelf:yZRlqg==", 7_000_000_000_000)


def test_another_checksum_is_another_input(monkeypatch, tmp_path):
    stage = Stage("index", str(tmp_path / "pages"), {}, ("shelf://archive.warc.gz",))
    runs = []
    for checksum in ("yZRlqg==", "yZRlqg==", "AAAAAA=="):
        monkeypatch.setitem(ShelfFileSystem.files, "shelf://archive.warc.gz", (checksum, 7))
        run_stage(stage, runs.append, lambda _: Counts(0, 0))
    assert len(runs) == 2


def test_a_remote_input_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(UsageError, match="shelf://other is not there"):
        read_input("shelf://other")
    with pytest.raises(UsageError, match="cannot read shelf://other"):
        storage.file_identity("shelf://other")


def test_a_local_input_is_known_by_its_bytes(tmp_path):
    path = tmp_path / "archive.warc.gz"
    path.write_bytes(b"bytes")
    assert read_input(str(path)).sha256 == hashlib.sha256(b"bytes").hexdigest()


def work(unfinished):
    Path(unfinished, "data.txt").write_text("x")
    sum(range(2_000_000))


def test_what_a_stage_took_stands_beside_it_and_not_in_it(tmp_path):
    manifests = []
    for output in (tmp_path / "one", tmp_path / "two"):
        (tmp_path / "source.txt").write_text("input")
        stage = Stage("documents", str(output / "documents"), {}, (str(tmp_path / "source.txt"),))
        manifests.append(run_stage(stage, work, lambda _: Counts(1, 1)).to_json())
        assert sorted(path.name for path in (output / "documents").iterdir()) == ["data.txt", "manifest.json"]
        (name,) = read_timings(str(output))
        timing = read_timings(str(output))[name]
        assert name == "documents"
        assert timing.wall_s >= 0
        assert timing.cpu_s >= 0
        assert timing.launcher_bytes > 1 << 20
    assert manifests[0] == manifests[1]


def test_a_stage_that_is_found_done_keeps_what_it_took(tmp_path):
    (tmp_path / "source.txt").write_text("input")
    stage = Stage("documents", str(tmp_path / "documents"), {}, (str(tmp_path / "source.txt"),))
    run_stage(stage, work, lambda _: Counts(1, 1))
    note_timing(stage.directory, Timing(1.0, 2.0, 3, 4))
    note_timing(str(tmp_path / "corpus"), Timing(5.0, 6.0, 7, 8))
    assert run_stage(stage, work, lambda _: Counts(1, 1)) == find_manifest(stage.directory)
    assert read_timings(str(tmp_path)) == {"documents": Timing(1.0, 2.0, 3, 4), "corpus": Timing(5.0, 6.0, 7, 8)}


def test_timings_of_something_else_are_refused(tmp_path):
    assert read_timings(str(tmp_path)) == {}
    (tmp_path / NAME).write_text('{"documents": {"seconds": 1}}')
    with pytest.raises(UsageError, match=r"timings\.json is not what a run writes"):
        read_timings(str(tmp_path))
