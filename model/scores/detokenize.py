"""Undo what benchmarks did to their text, and prove that nothing was lost.

The paper (section 3.1) scores language-modelling sets with "invertible de-tokenizers", worth 2.5 to 5 perplexity: a
model of natural text should not pay for ` @-@ `. Each style here is a list of rewritings with their inverses, applied
line by line. A line is rewritten only as far as its inverse gives the original back, character by character, so the
probability of the text is that of the original set; how many lines were rewritten fully is reported, not assumed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Rewrite = Callable[[str], str]


@dataclass(frozen=True)
class Rule:
    """A rewriting towards natural text, and what undoes it."""

    name: str
    apply: Rewrite
    undo: Rewrite


_STOP = r"""(?=[ "”]|$)"""  # the end of a token: natural quotes may already touch it


def _pattern_rule(name: str, tokenised: str, natural: str, there: str, back: str) -> Rule:
    """A rule from two patterns and their replacements."""
    one, two = re.compile(tokenised), re.compile(natural)
    return Rule(name, lambda line: one.sub(there, line), lambda line: two.sub(back, line))


def _attach_left(name: str, tokens: str) -> Rule:
    """Tokens (a pattern) that follow a word without a space: ` ,` -> `,`."""
    return _pattern_rule(name, rf"(?<=\S) ({tokens}){_STOP}", rf"(?<=[^\s])({tokens}){_STOP}", r"\1", r" \1")


def _attach_right(name: str, tokens: str) -> Rule:
    """Tokens (a pattern) that precede a word without a space: `( ` -> `(`."""
    return _pattern_rule(name, rf"(?<!\S)({tokens}) (?=\S)", rf"(?<!\S)({tokens})(?=[^\s])", r"\1", r"\1 ")


def _close_quotes(line: str) -> str:
    """Pair the free-standing double quotes of a line: the first opens, the second closes, and so on."""
    parts = re.split(r'(?:(?<=\s)|^)"(?=\s|$)', line)
    joined = [parts[0]]
    for number, part in enumerate(parts[1:]):
        if number % 2 == 0:
            joined += '"', part.removeprefix(" ")
        else:
            joined[-1] = joined[-1].removesuffix(" ")
            joined += '"', part
    return "".join(joined)


def _open_quotes(line: str) -> str:
    """Set the double quotes of a line apart again."""
    spaced = re.sub(r'(?<=\S)"', ' "', line)
    return re.sub(r'"(?=\S)', '" ', spaced)


def _wrap(line: str) -> str:
    """Give a line that says something the spaces at its ends that PTB and WikiText have."""
    return f" {line} " if line.strip() else line


_QUOTES = Rule("quotes", _close_quotes, _open_quotes)
_CLITICS = _attach_left("clitics", r"n't|'s|'m|'re|'ve|'ll|'d")
_POSSESSIVE = _pattern_rule("possessive", r"(?<=s) '(?= |$)", r"(?<=s)'(?= |$)", "'", " '")
_DOLLARS = _attach_right("dollars", r"us\$|c\$|a\$|\$")
_ENDS = Rule("ends", lambda line: line[1:-1] if re.fullmatch(r" \S.*\S ", line) else line, _wrap)
_CLOSING = _pattern_rule(
    "closing brackets", r"(?<=\S) ([)\]])(?=[ \"”)\]]|$)", r"(?<=\S)([)\]])(?=[ \"”)\]]|$)", r"\1", r" \1"
)
_BRACKETS = (_attach_right("opening brackets", r"[(\[]"), _CLOSING)
_STOPS = _attach_left("stops", r"[,.;:?!]")
# In Moses' tokeniser, which WikiText went through, a full stop stays with a word that is such an abbreviation, has a
# stop inside, or goes before a small letter.
_ABBREVIATED = """
Adm Asst Brig Bros Capt Cmdr Col Comdr Corp Cpl Dr Drs Ens Gen Gov Hon Insp Lt Maj Messrs Mlle Mme Mr Mrs Ms Msgr Nos Op
Pfc Ph Prof Pvt Rep Reps Rev Sen Sens Sgt Sr St Supt Surg v vs i.e e.g
"""
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_BEFORE_NUMBERS = frozenset({"No", "Art", "Nr", "pp"})
_WORD_WITH_STOP = re.compile(r"[,.;:?!](?=[ \"”)\],.;:?!]|$)")
_LAST_WORD = re.compile(r"[^\s\"“”()\[\]]+\Z")


def _part_stops(line: str) -> str:
    """Set the stops of a natural line apart, but those that belong to an abbreviation or an ellipsis."""
    parts, done = [], 0
    for found in _WORD_WITH_STOP.finditer(line):
        place = found.start()
        if place == 0 or line[place - 1].isspace() or (found[0] == "." and _stays(line, place)):
            continue
        parts += [line[done:place], " "]
        done = place
    return "".join([*parts, line[done:]])


def _stays(line: str, place: int) -> bool:
    """Whether a full stop belongs to its word: an abbreviation's, or one of an ellipsis."""
    if "." in line[place - 1 : place] + line[place + 1 : place + 2]:
        return True
    before, after = _LAST_WORD.search(line, max(0, place - 40), place), line[place + 1 :].lstrip(" ")[:1]
    word = before[0] if before is not None else ""
    if word in _BEFORE_NUMBERS:
        return after.isdecimal() or after == "<"
    initial = len(word) == 1 and word.isupper()
    dotted = "." in word and any(char.isalpha() for char in word)
    return initial or dotted or word in _ABBREVIATIONS or after.islower()


_JOIN_STOPS = re.compile(r"(?<=\S) ([,.;:?!])(?=[ \"”)\]]|$)")
_MOSES_STOPS = Rule("stops", lambda line: _JOIN_STOPS.sub(r"\1", line), _part_stops)
_WIKITEXT_JOINS = tuple(
    _pattern_rule(f"joined {sign}", rf"(?<=\S) @{re.escape(sign)}@ (?=\S)", pattern, sign, f" @{sign}@ ")
    for sign, pattern in (
        (",", r"(?<=[\d>]),(?=[\d<])"),
        (".", r"(?<=[\d>])\.(?=[\d<])"),
        ("-", r"(?<=[^\s-])-(?=[^\s-])"),
    )
)
_PENN_QUOTES = (
    _pattern_rule("opening quotes", r"(?<!\S)`` (?=\S)", r"(?<!\S)“(?=\S)", "“", "`` "),
    _pattern_rule("closing quotes", r"(?<=\S) ''(?= |$)", r"(?<=\S)”(?= |$)", "”", " ''"),
)
_PENN_BRACKETS = (
    _pattern_rule("opening brackets", r"(?<!\S)-LRB- (?=\S)", r"(?<!\S)\((?=\S)", "(", "-LRB- "),
    _pattern_rule("closing brackets", r"(?<=\S) -RRB-(?= |$)", r"(?<=\S)\)(?= |$)", ")", " -RRB-"),
)

# Applied from left to right, undone from right to left.
STYLES: dict[str, tuple[Rule, ...]] = {
    "natural": (),
    "ptb": (_ENDS, _CLITICS, _POSSESSIVE, _DOLLARS),
    "wikitext": (_ENDS, _CLITICS, _POSSESSIVE, _QUOTES, *_BRACKETS, _MOSES_STOPS, *_WIKITEXT_JOINS),
    "1bw": (_attach_left("clitics", r"'t|'s|'m|'re|'ve|'ll|'d"), _POSSESSIVE, _QUOTES, *_BRACKETS, _STOPS),
    "penn": (_CLITICS, _POSSESSIVE, *_PENN_QUOTES, *_PENN_BRACKETS, _STOPS),
}


@dataclass(frozen=True)
class Detokenized:
    """Natural text, and how many of its lines were rewritten by every rule, by some, or by none."""

    text: str
    fully: int
    partly: int
    untouched: int
    words_fully: float
    """Share of words, divided at white space, in lines that every rule rewrote."""


def tokenize_line(line: str, rules: Sequence[Rule]) -> str:
    """Undo rules."""
    for rule in reversed(rules):
        line = rule.undo(line)
    return line


def _apply(line: str, rules: Sequence[Rule]) -> str:
    for rule in rules:
        line = rule.apply(line)
    return line


def detokenize_line(line: str, style: str) -> tuple[str, tuple[Rule, ...]]:
    """The most natural spelling of a line that can be undone, and the rules that made it, which undo it.

    Where all rules together lose something, each is tried in turn and kept if the line can still be restored.
    """
    rules = STYLES[style]
    natural = _apply(line, rules)
    if tokenize_line(natural, rules) == line:
        return natural, rules
    kept: tuple[Rule, ...] = ()
    for rule in rules:
        tried = (*kept, rule)
        if tokenize_line(_apply(line, tried), tried) == line:
            kept = tried
    return _apply(line, kept), kept


def detokenize(text: str, style: str) -> Detokenized:
    """Rewrite a text line by line. Raises ValueError for a style of no name."""
    if style not in STYLES:
        raise ValueError(f"style {style!r} is not one of {', '.join(STYLES)}")
    lines = [detokenize_line(line, style) for line in text.split("\n")]
    whole, some = len(STYLES[style]), sum(1 for _, rules in lines if rules)
    fully = sum(1 for _, rules in lines if len(rules) == whole)
    words = [len(line.split()) for line in text.split("\n")]
    rewritten = sum(count for count, (_, rules) in zip(words, lines, strict=True) if len(rules) == whole)
    left = len(lines) - max(some, fully)
    return Detokenized(
        "\n".join(line for line, _ in lines), fully, max(0, some - fully), left, rewritten / max(1, sum(words))
    )


def natural(line: str, style: str) -> str:
    r"""The natural spelling of one line.

    >>> natural("`` No ! '' said Tom -LRB- he did n't wait -RRB- .", "penn")
    '“No!” said Tom (he didn\'t wait).'
    """
    return detokenize_line(line, style)[0]
