"""Any archive becomes a page index: one capture a URL, the link's karma, and a reason for each link without a page."""

import gzip

import pytest

from pipelines.commands.cli import main
from pipelines.engine.runner import Engine
from pipelines.stages.index import archives_of, best_capture, index_archives
from pipelines.stages.ledger import count_rejections
from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Counts
from webtext.records import Link, Page
from webtext.tables import read_records, write_records
from webtext.warc.warc_records import read_response

ENGINE = Engine(workers=1)


def record(url, body=b"<p>text", status="200 OK", date="2017-01-01T00:00:00Z"):
    http = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{hash(url)}>\r\nWARC-Date: {date}\r\n"
        f"WARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0)


def pages_of(directory):
    rows = []
    for name in storage.list_files(directory, "index-*.parquet"):
        with storage.open_file(f"{directory}/{name}") as stream:
            rows += read_records(stream, Page)
    return rows


def links_stage(tmp_path, *links):
    def work(directory):
        with storage.create_file(f"{directory}/links-00000-of-00001.parquet") as stream:
            write_records(stream, links, Link)

    source = tmp_path / "source"
    source.write_text("x")
    directory = str(tmp_path / "links")
    run_stage(Stage("harvest", directory, {}, (str(source),)), work, lambda _: Counts(len(links), len(links)))
    return directory


def test_an_index_points_at_the_response_of_each_url(tmp_path):
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(record("http://a.example/1", b"one") + record("http://a.example/2", b"two"))
    manifest = index_archives([str(archive)], None, str(tmp_path / "pages"), ENGINE)
    assert (manifest.counts.given, manifest.counts.kept) == (2, 2)
    bodies = {}
    for page in pages_of(str(tmp_path / "pages")):
        with storage.open_file(page.warc_file) as stream:
            bodies[page.url] = read_response(stream, page.warc_offset, page.warc_length).body
    assert bodies == {"https://a.example/1": b"one", "https://a.example/2": b"two"}


def test_signals_in_pages_are_obeyed_and_counted(tmp_path):
    noai = b'<meta name="robots" content="noai"><p>text'
    rows = [
        record("http://a.example/open"),
        record("http://a.example/meta", noai),
        record("http://a.example/packed", gzip.compress(noai + bytes(600_000)), "200 OK\r\nContent-Encoding: gzip"),
        record("http://a.example/decoded", noai, "200 OK\r\nContent-Encoding: gzip"),
        record("http://a.example/header", status="200 OK\r\nContent-Usage: train-ai=n"),
        record("http://a.example/licence", b'<link rel=license type="application/rsl+xml" href=/a.xml>'),
        record("http://a.example/index", status="200 OK\r\nX-Robots-Tag: noindex"),
        record("http://a.example/was-open", date="2016-01-01T00:00:00Z"),
        record("http://a.example/was-open", noai),
    ]
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(b"".join(rows))
    manifest = index_archives([str(archive)], None, str(tmp_path / "pages"), ENGINE)
    assert manifest.counts.rejected == {"opt_out_noai": 4, "opt_out_content_usage": 1, "opt_out_rsl": 1}
    pages = {page.url.rpartition("/")[2]: page for page in pages_of(str(tmp_path / "pages"))}
    assert (pages["index"].outcome, pages["index"].opt_out) == ("ok", "noindex")
    assert (pages["was-open"].outcome, pages["was-open"].opt_out) == ("opt_out", "noai")  # the latest capture counts
    assert pages["meta"].detail == '<meta name="robots" content="noai"> in the page\'s head'
    assert "http://a.example/a.xml" in pages["licence"].detail
    again = index_archives([str(archive)], None, str(tmp_path / "all"), ENGINE, opt_outs=("content_usage",))
    assert again.counts.rejected == {"opt_out_content_usage": 1}


def test_one_capture_of_a_url_is_indexed_whatever_the_order(tmp_path):
    captures = [
        record("http://example.org/", status="404 Not Found", date="2020-01-01T00:00:00Z"),
        record("http://example.org/", b"old", date="2016-01-01T00:00:00Z"),
        record("https://www.example.org/", b"new", date="2017-01-01T00:00:00Z"),
    ]
    for name, order in (("forth", captures), ("back", captures[::-1])):
        archive = tmp_path / f"{name}.warc.gz"
        archive.write_bytes(b"".join(order))
        index_archives([str(archive)], None, str(tmp_path / name), ENGINE)
        [page] = pages_of(str(tmp_path / name))
        assert (page.outcome, page.fetch_url) == ("ok", "https://www.example.org/")


def test_best_capture_is_associative(tmp_path):
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(record("http://example.org/", b"x") + record("http://example.org/", b"y"))
    index_archives([str(archive)], None, str(tmp_path / "pages"), ENGINE)
    [page] = pages_of(str(tmp_path / "pages"))
    assert best_capture([page]) == page == best_capture([page, page])


def test_links_give_karma_and_what_is_not_in_the_archive_is_rejected(tmp_path):
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(
        record("http://a.example/1")
        + record("http://a.example/unlinked")
        + record("http://a.example/gone", status="410 Gone")
    )
    links = links_stage(
        tmp_path,
        Link("https://a.example/1", "http://a.example/1", "a.example", 7, 2, ("news",), 1_400_000_000),
        Link("https://a.example/gone", "http://a.example/gone", "a.example", 3, 1, ("news",), None),
        Link("https://b.example/", "http://b.example/", "b.example", 9, 1, (), None),
    )
    directory = str(tmp_path / "pages")
    manifest = index_archives([str(archive)], links, directory, ENGINE)
    assert (manifest.counts.given, manifest.counts.kept) == (3, 1)
    assert count_rejections(directory) == {"http_410": 1, "not_in_archive": 1}
    [page] = [page for page in pages_of(directory) if page.outcome == "ok"]
    assert (page.url, page.karma, page.submissions, page.subreddits) == ("https://a.example/1", 7, 2, ("news",))


def test_no_archive_is_one_clear_line(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        archives_of([str(tmp_path / "*.warc.gz")])


def test_a_file_that_is_no_archive_is_one_clear_line(tmp_path):
    (tmp_path / "a.warc.gz").write_bytes(b"not an archive")
    with pytest.raises(UsageError, match=r"a\.warc\.gz"):
        index_archives([str(tmp_path / "a.warc.gz")], None, str(tmp_path / "pages"), ENGINE)


ENGLISH = " ".join(
    f"In the {number}th winter the ferry did not run, and the island read its old newspapers again."
    for number in range(9)
)
FRENCH = " ".join(f"Le marché du {number} mai était fermé, et personne ne savait pourquoi." for number in range(12))


def test_a_dry_run_tells_what_each_rule_would_remove_and_builds_nothing(tmp_path, capsys):
    archive = tmp_path / "a.warc.gz"
    pages = {"en": ENGLISH, "fr": FRENCH}
    archive.write_bytes(
        b"".join(
            record(f"http://a.example/{name}", f"<html><body><article><p>{text}</p></article></body></html>".encode())
            for name, text in pages.items()
        )
    )
    output = tmp_path / "out"
    assert main(["build", "--warc", str(archive), "--output", str(output), "--dry-run", "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert "keeps 1 of 2 documents" in printed
    assert "https://a.example/fr" in printed
    assert sorted(path.name for path in output.iterdir()) == ["pages", "timings.json", "webtext.toml"]
