"""`verify` reads a sample of a page index at its places: two crawls in one archive, and none of its rows is true."""

import json
import shutil

import pytest

from pipelines.commands.cli import EXIT_FAILURE, EXIT_OK, main
from pipelines.engine.runner import Engine
from pipelines.stages.archives.index import index_archives
from pipelines.stages.finished.verify import place_problems
from pipelines.stages.stage import Stage, find_manifest, run_stage
from webtext.manifest import Counts
from webtext.warc.warc_records import HttpResponse, encode_record, encode_response, payload_digest


def record(number, body=None):
    url, body = f"https://host{number % 3}.example/{number}", body or f"<p>Page {number}</p>".encode()
    block = encode_response(HttpResponse(200, (("Content-Type", "text/html"),), body))
    headers = [("WARC-Payload-Digest", payload_digest(body))]
    kind = "application/http; msgtype=response"
    return encode_record("response", url, "2017-12-01T00:00:00Z", kind, block, headers=headers)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """Give an output whose pages are an index of an archive beside it."""
    folder = tmp_path_factory.mktemp("indexed")
    (folder / "web.warc.gz").write_bytes(b"".join(map(record, range(40))))
    index_archives([str(folder / "web.warc.gz")], None, str(folder / "out" / "pages"), Engine(1))
    return folder


@pytest.fixture
def folder(indexed):
    """Give the same, its archive whole again afterwards."""
    archive = indexed / "web.warc.gz"
    before = archive.read_bytes()
    yield indexed
    archive.write_bytes(before)


def test_rows_that_point_at_their_records_are_in_order(folder, capsys):
    assert place_problems(str(folder / "out" / "pages")) == []
    assert main(["verify", str(folder / "out")]) == EXIT_OK
    assert capsys.readouterr().out.endswith("all as published; the sums balance\n")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda whole: record(100, b"<p>longer than all others</p>") + whole, "32 of 32 rows"),
        (lambda _: b"".join(map(record, range(39, -1, -1))), "rows do not point at their record"),
        (lambda whole: whole[: len(whole) // 2], "rows do not point at their record"),
        (lambda whole: b"\0" * len(whole), "32 of 32 rows"),
    ],
    ids=["shifted", "reordered", "cut", "zeros"],
)
def test_rows_that_do_not_are_told_of(folder, capsys, damage, says):
    archive = folder / "web.warc.gz"
    archive.write_bytes(damage(archive.read_bytes()))
    assert main(["verify", str(folder / "out"), "--json"]) == EXIT_FAILURE
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem.startswith("pages: index-00000-of-00001.parquet: ") and says in problem


def test_an_archive_that_is_gone_is_told_of(folder, tmp_path):
    shutil.copytree(folder / "out", tmp_path / "out")
    archive = folder / "web.warc.gz"
    content = archive.read_bytes()
    archive.unlink()
    (problem,) = place_problems(str(tmp_path / "out" / "pages"))
    archive.write_bytes(content)
    assert "No such file or directory" in problem


def test_the_n_gram_filter_is_verified_with_the_rest(folder, tmp_path, capsys):
    place = tmp_path / "out" / "overlap"
    run_stage(Stage("overlap", str(place), {}, ()), lambda path: open(f"{path}/x", "w").close(), lambda _: Counts(0, 0))  # noqa: PTH123
    assert find_manifest(str(place)) is not None
    (place / "x").write_text("changed")
    assert main(["verify", str(tmp_path / "out")]) == EXIT_FAILURE
    assert "overlap: x has changed" in capsys.readouterr().out
