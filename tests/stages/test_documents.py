"""Buckets partition the pages by URL alone; a page becomes one document or one rejection; files are sorted."""

import argparse
import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.near.minhash import MinHashConfig
from dedup.near.sketch import sketch
from filters import load_preset
from filters.catalogue import RULES, Rule
from filters.rules.lib.steps import threshold
from filters.rules.personal_data import PersonalData
from pipelines.commands.build_flags import add_documents_arguments, add_duplicates_arguments, documents_config
from pipelines.pages.page_index import PageIndex
from pipelines.pages.page_work import judge_page
from pipelines.stages import documents
from pipelines.stages.documents import (
    MOST_BUCKETS,
    PAGES_A_BUCKET,
    Bucket,
    DocumentsConfig,
    count_documents,
    plan_buckets,
    read_pages,
    write_bucket,
)
from tests.double.documents_stage import page
from tests.rules.test_traps import document
from webtext import storage
from webtext.errors import UsageError
from webtext.extract.pages import Extracted
from webtext.hashing import bucket_of, document_id
from webtext.local import FilePath
from webtext.reasons import Reason
from webtext.records import Document, Page, Rejection
from webtext.tables import read_records, write_records

ENGLISH = "The ferry leaves at six in the morning, and nobody on the quay has slept. " * 20


def write_index(directory, pages, files):
    names = []
    for file in range(files):
        names.append(f"{directory}/index-{file:05d}-of-{files:05d}.parquet")
        rows = sorted((p for p in pages if bucket_of(p.url, files) == file), key=lambda p: p.url)
        with storage.create_file(names[-1]) as stream:
            write_records(stream, rows, Page)
    return names


