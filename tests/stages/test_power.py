"""A loss of power takes what was not yet on the disk; a stage is whole all the same, or not there, and goes on."""

import contextlib
from pathlib import Path

import pytest

from pipelines.commands.cli import main
from pipelines.engine.runner import Engine
from pipelines.stages.fetch import run_fetch
from pipelines.stages.finished.verify import directory_problems
from pipelines.stages.stage import Stage, find_manifest, read_manifest, run_stage
from tests.double.linked_web import make_links, web_of
from tests.double.power import Disk, StoppedError
from webtext import storage
from webtext.crawl.config import FetchConfig
from webtext.manifest import Counts


def stage(tmp_path, version):
    return Stage("documents", str(tmp_path / "out" / "documents"), {"version": version}, ())


def work(version):
    def write(directory):
        for number in range(3):
            with storage.create_file(f"{directory}/part-{number}.parquet") as stream:
                stream.write(f"version {version}, part {number}".encode() * 100)

    return write


def counted(_directory):
    return Counts(3, 3)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are found in /proc")
@pytest.mark.parametrize("moment", [*range(0, 40, 2), 10**6])
def test_a_loss_of_power_at_any_moment_leaves_a_stage_whole_or_not_there(tmp_path, monkeypatch, moment):
    with monkeypatch.context() as patched:
        disk = Disk(patched)
        run_stage(stage(tmp_path, 1), work(1), counted)
        disk.moment = disk.done + moment
        with contextlib.suppress(StoppedError):
            run_stage(stage(tmp_path, 2), work(2), counted)
    disk.lose(tmp_path / "out")
    found = find_manifest(str(tmp_path / "out" / "documents"))
    assert found is None or directory_problems(str(tmp_path / "out" / "documents"), found) == []
    finished = run_stage(stage(tmp_path, 2), work(2), counted)
    assert directory_problems(str(tmp_path / "out" / "documents"), finished) == []
    assert (tmp_path / "out" / "documents" / "part-0.parquet").read_bytes().startswith(b"version 2")


@pytest.mark.parametrize("zeros", [0, 4096])
@pytest.mark.parametrize("left", [0.0, 0.31, 0.97])
def test_a_crawl_goes_on_with_what_was_on_the_disk(tmp_path, left, zeros):
    """Its archive is cut where the disk had it, or filled up with zeros; tables were not yet there."""
    records, expected = web_of(6, 3)
    archive = tmp_path / "web.warc.gz"
    archive.write_bytes(b"".join(records))
    links, config = make_links(tmp_path, expected), FetchConfig(delay=0, backoff=0, max_crawl_delay=0)
    pages = tmp_path / "out" / "pages"

    def fetch():
        return run_fetch(links, str(pages), config, Engine(1), replay=[str(archive)])

    whole = fetch().counts
    unfinished = tmp_path / "out" / "pages.unfinished"
    pages.rename(unfinished)
    (unfinished / "manifest.json").unlink()
    (unfinished / ".webtext").write_text("fetch")
    for path in unfinished.iterdir():
        if path.name.endswith(".warc.gz"):
            content = path.read_bytes()
            path.write_bytes(content[: int(left * len(content))] + b"\0" * zeros)
        elif not path.name.startswith("."):
            path.write_bytes(b"")
    assert fetch().counts == whole
    assert read_manifest(str(pages)).counts == whole
    assert main(["verify", str(pages)]) == 0
