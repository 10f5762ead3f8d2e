"""Pages are cut in two where a line or a sentence ends, and only where both halves are long enough to judge."""

import pytest

from model.verdict.order import halves

TWENTY, NINETEEN = " ".join(["word"] * 20), " ".join(["word"] * 19)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"{TWENTY}\n{TWENTY}", (TWENTY, TWENTY)),
        (f"{TWENTY}\n{NINETEEN}", None),
        (f"{NINETEEN}\n{TWENTY}", None),
        (f"{TWENTY}. {TWENTY}", (f"{TWENTY}.", TWENTY)),
        (f"{TWENTY} {TWENTY}", None),
    ],
)
def test_each_half_has_twenty_words_or_more(text, parts):
    assert halves(text) == parts
