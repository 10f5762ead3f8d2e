"""The paper's language-modelling sets: raw files in, figures in the units of the literature out.

Each set is a local file that the user has (none is redistributed). Its text is de-tokenised reversibly, scored as one
stream, and divided by what its literature counts: words and line ends of the original file, bytes or characters.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.detokenize import detokenize
from model.scores.likelihood import token_nats

_WORD = re.compile(r"[^ \t\r\n\f\v]+")


def words_and_line_ends(text: str) -> int:
    r"""Words of a tokenised file plus one `<eos>` a line, the unit of PTB, WikiText and 1BW.

    Only "\n" ends a line, and only ASCII white space a word: U+0085, U+2028 and U+00A0 are characters of the text.

    >>> words_and_line_ends("a b\nc\n")
    5
    """
    return len(_WORD.findall(text)) + text.count("\n") + (not text.endswith("\n"))


@dataclass(frozen=True)
class LanguageModelingSet:
    """How a set is spelt, and what a result is called and divided by."""

    result: str
    style: str
    units: Callable[[str], int]
    is_bits: bool = False


SETS = {
    "ptb": LanguageModelingSet("ptb_perplexity", "ptb", words_and_line_ends),
    "wikitext2": LanguageModelingSet("wikitext2_perplexity", "wikitext", words_and_line_ends),
    "wikitext103": LanguageModelingSet("wikitext103_perplexity", "wikitext", words_and_line_ends),
    "1bw": LanguageModelingSet("1bw_perplexity", "1bw", words_and_line_ends),
    "enwik8": LanguageModelingSet("enwik8_bits_per_byte", "natural", lambda text: len(text.encode()), is_bits=True),
    "text8": LanguageModelingSet("text8_bits_per_character", "natural", len, is_bits=True),
    "text": LanguageModelingSet("text_bits_per_byte", "natural", lambda text: len(text.encode()), is_bits=True),
}


@dataclass(frozen=True)
class LanguageModelingResult:
    """A figure, and all that is needed to compare it with another's."""

    name: str
    value: float
    nats: float
    tokens: int
    units: int
    n_bytes: int
    bits_per_byte: float
    block_size: int
    stride: int
    style: str
    lines_detokenized: float
    """Share of lines that every rule of the style rewrote reversibly."""
    words_detokenized: float
    """Share of words that stand in such lines."""


def score_set(model: GPT, tokenizer: Tokenizer, name: str, text: str, *, stride: int = 0) -> LanguageModelingResult:
    """Score the raw text of a set of `SETS`; `stride` 0 is disjoint windows, and is part of the result."""
    about = SETS[name]
    natural = detokenize(text, about.style)
    ids = tokenizer.encode(natural.text)
    nats = float(token_nats(model, [ids], tokenizer.end_of_text, stride=stride)[0].sum())
    units, n_bytes = about.units(text), len(text.encode())
    return LanguageModelingResult(
        name=about.result,
        value=nats / units / math.log(2.0) if about.is_bits else math.exp(nats / units),
        nats=nats,
        tokens=len(ids),
        units=units,
        n_bytes=n_bytes,
        bits_per_byte=nats / math.log(2.0) / n_bytes,
        block_size=model.config.block_size,
        stride=stride or model.config.block_size,
        style=about.style,
        lines_detokenized=natural.fully / (natural.fully + natural.partly + natural.untouched),
        words_detokenized=natural.words_fully,
    )
