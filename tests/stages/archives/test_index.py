"""Any archive becomes a page index: one capture a URL, the link's karma, and a reason for each link without a page."""

import gzip

import pyarrow.parquet as pq
import pytest

from pipelines.commands.cli import main
from pipelines.engine.runner import Engine
from pipelines.stages.archives import index
from pipelines.stages.archives.index import archives_of, best_capture, index_archives
from pipelines.stages.ledger import count_rejections
from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Counts
from webtext.records import Link, Page
from webtext.tables import read_records, write_records
from webtext.warc.warc_reader import read_response
from webtext.warc.warc_records import payload_digest

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


def indexed(archives, links, directory):
    """Index in one task, and by a shuffle of Beam's, which gives the same bytes."""
    manifest = index_archives(archives, links, directory, ENGINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_BYTES_WORTH_A_PROCESS", 1)
        shuffled = index_archives(archives, links, f"{directory}-shuffled", ENGINE)
    assert (shuffled.files, shuffled.counts) == (manifest.files, manifest.counts)
    return manifest


def test_links_that_are_more_than_the_archive_are_not_held_by_one_task(tmp_path, monkeypatch):
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(record("http://a.example/1", b"one"))
    links = links_stage(tmp_path, Link("http://a.example/1", "http://a.example/1", "a.example", 9, 1, (), None))
    monkeypatch.setattr(index, "_BYTES_WORTH_A_PROCESS", archive.stat().st_size)
    monkeypatch.setattr(index, "IndexInOneTask", None)
    assert index_archives([str(archive)], links, str(tmp_path / "pages"), ENGINE).counts.given == 1


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
        record("http://a.example/packed", gzip.compress(noai + b" " * 600_000), "200 OK\r\nContent-Encoding: gzip"),
        record("http://a.example/decoded", noai, "200 OK\r\nContent-Encoding: gzip"),
        record("http://a.example/header", status="200 OK\r\nContent-Usage: train-ai=n"),
        record("http://a.example/licence", b'<link rel=license type="application/rsl+xml" href=/a.xml>'),
        record("http://a.example/index", status="200 OK\r\nX-Robots-Tag: noindex"),
        record("http://a.example/was-open", date="2016-01-01T00:00:00Z"),
        record("http://a.example/was-open", noai),
    ]
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(b"".join(rows))
    manifest = indexed([str(archive)], None, str(tmp_path / "pages"))
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
        indexed([str(archive)], None, str(tmp_path / name))
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
    manifest = indexed([str(archive)], links, directory)
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


def http(status="200 OK", body=b"<p>text", **headers):
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def warc_record(url, kind, block, date="2020-01-01T00:00:00Z", **fields):
    fields = {"WARC-Type": kind, "WARC-Target-URI": url, "WARC-Date": date, "Content-Length": len(block), **fields}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return gzip.compress(f"WARC/1.0\r\n{head}\r\n".encode() + block + b"\r\n\r\n", mtime=0)


HTML = {"Content-Type": "text/html"}


def test_each_record_that_may_be_a_page_is_judged_as_an_answer_from_the_web_is(tmp_path):
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(
        warc_record("http://a.example/page", "response", http(**HTML))
        + warc_record("http://a.example/203", "response", http("203 Changed", **HTML))
        + warc_record("http://a.example/image", "response", http(**{"Content-Type": "image/png"}))
        + warc_record("http://a.example/binary", "response", http(body=b"%PDF-1.4", **HTML))
        + warc_record("http://a.example/empty", "response", http(body=b"", **HTML))
        + warc_record("http://a.example/file", "resource", b"<p>file", **HTML)
        + warc_record("http://a.example/style", "resource", b"p {}", **{"Content-Type": "text/css"})
        + warc_record("urn:pageinfo:http://a.example/", "resource", b"{}", **{"Content-Type": "text/html"})
        + warc_record("http://a.example/text", "conversion", b"Words.", **{"Content-Type": "text/plain"})
        + warc_record("http://a.example/meta", "metadata", b"x: y", **{"Content-Type": "application/warc-fields"})
        + warc_record("http://a.example/cut", "response", http(body=b"<p>" * 999, **HTML), **{"Content-Length": 9999})
    )
    directory = str(tmp_path / "pages")
    counts = index_archives([str(archive)], None, directory, ENGINE).counts
    assert {page.url.rpartition("/")[2]: page.outcome for page in pages_of(directory)} == {
        **dict.fromkeys(("page", "203", "file", "text"), "ok"),
        **dict.fromkeys(("image", "binary", "style"), "not_html"),
        "empty": "empty_body",
        "cut": "incomplete",
    }
    assert counts.notes == {
        "damaged": 1,
        "records_conversion": 1,
        "records_metadata": 1,
        "records_resource": 3,
        "records_response": 6,
    }


