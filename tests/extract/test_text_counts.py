"""What is counted in all texts of a page at once is what is counted in each."""

import re
import tracemalloc
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from webtext.extract import text_counts
from webtext.extract.text_counts import _CHARACTERS, _END, _FREQUENT, count_texts, count_words

SENTENCE_END = re.compile(r"[.!?\u2026\u0964\u061f\u06d4](?=[\s\"'\u201d\u2019\u00bb)\]]|$)|[\u3002\uff01\uff1f]")
TITLE, DESCRIPTION = {"heron", "the", "łódź", "i"}, {"heron", "stands"}
# Cases, spaces and marks of several scripts, a letter that grows in lower case, and what lies beyond the first planes.
LETTERS = (
    "aA zZ\t\n,.!?;:)\"'_-09éÉßσΣςİıǅłŁя… ’。！、，ก漢가\u0301\u200b\u2028\U0001f600\U00020000\U0001e943\U000f0001"
)
TEXTS = st.text(
    st.sampled_from(LETTERS) | st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1
)
WORDS = st.sampled_from(["the", "The heron", "HERON stands.", "Łódź,", "I", "İI", "ΟΔΟΣ", "ΟΔΟΣ'Α"])


def counted(text):
    words, plain = text.split(), re.findall(r"\w+", text.lower())
    return [
        len(text),
        count_words(text),
        sum(map(str.islower, words)),
        sum(word in _FREQUENT for word in plain),
        len(SENTENCE_END.findall(text)),
        sum(map(text.count, ",，、")),
        text[-1] in _CHARACTERS[_END],
        text.count("\n"),
        len(plain),
        sum(word in TITLE for word in plain),
        sum(word in DESCRIPTION for word in plain),
    ]


@given(st.lists(TEXTS | st.lists(WORDS, min_size=1).map(" ".join), min_size=1, max_size=5))
def test_texts_are_counted_together_as_each_alone(texts):
    assert count_texts(texts, TITLE, DESCRIPTION).T.tolist() == list(map(counted, texts))


@given(st.lists(TEXTS, min_size=1, max_size=9), st.integers(1, 4))
def test_texts_are_counted_some_at_a_time_as_all_at_once(texts, at_once):
    counts = count_texts(texts, TITLE, DESCRIPTION).tolist()
    with mock.patch.object(text_counts, "_AT_ONCE", at_once):
        assert count_texts(texts, TITLE, DESCRIPTION).tolist() == counts


def test_a_large_page_is_counted_in_little_more_than_its_counts():
    texts = ["The heron stood in the shallows all morning."] * 20_000
    tracemalloc.start()
    counts = count_texts(texts, TITLE, DESCRIPTION)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * counts.nbytes
