"""Prompts as in the paper, and metrics as in hand-worked examples."""

import pytest

from model.gpt2.generate import Sampling
from model.gpt2.network import GPTConfig, create
from model.gpt2.tokenizer import byte_tokenizer
from model.scores.generative_tasks import (
    Completer,
    answer_f1,
    answer_in_conversation,
    answer_question,
    bleu,
    conversation_f1,
    conversation_prompt,
    exact_match,
    lead,
    most_confident,
    question_prompt,
    random_sentences,
    rouge,
    sentences,
    summarize,
    summary_prompt,
    translate,
    translation_prompt,
)


class Spy:
    """Answers with a fixed text and remembers what it was asked."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, prompt, sampling):
        self.prompt, self.sampling = prompt, sampling
        return self.answer


def test_prompts_are_the_papers():
    spy = Spy(" red\nQ: more")
    assert answer_in_conversation(spy, conversation_prompt("A story.", [("Who?", "Bob")], "Which?")) == "red"
    assert spy.prompt == "A story.\n\nQ: Who?\nA: Bob\n\nQ: Which?\nA:"
    assert spy.sampling.top_k == 1
    spy = Spy(" One. Two! Three? Four.")
    assert summarize(spy, summary_prompt("News.")) == "One. Two! Three?"
    assert (spy.prompt, spy.sampling.max_tokens, spy.sampling.top_k) == ("News.\nTL;DR:", 100, 2)
    assert summary_prompt("News.", hint=False) == "News.\n"
    spy = Spy(" le chat. The dog = ")
    assert translate(spy, translation_prompt("the cat")) == "le chat."
    assert spy.prompt == "the cat ="
    spy = Spy("")
    assert answer_question(spy, question_prompt("When?")) == ""
    assert spy.prompt == "Q: When?\nA:"
    assert translate(spy, "x =") == ""


def test_a_completion_ends_at_end_of_text_and_fits_the_block():
    model = create(GPTConfig(n_layer=1, n_head=1, n_embd=8, block_size=16, vocab_size=257), 0)
    complete = Completer(model, byte_tokenizer())
    made = complete("a prompt much longer than the block", Sampling(max_tokens=8, top_k=1))
    assert complete.cut == 1
    assert complete.nats("Q:", "a") > 0
    assert complete.nats("Q:", " ") == float("inf")
    assert made == complete("a prompt much longer than the block", Sampling(max_tokens=8, top_k=1))
    model.ln_f.weight.data.zero_()
    model.ln_f.bias.data.copy_(model.wte.weight[256] * 1000)
    assert complete("x", Sampling(max_tokens=8, top_k=1)) == ""


def test_sentences():
    assert sentences("One. Two!\n\nThree") == ["One.", "Two!", "Three"]


def test_answers_are_compared_as_squad_does():
    assert answer_f1("the big dog", ["a dog"]) == pytest.approx(2 / 3)
    assert answer_f1("cat", ["dog", "the cat!"]) == 1.0
    assert answer_f1("", ["dog"]) == 0.0
    assert exact_match("The Cat.", ["cat"])
    assert not exact_match("cats", ["cat"])


def test_rouge_by_hand():
    scores = rouge("the cat sat", "the cat lay down")
    assert scores == pytest.approx({"rouge_1": 2 * 2 / 7, "rouge_2": 2 * 1 / 5, "rouge_l": 2 * 2 / 7})
    assert rouge("police killed the gunman", "police kill the gunman")["rouge_l"] == pytest.approx(0.75)
    assert rouge("a b c d", "d c b a")["rouge_l"] == pytest.approx(0.25)


def test_rouge_l_is_that_of_summaries():
    # The example of Lin (2004), section 3.2: the subsequences w1 w2 and w1 w3 w5 unite to four of the five words.
    assert rouge("w1 w2 w6 w7 w8. w1 w3 w8 w9 w5.", "w1 w2 w3 w4 w5.")["rouge_l"] == pytest.approx(2 * 4 / (10 + 5))
    # As one sentence, each text would have two words of the other in order.
    assert rouge("c d. a b.", "a b. c d.")["rouge_l"] == 1.0
    # A word that the summary has once is found once.
    assert rouge("the cat.", "the cat. the dog.")["rouge_l"] == pytest.approx(2 * 2 / (2 + 4))
    assert rouge("", "a b.")["rouge_l"] == rouge("a b.", "")["rouge_l"] == 0.0


def test_bleu_by_hand():
    assert bleu(["the cat is on the mat"], ["the cat is on the mat"]) == pytest.approx(100.0)
    assert bleu(["a b c"], ["d e f"]) == 0.0
    found = bleu(["a b c d e"], ["a b c d x y"])
    expected = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25 * 2.718281828 ** (1 - 6 / 5)
    assert found == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="1 translations for 2 references"):
        bleu(["a"], ["a", "b"])


def test_coqa_leaves_each_reference_out_once_as_its_authors_do():
    assert conversation_f1("red", ["red"]) == 1.0
    assert conversation_f1("red", ["red", "red", "blue"]) == 1.0
    assert conversation_f1("red", ["red", "blue"]) == 0.5
    assert conversation_f1("the red car", ["red car", "a car", "it was red", "blue"]) == pytest.approx((3 + 2 / 3) / 4)


def test_the_surest_answers_are_those_of_the_highest_probability():
    sure, right = [-float(number) for number in range(200)], [number < 2 for number in range(200)]
    assert most_confident(sure, right, 0.01) == 1.0
    assert most_confident(sure, right, 0.02) == 0.5
    assert most_confident([-1.0], [False], 0.01) == 0.0


def test_summaries_have_their_baselines():
    article = "One is here. Two is there! Three? Four went. Five."
    assert lead(article) == "One is here. Two is there! Three?"
    drawn = random_sentences(article)
    assert drawn == random_sentences(article)
    assert [part in article for part in sentences(drawn)] == [True] * 3
    assert lead("") == random_sentences("") == ""
