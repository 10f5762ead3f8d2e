"""How text is normalised and counted: the one definition of a word and of an n-gram.

GPT-2's overlap study (paper, section 4) normalises to "lower-cased alphanumeric words with a single space as a
delimiter". The same words make the shingles of near-duplicate removal and the n-grams of overlap, so that all of them
mean the same thing by "8-gram". `dedup` has vectorised kernels that tests hold equal to these functions.

Where a script writes no spaces between words, the rule is that of Unicode's default word boundaries (UAX #29): each
Han or Hiragana character is a word, a run of Katakana is one, and each letter of Thai, Lao, Khmer, Burmese and their
kin is one. No dictionary takes part, so the words of a text never change with a library's release. Marks (the vowel
signs of Thai or Hindi, the accents of decomposed Latin) belong to the letter before them.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain

# Letters that are a word each: code points and ranges, digits left out. Unicode 15: Script=Han and Hiragana, and what
# has Line_Break=Complex_Context (Thai, Lao, Myanmar, Khmer, Tai Le, New Tai Lue, Tai Tham, Tai Viet).
SPACELESS_RANGES = (
    (0x0E01, 0x0E4F), (0x0E81, 0x0ECF), (0x0EDA, 0x0EDF), (0x1000, 0x103F), (0x104A, 0x108F), (0x109A, 0x109F),
    (0x1780, 0x17DF), (0x1950, 0x19CF), (0x1A20, 0x1A7F), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B),
    (0x3041, 0x3096), (0x309D, 0x309F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA9E0, 0xA9EF), (0xA9FA, 0xA9FE),
    (0xAA60, 0xAADF), (0xF900, 0xFAFF), (0x1B001, 0x1B11F), (0x20000, 0x3FFFF),
)  # fmt: skip
_MARKS_END = 0x20000  # no mark lies beyond it, but variation selectors, which belong to no word
_TAGS = range(0xE0000, 0xE0200)  # the only format characters beyond it
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_BASIC_PLANE = "\uffff"
_ASCII_WORD = re.compile(r"[^\W_]+")


def is_mark(code: int) -> bool:
    """Tell whether a code point is a mark that belongs to the word before it (categories Mn and Mc)."""
    return unicodedata.category(chr(code)) in {"Mn", "Mc"} and code not in _VARIATION_SELECTORS


@cache
def marks() -> frozenset[int]:
    """Give the code points of all marks."""
    return frozenset(code for code in range(0x300, _MARKS_END) if is_mark(code))


# UAX #15, stream-safe text: more marks on one letter are nobody's spelling, and composing them takes squared time.
_MOST_MARKS = 30
_CHECKED = 1 << 10  # characters whose composition is checked at a time, for the same reason


def comparable(text: str) -> str:
    r"""Give the form in which texts are compared: composed (Unicode NFC), without format characters.

    The same page reaches two corpora with soft hyphens, zero-width spaces and joiners, byte order marks and marks of
    direction (category Cf) or without, and with its accents as one character or as two.

    >>> comparable("cafe\u0301 co\u00adop\u200b") == "caf\u00e9 coop"
    True
    """
    if text.isascii():
        return text
    if not text.replace("\n", " ").replace("\t", " ").isprintable():  # format characters are not, nor is little else
        text = _format_characters().sub("", text)
    if all(unicodedata.is_normalized("NFC", part) for part in _overlapping(text)):
        return text
    return unicodedata.normalize("NFC", _long_runs_of_marks().sub(r"\1", text))


def _overlapping(text: str) -> Iterator[str]:
    """Cut a text into short parts, each with the end of the one before it: no letter is parted from its marks."""
    return (text[max(0, begin - _MOST_MARKS) : begin + _CHECKED] for begin in range(0, len(text), _CHECKED))


def origins(text: str) -> list[int] | None:
    """Say for each character of `comparable(text)` where in the text it begins; None where it is the text itself.

    One more entry, the length of the text, closes the last.
    """
    if comparable(text) == text:
        return None
    found, begin = [], 0
    for part in _letters().findall(text):
        found += [begin] * len(comparable(part))
        begin += len(part)
    return [*found, len(text)]


@cache
def _letters() -> re.Pattern[str]:
    """Compile what composes into one: a character and all that may join it, format characters between them or not."""
    return re.compile(rf"[\s\S][{_joining()}{_format_ranges()}]*")


@cache
def _long_runs_of_marks() -> re.Pattern[str]:
    return re.compile(rf"([{_joining()}]{{{_MOST_MARKS}}})[{_joining()}]+")


def _joining() -> str:
    """Give what may compose with the character before it: combining marks, and second halves of decompositions."""
    parts = (unicodedata.decomposition(chr(code)).split() for code in range(0xA0, _MARKS_END))
    second = {int(part[1], 16) for part in parts if len(part) == 2 and not part[0].startswith("<")}
    combining = {code for code in range(0x300, _MARKS_END) if unicodedata.combining(chr(code))}
    jamo = set(range(0x1160, 0x1200))
    return "".join(map(chr, sorted(second | combining | jamo)))


@cache
def _format_ranges() -> str:
    codes = chain(range(0x80, _MARKS_END), _TAGS)
    return "".join(chr(code) for code in codes if unicodedata.category(chr(code)) == "Cf")


@cache
def _format_characters() -> re.Pattern[str]:
    return re.compile(f"[{_format_ranges()}]")


def word_pattern(text: str) -> re.Pattern[str]:
    """Give the regular expression of one word of a text in lower case; it is linear in the text."""
    if text.isascii():
        return _ASCII_WORD
    return _word_pattern(_BASIC_PLANE if max(text) <= _BASIC_PLANE else chr(sys.maxunicode))


@cache
def _word_pattern(last: str) -> re.Pattern[str]:
    """Compile the expression for texts without characters beyond one: up to U+FFFF it takes a sixth of the time."""
    spaceless = "".join(f"{chr(first)}-{chr(end)}" for first, end in SPACELESS_RANGES if chr(end) <= last)
    mark = f"[{''.join(character for character in map(chr, sorted(marks())) if character <= last)}]"
    return re.compile(rf"[^\W_{spaceless}]+(?:{mark}+[^\W_{spaceless}]*)*|[{spaceless}](?<!\W){mark}*")


def words(text: str) -> list[str]:
    """Return the lower-case alphanumeric words of a text, in order.

    >>> words("Don't panic: it's 42_000 KM.")
    ['don', 't', 'panic', 'it', 's', '42', '000', 'km']
    >>> words("東京タワー 2024年")
    ['東', '京', 'タワー', '2024', '年']
    """
    lowered = comparable(text).lower()
    return word_pattern(lowered).findall(lowered)


def normalize_text(text: str) -> str:
    r"""Normalise a text as the GPT-2 paper does (section 4): its words, joined by single spaces.

    >>> normalize_text("  Hello,\n WORLD! ")
    'hello world'
    """
    return " ".join(words(text))


def ngrams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Yield the n-grams of a sequence of words, in order: `max(0, len(tokens) - n + 1)` of them.

    >>> list(ngrams(["a", "b", "c"], 2))
    [('a', 'b'), ('b', 'c')]
    """
    return zip(*(tokens[start:] for start in range(n)), strict=False)
