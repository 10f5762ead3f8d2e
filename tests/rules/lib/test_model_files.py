"""The two rules that need a model: GPT-3's classifier and perplexity."""

import hashlib
import math
import random

import pytest

from filters.rules import gpt3, perplexity
from filters.rules.gpt3 import GPT3Classifier, pareto_draw
from filters.rules.lib.model_files import read_arrays, write_arrays
from filters.rules.perplexity import Perplexity
from webtext.errors import UsageError
from webtext.records import Document

GOOD = "heron winter pool harbour ferry bread soup neighbour morning letter garden quiet walked thought because"
BAD = "casino bonus cheap viagra click free win slots deal promo code subscribe loan replica rolex watches"


def texts(vocabulary, number, seed):
    chance = random.Random(seed)
    return [" ".join(chance.choices([*vocabulary.split(), "the", "of", "and"], k=80)) for _ in range(number)]


def document(text, number=0):
    return Document(
        id="", url=f"https://example.org/{number}", final_url="", host="", title="", author="", date="", text=text,
        language="en", language_probability=1.0, karma=None, submissions=None, subreddits=(), first_posted=None,
        n_words=0, body_digest="",
    )  # fmt: skip


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("models") / "classifier.npz")
    gpt3.write_model(path, *gpt3.train(texts(GOOD, 100, 1), texts(BAD, 100, 2)))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("models") / "perplexity.npz")
    write_arrays(path, perplexity.train(texts(GOOD, 200, 1)))
    return path


def test_the_classifier_tells_unseen_texts_apart(classifier):
    arrays = read_arrays(classifier, ("weights", "bias"))
    scores = [
        gpt3.classify(text, arrays["weights"], float(arrays["bias"])) for text in texts(GOOD, 50, 3) + texts(BAD, 50, 4)
    ]
    assert min(scores[:50]) > 0.8
    assert max(scores[50:]) < 0.2


def test_five_good_are_kept_and_five_bad_rejected(classifier):
    rule = GPT3Classifier(model=classifier)
    assert [rule(document(text, n)) for n, text in enumerate(texts(GOOD, 5, 5))] == [None] * 5
    rejected = [rule(document(text, n)) for n, text in enumerate(texts(BAD, 5, 6))]
    assert rejected == ["gpt3_classifier"] * 5
    assert all("score, at least" in reason.detail for reason in rejected)


def test_chance_keeps_a_few_bad_documents_as_the_paper_means(classifier):
    rule = GPT3Classifier(model=classifier, alpha=1.0)
    bad = texts(BAD, 400, 7)
    kept = sum(rule(document(text, n)) is None for n, text in enumerate(bad))
    assert 100 < kept < 260  # P(Lomax(1) > 1 - score) is about 1/2 for a score near 0
    assert [rule(document(text, n)) for n, text in enumerate(bad)] == [
        rule(document(text, n)) for n, text in enumerate(bad)
    ]


def test_the_draw_is_paretos():
    draws = sorted(pareto_draw(str(n), 9.0) for n in range(20_000))
    for quantile in (0.1, 0.5, 0.9, 0.99):
        exact = (1 - quantile) ** (-1 / 9) - 1
        assert draws[int(quantile * len(draws))] == pytest.approx(exact, rel=0.08)


def test_perplexity_ranks_and_the_rule_cuts_on_both_sides(model):
    words = perplexity.read_model(model)
    good = [words.perplexity(text) for text in texts(GOOD, 20, 8)]
    bad = [words.perplexity(text) for text in texts(BAD, 20, 9)]
    assert max(good) < 40
    assert min(bad) > 500
    rule = Perplexity(model=model, max_perplexity=100.0, min_perplexity=5.0)
    assert [rule(document(text)) for text in texts(GOOD, 5, 10)] == [None] * 5
    assert [rule(document(text)) for text in texts(BAD, 5, 11)] == ["perplexity"] * 5
    assert rule(document("")) == "perplexity"


def test_shuffled_words_surprise_and_no_text_is_impossible(model):
    words = perplexity.read_model(model)
    chain = [f"w{number}" for number in range(40)]
    write_arrays(f"{model}.chain", perplexity.train([" ".join(chain)] * 3))
    ordered = perplexity.read_model(f"{model}.chain")
    assert ordered.perplexity(" ".join(chain)) < 2
    assert ordered.perplexity(" ".join(reversed(chain))) > 10
    for text in ("zzz", "w1 zzz w2", "heron the the heron zzz", "w39 w39"):
        assert words.perplexity(text) < math.inf > ordered.perplexity(text)
    assert words.perplexity("") == math.inf


def test_training_is_the_same_every_time_byte_for_byte(tmp_path):
    digests = []
    for name in ("a", "b"):
        gpt3.write_model(str(tmp_path / name), *gpt3.train(texts(GOOD, 20, 1), texts(BAD, 20, 2)))
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_no_model_and_no_texts_are_the_users_to_mend(tmp_path):
    (tmp_path / "junk").write_bytes(b"junk")
    for make in (GPT3Classifier, Perplexity):
        for path in ("", str(tmp_path / "none"), str(tmp_path / "junk")):
            with pytest.raises(UsageError):
                make(model=path)
    with pytest.raises(UsageError, match="got 1 good and 0 bad"):
        gpt3.train(["a"], [])
    with pytest.raises(UsageError, match="got none"):
        perplexity.train([])
