"""Lines that no author wrote: cookie notices, "read more", share buttons, calls to subscribe.

An extractor leaves a few of them. They are short and always the same, so whole lines are compared, never words within
a line: a sentence that says "read more" stays, and so does a line of code (`print()`, `--help`, what is indented). What
they say is data (lines.toml). The rule changes the text.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filters.rules.lib.steps import threshold, with_text
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("only_boilerplate",)

# A word that is also a call, an option, a path, a variable, a tag, a quoted string or a statement.
_CODE = re.compile(
    r"\s|>>>|-{1,2}\w|[/~$#%@.\\]\w|<[/\w]|[\"'].*[\"'],?$|.*(?:[;{}=\\]|\w[/_]|\w[(\[{].*[)\]},])$", re.DOTALL
)
_EDGE_MARKS = " \t.:;,!?*|/\\»«›‹>→←↑↓▶►▼▲•·–—-_[](){}\"'…"  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class BoilerplateLines:
    """Drop lines that are boilerplate whole; reject a document of nothing else."""

    max_words: int = threshold(20, "a line of more words is never dropped", "ours")

    def __call__(self, document: Document) -> Document | Reason | None:
        kept = [line for line in document.text.split("\n") if not is_boilerplate(line, self.max_words)]
        if not kept:
            return Reason("only_boilerplate", document.text[:80])
        return with_text(document, "\n".join(kept))


def is_boilerplate(line: str, max_words: int = 20) -> bool:
    """Tell whether a line is boilerplate, all of it.

    >>> is_boilerplate("Read more »"), is_boilerplate("Read more books, he said."), is_boilerplate("print()")
    (True, False, False)
    """
    if line.count(" ") >= max_words:
        return False
    plain = line.lower().replace("\u2019", "'").strip(_EDGE_MARKS)
    exact, pattern = _boilerplate()
    return (plain in exact and _CODE.match(line) is None) or pattern.fullmatch(plain) is not None


@cache
def _boilerplate() -> tuple[frozenset[str], re.Pattern[str]]:
    data = tomllib.loads(Path(__file__).with_name("lines.toml").read_text("utf-8"))
    return frozenset(data["lines"]), re.compile("|".join(f"(?:{pattern})" for pattern in data["patterns"]))
