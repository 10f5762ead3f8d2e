"""What the quality rules count: words with their punctuation apart, lines, sentences.

The papers do not say what a word is. The reference code that most use (datatrove, on which FineWeb stands) takes the
tokens of spaCy's English rules, marks among them, whatever the language; the thresholds were chosen on those. `tokens`
follows the same published scheme (spaCy's documentation, "How spaCy's tokenizer works"): at spaces, then marks off both
ends, then within. benchmarks/filter_parity.py measures on real documents how often a verdict differs for the rest.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

_UNITS = "km|m|cm|mm|nm|dm|kg|g|mg|t|lb|oz|ft|in|yd|mi|ha|hPa|Pa|mbar|[kKmMgGtT][bB]|[TGMK%]"
_MARKS = (
    r"\u2026,:;!?\u00bf\u061f\u00a1()\[\]{}<>_#*&\u3002\uff1f\uff01\uff0c\u3001\uff1b\uff1a\uff5e\u00b7\u0964\u060c"
    r"\u06d4\u061b\u066a'\"\u201d\u201c`\u2018\u00b4\u2019\u201a\u201e\u00bb\u00ab\u300c-\u300f\uff08\uff09\u3008-\u300b"
    r"\u3010\u3011\u3014\u3015\u27e6\u27e7"
)
_SYMBOLS = r"\u00a6\u00a9\u00ae\u00b0\u2100-\u214f\u2190-\u2bff\U0001f000-\U0001faff"
_MARK = rf"[{_MARKS}{_SYMBOLS}$\u00a3\u20ac\u00a5\u0e3f\u20a0-\u20bf\ufdfc]"
_LETTER = r"[^\W\d_]"
_LOWER, _UPPER = "a-z\u00df-\u00f6\u00f8-\u00ff\u0430-\u044f\u0451", "A-Z\u00c0-\u00d6\u00d8-\u00de\u0410-\u042f"
_QUOTES = "'\"\u2019\u201d\u201c\u2018\u00ab\u00bb\u201e"
_BEFORE = re.compile(rf"\.\.+|[\u00a7%=\u2014\u2013]|\+(?![0-9])|{_MARK}")
_AFTER = re.compile(
    rf"(?:\.\.+|{_MARK}|['\u2019][sS]|[\u2014\u2013]|(?<=[0-9])(?:\+|{_UNITS})|(?<=\u00b0[FfCcKk])\."
    rf"|(?<=[0-9{_LOWER}\u03b1-\u03c9%\u00b2\-+{_MARKS}])\.|(?<=[{_UPPER}][{_UPPER}])\.)$"
)
_WITHIN = re.compile(
    rf"\.\.+|\u2026|[{_SYMBOLS}]|(?<=[0-9])[-+*^](?=[0-9-])|(?<=[{_LOWER}{_QUOTES}])\.(?=[{_UPPER}{_QUOTES}])"
    rf"|(?<={_LETTER}),(?={_LETTER})|(?<=[^\W_])(?:---?|[-\u2013\u2014~]|[:<>=/])(?={_LETTER})"
)
# What stays whole: addresses, and what ends in a full stop that ends no sentence.
_WHOLE = re.compile(
    r"[a-zA-Z]\w*://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.-]+"
    r"|(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|html|de|uk|fr|py|io|info)(?:[:/]\S*)?|and/or|(?:[^\W\d_]\.)+"
    r"|(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|Inc|Ltd|Co|Corp|Gen|Rep|Sen|Gov|Rev|Mt|Ph\.D"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\."
)
# Most of what is not a word alone is one, or a number, between marks: each mark is a token. A full stop is one behind
# what no abbreviation looks like.
_PLAIN = re.compile(
    rf"([{_MARKS}%=$]*)(?:"
    rf"((?!www\.)[a-z]{{3,}}(?:[-_][a-z]+)*|[A-Z][a-z]{{4,}}|[A-Z]{{2,}}|[0-9]+(?:[.,:][0-9]+)*)"
    rf"(['\u2019]s)?((?:\.?[{_MARKS}])*\.?)"
    rf"|([A-Za-z]+(?:[-_][A-Za-z]+)*)(['\u2019][sS])?([{_MARKS}]*))"
)
_CLOSING = frozenset(',:;!?)]"')  # some of the marks that end a chunk
_CONTRACTION = re.compile(r"(?<=[a-z])(?:n['\u2019]t|['\u2019](?:ll|ve|re|[dms]))$", re.IGNORECASE)
_LONGEST_END = 8  # characters that a match of _AFTER looks at, and more
_LONGEST_WHOLE = 200  # characters; beyond it nothing is an address, and asking at every step would take squared time
_REMEMBERED = 1 << 12  # chunks that are split by steps; more take memory, and no less time
_SENTENCE_END = re.compile(
    r"[.!?…]+[\"'\u201d\u2019\u201c\u2018\u00bb\u00ab)\]]*"
    r"(?=\s+[\"'\u201c\u2018\u201e\u201a\u00ab\u00bb\u00bf\u00a1(\[]*[^\W_a-z]|\s*$)"
)
_LONGEST_ABBREVIATION = 6
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|No|Fig|Inc|Ltd|Co)\.$")
# The marks that end a sentence in the world's scripts: Unicode 15, property Sentence_Terminal, and three Khmer marks
# that datatrove counts with them; as code points and ranges. An ellipsis is not one.
_TERMINAL_RANGES = """
21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6
17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 2E2E
2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE52
FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 111C5-111C6
111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944
11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16E98 1BC9F
1DA88
"""


def _characters(ranges: str) -> frozenset[str]:
    bounds = [[int(bound, 16) for bound in item.split("-")] for item in ranges.split()]
    return frozenset(chr(code) for bound in bounds for code in range(bound[0], bound[-1] + 1))


SENTENCE_TERMINALS = _characters(_TERMINAL_RANGES)


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a text, each kind of them numbered by its first place: what asks about kinds asks but once each."""

    kinds: Mapping[str, int]  # token -> its number
    numbers: NDArray[np.int64]  # each token's, in the text's order
    lengths: NDArray[np.int64]  # each kind's, in characters
    counts: NDArray[np.int64]  # each kind's

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[str]:
        return map(tuple(self.kinds).__getitem__, self.numbers)


