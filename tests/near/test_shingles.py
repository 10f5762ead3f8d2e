"""Shingles: what counts as shared text, and that short texts never fall together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels.hashes import ngram_hash, word_hash
from dedup.near import shingles
from dedup.near.shingles import bounded, shingle_hashes
from dedup.near.sketch import text_digest
from webtext.text import ngrams, words

SHORT_TEXTS = st.lists(st.sampled_from(["yes", "no", "Maybe", "so"]), max_size=4).map(" ".join)


@given(st.text(alphabet="ab c.", max_size=60), st.integers(1, 6))
def test_shingles_are_the_set_of_ngrams(text, n):
    tokens = words(text)
    grams = set(ngrams(tokens, n)) if len(tokens) >= n else {tuple(tokens)} - {()}
    expected = sorted(ngram_hash([word_hash(word) for word in gram]) for gram in grams)
    assert shingle_hashes(text, n).tolist() == expected


@given(SHORT_TEXTS, SHORT_TEXTS)
def test_short_texts_share_a_shingle_only_if_their_words_are_equal(one, other):
    shared = set(shingle_hashes(one).tolist()) & set(shingle_hashes(other).tolist())
    assert bool(shared) == (words(one) == words(other) != [])


def test_case_punctuation_and_spacing_do_not_count():
    assert np.array_equal(shingle_hashes("The cat, the CAT -- sat; down."), shingle_hashes("the cat the cat\nsat down"))


def test_a_text_without_words_has_no_shingle_and_a_digest_of_its_own():
    assert shingle_hashes("... !").tolist() == []
    assert text_digest("... !") != text_digest("?")
    assert text_digest(" ?\n") == text_digest("?")


@given(st.text(max_size=30), st.text(max_size=30))
def test_equal_digests_are_equal_words(one, other):
    if words(one) or words(other):
        assert (text_digest(one) == text_digest(other)) == (words(one) == words(other))


def test_a_mega_document_keeps_its_smallest_shingles(monkeypatch):
    monkeypatch.setattr(shingles, "MOST_SHINGLES", 100)
    whole = shingle_hashes(" ".join(map(str, range(1000))))
    assert len(whole) == 996
    assert bounded(whole).tolist() == whole[:100].tolist() == sorted(whole.tolist())[:100]
