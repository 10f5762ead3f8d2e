"""Whatever text comes, clean text obeys its contract, and clean text is left alone."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from webtext.extract.pages import (
    clean_text,
)


def obeys_contract(text):
    return (
        text
        and unicodedata.is_normalized("NFC", text)
        and all(line and line == line.rstrip() for line in text.split("\n"))
        and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in re.sub(r"[\n\t]", "", text))
        and text.encode() is not None
    )


@given(st.text(max_size=300))
def test_clean_text_obeys_its_contract(text):
    cleaned = clean_text(text)
    assert cleaned == "" or obeys_contract(cleaned)


@given(st.text(st.characters(exclude_categories=["C"]), max_size=300))
def test_clean_text_leaves_clean_text_alone(text):
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned


def test_clean_text_composes_letters_and_makes_lines():
    assert clean_text("cafe\u0301\u2028\u200bte\u00adxt \u00a0 a\r\n\r\nb\x0bc") == "café\ntext a\nb\nc"


def test_clean_text_keeps_indentation_joiners_and_the_spaces_that_part_khmer_words():
    for kept in ("if fog:\n    ring()\n\tsleep()", "شيء\u200cها", "ක්\u200dර", "👩\u200d🚀", "ក្រុម\u200bប្រឹក្សា"):
        assert clean_text(kept) == kept


def test_codes_that_only_windows_gives_a_letter_are_that_letter():
    assert clean_text("It\x92s 5\x80 \x85") == "It’s 5€ …"


def test_clean_text_mends_mojibake_and_leaves_the_rest():
    assert clean_text("It’s cafÃ© time") == "It’s café time"
    assert clean_text("The â€œpoolâ€\x9d is deep") == "The “pool” is deep"
    for fine in ("Ärger über Öl", "naïve café", "Цапля — “птица”", "鷺は動かない", "Ð is a letter", "§ 5 Â"):
        assert clean_text(fine) == fine
