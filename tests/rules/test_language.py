"""A page of two languages is told by the share of each, and code is no language."""

# ruff: noqa: E501 (texts of several scripts)

import pytest

from filters.rules.language import Language
from tests.rules.test_traps import LINES, MIXED, PROSE, document
from webtext.extract.language_detector import share_in

CHINESE = "渡船早上七点出发，六点半码头已经排起长队，这些人三十年来天天如此。他们背对着海风站着，谈论柴油的价格，没有人看一眼大海。"
CODE = "\n".join(
    f"(define panel-{n} (new group-box-panel% (parent panel) (label 'box))) | {{x_{n}}} |" for n in range(30)
)


def share(text, *languages):
    return share_in(text, languages or ("en",))


def test_one_language_is_all_of_a_text():
    assert share(PROSE * 20) == share(CHINESE * 9, "zh-cn") == share(CHINESE * 9, "zh-tw") == 1
    assert share(MIXED * 3) == share(CHINESE * 9) == 0


def test_what_is_no_language_does_not_count():
    assert share("") == share("12 345") == share("Oui.") == 1
    assert share(f"{PROSE}\n{CODE}") == 1
    assert share(f"{PROSE * 5}\nQué será.") == 1


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_of_two_languages_has_its_share(language):
    text = (PROSE + "\n" + LINES + MIXED + "\n") * 4
    assert 0.3 < share(text, language) < 0.7
    assert share(text, "en", "es") == 1


def test_scripts_are_told_apart_within_a_line():
    text = " ".join(f"{one} {two}" for one, two in zip(PROSE.split(". "), CHINESE * 3, strict=False)) + CHINESE * 5
    assert share(text) < 0.5 < share(text, "zh-cn")


def test_a_long_text_is_looked_at_everywhere():
    text = f"{PROSE}\n" * 200 + MIXED * 200
    assert 0.3 < share(text) < 0.7
    assert share(f"{PROSE}\n" * 2000) == 1


def test_a_mixed_document_is_rejected_where_a_share_is_asked_for():
    mixed = document(f"{PROSE}\n{LINES}{MIXED * 5}")
    assert Language()(mixed) is None
    rejected = Language(min_share=0.67)(mixed)
    assert rejected == "language_mixed"
    assert rejected.detail.endswith("of the words in en, at least 0.67")
    assert Language(min_share=0.67)(document(PROSE * 9 + MIXED)) is None
    with pytest.raises(ValueError, match="min_share must be from 0 to 1, got 2"):
        Language(min_share=2)