def test_a_revisit_is_the_page_whose_body_it_has_in_whichever_archive_that_is(tmp_path):
    digest = {"WARC-Payload-Digest": "sha1:ABC"}
    (tmp_path / "1.warc.gz").write_bytes(
        warc_record("http://a.example/2", "revisit", http(body=b"", **HTML), **digest)
        + warc_record("http://a.example/3", "revisit", b"", **{"WARC-Payload-Digest": "SHA1:ABC"})
        + warc_record("http://a.example/4", "revisit", b"", **{"WARC-Payload-Digest": "sha1:elsewhere"})
        + warc_record("http://a.example/5", "revisit", http("404 Not Found", b"", **HTML), **digest)
        + warc_record("http://a.example/6", "revisit", http(body=b"", **HTML, **{"X-Robots-Tag": "noai"}), **digest)
    )
    # Crawlers that left the digest out, or gave that of no content, and named the record or not (pywb#88, httrack#778).
    refers, empty = {"WARC-Refers-To-Target-URI": "<http://a.example/1>"}, {"WARC-Payload-Digest": payload_digest(b"")}
    (tmp_path / "3.warc.gz").write_bytes(
        warc_record("http://a.example/7", "revisit", b"", **refers)
        + warc_record("http://a.example/8", "revisit", http("304 Not Modified", b""), **refers, **empty)
        + warc_record("http://a.example/1", "revisit", http("304 Not Modified", b""), "2021-01-01T00:00:00Z", **empty)
    )
    (tmp_path / "2.warc.gz").write_bytes(warc_record("http://a.example/1", "response", http(**HTML), **digest))
    directory = str(tmp_path / "pages")
    indexed(sorted(map(str, tmp_path.glob("*.gz"))), None, directory)
    found = {page.url[-1]: page for page in pages_of(directory)}
    assert [found[name].outcome for name in "12345"] == ["ok", "ok", "ok", "not_in_archive", "http_404"]
    assert found["6"].opt_out and found["6"].outcome != "ok"
    for name in "12378":
        assert found[name].fetch_url == found[name].final_url == f"http://a.example/{name}"
        with storage.open_file(found[name].warc_file) as stream:
            response = read_response(stream, found[name].warc_offset, found[name].warc_length, found[name].digest)
        assert response.body == b"<p>text"


def test_a_link_whose_redirect_leads_to_a_page_of_the_archive_has_that_page(tmp_path):
    moved = {
        name: http("301 Moved", b"", Location=place) for name, place in (("a", "/b"), ("b", "page"), ("x", "/gone"))
    }
    moved |= {"loop": http("302 Found", b"", Location="/loop"), "out": http("302 Found", b"", Location="//b.example/")}
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(
        b"".join(warc_record(f"http://a.example/{name}", "response", block) for name, block in moved.items())
        + warc_record("http://a.example/page", "response", http(**HTML))
        + warc_record("http://a.example/gone", "response", http("410 Gone", **HTML))
    )
    urls = [f"https://a.example/{name}" for name in moved]
    links = links_stage(tmp_path, *(Link(url, url, "a.example", 7, 1, (), None) for url in urls))
    indexed([str(archive)], links, str(tmp_path / "pages"))
    rows = {page.url.rpartition("/")[2]: page for page in pages_of(str(tmp_path / "pages"))}
    assert {name: page.outcome for name, page in rows.items()} == {
        "a": "ok",
        "b": "ok",
        "x": "http_301",
        "loop": "http_302",
        "out": "http_302",
    }
    assert (rows["a"].final_url, rows["a"].karma) == ("http://a.example/page", 7)
    assert rows["out"].detail == "http://b.example/"


def built(tmp_path, *flags):
    return main(["build", "--output", str(tmp_path / "out"), "--workers", "1", *flags])


def test_a_wet_is_read_as_text_without_extraction(tmp_path):
    text = f"{ENGLISH}\nAnd the river said nothing of it, then or later.\n"
    archive = tmp_path / "a.warc.wet.gz"
    archive.write_bytes(warc_record("http://a.example/", "conversion", text.encode(), **{"Content-Type": "text/plain"}))
    assert built(tmp_path, "--warc", str(archive), "--set", "length.min_words=5") == 0
    [part] = (tmp_path / "out" / "documents").glob("part-*.parquet")
    assert pq.read_table(part).column("text").to_pylist() == [text.rstrip("\n")]


def test_one_damaged_archive_of_many_costs_itself_and_is_told(tmp_path, capsys):
    page = f"<article><p>{ENGLISH}</p></article>".encode()
    (tmp_path / "1.warc.gz").write_bytes(warc_record("http://a.example/1", "response", http(body=page, **HTML)))
    whole = warc_record("http://a.example/2", "response", http(body=page + b"<p>Besides.", **HTML))
    (tmp_path / "2.warc.gz").write_bytes(whole + whole[:-30])
    both = ["--warc", str(tmp_path / "*.warc.gz"), "--set", "length.min_words=5"]
    for flags, status in ((both, 3), ([*both, "--on-damage", "skip"], 0)):
        assert built(tmp_path, *flags) == status
        last = capsys.readouterr().err.splitlines()[-1]
        assert f"DAMAGED: 2.warc.gz: byte {len(whole)}: the file ends inside this frame" in last
        assert ("--on-damage skip" in last) is (status == 3)
    (tmp_path / "3.warc.gz").write_bytes(b"no archive")
    assert built(tmp_path, *both) == 2
    assert built(tmp_path, *both, "--on-damage", "skip") == 0
    assert "and 2 more places" in capsys.readouterr().err


def test_an_archive_without_a_page_says_what_it_has(tmp_path, capsys):
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(warc_record("http://a.example/", "request", b"GET / HTTP/1.1\r\n\r\n") * 3)
    assert built(tmp_path, "--warc", str(archive)) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert (
        told == "webtext build: pages holds nothing: the archives hold no page, only records of these kinds: 3 request"
    )
