"""Words are counted as `words` makes them, whatever the text."""

import sys
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from tests.double.thorough import THOROUGH
from webtext.code_points import characters_below, count_words, word_classes
from webtext.text import words


@given(st.text() | st.text(alphabet="aB3_ \u00e9,.'\u65e5\u0130\u017f\u0301\u0e34กカ\ufe0f\u0f39\ud800\U0001d7d8\n"))
def test_words_are_counted_as_they_are_made(text):
    assert count_words(text) == len(words(text))


def test_each_character_counts_as_it_does_in_lower_case():
    characters = list(map(chr, range(0x110000 if THOROUGH else 0x20000)))  # beyond are Han characters and few others
    assert count_words(" ".join(characters)) == len(words(" ".join(characters)))
    assert [one for one in characters if count_words(f"a{one}b") != len(words(f"a{one}b"))] == []


def test_a_character_of_the_last_plane_costs_what_a_table_of_all_planes_does():
    word_classes.cache_clear()
    tracemalloc.start()
    table = word_classes(1 << 21)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(table) == sys.maxunicode + 1
    assert most < 16 * len(table)  # one by one, it is five times as much
    assert characters_below(len(table)) == "".join(map(chr, range(len(table))))
