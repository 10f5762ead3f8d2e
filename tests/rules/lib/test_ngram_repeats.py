"""What n-grams repeat is the same whether n-grams are tuples of words or numbers, looked at everywhere or not."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from filters.rules.lib.ngram_repeats import NgramRepeats
from filters.rules.lib.tokens import number

WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "d", "ee"]), max_size=60)


def top_in_words(words, n):
    counts = Counter(zip(*(words[start:] for start in range(n)), strict=False))
    if not counts:
        return 0
    ngram, places = counts.most_common(1)[0]
    return (sum(map(len, ngram)) + n - 1) * places


def repeated_in_words(words, n):
    seen, characters, position = set(), 0, 0
    while position <= len(words) - n:
        ngram = tuple(words[position : position + n])
        if ngram in seen:
            characters += sum(map(len, ngram))
            position += n
        else:
            seen.add(ngram)
            position += 1
    return characters


@given(WORDS)
def test_repeats_are_those_that_a_set_of_tuples_finds(words):
    repeats = NgramRepeats(number(words))
    for n in range(1, 12):
        repeats.grow_to(n)
        assert (repeats.n, repeats.top_characters()) == (n, top_in_words(words, n))
        assert repeats.repeated_characters() == repeated_in_words(words, n)


@given(WORDS)
def test_no_count_passes_its_bound(words):
    repeats = NgramRepeats(number(words))
    for n in range(1, 12):
        assert top_in_words(words, n) <= repeats.most_by_words(n)
        assert n < 3 or top_in_words(words, n) <= repeats.most_by_trigrams(n)
        assert max(repeated_in_words(words, longer) for longer in range(n, 14)) <= repeats.most_repeated(n)


def test_a_text_of_one_word_repeats_all_but_its_first_place():
    repeats = NgramRepeats(number(["word"] * 100))
    assert repeats.repeated_characters() == 4 * 99
    repeats.grow_to(2)
    assert (repeats.top_characters(), repeats.repeated_characters()) == (9 * 99, 8 * 49)
