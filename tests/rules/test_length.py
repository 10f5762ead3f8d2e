"""Short texts: prose stays, menus and lists of links go."""

import pytest

from filters import load_preset
from filters.rules.length import Length
from tests.rules.test_traps import document

RULE = Length(min_words=14, stub_words=100)
MENU = "\n".join(["Home", "About us", "News and events", "Contact", "Search this site", "Products A to Z", "Help"] * 4)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It rained all day, and nobody came to the door but the postman again.", True),  # 14 words
        ("It rained all day, and nobody came to the door.\nSo we slept, all of us.", False),  # 10 in a long line
        ("It rained all day and nobody came.\n" * 4, False),  # lines of seven words
        ("It rained all day and nobody came here.\n" * 3, True),
        (MENU, False),
        (f"{MENU}\nIt rained all day, and nobody came to the door but the postman, who had a letter for me.", True),
        ("word " * 13, False),
        ("word\n" * 99, False),
        ("word\n" * 100, True),
        ("渡船早上七点出发，六点半码头已经排起长队。", True),
    ],
)
def test_a_short_text_needs_some_prose(text, kept):
    reason = RULE(document(text))
    assert reason is None if kept else reason == "too_short"


def test_the_default_preset_keeps_what_webtext_kept():
    (length,) = (rule for rule in load_preset("webtext") if isinstance(rule, Length))
    assert (length.min_words, length.stub_words, length.min_prose_words, length.prose_line_words) == (14, 100, 14, 8)
