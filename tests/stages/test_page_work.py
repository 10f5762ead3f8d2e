"""A page that cannot be extracted is a counted rejection; a bug in what judges it is none, and shows."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.pages import page_pool, page_work
from pipelines.pages.page_pool import PageConfig, PagePool
from pipelines.pages.page_work import PageWork
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
        patch.setattr(page_pool, "_WORK", f"{FailingWork.__module__}:FailingWork")
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


# Imported where pages are judged: what is wanted for the first page, and nothing that only others use.
LOADED = """
import sys
from pipelines.pages import page_pool
from webtext.extract.config import ExtractConfig
page_pool._Work(None).__reduce__()[0](page_pool._WORK, page_pool.PageConfig(ExtractConfig(), "webtext", ()))
from justext.core import define_stoplist
from webtext.metadata.dates import _other_months
print(*(name for name in sys.argv[1:] if name in sys.modules))
print(_other_months.cache_info().currsize, define_stoplist.cache_info().currsize)
"""
NEEDED = ("trafilatura.core", "justext.core", "langdetect_rs", "webtext.extract.trees")
OTHERS = ("tldextract", "requests", "pyarrow", "apache_beam", "scipy", "numba", "datasketch", "rich")


def test_all_that_a_page_needs_is_loaded_before_the_first_and_shared_by_the_processes_that_are_forked():
    command = [sys.executable, "-c", LOADED, *NEEDED, *OTHERS]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:2] == [" ".join(NEEDED), "1 1"]


def test_what_a_rule_asks_about_addresses_is_loaded_before_the_first_page():
    program = LOADED.replace('"webtext"', '"fineweb"')
    told = subprocess.run([sys.executable, "-c", program, "tldextract"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("tldextract\n")


def test_rules_are_loaded_before_the_first_page(monkeypatch):
    loaded = []
    monkeypatch.setattr(page_work, "load_preset", lambda *names, **_: loaded.append(names) or ())
    PageWork(config())
    assert loaded == [("webtext",)]
