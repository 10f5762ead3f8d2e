"""The ground: hashes that never change, words and n-grams, and records that come back from Parquet as they went."""

import io

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.hashing import bucket_of, document_id, hash64, sha256_of, split_of
from webtext.records import Document, Link, Page, Rejection
from webtext.tables import SCHEMAS, read_records, write_records
from webtext.text import ngrams, normalize_text, words

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
TIMES = st.none() | st.integers(0, 2**32)
NUMBERS = st.integers(0, 2**30)
FACTS = {"karma": NUMBERS, "submissions": NUMBERS, "subreddits": st.lists(TEXT, max_size=3).map(tuple)}
LINKS = st.builds(Link, url=TEXT, fetch_url=TEXT, host=TEXT, first_posted=TIMES, **FACTS)
REJECTIONS = st.builds(Rejection, url=TEXT, stage=TEXT, reason=TEXT, similarity=st.none() | st.sampled_from([0.5, 1.0]))


def round_trip(records, kind):
    stream = io.BytesIO()
    write_records(stream, records, kind)
    return list(read_records(io.BytesIO(stream.getvalue()), kind)), stream.getvalue()


@given(st.lists(LINKS))
def test_links_come_back_as_they_went(links):
    found, written = round_trip(links, Link)
    assert found == links
    assert round_trip(links, Link)[1] == written


@given(st.lists(REJECTIONS))
def test_rejections_come_back_as_they_went(rejections):
    assert round_trip(rejections, Rejection)[0] == rejections


@pytest.mark.parametrize("kind", [Link, Page, Document, Rejection])
def test_a_schema_has_the_fields_of_its_record(kind):
    assert SCHEMAS[kind].names == list(kind.__match_args__)


def test_files_are_zstd_and_hold_no_metadata_of_pandas():
    parquet = pq.ParquetFile(io.BytesIO(round_trip([Rejection("u", "s", "r")], Rejection)[1]))
    assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"
    assert b"pandas" not in (parquet.metadata.metadata or {})


def test_hashes_are_what_they_always_were():
    assert hash64(b"webtext") == 0xE36188F8397A9C61
    assert document_id("https://example.org/") == "6ec7e91c7656bfb8"
    assert sha256_of(io.BytesIO(b"abc")) == ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3)


@given(TEXT, st.integers(1, 60), st.integers(1, 60))
def test_buckets_nest(url, coarse, times):
    assert bucket_of(url, coarse * times) // times == bucket_of(url, coarse)
    assert 0 <= bucket_of(url, coarse) < coarse


def test_the_split_is_the_share_that_was_asked_for():
    held_out = sum(split_of(f"{number:016x}", 0.05) == "validation" for number in range(100_000))
    assert abs(held_out / 100_000 - 0.05) < 0.003
    assert {split_of(f"{number:016x}", 0.0) for number in range(1000)} == {"train"}


def test_a_larger_share_holds_out_what_a_smaller_one_does():
    for number in range(2000):
        if split_of(str(number), 0.05) == "validation":
            assert split_of(str(number), 0.1) == "validation"


@given(TEXT)
def test_normalising_is_idempotent(text):
    once = normalize_text(text)
    assert normalize_text(once) == once
    assert once.split() == words(text)


@given(st.lists(TEXT, max_size=12), st.integers(1, 14))
def test_a_text_of_n_words_has_that_many_ngrams(tokens, n):
    found = list(ngrams(tokens, n))
    assert len(found) == max(0, len(tokens) - n + 1)
    assert [list(gram) for gram in found] == [tokens[i : i + n] for i in range(len(found))]
