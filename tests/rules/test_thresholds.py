"""Each threshold at its edge: what just passes, and what just does not. test_edges.py has FineWeb's short lines."""

import pytest

from filters.rules.c4 import C4PageSize, C4Paragraphs, C4Quality
from filters.rules.fineweb import FineWebQuality
from filters.rules.gopher import GopherQuality, GopherRepetition
from filters.rules.lib.steps import apply_filters
from filters.rules.lines import is_boilerplate
from filters.rules.walls import Walls
from filters.rules.wikipedia import Wikipedia
from tests.rules.test_traps import PROSE, document
from webtext.reasons import Reason

LONG = "This is a line of more than thirty characters."
ANYTHING = {
    "min_words": 0,
    "min_mean_word_length": 0.0,
    "max_mean_word_length": 1e9,
    "max_symbol_ratio": 1e9,
    "max_bullet_lines": 1.0,
    "max_ellipsis_lines": 1.0,
    "min_alphabetic_words": 0.0,
    "min_stop_words": 0,
}
ANY_REPEATS = {
    "max_paragraphs": 1.0,
    "max_paragraph_characters": 1.0,
    "max_lines": 1.0,
    "max_line_characters": 1.0,
    "max_top_ngrams": (),
    "max_repeated_ngrams": (),
}
ANY_LINES = {
    "min_punctuated_lines": 0.0,
    "max_short_lines": 1.0,
    "max_repeated_characters": 1.0,
    "max_line_breaks": 1e9,
}


def gopher(name):
    return GopherQuality(**{field: value for field, value in ANYTHING.items() if field != name})


def repetition(name):
    return GopherRepetition(**{field: value for field, value in ANY_REPEATS.items() if field != name})


def fineweb(name):
    return FineWebQuality(**{field: value for field, value in ANY_LINES.items() if field != name})


def lines(times, line, others, other=LONG):
    return "\n".join([line] * times + [f"{other} {number}" for number in range(others)])


