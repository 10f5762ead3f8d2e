"""A page that cannot be extracted is a counted rejection; a bug in what judges it is none, and shows."""

import sys
from pathlib import Path

import pytest

from pipelines.pages import page_work
from pipelines.pages.page_work import PageConfig, PagePool, PageWork
from tests.double.documents_stage import page
from webtext.extract.pages import ExtractConfig, Extracted, ExtractionPool
from webtext.reasons import Reason
from webtext.records import Document
from webtext.warc.warc_records import HttpResponse

TEXT = "The ferry leaves at six in the morning, and nobody on the quay has slept. " * 20
PAGE = page("https://a.example/1")


def config(**limits):
    return PageConfig(ExtractConfig(**limits), "webtext", (("length.min_words", 50),))


def response(body):
    return HttpResponse(200, (("Content-Type", "text/html"),), body, "OK")


def html(text):
    return f"<html><body><article><p>{text}</p></article></body></html>".encode()


def test_a_page_becomes_a_document_or_a_rejection():
    with PagePool(config(max_bytes=10_000), processes=2) as pool:
        bodies = html(TEXT), html("Too little."), b"<p></p>", html("x" * 10_000)
        kept, short, empty, large = (outcome() for outcome in [pool.submit(PAGE, response(body)) for body in bodies])
    assert isinstance(kept, Document)
    assert (kept.url, kept.text) == (PAGE.url, TEXT.strip())
    assert (short.stage, short.reason, short.excerpt) == ("filter", "language", "Too little.")
    assert (empty.stage, empty.reason) == ("extract", "no_text")
    assert (large.reason, large.detail) == ("too_large", "10001 bytes, at most 10000")


def extracted_again(monkeypatch, result):
    """Judge a page whose process has no time for it, and whose extraction alone then gives a result."""
    monkeypatch.setattr(ExtractionPool, "__call__", lambda *_: result)
    with PagePool(config(seconds=0.001), processes=1) as pool:
        return pool.submit(PAGE, response(html(TEXT * 500)))()


def test_a_page_that_fails_is_extracted_again_alone_and_that_outcome_counts(monkeypatch):
    judged = extracted_again(monkeypatch, Reason("extract_crash", "RecursionError: too deep"))
    assert (judged.stage, judged.reason, judged.detail) == ("extract", "extract_crash", "RecursionError: too deep")


def test_a_bug_in_what_judges_pages_is_no_rejection(monkeypatch):
    def fails(*_):
        raise ArithmeticError("a bug of ours")

    monkeypatch.setattr(page_work, "judge_page", fails)
    with pytest.raises(ArithmeticError, match="a bug of ours"):
        extracted_again(monkeypatch, Extracted(TEXT))


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
