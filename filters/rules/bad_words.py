"""Bad words: off in every preset but C4's, because such lists throw away much that is harmless.

Dodge et al. 2021 ("Documenting Large Webtext Corpora", section 4.2) found that C4's list removed texts by and about
minorities out of proportion, and medical and legal ones. The bundled list holds only words of pornographic sites; bring
your own by path.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filters.rules.lib.steps import over, threshold
from webtext.errors import UsageError
from webtext.local import FilePath, local_path
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("bad_words",)


@dataclass(frozen=True, slots=True)
class BadWords:
    """Reject documents with more than so many places of words on a list."""

    path: FilePath = threshold("", "a file with a word or phrase a line; empty: the bundled list", "ours")
    max_found: int = threshold(0, "most places that a document may have", "C4: none")

    def __post_init__(self) -> None:
        _pattern(self.path)  # a missing list shows now

    def __call__(self, document: Document) -> Reason | None:
        found = _pattern(self.path).findall(document.text)
        if len(found) > self.max_found:
            return Reason("bad_words", over(len(found), self.max_found, f"such words, the first {found[0].lower()!r}"))
        return None


@cache
def _pattern(path: FilePath) -> re.Pattern[str]:
    """Compile a list into one pattern for whole words, the longest first.

    Raises:
        UsageError: there is no such file, or it has no word.
    """
    try:
        file = local_path(path) if path else Path(__file__).with_name("bad_words.txt")
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"cannot read the list of words {path}: {error.strerror}") from error
    entries = {line.partition("#")[0].strip().lower() for line in lines} - {""}
    if not entries:
        raise UsageError(f"the list of words {path} is empty")
    longest_first = sorted(entries, key=lambda entry: (-len(entry), entry))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
