"""`--reference`: langdetect and datasketch do all their work themselves, and every byte is the same."""

import hashlib

import pytest
from fastwarc.warc import ArchiveIterator

from dedup.near.minhash import MinHashConfig
from pipelines.commands.cli import main
from pipelines.pages.page_pool import PageConfig
from pipelines.pages.page_work import NO_PAGE, PageWork
from pipelines.stages.documents import DocumentsConfig
from tests.double.thorough import THOROUGH
from webtext import reference
from webtext.extract import language_detector
from webtext.extract.pages import ExtractConfig

PAGES = 300 if THOROUGH else 40  # a part of realweb


def digests(output):
    stages = ("documents", "duplicates", "corpus")
    paths = (path for stage in stages for path in (output / stage).rglob("*") if path.is_file())
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(autouse=True)
def _fast_again():
    yield
    reference.use(is_on=False)


def test_it_is_no_part_of_what_documents_are():
    plain, by_reference = ExtractConfig(), ExtractConfig(reference=True)
    asked = DocumentsConfig(by_reference, minhash=MinHashConfig(reference=True))
    assert asked.identity() == DocumentsConfig(plain).identity()


def test_langdetect_itself_is_asked(monkeypatch):
    loaded = []
    monkeypatch.setattr(language_detector, "load_detector", lambda name: loaded.append(name) or (lambda _: ("en", 1.0)))
    language_detector.detect("Who is asked?")
    reference.use(is_on=True)
    language_detector.detect("Who is asked?")
    assert loaded == ["langdetect_rs", "langdetect"]


@pytest.mark.slow
def test_a_reference_build_of_the_sample_is_the_same_to_the_last_byte(sample_built, tmp_path):
    flags = ["--pages", str(sample_built / "pages"), "--output", str(tmp_path), "--workers", "1"]
    assert main(["build", "--reference", *flags]) == 0
    assert digests(tmp_path) == digests(sample_built)


@pytest.mark.slow
def test_real_pages_come_to_the_same(realweb):
    fast, by_reference = (
        PageWork(PageConfig(ExtractConfig(languages=("en",), reference=is_on), "webtext", ()))
        for is_on in (False, True)
    )
    seen = 0
    with (realweb / "web.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, parse_http=True):
            if seen == PAGES:
                break
            if record.http_headers is not None and record.http_headers.status_code == 200:
                body, content_type = record.reader.read(), record.http_headers.get("Content-Type", "")
                one, other = (work(NO_PAGE, body, content_type) for work in (fast, by_reference))
                assert one == other, record.headers["WARC-Target-URI"]
                seen += 1
    assert seen == PAGES
