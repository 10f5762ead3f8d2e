"""A difference of two texts in two columns of a terminal: what both have is plain, what one lacks stands in brackets.

Brackets rather than colours, so that the same can be read through a pipe and without seeing colours: `[-only here-]` on
the left, `{+only here+}` on the right, as wdiff writes them.
"""

import unicodedata
from collections.abc import Iterator, Sequence

from pipelines.report.difference import Difference, Piece

_GAP = " │ "
_MARKS = (("[-", "-]"), ("{+", "+}"))


def printable(text: str) -> str:
    r"""Replace what a terminal would act upon rather than show: text of the web may hold escape sequences.

    >>> printable("a\x1b[31mb\nc")
    'a [31mb c'
    """
    return "".join(character if character.isprintable() else " " for character in text)


def side_by_side(found: Difference, names: tuple[str, str], width: int) -> Iterator[str]:
    """Draw a difference, line by line.

    Args:
        found: of `compare_texts`; its left text is drawn on the left.
        names: what the two are called.
        width: of the terminal, in columns; of the lines at most.
    """
    column = (width - len(_GAP)) // 2
    yield from _lines([printable(name) for name in names], column)
    yield "─" * column + "─┼─" + "─" * column
    for row in found.rows:
        if row.equal:
            yield _ruled(f"{row.equal:,} equal paragraph{'s' if row.equal > 1 else ''}", column)
        else:
            yield from _lines([_marked(row.left, *_MARKS[0]), _marked(row.right, *_MARKS[1])], column)
    if found.left_out:
        yield _ruled(f"{found.left_out:,} more paragraphs are not shown", column)


def _ruled(said: str, column: int) -> str:
    return f" {said} ".center(2 * column + len(_GAP), "·")


def _marked(pieces: Sequence[Piece], opening: str, closing: str) -> str:
    """Write pieces as text, what has changed in brackets; white space that has changed is not worth any."""
    written = [
        f"{opening}{piece.text}{closing}" if piece.changed and piece.text.strip() else piece.text for piece in pieces
    ]
    return "\n".join(printable(line) for line in "".join(written).split("\n"))


def _lines(sides: Sequence[str], column: int) -> Iterator[str]:
    left, right = (list(_wrapped(side, column)) for side in sides)
    for number in range(max(len(left), len(right))):
        one, other = (side[number] if number < len(side) else "" for side in (left, right))
        yield f"{one}{' ' * (column - _columns(one))}{_GAP}{other}".rstrip()


def _wrapped(text: str, column: int) -> Iterator[str]:
    """Break a text into lines of at most `column` columns, at spaces where there are any."""
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            for piece in _pieces(word, column):
                if line and _columns(line) + 1 + _columns(piece) > column:
                    yield line
                    line = piece
                else:
                    line = f"{line} {piece}" if line else piece
        yield line


def _pieces(word: str, column: int) -> Iterator[str]:
    """Break a word that is wider than a column."""
    piece = ""
    for character in word:
        if piece and _columns(piece) + _columns(character) > column:
            yield piece
            piece = ""
        piece += character
    yield piece


def _columns(text: str) -> int:
    """Tell how many columns a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
