"""The paper's generative tasks with its prompts: reading, summarising, translating, answering (sections 3.5 to 3.8).

A model of GPT-2's smallest size and a small corpus is at the floor here; these are for fidelity, never for a verdict on
a corpus. The metrics are written out, because each has many spellings: token F1 as CoQA and SQuAD normalise, ROUGE F1
without stemming, BLEU-4 of a corpus with one reference.
"""

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from model.gpt2.generate import Sampling, write
from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.likelihood import score_continuations
from webtext.hashing import hash64

Complete = Callable[[str, Sampling], str]

SUMMARY, SUMMARY_SENTENCES = Sampling(max_tokens=100, top_k=2), 3  # section 3.6 of the paper
CONVERSATION, TRANSLATION = Sampling(max_tokens=32, top_k=1), Sampling(max_tokens=64, top_k=1)
GREEDY_SHORT = Sampling(max_tokens=16, top_k=1)
SUMMARY_HINT = "TL;DR:"
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class Completer:
    """Continues prompts, and counts those that are longer than the network reads and lose their beginning."""

    def __init__(self, model: GPT, tokenizer: Tokenizer) -> None:
        """Start with nothing cut."""
        self._model, self._tokenizer, self.cut = model, tokenizer, 0

    def __call__(self, prompt: str, sampling: Sampling) -> str:
        """The text that follows a prompt."""
        self.cut += not self.fits(prompt, sampling)
        return write(self._model, self._tokenizer, prompt, sampling)

    def fits(self, prompt: str, sampling: Sampling) -> bool:
        """Whether a prompt is read whole."""
        return len(self._tokenizer.encode(prompt)) + 1 <= self._model.config.block_size - sampling.max_tokens

    def nats(self, prompt: str, answer: str) -> float:
        """Minus the log probability of an answer after a prompt; infinite for none."""
        if not answer.strip():
            return math.inf
        return score_continuations(self._model, self._tokenizer, [(prompt, f" {answer.strip()}")])[0].nats


def sentences(text: str) -> list[str]:
    """Sentences of a text, cut after a stop and white space or at line ends."""
    return [part for line in text.splitlines() for part in _SENTENCE_END.split(line.strip()) if part]


def conversation_prompt(story: str, history: Sequence[tuple[str, str]], question: str) -> str:
    """CoQA: the story, what was asked and answered, the question and a final `A:` (section 3.5)."""
    return "\n\n".join(
        [story, *(f"Q: {asked}\nA: {answered}" for asked, answered in history), question_prompt(question)]
    )


def question_prompt(question: str) -> str:
    """Natural Questions: the question; what came before it teaches the short style (section 3.8)."""
    return f"Q: {question}\nA:"


def summary_prompt(article: str, *, hint: bool = True) -> str:
    """CNN and Daily Mail: the article and `TL;DR:`, or the article alone (section 3.6)."""
    return f"{article}\n{SUMMARY_HINT}" if hint else f"{article}\n"


def translation_prompt(sentence: str) -> str:
    """WMT: `sentence =`, as after the pairs `english sentence = french sentence` (section 3.7)."""
    return f"{sentence} ="


def answer_in_conversation(complete: Complete, prompt: str) -> str:
    """CoQA, greedy (section 3.5)."""
    return _first_line(complete(prompt, CONVERSATION))


def summarize(complete: Complete, prompt: str, seed: int = 0) -> str:
    """Three sentences of 100 tokens drawn with k = 2 (section 3.6)."""
    made = complete(prompt, replace(SUMMARY, seed=seed))
    return " ".join(sentences(made)[:SUMMARY_SENTENCES])


def translate(complete: Complete, prompt: str) -> str:
    """Greedy, the first sentence (section 3.7)."""
    made = sentences(complete(prompt, TRANSLATION))
    return made[0] if made else ""


def answer_question(complete: Complete, prompt: str) -> str:
    """Natural Questions, greedy (section 3.8)."""
    return _first_line(complete(prompt, GREEDY_SHORT))


def most_confident(confidences: Sequence[float], right: Sequence[bool], share: float) -> float:
    """Accuracy over the `share` of answers, at least one, to which the model gave the highest probability.

    >>> most_confident([-2.0, -9.0, -1.0, -3.0], [True, False, False, True], 0.5)
    0.5
    """
    count = max(1, round(share * len(right)))
    best = sorted(range(len(right)), key=lambda number: -confidences[number])[:count]
    return sum(right[number] for number in best) / count


def lead(article: str) -> str:
    """The first three sentences: the baseline that is hard to beat on news."""
    return " ".join(sentences(article)[:SUMMARY_SENTENCES])


