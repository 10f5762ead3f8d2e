"""What a text must have for personal data to be found in it is had by whatever the patterns find."""

from hypothesis import given
from hypothesis import strategies as st

from filters.rules.personal_data import _DETECTORS, _NEEDED

PIECES = st.sampled_from(
    ["1", "12", "255", ".", ":", "::", "fe80", "a", "Z9", "@", "mail", ".com", "-", "_", " ", "\n", "%", "é", "0:1:2"]
)


@given(st.lists(PIECES, max_size=24).map("".join))
def test_a_text_without_what_is_needed_holds_nothing(text):
    for kind, needed in _NEEDED.items():
        if _DETECTORS[kind][0].search(text):
            assert needed.search(text), (kind, text)


def test_the_pieces_make_what_is_looked_for():
    assert _DETECTORS["ip"][0].search("0:1:2fe80::1")
    assert _DETECTORS["ip"][0].search("12.255.1.12")
    assert _DETECTORS["email"][0].search("mail@a.com")
