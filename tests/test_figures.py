"""Figures that stand in the docs and are the code's: a change of one without the other fails here."""

import io
from pathlib import Path

import pytest
import zstandard

from dedup.near.choose import RECURRING_URLS, RECURRING_WORDS
from dedup.near.minhash import MinHashConfig
from dedup.near.shingles import MOST_SHINGLES
from filters import load_preset
from filters.rules.walls import _WORDS_OF_NO_TEXT
from pipelines import api
from pipelines.report.search import MOST_LINKS
from webtext.crawl.config import FetchConfig
from webtext.extract.pages import ExtractConfig
from webtext.records import MOST_EXCERPT

ROOT = Path(__file__).resolve().parent.parent
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def rule(name):
    """Give a rule of the preset by the name of its class."""
    return next(each for each in load_preset("webtext") if type(each).__name__ == name)


def said_of_the_code():
    """Give the pages with what they say, and the figures of the code."""
    near, fetch = MinHashConfig(), FetchConfig(contact="mailto:reader@site.org")
    extract = ExtractConfig()
    bands, rows = near.banding
    length, language = rule("Length"), rule("Language")
    attempts = f"{_NUMBERS[fetch.max_attempts]} attempts where another may help"
    yield "docs/README.md", f"webtext from Python: {len(api.__all__)} names"
    yield "docs/report.md", f"an output of up to {MOST_LINKS:,} links"
    yield "docs/report.md", f"the first {MOST_EXCERPT:,} characters of their text"
    yield "docs/dedup.md", f"The default threshold is {near.threshold}"
    yield "docs/dedup.md", f"{bands} bands of {rows} rows"
    yield "docs/dedup.md", f"the two sets of word {near.shingle_words}-grams"
    yield "docs/dedup.md", f"at most {RECURRING_WORDS} words, the same at {_NUMBERS[RECURRING_URLS]} or more URLs"
    yield "docs/dedup.md", f"Beyond {MOST_SHINGLES:,} distinct shingles"
    yield "docs/filters.md", f"**Length, {length.min_words} words, and prose.**"
    yield (
        "docs/filters.md",
        f"must have {rule('Length').min_prose_words} words in lines of {rule('Length').prose_line_words}",
    )
    yield "docs/filters.md", f"**Share of the language, {language.min_share}.**"
    yield (
        "docs/fetch.md",
        f"{attempts}, after {fetch.backoff:.0f} s",
    )
    yield "docs/filters.md", f"decides only where there are at most {_WORDS_OF_NO_TEXT} words"
    yield "docs/fetch.md", f"(`--outage-pause`, {fetch.outage_pause:.0f} s)"
    yield "docs/extraction.md", f"({extract.seconds:.0f} seconds, {extract.memory_mb >> 10} GB, or a crash)"
    size = (ROOT / "webtext/extract/block_model.npz").stat().st_size
    yield "docs/extraction.md", f"(`block_model.npz`, {size / 1000:.0f} KB)"


@pytest.mark.parametrize(("page", "sentence"), list(said_of_the_code()))
def test_a_figure_of_the_docs_is_the_codes(page, sentence):
    assert sentence in " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_the_submissions_of_the_sample_are_counted(sample_web):
    whole = zstandard.ZstdDecompressor(max_window_size=1 << 28)
    with (sample_web / "RS_sample.zst").open("rb") as stream:
        lines = io.BytesIO(whole.stream_reader(stream).read()).readlines()
    submissions = sum(line.startswith(b'{"') and line.endswith(b"}\n") for line in lines)
    damaged = len(lines) - submissions
    for page, sentence in (
        ("README.md", f"harvests {submissions} submissions of a sample dump"),
        ("docs/sample.md", f"{submissions} submissions and {damaged} damaged or blank lines"),
    ):
        test_a_figure_of_the_docs_is_the_codes(page, sentence)
