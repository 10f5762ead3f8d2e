"""What is counted in the texts of a page's blocks: characters, words, frequent ones, ends of sentences.

Those of most pages are counted at once: their texts as one array of code points, and a table that says of each what it
is.
"""

import functools
import itertools
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webtext.code_points import characters_below, code_points

# The most frequent words of nine languages: where none stands, no sentence does.
_FREQUENT = frozenset(
    str.split(
        """the of and to a in is that for it was on with as be by this are or at from an have has not but they you he
    his her she we our your their its will can which who were been if there what when all more one so no my me i
    do would about out up into than them then these some could other only also le la les de des du un une et est
    en que qui dans pour pas sur au aux par plus avec ce il elle nous vous se sont son sa ses der die das und
    ist den von zu mit sich auf für im dem nicht ein eine als auch es werden aus er hat dass sie nach wird bei
    el los las del y por con para como más pero sus al lo su si o muy sin sobre di che è e non per sono della
    dei nel ha ma do da em um uma com não os dos na foi w z nie się jest od po jak za co van het een op te dat
    niet zijn voor met maar om aan ook и в не на я что он с как это но они к у из от так же"""  # noqa: RUF001
    )
)
# Scripts that are written without spaces: two characters count as a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# What a character is, as bits. A stop ends a sentence where a space or a mark that closes follows; a full stop always.
_SPACE, _LOWER, _UPPER, _STOP, _FULL_STOP, _CLOSER, _COMMA, _BREAK, _UNIT, _END = (1 << bit for bit in range(10))
_COUNTED = _STOP | _FULL_STOP | _COMMA | _BREAK | _UNIT
_CHARACTERS = {
    _SPACE: "\x00",
    _STOP: ".!?\u2026\u0964\u061f\u06d4",
    _FULL_STOP: "\u3002\uff01\uff1f",
    _CLOSER: "\"'\u201d\u2019\u00bb)]",
    _COMMA: ",\uff0c\u3001",
    _BREAK: "\n",
    _END: ".!?\u2026\u3002\uff01\uff1f\u0964\u06d4\u061f\"'\u201d\u2019\u00bb):;,\u300d\u300f\u17d4\u0589",
}
_COMMON = 1 << 14  # most characters of most pages are below this
_PLANES = 1 << 18  # Unicode has letters and spaces in its first four planes alone
_BETWEEN = "\x00"  # stands between two texts, and in none
_NOT_ALONE = "\u0130\u03a3"  # letters that become two in lower case, or one of two
_BLANK = ord(" ")
_AT_ONCE = 1 << 11  # texts: all of most pages; what is made of a megabyte of text in between is fifty
_FREQUENTLY, _IN_TITLE, _IN_DESCRIPTION = 1, 2, 4  # what a word is, as bits
_KNOWN = dict.fromkeys(_FREQUENT, _FREQUENTLY)

COUNTS = str.split("chars words lower frequent sentences commas ends lines plain in_title in_description")
Ints = NDArray[np.int64]
Read = tuple[NDArray[Any], int, Ints]


