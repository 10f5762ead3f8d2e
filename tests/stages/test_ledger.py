"""Counts of a stage's files: each file is read once for as long as it is the same one."""

import pytest

from pipelines.stages import ledger
from webtext import storage
from webtext.errors import UsageError
from webtext.records import Rejection
from webtext.tables import write_records


def write(folder, name, *reasons):
    with storage.create_file(str(folder / name)) as stream:
        rows = [Rejection(f"http://a/{place}", "fetch", why) for place, why in enumerate(reasons)]
        write_records(stream, rows, Rejection)


def test_who_watches_a_stage_reads_what_is_new_alone(tmp_path, monkeypatch):
    opened, really = [], storage.open_file
    monkeypatch.setattr(storage, "open_file", lambda path: opened.append(path) or really(path))
    write(tmp_path, "rejections-0.parquet", "dns_error", "http_404", "http_404")
    for _ in range(3):
        assert ledger.count_rejections(str(tmp_path)) == {"http_404": 2, "dns_error": 1}
        assert ledger.count_rows(str(tmp_path), "*.parquet") == 3
    assert len(opened) == 2
    write(tmp_path, "rejections-1.parquet", "dns_error", "dns_error")
    write(tmp_path, "rejections-0.parquet", "bad_url")  # another file of that name
    assert ledger.count_rejections(str(tmp_path)) == {"dns_error": 2, "bad_url": 1}
    assert ledger.count_rows(str(tmp_path), "*.parquet") == 3
    assert len(opened) == 6


def test_a_file_that_is_gone_is_told_as_before(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        ledger._rows(str(tmp_path / "gone.parquet"))
