"""`webtext sample --reason R` or `--kept`: rows to look at, drawn by hash, so everybody sees the same ones."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from pipelines.commands.named_output import add_output_argument
from pipelines.report.markup import printable
from pipelines.report.samples import SALT, RejectionTally, draw_kept
from pipelines.stages.output import FUNNEL, Output
from pipelines.stages.stage import find_manifest, read_manifest
from webtext.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext sample`."""
    add_output_argument(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--reason", help="draw rejections for this reason, as the funnel names it (default: which there are)"
    )
    which.add_argument("--kept", action="store_true", help="draw documents of the corpus")
    parser.add_argument("-n", "--number", type=int, default=5, help="rows to draw (default: %(default)s)")
    parser.add_argument(
        "--salt", default=SALT, help="another word, of at most 16 bytes, draws other rows (default: %(default)s)"
    )
    parser.add_argument(
        "--characters", type=int, default=800, help="characters of a text to show (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a row, with the whole text")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print the rows drawn; the exit status is 1 if there are none."""
    del beam_arguments
    if len(arguments.salt.encode()) > 16:
        raise UsageError("--salt is longer than 16 bytes: give a shorter word")
    if arguments.number < 1:
        raise UsageError(f"--number {arguments.number}: draw at least 1")
    if arguments.kept:
        rows = sample_kept(arguments.output, arguments.number, arguments.salt)
    else:
        rows, count = sample_rejected(arguments.output, arguments.reason, arguments.number, arguments.salt)
        print(f"{count:,} rejected as {arguments.reason}, {len(rows)} shown", file=sys.stderr)
    for row in rows:
        if arguments.json:
            print(json.dumps(row, ensure_ascii=False, default=str))
        else:
            print("\n".join(_lines(row, arguments.characters)), end="\n\n")
    return 0 if rows else 1


def sample_kept(output: str, number: int, salt: str = SALT) -> list[dict[str, Any]]:
    """Draw documents of an output's corpus.

    Raises:
        UsageError: it has none.
    """
    corpus = Output(output).corpus
    read_manifest(corpus)
    return draw_kept(corpus, number, salt)


def sample_rejected(output: str, reason: str, number: int, salt: str = SALT) -> tuple[list[dict[str, Any]], int]:
    """Draw rejections for a reason, at whichever stage, and count them all.

    Raises:
        UsageError: the output holds no finished stage, or none rejects for that reason.
    """
    if not any(find_manifest(Output(output).directory(kind.name)) for kind in FUNNEL):
        raise UsageError(f"{output} holds no finished stage: give the output of `webtext corpus`")
    tally = RejectionTally.of(output, samples=number, salt=salt)
    reasons = sorted({name for _, name in tally.reasons})
    if reason not in reasons:
        raise UsageError(f"nothing was rejected as {reason!r}: the reasons here are {', '.join(reasons) or 'none'}")
    rows = [row for (_, name), draw in sorted(tally.drawn.items()) if name == reason for row in draw.rows]
    return rows[:number], tally.count(reason)


def _lines(row: dict[str, Any], characters: int) -> Iterator[str]:
    """Write a row as its address, its facts in a line, and its text."""
    yield printable(row["url"])
    text = printable(row.get("text") or row.get("excerpt") or "")
    facts = {name: value for name, value in row.items() if name not in {"url", "text", "excerpt"}}
    told = (f"{name} {_plain(value)}" for name, value in facts.items() if value not in (None, "", []))
    yield printable("  " + "; ".join(told))
    for line in text[:characters].splitlines():
        yield f"  | {line}"
    if len(text) > characters:
        yield f"  | ... {len(text) - characters:,} more characters"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)