def count_words(text: str) -> int:
    """Count words as they weigh here: what spaces part, and half a character of scripts without them."""
    return len(text.split()) + (0 if text.isascii() else len(_UNSPACED.findall(text)) // 2)


def count_texts(texts: Sequence[str], title: AbstractSet[str], description: AbstractSet[str]) -> Ints:
    """Count what `COUNTS` names in the texts of a page's blocks.

    Args:
        texts: of the blocks, none of them empty.
        title: words in lower case.
        description: as well.

    Returns:
        Shape (counts, texts).
    """
    parts = range(0, max(1, len(texts)), _AT_ONCE)
    return np.concatenate([_count(texts[start : start + _AT_ONCE], title, description) for start in parts], axis=1)


def _count(texts: Sequence[str], title: AbstractSet[str], description: AbstractSet[str]) -> Ints:
    whole = _BETWEEN.join(("", *texts, ""))
    codes, below, marks = _read(whole)
    kinds = _kinds_below(below).take(codes)
    starts = _starts(kinds & _SPACE == 0)
    first = starts.searchsorted(marks)
    # What `str.islower` says of a word: some letter is in lower case, and none in upper case.
    cases = np.bitwise_or.reduceat(kinds, starts) & (_LOWER | _UPPER) if len(starts) else starts
    places = np.flatnonzero(kinds & _COUNTED)
    counted = kinds[places]
    stops = np.flatnonzero(counted & (_STOP | _FULL_STOP))
    is_end = counted[stops] & _FULL_STOP | kinds[places[stops] + 1] & (_SPACE | _CLOSER)
    frequent, plain, in_title, in_description = _count_known(whole, (codes, below, marks), title, description)
    counts: Ints = np.array(
        [
            _steps(marks) - 1,
            _steps(first) + _per_text(places[counted & _UNIT != 0], marks) // 2,
            _per_text(np.flatnonzero(cases == _LOWER), first),
            frequent,
            _per_text(places[stops[is_end != 0]], marks),
            _per_text(places[counted & _COMMA != 0], marks),
            kinds[marks[1:] - 1] & _END != 0,
            _per_text(places[counted & _BREAK != 0], marks),
            plain,
            in_title,
            in_description,
        ]
    )
    return counts


def _count_known(text: str, read: Read, title: AbstractSet[str], description: AbstractSet[str]) -> list[Ints]:
    """Count, in each text, frequent words, all of them, those of the title, and those of the description."""
    known = _KNOWN.copy()
    for these, bit in ((title, _IN_TITLE), (description, _IN_DESCRIPTION)):
        known.update([(word, known.get(word, 0) | bit) for word in these])
    if not text.isascii() and any(letter in text for letter in _NOT_ALONE):
        read = _read(text.lower())
    codes, below, marks = read
    spaced = _words_below(below).take(codes)
    first = _starts(spaced != _BLANK).searchsorted(marks)
    words = spaced.tobytes().decode("ascii" if codes.itemsize == 1 else "utf-32-le", "surrogatepass").split()
    bits = np.frombuffer(bytes(map(known.get, words, itertools.repeat(0))), np.uint8)
    frequent, in_title, in_description = (
        _per_text(np.flatnonzero(bits & bit), first) for bit in (_FREQUENTLY, _IN_TITLE, _IN_DESCRIPTION)
    )
    return [frequent, _steps(first), in_title, in_description]


def _per_text(places: Ints, bounds: Ints) -> Ints:
    """Count the places from each bound to the next."""
    return _steps(places.searchsorted(bounds))


def _steps(bounds: Ints) -> Ints:
    return bounds[1:] - bounds[:-1]


def _starts(inside: NDArray[np.bool_]) -> Ints:
    """Give where each run of flags begins; none is at the very beginning."""
    return np.flatnonzero(inside[1:] & ~inside[:-1]) + 1


def _read(text: str) -> Read:
    """Give a text's code points, a size of table that has them all, and where `_BETWEEN` stands."""
    codes, classes = code_points(text)
    below = len(classes) if codes.itemsize == 1 else max(len(classes), _COMMON)
    return codes, below, np.flatnonzero(codes == 0)


@functools.lru_cache(maxsize=32)  # the keys are powers of two
def _kinds_below(below: int) -> NDArray[np.uint16]:
    characters = characters_below(min(below, _PLANES))
    table = np.zeros(below, np.uint16)
    for run in re.finditer(_UNSPACED.pattern + "+", characters):
        table[run.start() : run.end()] |= _UNIT
    for bit, holds in ((_SPACE, str.isspace), (_LOWER, str.islower), (_UPPER, str.istitle)):
        table[[code for code, one in enumerate(characters) if holds(one)]] |= bit
    for bit, ones in _CHARACTERS.items():
        table[[code for code in map(ord, ones) if code < below]] |= bit
    return table


@functools.lru_cache(maxsize=32)
def _words_below(below: int) -> NDArray[Any]:
    """Give each letter in lower case, and a blank for what is part of no word."""
    letters = characters_below(min(below, _PLANES)).translate(dict.fromkeys(map(ord, _NOT_ALONE), "x")).lower()
    codes, _ = code_points(re.sub(r"\W", chr(_BLANK), letters))
    return np.pad(codes, (0, below - len(codes)), constant_values=_BLANK)
