"""N-grams of both normalisers are those of a definition in plain Python, and their places in the text are right."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels.hashes import ngram_hash, word_hash
from dedup.overlap.ngrams import Grams, text_ngram_hashes, text_words, without_punctuation, word_spans
from webtext.text import comparable, marks, words

TEXTS = st.text(st.one_of(st.sampled_from("aB1 .,'-_\n\tİßΣ·é\u00a0\x1c漢ก\u0e34"), st.characters()), max_size=80)


def gpt3_words(text):
    """Lower, take punctuation away, divide at white space: a character at a time."""
    kept = "".join(
        character
        for character in text.lower()
        if character.isalnum() or character.isspace() or ord(character) in marks()
    )
    return [word for piece in kept.split() for word in words(piece)]


@given(TEXTS)
def test_gpt3_words_are_the_definition(text):
    assert text_words(text, "gpt3") == gpt3_words(text)


def test_normalisers_differ_at_punctuation():
    assert text_words("Don't re-enter", "gpt2") == ["don", "t", "re", "enter"]
    assert text_words("Don't re-enter", "gpt3") == ["dont", "reenter"]


@pytest.mark.parametrize("character", [chr(code) for code in range(128)])
def test_the_fast_way_for_ascii_is_the_slow_way(character):
    assert without_punctuation(f"a{character}b") == without_punctuation(f"a{character}b漢").removesuffix("漢")


@given(TEXTS, st.sampled_from(["gpt2", "gpt3"]), st.integers(1, 9))
def test_hashes_are_those_of_the_words(text, normalizer, n):
    hashed = [word_hash(word) for word in text_words(text, normalizer)]
    expected = [ngram_hash(hashed[start : start + n]) for start in range(len(hashed) - n + 1)]
    assert text_ngram_hashes(text, Grams(n, normalizer)).tolist() == expected


@given(TEXTS, st.sampled_from(["gpt2", "gpt3"]))
def test_spans_hold_the_words(text, normalizer):
    spans = word_spans(text, normalizer)
    found = text_words(text, normalizer)
    assert len(spans) == len(found)
    for (start, stop), word in zip(spans, found, strict=True):
        assert start < stop
        shown = without_punctuation(text[start:stop]) if normalizer == "gpt3" else text[start:stop].lower()
        assert word.rstrip("ςσ") in shown.replace("ς", "σ").replace("σ", "ς") or word.rstrip("ςσ") in shown


def test_spans_stay_right_where_lowering_makes_a_text_longer():
    text = "İİİ end"
    assert [text[start:stop] for start, stop in word_spans(text, "gpt2")][-1] == "end"
    assert len(text.lower()) > len(text)


def test_ascii_punctuation_is_all_taken_away():
    assert without_punctuation(f"a {string.punctuation} b") == "a  b"


def test_what_is_no_kind_of_ngram_is_refused():
    with pytest.raises(ValueError, match="n must be 1 or more"):
        Grams(0)
    with pytest.raises(ValueError, match="choose one of gpt2, gpt3"):
        Grams(8, "gpt4")


@pytest.mark.parametrize("normalizer", ["gpt2", "gpt3"])
def test_spans_point_into_a_text_that_is_not_composed(normalizer):
    text = "\ufeffThe cafe\u0301 co\u00adop\u200berates, na\u00efvely \u1112\u1161\u11ab."
    spans = word_spans(text, normalizer)
    assert [comparable(text[start:stop]).strip(".,") for start, stop in spans] == [
        "The", "caf\u00e9", "cooperates", "na\u00efvely", "\ud55c",
    ]  # fmt: skip
    assert [comparable(text[a:b]).lower().strip(".,") for a, b in spans] == text_words(text, normalizer)
    assert (
        text_ngram_hashes(text, Grams(3, normalizer)).tolist()
        == text_ngram_hashes(comparable(text), Grams(3, normalizer)).tolist()
    )
