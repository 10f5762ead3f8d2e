"""Words as the quality rules count them: marks apart, nothing lost, no text too odd or too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.rules.lib.tokens import _PLAIN, _split, _split_by_steps, count_sentences, tokens

ODD = st.text(st.sampled_from("aZé9.,'’-–/=<(\")%+*…#@:$km \n日。"), max_size=80)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t say we'll", ["Do", "n’t", "say", "we", "'ll"]),
        ("It's Lenin's, 1990's", ["It", "'s", "Lenin", "'s", ",", "1990", "'s"]),
        ("a well-known 64-bit read-write", ["a", "well", "-", "known", "64", "-", "bit", "read", "-", "write"]),
        ("1989-1990 3.5km 10% $5.20", ["1989", "-", "1990", "3.5", "km", "10", "%", "$", "5.20"]),
        ("--help -v C++ .htaccess", ["--help", "-v", "C++", ".htaccess"]),
        ("Dr. Owen, e.g. (i.e.) J. R.", ["Dr.", "Owen", ",", "e.g.", "(", "i.e.", ")", "J.", "R."]),
        ("cats vs. dogs. (Sept. 5, NASA.)", ["cats", "vs.", "dogs", ".", "(", "Sept.", "5", ",", "NASA", ".", ")"]),
        ('He said "no."', ["He", "said", '"', "no", ".", '"']),
        ("see https://a.example/b?c=d.", ["see", "https://a.example/b?c=d."]),
        ("write to ann@b.example!", ["write", "to", "ann@b.example", "!"]),
        ("yes/no and/or key:value x=y", ["yes", "/", "no", "and/or", "key", ":", "value", "x", "=", "y"]),
        ("end.Begin wait... So", ["end", ".", "Begin", "wait", "...", "So"]),
        ("|---|", ["|---|"]),
        ("¿Qué? «Oui» „Ja“", ["¿", "Qué", "?", "«", "Oui", "»", "„", "Ja", "“"]),
        ("Привет, мир.", ["Привет", ",", "мир", "."]),
        ("", []),
    ],
)
def test_words_are_split_where_the_reference_splits_them(text, expected):
    assert list(tokens(text)) == expected


@given(st.one_of(ODD, st.text(max_size=80)))
def test_no_character_is_lost_and_no_token_is_empty(text):
    found = list(tokens(text))
    assert "".join(found) == "".join(text.split())
    assert all(found)


@given(ODD)
def test_what_a_chunk_gives_does_not_depend_on_its_neighbours(text):
    assert list(tokens(text)) == [token for chunk in text.split() for token in tokens(chunk)]


WORDS = [
    "a",
    "ab",
    "the",
    "The",
    "www",
    "TEXT",
    "T",
    "Mr",
    "Prof",
    "vs",
    "Sept",
    "com",
    "5",
    "10",
    "3.5",
    "é",
    "F",
    "中",
]
ENDS = ["km", "s", "S", "'s", "’s", "n't", ".", "..", "...", "…", ",", ":", ";", "-", "_", "(", ")", '"', "'", "’", "“"]
OTHERS = ["%", "=", "$", "+", "#", "*", "/", "@", "°", "—", "!", "?", "[", "]", "™", "ª", "。", "中"]
PIECES = st.sampled_from([*WORDS, *ENDS, *OTHERS])


@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_a_plain_chunk_is_split_at_once_as_it_is_by_steps(chunk):
    if _PLAIN.fullmatch(chunk):
        assert tuple(tokens(chunk)) == _split(chunk) == _split_by_steps(chunk)


def test_the_numbers_lengths_and_counts_are_those_of_the_tokens():
    found = tokens("Well, well: the well, again.")
    assert list(found.kinds) == ["Well", ",", "well", ":", "the", "again", "."]
    assert found.numbers.tolist() == [0, 1, 2, 3, 4, 2, 1, 5, 6]
    assert found.lengths.tolist() == [4, 1, 4, 1, 3, 5, 1]
    assert found.counts.tolist() == [1, 2, 2, 1, 1, 1, 1]
    assert len(found) == 9


@pytest.mark.parametrize("mark", ["(", "a.", "'s", "-", "a-", "x", "a,", "www.", "1km", "e.g.", "."])
def test_a_megabyte_without_a_space_is_split_too(mark):
    text = mark * (1_000_000 // len(mark))
    assert "".join(tokens(text)) == text


def test_sentences_end_at_marks_and_not_at_abbreviations():
    assert count_sentences("It rained. Dr. Owen left at 5.30 p.m. with figs! Why? It did") == 4
    assert count_sentences("„Es regnet.“ «Il pleut.» ¿Llueve? ¡Sí! Yes.") == 5
    assert count_sentences("") == 0