EDGES = {
    "fineweb, a short line": (fineweb("max_short_lines"), lines(3, "x" * 31, 1), lines(3, "x" * 30, 1)),
    "fineweb, short lines": (fineweb("max_short_lines"), lines(67, "x", 33), lines(68, "x", 32)),
    "fineweb, punctuated": (fineweb("min_punctuated_lines"), lines(3, LONG, 22), lines(2, LONG, 23)),
    "fineweb, repeated": (
        fineweb("max_repeated_characters"),
        "\n".join(["x" * 100] * 2 + ["y" * 9800]),
        "\n".join(["x" * 100] * 2 + ["y" * 9799]),
    ),
    "fineweb, line breaks": (fineweb("max_line_breaks"), "a\nb\nc\nd e f g h i j", "a\nb\nc\nd e f g h i"),
    "gopher, fewest words": (gopher("min_words"), "word " * 50, "word " * 49),
    "gopher, most words": (gopher("max_words"), "word " * 100_000, "word " * 100_001),
    "gopher, short words": (gopher("min_mean_word_length"), "abc " * 9, "abc " * 9 + "ab"),
    "gopher, long words": (gopher("max_mean_word_length"), "abcdefghij " * 9, "abcdefghij " * 9 + "abcdefghijk"),
    "gopher, hash marks": (gopher("max_symbol_ratio"), "#" + " word" * 9, "##" + " word" * 9),
    "gopher, ellipses": (gopher("max_symbol_ratio"), "word " * 9 + "…", "word " * 8 + "…"),
    "gopher, bullets": (gopher("max_bullet_lines"), lines(9, "- a", 1), lines(10, "• a", 1)),
    "gopher, ellipsis lines": (gopher("max_ellipsis_lines"), lines(3, "a ...", 7), lines(4, "a …", 6)),
    "gopher, letters": (gopher("min_alphabetic_words"), "word " * 8 + "1 2", "word " * 8 + "1 2 3"),
    "gopher, stop words": (gopher("min_stop_words"), "the heron of", "the heron the"),
    "gopher, repeated lines": (repetition("max_lines"), lines(4, "a", 6), lines(5, "a", 6)),
    "gopher, repeated line characters": (
        repetition("max_line_characters"),
        "\n".join(["x" * 20] * 2 + ["y" * 58]),
        "\n".join(["x" * 20] * 2 + ["y" * 57]),
    ),
    "gopher, repeated paragraphs": (
        repetition("max_paragraphs"),
        "\n\n".join("aaaabcdefg"),
        "\n\n".join("aaaaabcdefg"),
    ),
    "gopher, top bigram": (
        repetition("max_top_ngrams"),
        "a b c a b d a b e a b f " + "x" * 36,
        "a b c a b d a b e a b f " + "x" * 35,
    ),
    "gopher, repeated 5-gram": (
        repetition("max_repeated_ngrams"),
        "a b c d e " * 2 + "x" * 14,
        "a b c d e " * 2 + "x" * 13,
    ),
    "c4, words a line": (C4Quality(min_sentences=1), "Five words in a line.", "Four words a line."),
    "c4, a word": (C4Quality(min_sentences=1), "a b c d " + "x" * 999 + ".", "a b c d " + "x" * 1000 + "."),
    "c4, sentences": (C4Quality(), "It rained on all of us. It snowed. Why?", "It rained on all of us. It snowed?"),
    "c4, words beside citations": (
        C4Quality(min_sentences=1),
        "[1] Four words a line.",
        "[1] Three words only.",
    ),
    "c4, citations before words": (
        C4Quality(min_sentences=1, citations_first=True),
        "[1] Five words in a line.",
        "[1] Only four words here.",
    ),
    "c4, characters": (C4PageSize(), "x" * 190_000, "x" * 190_001),
    "c4, paragraphs": (C4Paragraphs(), "\n".join(["x" * 200] * 3), "\n".join(["x" * 200] * 2 + ["x" * 199])),
    "walls, words a phrase": (
        Walls(),
        "Verify you are human " + "word " * 147,
        "Verify you are human " + "word " * 146,
    ),
    "walls, phrases of a consent form": (
        Walls(),
        "We value your privacy. " + "word " * 20,
        "We value your privacy. Accept all. " + "word " * 20,
    ),
    "wikipedia, edge lines": (
        Wikipedia(),
        "\n".join([PROSE] * 12 + ["From Wikipedia, the free encyclopedia"] + [PROSE] * 12),
        "\n".join([PROSE] * 11 + ["From Wikipedia, the free encyclopedia"] + [PROSE] * 13),
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_threshold_lies_where_it_is_said_to(name):
    rule, passes, fails = EDGES[name]
    assert not isinstance(apply_filters(document(passes), [rule]), Reason)
    assert isinstance(apply_filters(document(fails), [rule]), Reason)


@pytest.mark.parametrize(("words", "short", "title"), [(40, True, "Access denied"), (41, False, "Access denied")])
def test_a_title_alone_decides_where_there_is_next_to_no_text(words, short, title):
    assert (Walls()(document("word " * words, title=title)) is not None) == short


@pytest.mark.parametrize(("words", "boilerplate"), [(20, True), (21, False)])
def test_a_line_of_more_words_is_no_boilerplate(words, boilerplate):
    assert is_boilerplate(f"This site uses cookies{' and' * (words - 4)}") == boilerplate


@pytest.mark.parametrize(
    "line",
    [
        *("print()", "print(more)", "save();", "close;", "--help", "-help", "/search", "home/", "~/home", "$home"),
        *("    print", "\thelp", "<menu>", "</menu>", '"email",', "'search'", "play = ", "next {", "}"),
        *(".home", "@reply", "%save", "search\\", "menu[0]", "help_", "#top", ">>> print"),
    ],
)
def test_code_is_no_boilerplate(line):
    assert not is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        *("Read more", "READ MORE »", "[Read more]", "(Advertisement)", "- Advertisement -", "* Share"),
        *("Share:", "| Print |", "→ Next", "Menu ▼", "Help…", "...more", "12 comments", "Email", "« Back"),
    ],
)
def test_what_stands_around_a_text_is_boilerplate(line):
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    ("line", "boilerplate"),
    [("1,204 shares", True), ("12.5k views", True), ("123456789 likes", True), ("1234567890 likes", False)],
)
def test_counts_of_shares_have_nine_digits_at_most(line, boilerplate):
    assert is_boilerplate(line) == boilerplate
