"""What the quality rules count: words with their punctuation apart, lines, sentences.

The papers do not say what a word is; the reference code that most use (datatrove) splits off punctuation with spaCy.
These are regular expressions that come close to it at a hundredth of its cost; benchmarks/filter_parity.py measures on
real documents how often a verdict differs for it.
"""

import re

_TOKEN = re.compile(r"\w+(?:[-'\u2019.,]\w+)*|\.{2,}|[^\w\s]")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'\u201d\u2019)\]]*(?=\s+[\"'\u201c\u2018(\[]*[^\W_a-z]|\s*$)")
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


def _characters(ranges: str) -> tuple[str, ...]:
    bounds = [[int(bound, 16) for bound in item.split("-")] for item in ranges.split()]
    return tuple(chr(code) for bound in bounds for code in range(bound[0], bound[-1] + 1))


SENTENCE_TERMINALS = _characters(_TERMINAL_RANGES)


def tokens(text: str) -> list[str]:
    """Split a text into words, with the marks between them as tokens of their own.

    >>> tokens("Don't stop (it's 3.5 km) ...")
    ["Don't", 'stop', '(', "it's", '3.5', 'km', ')', '...']
    """
    return _TOKEN.findall(text)


def is_symbol(token: str) -> bool:
    """Tell whether a token is made of punctuation and symbols alone."""
    return not (token[0].isalnum() or any(character.isalnum() for character in token))


def count_sentences(text: str) -> int:
    """Count the sentences of a line of prose; what ends without a mark counts as one.

    >>> count_sentences("It rained. Dr. Owen left at 5.30 p.m. with 3.5 kg of figs! Why?")
    3
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    ends = [end for end in ends if not _ABBREVIATION.search(text, max(0, end - _LONGEST_ABBREVIATION), end)]
    rest = text[ends[-1] :] if ends else text
    return len(ends) + bool(rest.strip())