@given(st.integers(1, 40), st.integers(0, 10_000_000))
def test_a_plan_has_a_bucket_for_each_hash_and_bounds_their_number(files, pages):
    names = [f"index-{file}" for file in range(files)]
    plan = plan_buckets(names, pages)
    assert [bucket.bucket for bucket in plan] == list(range(len(plan)))
    assert len(plan) % files == 0
    assert len(plan) <= max(MOST_BUCKETS + files, -(-pages // PAGES_A_BUCKET) + files)


def test_each_page_lies_in_exactly_one_bucket_whatever_the_index(tmp_path):
    pages = [page(f"https://a.example/{number}", offset=number) for number in range(600)]
    for files in (1, 3):
        plan = plan_buckets(write_index(str(tmp_path / str(files)), pages, files), len(pages))
        index = PageIndex()
        found = [read.url for bucket in plan for read in read_pages(bucket, index)]
        assert len(plan) > files
        assert sorted(found) == sorted(read.url for read in pages)


def test_an_index_file_is_read_once_for_all_of_its_buckets(tmp_path, monkeypatch):
    pages = [page(f"https://a.example/{number}", offset=number) for number in range(600)]
    plan = plan_buckets(write_index(str(tmp_path), pages, 2), len(pages))
    opened = []
    open_file = storage.open_file
    monkeypatch.setattr(storage, "open_file", lambda path: (opened.append(path), open_file(path))[1])
    for most_rows, reads in ((1000, 2), (1, len(plan))):  # all fit; one at a time, and the files take turns
        opened.clear()
        index, turns = PageIndex(most_rows), sorted(plan, key=lambda bucket: bucket.bucket % (len(plan) // 2))
        for bucket in turns:
            read_pages(bucket, index)
        assert len(opened) == reads


def test_a_bucket_is_read_in_the_order_of_the_archive_and_without_what_failed(tmp_path):
    pages = [page(f"https://a.example/{n}", offset=100 - n, outcome="ok" if n % 2 else "http_404") for n in range(10)]
    [name] = write_index(str(tmp_path), pages, 1)
    offsets = [read.warc_offset for read in read_pages(Bucket(name, 0, 1), PageIndex())]
    assert offsets == [91, 93, 95, 97, 99]


def test_a_page_becomes_a_document_or_one_rejection():
    filters = DocumentsConfig().rules
    assert filters.name == "webtext"
    kept = judge_page(page("https://a.example/1"), Extracted(ENGLISH, title="Ferry"), ())
    assert isinstance(kept, Document)
    assert (kept.id, kept.karma, kept.title, kept.language) == (document_id("https://a.example/1"), 5, "Ferry", "en")
    refused = judge_page(page("https://a.example/1"), Extracted(ENGLISH * 9), (lambda _: Reason("wikipedia", "host"),))
    assert isinstance(refused, Rejection)
    assert (refused.stage, refused.reason, refused.detail) == ("filter", "wikipedia", "host")
    assert refused.excerpt == (ENGLISH * 9)[:2000]
    nothing = judge_page(page("https://a.example/1"), Reason("no_text"), ())
    assert nothing == Rejection("https://a.example/1", "extract", "no_text")


def test_a_page_that_was_only_glanced_at_is_rejected_and_the_evidence_says_so():
    seen = Extracted("Die Fähre fährt um sechs Uhr am Morgen, und niemand am Kai hat geschlafen. " * 9, glanced=True)
    refused = judge_page(page("https://a.example/1"), seen, load_preset("webtext"))
    assert (refused.stage, refused.reason, refused.excerpt) == ("filter", "language", seen.text)
    assert refused.detail == "de 1.00; not extracted, for all that it shows is in de"
    with pytest.raises(ValueError, match="no rule rejects"):
        judge_page(page("https://a.example/1"), seen, ())


@pytest.mark.parametrize(
    ("flags", "languages"),
    [
        ([], ("en",)),
        (["--language", "de", "en"], ("de", "en")),
        (["--language", "any"], ()),
        (["--set", "language.enabled=false"], ()),
        (["--extract-foreign"], ()),
        (["--preset", "c4"], ("en",)),
    ],
)
def test_the_languages_of_the_rule_are_those_worth_extracting(flags, languages):
    parser = argparse.ArgumentParser()
    add_documents_arguments(parser)
    add_duplicates_arguments(parser)
    arguments = parser.parse_args(flags)
    assert documents_config(arguments).extract.languages == languages


def test_the_files_of_a_bucket_hold_sorted_rows_and_find_their_shingles(tmp_path):
    config = DocumentsConfig()
    texts = {f"https://a.example/{n}": f"{ENGLISH} number {n}" for n in range(5)}
    documents = [judge_page(page(url), Extracted(text), ()) for url, text in texts.items()]
    sketched = [(document, sketch(document.text, config.minhash)) for document in documents]
    rejections = [Rejection("https://b.example/", "extract", "no_text"), Rejection("https://a.example/", "filter", "x")]
    write_bucket(str(tmp_path), "00000-of-00001", sketched, rejections)
    table = pq.read_table(tmp_path / "part-00000-of-00001.parquet")
    assert table.column("id").to_pylist() == sorted(document.id for document in documents)
    hashes = np.fromfile(tmp_path / "shingles-00000-of-00001.bin", "<u8")
    for row in table.to_pylist():
        expected = sketch(texts[row["url"]], config.minhash)
        found = hashes[row["shingles_offset"] : row["shingles_offset"] + row["n_shingles"]]
        assert np.array_equal(found, expected.shingles)
        assert (row["signature"], row["text_digest"]) == (expected.signature, expected.text_digest)
    with storage.open_file(str(tmp_path / "rejections-00000-of-00001.parquet")) as stream:
        assert [rejection.url for rejection in read_records(stream, Rejection)] == [
            "https://a.example/",
            "https://b.example/",
        ]


def test_what_a_bucket_took_is_the_systems_again_once_it_is_written(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(documents, "PagePool", Unread)
    monkeypatch.setattr(
        documents, "read_responses", lambda *_: [(page(f"https://a.example/{n}"), None) for n in range(3)]
    )
    monkeypatch.setattr(documents, "give_back", lambda: written.append(len(list(tmp_path.glob("part-*")))))
    work = documents.WriteBuckets(str(tmp_path), DocumentsConfig())
    work.open()
    for bucket in range(2):
        work.do(Bucket("index", bucket, 2))
    work.finish()
    work.close()
    assert written == [0, 1, 2]


class Unread:
    """A pool that extracts no page."""

    def __init__(self, *_):
        pass

    def submit(self, page, _):
        return lambda: Rejection(page.url, "extract", "no_text")

    def __exit__(self, *_):
        pass


def test_a_configuration_is_its_rules_and_not_the_name_of_their_file(tmp_path):
    preset = tmp_path / "mine.toml"
    preset.write_text('[[rule]]\nname = "length"\nmin_words = 7\n')
    other = tmp_path / "same.toml"
    other.write_text('[[rule]]\nname = "length"\nmin_words = 7\n')
    changed = DocumentsConfig(preset=str(other), overrides=(("length.min_words", 8),))
    assert DocumentsConfig(preset=str(preset)).identity() == DocumentsConfig(preset=str(other)).identity()
    assert changed.identity() != DocumentsConfig(preset=str(other)).identity()


def identity(*overrides):
    return DocumentsConfig(overrides=(("bad_words.enabled", True), *overrides)).identity()


@pytest.mark.parametrize(
    ("field", "many"), [("blocklist.paths", True), ("bad_words.path", False), ("personal.dictionary", False)]
)
def test_what_lies_in_the_file_of_a_rule_counts_and_its_place_does_not(tmp_path, monkeypatch, field, many):
    monkeypatch.setitem(RULES, "personal", Rule(Personal, ()))
    files = [tmp_path / name for name in ("one.txt", "same.txt", "other.txt")]
    for path, content in zip(files, ("casino.example", "casino.example", "poker.example"), strict=True):
        path.write_text(content)
    one, same, other = (identity((field, (str(path),) if many else str(path))) for path in files)
    assert one == same != other
    assert str(tmp_path) not in str(one)


@dataclasses.dataclass(frozen=True)
class Personal:
    """A rule of somebody's own, that reads a file."""

    dictionary: FilePath = threshold("", "a list of words")


def test_a_folder_of_lists_counts_by_what_lies_in_it(tmp_path):
    (tmp_path / "domains").write_text("casino.example")
    setting = ("blocklist.paths", (str(tmp_path),))
    before = identity(setting)
    (tmp_path / "urls").write_text("paper.example/ads")
    assert identity(setting) != before


def test_a_file_that_a_rule_names_and_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*none\.txt"):
        identity(("bad_words.path", str(tmp_path / "none.txt")))


def test_what_is_masked_is_counted_by_kind(tmp_path):
    rule = PersonalData()
    texts = ["Write to ann@heron.net or lee@heron.net.", "From 93.184.216.34, and call (212) 555-2368.", "Nothing."]
    judged = [document(text, url=f"https://a.example/{number}") for number, text in enumerate(texts)]
    kept = [(rule(one) or one, sketch(one.text, MinHashConfig())) for one in judged]
    write_bucket(str(tmp_path), "00000-of-00001", kept, [])
    counts = count_documents(3, str(tmp_path))
    assert (counts.kept, counts.notes) == (3, {"masked_email": 2, "masked_ip": 1, "masked_phone": 1})
