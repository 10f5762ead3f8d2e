"""The n-gram model is Kneser-Ney's: equal to a direct transcription of the formulas, and a probability distribution."""

import math
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext.ngram_model import count_ngrams, train_ngrams

V, END = 7, 6
DOCUMENTS = st.lists(st.lists(st.integers(0, V - 2), max_size=12), min_size=1, max_size=8).filter(any)


def count_grams(documents, n):
    """Occurrences of n-grams, and of shorter ones the number of different tokens before them."""
    grams = [Counter() for _ in range(n + 1)]
    for document in documents:
        padded = [END] * (n - 1) + list(document)
        grams[n].update(tuple(padded[stop - n : stop]) for stop in range(n, len(padded) + 1))
    for length in range(n - 1, 0, -1):
        grams[length].update(gram[1:] for gram in grams[length + 1])
    return grams


def discounts_of(counts):
    """Equation 26, or fixed discounts where it has no sense."""
    t = Counter(counts.values())
    if all(t[c] for c in (1, 2, 3, 4)):
        y = t[1] / (t[1] + 2 * t[2])
        d = [0, *(c - (c + 1) * y * t[c + 1] / t[c] for c in (1, 2, 3))]
        if all(0 < d[c] <= c for c in (1, 2, 3)):
            return d
    return [0, 0.5, 1.0, 1.5]


def transcription(documents, n):
    """Chen and Goodman (1999), equations 22 to 26, by dictionaries: a function (context, token) -> probability."""
    grams = count_grams(documents, n)
    followers = defaultdict(dict)
    for counts in grams:
        for gram, count in counts.items():
            followers[gram[:-1]][gram[-1]] = count
    discounts = [discounts_of(counts) for counts in grams]

    def probability(context, token):
        if context is None:
            return 1 / V
        shorter = probability(context[1:] if context else None, token)
        counts = followers[context]
        if not counts:
            return shorter
        d = discounts[len(context) + 1]
        kept = counts.get(token, 0) - d[min(counts.get(token, 0), 3)]
        left = sum(d[min(count, 3)] for count in counts.values())
        return (kept + left * shorter) / sum(counts.values())

    return probability


@given(DOCUMENTS, DOCUMENTS, st.integers(1, 4))
def test_equal_to_a_transcription_of_the_formulas(training, text, n):
    model, probability = train_ngrams(training, V, n), transcription(training, n)
    for document, nats in zip(text, model.nats(text), strict=True):
        padded = [END] * (n - 1) + document
        for i in range(len(document)):
            expected = -math.log(probability(tuple(padded[i : i + n - 1]), document[i]))
            assert nats[i] == pytest.approx(expected, rel=1e-9)


def test_the_estimated_discounts_are_used_and_equal_the_transcription():
    rng = np.random.default_rng(0)
    training = [np.minimum(rng.geometric(0.35, 60) - 1, V - 2).tolist() for _ in range(6)]
    model, probability = train_ngrams(training, V, 3), transcription(training, 3)
    assert [0.5, 1.0, 1.5] not in [order.discounts[1:].tolist() for order in model.orders[2:]]
    text = rng.integers(0, V - 1, 50).tolist()
    padded = [END, END, *text]
    expected = [-math.log(probability(tuple(padded[i : i + 2]), text[i])) for i in range(50)]
    assert model.nats([text])[0].tolist() == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30)
@given(DOCUMENTS, st.lists(st.integers(0, V - 2), max_size=5), st.integers(1, 4))
def test_the_probabilities_of_all_tokens_sum_to_one(training, context, n):
    model = train_ngrams(training, V, n)
    total = sum(math.exp(-model.nats([[*context, token]])[0][-1]) for token in range(V))
    assert total == pytest.approx(1.0, abs=1e-9)


@given(DOCUMENTS, st.data())
def test_a_model_of_a_part_is_the_model_that_reads_only_that_part(documents, data):
    n, left_out = data.draw(st.integers(1, 4)), data.draw(st.sets(st.integers(0, 7)))
    positions = [number for number, document in enumerate(documents) for _ in document]
    kept = np.array([number not in left_out for number in positions])
    kept &= np.cumsum(kept) <= data.draw(st.integers(0, len(kept)))  # the last documents lose their ends, too
    tokens = zip(positions, (token for document in documents for token in document), kept, strict=True)
    part = [[] for _ in documents]
    for number, token, stays in tokens:
        part[number] += [token] if stays else []
    counted = count_ngrams(documents, V, n)
    if not kept.any():
        with pytest.raises(ValueError, match="every document is empty"):
            counted.model(kept)
        return
    text = data.draw(DOCUMENTS)
    for one, other in zip(counted.model(kept).nats(text), train_ngrams(part, V, n).nats(text), strict=True):
        assert one.tolist() == other.tolist()


def test_documents_do_not_see_each_other():
    model = train_ngrams([[0, 1, 2], [3, 4]], V, 3)
    together, alone = model.nats([[0, 1], [], [3, 4]]), [model.nats([d])[0] for d in ([0, 1], [3, 4])]
    assert [together[0].tolist(), together[2].tolist()] == [part.tolist() for part in alone]
    assert together[1].size == 0
    assert model.nats([]) == []


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match=re.escape("every document is empty")):
        train_ngrams([[]], V)
    with pytest.raises(ValueError, match="at least one token, not 0"):
        train_ngrams([[1]], V, 0)
