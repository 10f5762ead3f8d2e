"""Grouping over files: what a killed run has left of it is no part of the next one."""

from functools import partial

import pytest

from pipelines.engine.runner import Engine
from pipelines.engine.spill import group_over_files


def read(urls):
    return ((url, b"record") for url in urls)


def write(folder, shard, grouped):
    (folder / f"shard-{shard}").write_text("".join(f"{url} {len(records)}\n" for url, records in grouped))


def stopped(shard, grouped):
    raise KeyboardInterrupt


def group(folder, tasks):
    group_over_files(Engine(workers=1), tasks, str(folder), 2, read, partial(write, folder))
    return sorted(line for number in (0, 1) for line in (folder / f"shard-{number}").read_text().splitlines())


def test_files_of_tasks_that_are_no_longer_given_are_not_read(tmp_path):
    tasks = [("a", ["http://a/", "http://b/"]), ("b", ["http://b/"])]
    whole = group(tmp_path, tasks)
    assert whole == ["http://a/ 1", "http://b/ 2"]
    with pytest.raises(KeyboardInterrupt):
        group_over_files(Engine(workers=1), tasks, str(tmp_path), 2, read, stopped)
    assert list(tmp_path.glob("spill-*"))
    assert group(tmp_path, tasks[:1]) == ["http://a/ 1", "http://b/ 1"]
    assert not list(tmp_path.glob("spill-*"))
