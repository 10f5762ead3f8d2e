"""Thresholds at their edge: what is at most so much may be exactly so much."""

import pytest

from filters.rules.fineweb import FineWebQuality
from filters.rules.lib.tokens import tokens


def lines(short, long, characters):
    """Make a text of so many short lines of a length, and so many long ones; no two are alike."""
    made = [f"{number:02d} " + "a" * (characters - 4) + "." for number in range(short)]
    return "\n".join(
        made + [f"{number:02d} and " + "so it rained on and on until the evening " * 2 + "." for number in range(long)]
    )


@pytest.mark.parametrize(
    ("short", "long", "characters", "reason"),
    [
        (7, 3, 30, "fineweb_short_lines"),  # a line of exactly 30 characters is short
        (7, 3, 31, None),
        (6, 3, 30, None),  # two thirds of the lines
        (67, 33, 30, None),  # exactly 0.67
        (68, 32, 30, "fineweb_short_lines"),
    ],
)
def test_short_lines(short, long, characters, reason):
    rule = FineWebQuality(max_repeated_characters=1.0, max_line_breaks=1.0)
    assert rule.judge(lines(short, long, characters), tokens) == reason
