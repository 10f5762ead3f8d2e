"""LAMBADA: the last word of a passage (Paperno et al., 2016), under each of the protocols that papers mean by it.

GPT-2's own figures cannot be compared with others' unless three things are said: which text (the raw one, with its
capitals and quotes), which tokens count (the whole word, or its last token, lm-eval issue 350: they differ by a tenth
and more), and whether stop words are ruled out as answers, as section 3.3 of the paper does to lift 52.66 to 63.24 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.gpt2.generate import Sampling, generate
from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.likelihood import encode_pair, is_cut, score_ids
from model.scores.tasks import Accuracy, accuracy
from webtext.items import Choice

PROTOCOLS = ("word", "last_bpe", "stopword")
_CANDIDATES = 20  # likeliest first tokens that are completed to words, in search of one that is no stop word
WORD_TOKENS = 6  # the most that an answer has

# Closed-class words of English: no one of them is the answer to "what was it about".
_STOP_WORD_TEXT = """
a about above after again against all also am an and any are as at be because been before being below between
both but by can could did do does doing don down during each even ever few for from further had has have
having he her here hers herself him himself his how i if in into is it its itself just know like made me might
more most much must my myself no nor not now of off on once one only or other our ours ourselves out over own
re same she should so some still such than that the their theirs them themselves then there these they this
those through to too two under until up upon us very was we well were what when where which while who whom why
will with would you your yours yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORD_TEXT.split())


@dataclass(frozen=True)
class Lambada:
    """A result: perplexity of the counted tokens a passage, accuracy, and which items were right."""

    perplexity: float
    accuracy: Accuracy
    right: list[bool]
    nats: list[float]
    protocol: str
    cut: int
    """Passages longer than the network reads, of which the end was scored."""


def score_lambada(model: GPT, tokenizer: Tokenizer, items: Sequence[Choice], protocol: str = "word") -> Lambada:
    """Score passages whose one option is (context, last word). Raises ValueError for a protocol of no name."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}")
    pairs = [encode_pair(tokenizer, *item.options[item.gold]) for item in items]
    if protocol == "last_bpe":
        pairs = [([*before, *word[:-1]], word[-1:]) for before, word in pairs]
    scores = score_ids(model, pairs, tokenizer.end_of_text)
    right = [is_greedy for _, is_greedy in scores]
    if protocol == "stopword":
        right = [
            predict_word(model, tokenizer, before) == tokenizer.decode(word).strip().lower() for before, word in pairs
        ]
    nats = [score[0] for score in scores]
    cut = sum(is_cut(pair, model) for pair in pairs)
    return Lambada(mean_perplexity(nats), accuracy(right), right, nats, protocol, cut)


def mean_perplexity(nats: Sequence[float]) -> float:
    """Perplexity of what counts in each passage."""
    return math.exp(sum(nats) / len(nats))


@torch.no_grad()
def predict_word(model: GPT, tokenizer: Tokenizer, context: Sequence[int]) -> str | None:
    """The word to which the likeliest first token leads that does not lead to a stop word; lower case."""
    model.eval()
    window = [tokenizer.end_of_text, *context][-model.config.block_size + WORD_TOKENS :]
    ids = torch.tensor([window], device=model.wte.weight.device)
    first = model(ids)[0, -1].topk(min(_CANDIDATES, model.config.vocab_size)).indices[:, None]
    rest = generate(
        model, torch.cat((ids.expand(len(first), -1), first), dim=1), Sampling(max_tokens=WORD_TOKENS - 1, top_k=1)
    )
    for row in torch.cat((first, rest), dim=1).tolist():
        words = tokenizer.decode(row).split()
        word = "".join(char for char in words[0] if char.isalnum() or char in "'-").lower() if words else ""
        if word and word not in STOP_WORDS:
            return word
    return None
