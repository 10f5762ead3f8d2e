"""What somebody wants removed is not asked for again: told at the server, by index, ledger and `explain`."""

from collections import Counter
from dataclasses import replace

import pytest

from pipelines.commands.explain import explain
from pipelines.commands.remove import read_list
from pipelines.engine.runner import Engine
from pipelines.stages.fetch import run_fetch
from pipelines.stages.removals import (
    NOTHING_UNWANTED,
    Requests,
    Tombstone,
    read_tombstones,
    read_unwanted,
    write_tombstones,
)
from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.crawl.config import FetchConfig
from webtext.errors import UsageError
from webtext.manifest import Counts
from webtext.records import Link, Page, Rejection
from webtext.tables import read_records, write_records
from webtext.warc import warc_reader, warc_records
from webtext.warc.warc_records import HttpResponse

CONFIG = FetchConfig(delay=0, backoff=0, max_crawl_delay=0)
PAGE = b"<!doctype html><p>" + b"Words of a page. " * 40
URLS = {
    "https://stays.test/a": "ok",
    "https://gone.test/page": "removed",  # its URL was asked for
    "https://gone.test/other": "ok",
    "https://www.gone-host.test/x": "removed",  # its host was, with what lies below it
    "https://short.test/1": "removed",  # redirects to the host
    "https://author.test/essay": "removed",  # known to be of an author that is removed
}


def record(url, body, status=200, *headers):
    block = warc_records.encode_response(HttpResponse(status, (("Content-Type", "text/html"), *headers), body, "x"))
    return warc_records.encode_record(
        "response", url, "2024-05-06T07:08:09Z", "application/http; msgtype=response", block
    )


@pytest.fixture
def output(tmp_path):
    """Make an output with links and tombstones, and an archive of the web they lead to."""
    records = [record(url, PAGE) for url in URLS if "short" not in url]
    records.append(record("https://short.test/1", b"", 301, ("Location", "https://a.gone-host.test/y")))
    records.append(record("https://a.gone-host.test/y", PAGE))
    (tmp_path / "web.warc.gz").write_bytes(b"".join(records))
    publish_links(tmp_path, URLS)
    write_tombstones(
        str(tmp_path),
        [
            Tombstone.of("url", "http://gone.test/page?utm_source=x"),
            Tombstone.of("host", "gone-host.test"),
            Tombstone.of("author", "Jane Doe"),
        ],
    )
    (tmp_path / "removed").mkdir()
    with (tmp_path / "removed" / "rejections-00000.parquet").open("wb") as stream:
        rows = [Rejection("https://author.test/essay", "removal", "removed", "asked for by author")]
        write_records(stream, rows, Rejection)
    return tmp_path


def publish_links(folder, urls):
    links = [Link(url, url, "", 3, 1, ("news",), 1_500_000_000) for url in urls]

    def write(directory):
        with storage.create_file(storage.join(directory, "links-00000-of-00001.parquet")) as stream:
            write_records(stream, links, Link)

    run_stage(
        Stage("harvest", str(folder / "links"), {"links": len(links)}, ()),
        write,
        lambda _: Counts(len(links), len(links)),
    )


def run(output, config=CONFIG, slots=1):
    return run_fetch(
        str(output / "links"), str(output / "pages"), config, Engine(1), replay=[str(output / "web.warc.gz")],
        slots=slots, unwanted=read_unwanted(str(output)),
    )  # fmt: skip


def rows_of(output):
    found = []
    for path in sorted((output / "pages").glob("index-*.parquet")):
        with path.open("rb") as stream:
            found += read_records(stream, Page)
    return {row.url: row for row in found}


def asked(output):
    found = Counter()
    for path in (output / "pages").glob("*.warc.gz"):
        with path.open("rb") as stream:
            found.update(one.url for one in warc_reader.iter_warc(stream) if one.type == "request")
    return found


@pytest.mark.parametrize("slots", [1, 3])
def test_what_is_removed_is_not_asked_for(output, slots):
    done = run(output, slots=slots)
    assert {url: row.outcome for url, row in rows_of(output).items()} == URLS
    assert done.counts.rejected == {"removed": 4}
    requests = asked(output)
    assert not [url for url in requests if "gone-host" in url or url.endswith(("/page", "/essay"))]
    assert requests["https://short.test/1"] == requests["https://stays.test/a"] == 1
    details = {row.url: row.detail for row in rows_of(output).values() if row.outcome == "removed"}
    assert details == {
        "https://gone.test/page": "asked for by url",
        "https://www.gone-host.test/x": "asked for by host",
        "https://short.test/1": "asked for by host",
        "https://author.test/essay": "asked for by author",
    }


def test_explain_says_who_asked(output):
    run(output)
    found = [one for one in explain(str(output), "https://gone.test/page") if one["stage"] == "pages"]
    assert [(one["verdict"], one["detail"]) for one in found] == [("removed", "asked for by url")]


def test_what_failed_is_not_asked_for_again_once_it_is_removed(output):
    requested = (output / "removals.jsonl").read_text()
    (output / "removals.jsonl").unlink()
    publish_links(output, [*URLS, "https://gone.test/missing"])
    run(output)
    assert asked(output)["https://gone.test/missing"] == 1
    (output / "removals.jsonl").write_text(requested)
    write_tombstones(str(output), [Tombstone.of("url", "https://gone.test/missing")])
    done = run(output, replace(CONFIG, refetch_failed=True))
    assert done.counts.rejected == {"removed": 1}
    assert asked(output)["https://gone.test/missing"] == 1


def test_requests_that_are_taken_back_are_fetched(output):
    run(output)
    write_tombstones(str(output), [Tombstone.of("url", "http://gone.test/page")])
    assert run(output).counts.rejected == {"removed": 1}
    (output / "removals.jsonl").unlink()
    assert read_unwanted(str(output)) == NOTHING_UNWANTED
    assert run(output).counts.rejected == {}
    times = {path.name: path.stat().st_mtime_ns for path in (output / "pages").iterdir()}
    run(output)
    assert {path.name: path.stat().st_mtime_ns for path in (output / "pages").iterdir()} == times


def test_what_the_archive_holds_stays_in_it(output):
    requested = (output / "removals.jsonl").read_text()
    (output / "removals.jsonl").unlink()
    run(output)
    before = rows_of(output)
    (output / "removals.jsonl").write_text(requested)
    run(output)
    assert rows_of(output) == before


def test_a_line_that_is_no_request_is_named(tmp_path):
    (tmp_path / "list").write_text("host a.example\nplease remove me\n")
    with pytest.raises(UsageError, match=r"line 2: write `url ...`"):
        read_list(str(tmp_path / "list"))
    (tmp_path / "removals.jsonl").write_text('{"kind": "page"}\n')
    with pytest.raises(UsageError, match="line 1: a request is"):
        read_tombstones(str(tmp_path))


@pytest.mark.parametrize(
    ("tombstone", "kind"),
    [
        (("host", "host1.example"), "host"),
        (("host", "example"), "host"),
        (("host", "ost1.example"), None),
        (("url", "https://moved.example/new#top"), "url"),
        (("url", "https://host1.example"), None),
        (("author", "JANE DOE"), "author"),
        (("author", "Jane"), None),
    ],
)
def test_a_request_matches_what_it_names_and_no_more(tombstone, kind):
    asked = Requests.of([Tombstone.of(*tombstone)])
    row = ("https://host1.example/1", "http://moved.example/new/", "host1.example", "Ann Other; Jane  Doe")
    assert asked.kind_of(*row) == kind
