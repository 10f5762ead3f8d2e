"""Which blocks stand in another text."""

from webtext.extract.agreement import blocks_in


def test_a_block_is_in_a_text_that_has_most_of_its_words_in_runs():
    other = "The heron stood in the shallows\nall morning, until the boats came home.\nA bird"
    blocks = [
        "The heron stood in the shallows all morning, and then it left.",
        "THE HERON stood; in the shallows",
        "It stood in the boats until morning came, all the shallows home",
        "The heron stood in a field of wheat that nobody had cut.",
        "A bird",
        "A bird that flew",
        "home",
        "\u2014",
    ]
    assert blocks_in(blocks, other).tolist() == [True, True, False, False, True, False, False, False]


def test_lines_of_scripts_without_spaces_are_compared_whole():
    other = "\u9dfa\u304c\u6d45\u702c\u306b\u7acb\u3063\u3066\u3044\u305f\u3002"
    assert blocks_in([other, other[:4], other.rstrip("\u3002")], other).tolist() == [True, False, True]


def test_nothing_is_in_no_text():
    assert blocks_in(["The heron stood in the shallows.", "Bye"], "").tolist() == [False, False]
    assert blocks_in([], "Bye").tolist() == []
