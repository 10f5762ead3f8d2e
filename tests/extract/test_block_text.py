"""What the quick ways of reading classes and white space give is what their plain definitions give."""

import re

from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from webtext.extract.block import PLACE_NUMBERS
from webtext.extract.block_text import line_text
from webtext.extract.blocks import BlockReader
from webtext.extract.class_words import _TOOLS, KINDS, TOOLS, kinds_of, kinds_of_classes

SPACES = re.compile("[ \t\r\n\f\v]+")
BROKEN = re.compile("(?<=[\u3001\u6f22\u9fff\uff01])[ \t]*\r?\n\\s*(?=[\u3001\u6f22\u9fff\uff01])")
LETTERS = "aZ. \t\r\n\f\v\xa0\u2003\u3000\xe9\u3001\u6f22\u9fff\uff01\u2028\U0001f600"
WORDS = st.sampled_from(
    str.split(
        """nav Nav NAV navs navMenu mw-editsection editsection lineno linenos line-number linenumbers line_numbers
        katex-html katex lnt xlineno lineno2 Lineno post-7 Ärger"""
    )
)


@given(st.lists(st.sampled_from([*LETTERS, "\u6f22\n\u9fff", "\u3001 \r\n \u6f22"])).map("".join))
def test_a_line_has_single_spaces_and_no_break_within_chinese(raw):
    joined = raw if raw.isascii() else BROKEN.sub("", raw)
    plain = " ".join(raw.split()) if raw.isascii() else SPACES.sub(" ", joined).strip(" ")
    assert line_text(raw) == plain


@given(st.lists(WORDS, max_size=4), st.sampled_from([" ", "-", "_", "\n", ""]))
def test_classes_are_read_as_by_one_search_for_tools_and_one_look_at_each_word(words, between):
    names = between.join(words)
    forms = {form: bit for bit, kind in enumerate(KINDS) for word in kind for form in (word, word + "s")}
    parts = [part.lower() for part in re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", names)]
    kinds = sum({1 << forms[part] for part in parts if part in forms})
    assert kinds_of(names) == kinds
    assert kinds_of_classes(names) == (TOOLS if _TOOLS.search(names) else kinds)


def test_a_place_ends_before_the_first_that_is_not_in_it():
    page = html.fromstring("<body><div><p>a</p><ul><li>b</ul></div><p>c</p><table><tr><td>d<td>e</table></body>")
    places = BlockReader().read(page).places
    depths = [row[PLACE_NUMBERS.index("depth")] for row in places.rows]
    for number, depth in enumerate(depths):
        after = (one for one in range(number + 1, len(depths)) if depths[one] <= depth)
        assert places.ends[number] == next(after, len(depths))