def random_sentences(article: str) -> str:
    """Three sentences of the article, drawn by its hash, in its order: the baseline of the paper's Table 4."""
    found = sentences(article)
    keys = [hash64(f"{place}/{article}".encode(), salt=b"random-3") for place in range(len(found))]
    drawn = sorted(range(len(found)), key=keys.__getitem__)[:SUMMARY_SENTENCES]
    return " ".join(found[place] for place in sorted(drawn))


def _first_line(text: str) -> str:
    stripped = text.strip()
    return stripped.splitlines()[0] if stripped else ""


def normalize_answer(text: str) -> list[str]:
    """Words of an answer as SQuAD and CoQA compare them: lower case, no punctuation, no articles.

    >>> normalize_answer("The Cat's hat!")
    ['cats', 'hat']
    """
    plain = "".join(char for char in text.lower() if char not in string.punctuation)
    return _ARTICLES.sub(" ", plain).split()


def answer_f1(answer: str, references: Sequence[str]) -> float:
    """The best token F1 of an answer against several references, in [0, 1]."""
    return max(_f1(normalize_answer(answer), normalize_answer(reference)) for reference in references)


def conversation_f1(answer: str, references: Sequence[str]) -> float:
    """CoQA's F1, in [0, 1]: the mean of the best F1 against the references but one, each left out once.

    So its authors' script does, that a human, who is scored against the others' answers, and a model compare.

    >>> conversation_f1("red", ["red", "red one", "blue"])
    0.8888888888888888
    """
    if len(references) < 2:
        return answer_f1(answer, references)
    others = ([*references[:number], *references[number + 1 :]] for number in range(len(references)))
    return sum(answer_f1(answer, part) for part in others) / len(references)


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Whether an answer is one of the references, normalised."""
    return normalize_answer(answer) in [normalize_answer(reference) for reference in references]


def _f1(found: Sequence[str], wanted: Sequence[str]) -> float:
    if not found or not wanted:
        return float(found == wanted)
    return _harmonic((Counter(found) & Counter(wanted)).total(), len(found), len(wanted))


def _harmonic(common: int, found: int, wanted: int) -> float:
    return 2.0 * common / (found + wanted) if common else 0.0


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def _grams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[start:] for start in range(n)), strict=False))


def rouge(summary: str, reference: str) -> dict[str, float]:
    """ROUGE-1, -2 and -L F1 over lower-case words (Lin, 2004), in [0, 1].

    ROUGE-L is that of summaries, sentence by sentence (section 3.2), as in the paper's Table 4: of texts as one long
    sentence it is a third lower on news.
    """
    made, asked = ([_words(part) for part in sentences(text)] for text in (summary, reference))
    found, wanted = ([word for part in parts for word in part] for parts in (made, asked))
    scores = {}
    for n in (1, 2):
        one, two = _grams(found, n), _grams(wanted, n)
        scores[f"rouge_{n}"] = _harmonic((one & two).total(), one.total(), two.total())
    common: Counter[str] = Counter()
    for part in asked:
        places = set[int]().union(*(_common_places(part, other) for other in made))
        common.update(part[place] for place in places)
    hits = (common & Counter(found)).total()  # no word is found more often than the summary has it
    scores["rouge_l"] = _harmonic(hits, len(found), len(wanted))
    return scores


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _common_places(one: Sequence[str], two: Sequence[str]) -> list[int]:
    """Where the words of the longest common subsequence stand in the first sequence, from its end."""
    rows = [[0] * (len(two) + 1)]
    for left in one:
        above = rows[-1]
        row = [0]
        for column, right in enumerate(two, start=1):
            row.append(above[column - 1] + 1 if left == right else max(above[column], row[-1]))
        rows.append(row)
    places, at, column = [], len(one), len(two)
    while at and column:
        if one[at - 1] == two[column - 1]:
            at, column = at - 1, column - 1
            places.append(at)
        elif rows[at][column - 1] > rows[at - 1][column]:
            column -= 1
        else:
            at -= 1
    return places


def bleu(translations: Sequence[str], references: Sequence[str]) -> float:
    """BLEU-4 of a corpus, one reference each, with the brevity penalty (Papineni et al., 2002), in [0, 100]."""
    if len(translations) != len(references) or not references:
        raise ValueError(f"{len(translations)} translations for {len(references)} references")
    pairs = [(_tokens(one), _tokens(two)) for one, two in zip(translations, references, strict=True)]
    logs = 0.0
    for n in range(1, 5):
        common = sum((_grams(found, n) & _grams(wanted, n)).total() for found, wanted in pairs)
        total = sum(max(0, len(found) - n + 1) for found, _ in pairs)
        if common == 0:
            return 0.0
        logs += math.log(common / total) / 4.0
    found_length, wanted_length = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    return 100.0 * math.exp(min(0.0, 1.0 - wanted_length / found_length) + logs)
