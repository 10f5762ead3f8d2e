"""langdetect answers the same every time, and langdetect-rs answers as it does."""

import gzip
import itertools
import json
import random
import re
from pathlib import Path

import langdetect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.double.thorough import THOROUGH
from webtext.extract.decode import decode_html
from webtext.extract.language_detector import MAX_CHARS, UNKNOWN, detect, detect_family, family, load_detector
from webtext.extract.tree import parse_html

FOREIGN = Path(__file__).resolve().parents[2] / "sample" / "foreign"
# Letters of words by frequency, as langdetect's own profiles have them, make texts in each of its 55 languages.
GENERATED_PER_LANGUAGE = 36


@pytest.fixture(scope="module")
def reference():
    return load_detector("langdetect")


@pytest.fixture(scope="module")
def fast():
    pytest.importorskip("langdetect_rs", reason="the stand-in is not installed: pip install 'webtext[fast]'")
    return load_detector("langdetect_rs")


def profiles():
    for path in sorted(Path(langdetect.PROFILES_DIRECTORY).iterdir()):
        yield path.name, json.loads(path.read_text("utf-8"))["freq"]


def generated_texts():
    """Yield texts made of trigrams of each language, drawn by frequency: from one to eighty of them."""
    for name, frequencies in profiles():
        chance = random.Random(name)
        grams = sorted(gram for gram in frequencies if len(gram) == 3)
        weights = [frequencies[gram] for gram in grams]
        for number in range(GENERATED_PER_LANGUAGE):
            yield "".join(chance.choices(grams, weights, k=1 + number * number // 16))


def sample_texts():
    for path in sorted(FOREIGN.glob("*.md")):
        text = path.read_text("utf-8")
        yield from (text, text[:40], text[-200:], text.upper())
        yield from text.split("\n")


def mixed_texts(texts):
    """Yield halves of two texts each, and texts with what langdetect treats apart: addresses, marks, digits."""
    for first, second in itertools.pairwise(texts):
        yield f"{first[: len(first) // 2]} {second[len(second) // 2 :]}"
    odd = ["", " ", "\n", "1", "http://example.org/x", "a@b.cc", "ệ", "Ａ１", "😀😀", "\x00", "ñ" * 300, "a" * 50_000]
    yield from odd
    for text, extra in zip(texts, itertools.cycle(odd), strict=False):
        yield f"{extra} {text} {extra}"


def test_both_give_equal_answers_on_thousands_of_texts(reference, fast):
    generated = list(generated_texts())
    every = 1 if THOROUGH else 3
    texts = list(dict.fromkeys([*generated, *sample_texts(), *mixed_texts(generated[::5])]))[::every]
    answers = [reference(text) for text in texts]
    assert len(texts) >= 2000 // every
    assert len({language for language, _ in answers}) >= 40
    assert [fast(text) for text in texts] == answers


def test_four_draws_decide_on_a_language_as_seven_do(fast):
    generated = list(generated_texts())
    texts = [*generated[:: 1 if THOROUGH else 3], *sample_texts(), *mixed_texts(generated[::5])]
    assert [detect_family(text) for text in texts] == [family(fast(text)[0]) for text in texts]


@pytest.mark.slow
@pytest.mark.thorough  # Thousands of texts are compared above.
def test_both_give_equal_answers_on_real_pages(reference, fast, realweb):
    with gzip.open(realweb / "web.warc.gz") as stream:
        bodies = re.split(rb"\r\nWARC/1\.[01]\r\n", stream.read())[::3]
    trees = (parse_html(decode_html(body.partition(b"\r\n\r\n")[2])) for body in bodies)
    texts = [" ".join(tree.xpath(".//p//text()"))[:1500] for tree in trees if tree is not None]
    assert len(texts) > 600
    assert [fast(text) for text in texts] == [reference(text) for text in texts]


@given(st.text(max_size=120))
def test_both_give_equal_answers_on_any_text(text):
    pytest.importorskip("langdetect_rs")
    assert load_both()[0](text) == load_both()[1](text)


def load_both(loaded=[]):  # noqa: B006 (loaded once for all examples)
    if not loaded:
        loaded.extend([load_detector("langdetect"), load_detector("langdetect_rs")])
    return loaded


def test_the_sample_is_told_by_its_names():
    found = {path.name[:2]: detect(path.read_text("utf-8")) for path in sorted(FOREIGN.glob("*.md"))}
    assert len(found) >= 10
    assert {name: language[:2] for name, (language, _) in found.items()} == {name: name for name in found}
    assert min(probability for _, probability in found.values()) > 0.9


def test_answers_do_not_depend_on_what_was_asked_before():
    text = "Short und mixed texte sind hard to tell."
    first = detect(text)
    for other in ("La pluie tombe.", "", "It rains."):
        detect(other)
        assert detect(text) == first


def test_texts_without_letters_are_in_no_language():
    assert [detect(text) for text in ("", "  \n", "12 34 %", "😀")] == [UNKNOWN] * 4


def test_only_the_beginning_of_a_long_text_counts():
    english = "The ferry leaves at seven. " * (MAX_CHARS // 27)
    assert detect(english + "Die Fähre fährt um sieben. " * 10_000) == detect(english)
