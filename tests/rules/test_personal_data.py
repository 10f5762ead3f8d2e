"""What a text must have for personal data to be found in it is had by whatever the patterns find."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.rules.personal_data import _DETECTORS, _NEEDED, PersonalData, mask
from tests.rules.test_traps import document

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


@pytest.mark.parametrize(
    "text",
    [
        "Upgrade from 1.2.3.4 to 1.2.3.5 today.",
        "The driver (version 93.184.216.34) is out.",
        "Java 1.8.0.25 is old.",
        "Releases 61.12.40.99 and 61.12.41.3 differ.",
        "As section 12.44.3.1 says, and § 60.1.2.9.",
        "2.3.1.5 Requirements of a robot",
        "See RFC 9309, 2.2.3.1.",
        "Chapter 4.3.2.1\n4.3.2.2 Herons",
        "v50.1.2.3 was released",
        "1.84.1.0",
        "## [1.10.0.0] - 2026-09-12",
        "OpenSSL 1.0.2.101, Chrome/61.0.163.100 Safari/53.3.3.60",
        "pip install heron==41.26.100.4 'pool>=93.184.216.34'",
        "git clone git@github.com:heron/pool.git",
        "Use hg@bitbucket.org, or ssh://git@gitlab.com/heron/pool.git.",
        "scp notes.txt ann@heron.example.net:/home/ann and ann@heron.example.net:notes",
        "A picture, heron@2x.png, and this@MainActivity.applicationContext.",
        "std::dec, Ada::Bad, dead::beef, a[1::2], 10:20:30 and fe80::1",
        "at 127.0.0.1, 10.1.2.3 and 192.168.1.1",
    ],
)
def test_versions_sections_and_repositories_are_nobodys(text):
    assert mask(text) == (text, Counter())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("From 8.8.8.8 came the answer.", {"ip": 1}),
        ("My IP address is 12.3.4.5, she wrote.", {"ip": 1}),
        ("Posted from 93.184.216.34 at noon, version 2", {"ip": 1}),
        ("the server at 12.30.1.9 and http://9.9.9.9/x, 4.3.2.1:8080, 5.6.7.0/24", {"ip": 4}),
        ("Version 2 runs on the host 12.3.4.5.", {"ip": 1}),
        ("93.184.216.34 - - [10/Oct/2000]", {"ip": 1}),
        ("at 2001:4860:4860::8888 it listens", {"ip": 1}),
        ("Write to ann.lee@heron.co.uk, ann@heron.example: she answers", {"email": 2}),
        ("mailto:ann@heron.net, digit@heron.net", {"email": 2}),
        ("Call +44 20 7946 0018 or (212) 555-2368; ann@heron.net", {"email": 1, "phone": 2}),
        ("Card 4111 1111 1111 1111.", {"card": 1}),
    ],
)
def test_what_is_masked_is_counted_by_kind(text, found):
    assert mask(text)[1] == Counter(found)


def test_a_reason_tells_what_was_found():
    reason = PersonalData(action="reject")(document("ann@heron.net, lee@heron.net, from 93.184.216.34"))
    assert reason.detail == "3 addresses and numbers (2 email, 1 ip), at most 0"