def number(found: Sequence[str], places: NDArray[np.int64] | None = None) -> Tokens:
    """Number tokens; those of a text may be given once each, and then the place of each token of the text among them.

    >>> number(["a", "b", "a"]).numbers.tolist()
    [0, 1, 0]
    """
    kinds, numbers = _number(found)
    lengths = np.fromiter(map(len, kinds), np.int64, len(kinds))
    numbers = numbers if places is None else numbers[places]
    return Tokens(kinds, numbers, lengths, np.bincount(numbers, minlength=len(kinds)))


def _number(found: Sequence[str]) -> tuple[dict[str, int], NDArray[np.int64]]:
    kinds: defaultdict[str, int] = defaultdict(count().__next__)
    numbers = np.fromiter(map(kinds.__getitem__, found), np.int64, len(found))
    kinds.default_factory = None
    return kinds, numbers


@lru_cache(maxsize=1)  # one rule after another asks for those of the same text
def tokens(text: str) -> Tokens:
    """Split a text into words, with the marks around and between them as tokens of their own.

    >>> tuple(tokens("Don't stop (it's 3.5km) at built-in --options ..."))
    ('Do', "n't", 'stop', '(', 'it', "'s", '3.5', 'km', ')', 'at', 'built', '-', 'in', '--options', '...')
    """
    chunks, numbers = _number(text.split())
    found: list[str] = []
    starts = [0]
    for chunk in chunks:
        if chunk.isalpha():
            found.append(chunk)
        elif chunk[-1] in _CLOSING and chunk.isascii() and chunk[:-1].isalpha():
            found += chunk[:-1], chunk[-1]  # what _PLAIN would say of it, in a tenth of the time
        else:
            found += _split(chunk)
        starts.append(len(found))
    # The tokens of all chunks, one chunk's after the other's: what is counted on from the start of each.
    sizes = np.diff(starts)[numbers]
    begins = np.asarray(starts)[numbers] - (np.cumsum(sizes) - sizes)
    return number(found, np.repeat(begins, sizes) + np.arange(sizes.sum()))


def _split(chunk: str) -> tuple[str, ...]:
    """Split what stands between two spaces."""
    if not (plain := _PLAIN.fullmatch(chunk)):
        return _split_known(chunk) if len(chunk) <= _LONGEST_WHOLE else _split_by_steps(chunk)
    before, sure, its, ends, word, whose, marks = plain.groups("")
    stem, genitive = sure or word, its or whose
    parts = stem.replace("-", " - ").split() if "-" in stem else [stem]
    return (*before, *parts, *([genitive] if genitive else ()), *ends, *marks)


def _split_by_steps(chunk: str) -> tuple[str, ...]:
    """Split marks off the ends of a chunk, one by one, then within what is left."""
    first: list[str] = []
    last: list[str] = []
    start, end = 0, len(chunk)
    perhaps_whole = "." in chunk or "/" in chunk or "@" in chunk  # all that stays whole has one of these
    while start < end and not (perhaps_whole and _is_whole(chunk, start, end)):
        if mark := _BEFORE.match(chunk, start, end):
            first.append(mark.group())
            start = mark.end()
        elif (mark := _AFTER.search(chunk, max(start, end - _LONGEST_END), end)) and mark.start() > start:
            last.append(mark.group())
            end = mark.start()
        else:
            break
    if start < end:
        whole = perhaps_whole and _is_whole(chunk, start, end)
        first += [chunk[start:end]] if whole else _split_within(chunk[start:end])
    return (*first, *reversed(last))


_split_known = lru_cache(_REMEMBERED)(_split_by_steps)


def _is_whole(chunk: str, start: int, end: int) -> bool:
    return end - start <= _LONGEST_WHOLE and _WHOLE.fullmatch(chunk, start, end) is not None


def _split_within(word: str) -> list[str]:
    if word.isascii() and word.isalpha():  # (some symbols of Unicode are letters)
        return [word]
    contraction = _CONTRACTION.search(word, max(0, len(word) - len("x'll")))
    stem = word[: contraction.start()] if contraction else word
    found, start = [], 0
    for mark in _WITHIN.finditer(stem):
        found += [stem[start : mark.start()], mark.group()]
        start = mark.end()
    found += [stem[start:], contraction.group() if contraction else ""]
    return [part for part in found if part]


def count_sentences(text: str) -> int:
    """Count the sentences of a line of prose; what ends without a mark counts as one.

    >>> count_sentences("It rained. Dr. Owen left at 5.30 p.m. with 3.5 kg of figs! Why?")
    3
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    ends = [end for end in ends if not _ABBREVIATION.search(text, max(0, end - _LONGEST_ABBREVIATION), end)]
    rest = text[ends[-1] :] if ends else text
    return len(ends) + bool(rest.strip())
