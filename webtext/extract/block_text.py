"""The white space of a block's text, as a browser shows it."""

import re

BREAK = "\x00"  # stands for <br> until a block ends; no text of a page holds it
_FIRST_CJK = "\u3001"
# Chinese and Japanese have no spaces: a line that the source breaks between two of their characters goes on.
_BROKEN_CJK = re.compile(
    "(?<=[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60])[ \t]*\r?\n\\s*(?=[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60])"
)


def preformatted_text(raw: str) -> str:
    """Keep lines and indentation, without empty lines; "" for a column of line numbers."""
    lines = [line.rstrip() for line in raw.replace(BREAK, "\n").replace("\xa0", " ").split("\n")]
    lines = [line for line in lines if line]
    return "" if len(lines) > 1 and all(line.strip().isdecimal() for line in lines) else "\n".join(lines)


def line_text(raw: str) -> str:
    """Give a block's lines, single-spaced; a line ends where `BREAK` stands, and nowhere else."""
    if "\n" in raw and not raw.isascii() and any(line.rstrip()[-1:] >= _FIRST_CJK for line in raw.split("\n")):
        raw = _BROKEN_CJK.sub("", raw)
    if BREAK not in raw:
        return _single_spaced(raw)
    lines = map(_single_spaced, raw.split(BREAK))
    return "\n".join(line for line in lines if line)


def _single_spaced(text: str) -> str:
    """Make one space of each run of spaces; of other kinds of spaces, half may be of a letter still (mojibake)."""
    if text.isprintable() and "  " not in text:  # most have no space but the plain one
        return text.strip(" ")
    return " ".join(text.split()) if text.isascii() else b" ".join(text.encode().split()).decode()
