"""What reaches a terminal: text of the web may hold what a terminal acts upon; here that is only shown."""

import codecs
import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any

# Control characters (C0 but for tab and line feed, DEL, C1), line separators, marks and overrides of the direction of
# writing (UAX 9), tags, halves of surrogate pairs, and a byte order mark. A joiner (U+200C, U+200D) is part of a word.
_ACTED_UPON = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    r"""Write what a terminal would act upon as JSON writes it, so that it can be seen, and JSON stays the same JSON.

    >>> plain("a\x1b[31mb\u202ec")
    'a\\u001b[31mb\\u202ec'
    """
    return _ACTED_UPON.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return _as_json(found[0])


def _as_json(character: str) -> str:
    encoded = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{encoded[at : at + 2].hex()}" for at in range(0, len(encoded), 2))


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_as_json, error.object[error.start : error.end])), error.end


_UNENCODABLE = "webtext.as_json"  # how to write what an encoding lacks, as Latin-1 and ASCII lack a box's lines
codecs.register_error(_UNENCODABLE, _escape_unencodable)


class _Plain:
    """A stream of text that shows plain text only, in whatever encoding it has."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(plain(text).encode(encoding, _UNENCODABLE).decode(encoding))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def plain_output() -> Iterator[None]:
    """Show plain text only, whatever a command prints while the block runs."""
    with contextlib.redirect_stdout(_Plain(sys.stdout)):
        yield


def tell(line: str) -> None:
    """Write a line to standard error, where progress may be drawn, too."""
    print(plain(line), file=sys.stderr)
