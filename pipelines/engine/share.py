"""Which of a stage's tasks a run does that works beside others: every N-th, from the I-th on."""

import re
from dataclasses import dataclass
from typing import Any

from webtext.errors import UsageError


@dataclass(frozen=True)
class Share:
    """Every `of`-th task, from the `number`-th on, which is counted from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Read `3/16`.

        >>> Share.parse("3/16")
        Share(number=3, of=16)

        Raises:
            UsageError: it is not so written, or there is no such share.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"--share {text}: give one of so many, from 1/16 to 16/16")
        return cls(int(found[1]), int(found[2]))

    def owns(self, place: int) -> bool:
        """Tell whether the task at a place, counted from 0, is in the share."""
        return place % self.of == self.number - 1

    @property
    def name(self) -> str:
        """Name the hidden note that the share is done, and its lock."""
        return f".share-{self.number}-of-{self.of}"

    def __str__(self) -> str:
        """Write it as it is given."""
        return f"{self.number}/{self.of}"


def add_share_argument(parser: Any) -> None:
    """Declare --share."""
    parser.add_argument("--share", type=Share.parse, metavar="I/N", help=_SHARE)


_SHARE = (
    "share of the work to do beside other runs over the same output (docs/how-to/slurm.md; default: all, and publish)"
)
