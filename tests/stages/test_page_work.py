"""A page that cannot be extracted is a counted rejection; a bug in what judges it is none, and shows."""

import sys
from pathlib import Path

import pytest

from pipelines.pages import page_work
from pipelines.pages.page_work import PageConfig, PagePool, PageWork
from tests.double.documents_stage import page
from tests.double.failing_work import FailingWork
from webtext.extract.pages import ExtractConfig, ExtractionPool
from webtext.reasons import Reason
from webtext.records import Document
from webtext.warc.warc_records import HttpResponse

TEXT = "The ferry leaves at six in the morning, and nobody on the quay has slept. " * 20
SHORT = "The ferry leaves at six in the morning, and nobody on the quay has slept."  # surely English, surely text
PAGE = page("https://a.example/1")


def config(**limits):
    return PageConfig(ExtractConfig(**limits), "webtext", (("length.min_words", 50),))


def response(body):
    return HttpResponse(200, (("Content-Type", "text/html"),), body, "OK")


def html(text, title=""):
    return f"<html><head><title>{title}</title></head><body><article><p>{text}</p></article></body></html>".encode()


def test_a_page_becomes_a_document_or_a_rejection():
    with PagePool(config(max_bytes=10_000), processes=2) as pool:
        bodies = html(TEXT), html(SHORT), b"<p></p>", html("x" * 10_000)
        kept, short, empty, large = (outcome() for outcome in [pool.submit(PAGE, response(body)) for body in bodies])
    assert isinstance(kept, Document)
    assert (kept.url, kept.text) == (PAGE.url, TEXT.strip())
    assert (short.stage, short.reason, short.excerpt) == ("filter", "too_short", SHORT)
    assert (empty.stage, empty.reason) == ("extract", "no_text")
    assert (large.reason, large.detail) == ("too_large", "10001 bytes, at most 10000")


@pytest.fixture(scope="module")
def failing():
    """Give what hands a page to work that fails as its title asks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_work, "PageWork", FailingWork)
        with PagePool(config(seconds=1, memory_mb=256), processes=1) as pool:
            yield lambda title: pool.submit(PAGE, response(html(TEXT, title)))()


@pytest.mark.parametrize(
    ("title", "reason"),
    [("hangs", "extract_timeout"), ("eats memory", "extract_memory"), ("dies", "extract_crash"), ("is well", None)],
)
def test_what_fails_where_pages_are_judged_is_rejected_there(failing, title, reason):
    judged = failing(title)
    assert getattr(judged, "reason", None) == reason
    assert getattr(judged, "stage", "extract") == "extract"


@pytest.mark.parametrize("what", ["hangs", "eats memory", "dies"])
def test_what_fails_for_a_second_opinion_alone_costs_that_opinion_and_no_page(failing, what):
    judged = failing(f"{what} in doubt")
    assert isinstance(judged, Document)
    assert judged.text == TEXT.strip()


def test_a_bug_in_what_judges_pages_is_no_rejection_and_shows_where_it_is(failing):
    with pytest.raises(RuntimeError, match=r"(?s)https://a.example/1 was .*failing_work.py.*ArithmeticError: a bug"):
        failing("raises")


def test_a_page_whose_extraction_crashes_is_told_from_a_bug(monkeypatch, failing):
    crashed = Reason("extract_crash", "RecursionError: too deep")
    monkeypatch.setattr(ExtractionPool, "once", lambda *_: crashed)
    judged = failing("raises")
    assert (judged.stage, judged.reason, judged.detail) == ("extract", "extract_crash", "RecursionError: too deep")


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has loaded is read in /proc")
def test_the_process_that_judges_pages_holds_neither_beam_nor_numba():
    with PagePool(config(), processes=1) as pool:
        pool.submit(PAGE, response(html(TEXT)))()
        child = pool._pool._sandboxes[0]._child._process.pid
        loaded = Path(f"/proc/{child}/maps").read_text()
    assert "/lxml/" in loaded
    assert "/grpc/" not in loaded
    assert "/apache_beam/" not in loaded
    assert "/pyarrow/" not in loaded
    assert "/llvmlite/" not in loaded


def test_rules_are_loaded_where_the_work_is_unpickled(monkeypatch):
    loaded = []
    monkeypatch.setattr(page_work, "load_preset", lambda *names, **_: loaded.append(names) or ())
    work = PageWork(config())
    assert loaded == []
    work.__setstate__(work.__getstate__())
    assert loaded == [("webtext",)]
