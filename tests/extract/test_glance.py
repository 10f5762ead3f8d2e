"""A page is spared extraction only where what it declares and what it shows are the same unwanted language."""

from pathlib import Path

import pytest

from webtext.extract.glance import are_all_in, declared_family, long_runs, plain_language, shown_texts
from webtext.extract.pages import ExtractConfig, Extracted, extract_text
from webtext.extract.tree import parse_html

FOREIGN = Path(__file__).resolve().parents[2] / "sample" / "foreign"
GERMAN = [
    "Der Reiher stand den ganzen Morgen im flachen Wasser und rührte sich nicht von der Stelle.",
    "Mein Nachbar sagt, dass er seit neun Wintern an denselben Teich kommt, und er übertreibt nicht gern.",
    "Er zählt die Fische, die der Vogel holt, und schreibt die Zahl am Abend in ein grünes Heft.",
]
ENGLISH = [
    "The heron stood in the shallows all morning, and it did not move from where it was at dawn.",
    "My neighbour says that it has come to the same pool for nine winters, and he is not a man to exaggerate.",
    "He counts the fish that it takes, and in the evening he writes the number in a book with a green cover.",
]
ONLY_ENGLISH = ExtractConfig(languages=("en",))


def page(lines, declared="de"):
    menu = "<script>var text = 'a long line of script that nobody reads, in English, of course'</script><p>Home</p>"
    body = "".join(f"<p>{line}</p>\n" for line in lines)
    return f'<html lang="{declared}"><head><title>A title</title></head><body>{menu}{body}</body></html>'


def glanced(html, config=ONLY_ENGLISH):
    found = extract_text(html, "https://pool.example/", config)
    return isinstance(found, Extracted) and found.glanced


def test_a_page_that_declares_and_shows_another_language_is_not_extracted():
    found = extract_text(page(GERMAN, "de-AT"), "https://pool.example/", ONLY_ENGLISH)
    assert found == Extracted("\n".join(GERMAN), declared_language="de", glanced=True)


@pytest.mark.parametrize(
    ("html", "config"),
    [
        (page(GERMAN), ExtractConfig()),  # all languages are wanted
        (page(GERMAN), ExtractConfig(languages=("en", "de"))),  # German is wanted
        (page(GERMAN, "fr"), ONLY_ENGLISH),  # the two disagree
        (page(GERMAN, "en"), ONLY_ENGLISH),
        (page(ENGLISH), ONLY_ENGLISH),  # a template's declaration
        (page(GERMAN[:1]), ONLY_ENGLISH),  # too little to tell
        (page([*GERMAN * 2, *ENGLISH * 3]), ONLY_ENGLISH),  # half of it is translated
        (page(["Wir."] * 200 + ENGLISH, ""), ONLY_ENGLISH),  # only the menu is
    ],
)
def test_every_other_page_is_extracted(html, config):
    assert not glanced(html, config)


@pytest.mark.parametrize(("probability", "language"), [(0.9999, "de"), (0.9998, "")])
def test_a_language_is_plain_only_where_all_draws_agree(monkeypatch, probability, language):
    monkeypatch.setattr("webtext.extract.glance.detect", lambda _: ("de", probability))
    assert plain_language("Der Reiher stand im flachen Wasser. " * 10) == language


def test_a_page_that_declares_nothing_is_judged_by_what_it_shows():
    assert glanced(page(GERMAN, ""))
    assert not glanced(page(ENGLISH, ""))
    assert not glanced(page([*GERMAN * 4, *ENGLISH * 3], ""))


def test_what_a_page_declares_is_compared_as_langdetect_names_it():
    for declared, expected in (("nb", "no"), ("nn-NO", "no"), ("zh-Hant", "zh"), ("EN_us", "en"), ("german", "")):
        assert declared_family(parse_html(page(GERMAN, declared))) == expected
    chinese = (FOREIGN / "zh-xiangkou-xiu-che-tan.md").read_text("utf-8").split("\n")
    assert glanced(page(chinese, "zh-CN"))
    assert not glanced(page(chinese, "zh-CN"), ExtractConfig(languages=("zh-tw",)))


def test_every_piece_that_is_shown_must_be_in_the_language():
    assert are_all_in(GERMAN * 6, "de")
    assert not are_all_in(GERMAN * 6 + ENGLISH * 2 + GERMAN * 6, "de")
    assert not are_all_in(GERMAN * 6 + ENGLISH, "de")
    assert not are_all_in(GERMAN * 6, "en")


def test_what_is_shown_is_told_from_what_is_not_and_what_is_long_from_the_rest():
    html = page(["Short.", *GERMAN, "x " * 60, "a <b>bold</b>\n word <option>No</option>"])
    texts = list(shown_texts(parse_html(html)))
    assert texts == ["Home", "Short.", *GERMAN, ("x " * 60).strip(), "a", "bold", "word"]
    assert long_runs(texts) == "\n".join([*GERMAN, ("x " * 60).strip()])
    assert len(long_runs(GERMAN * 20)) == 2000


def test_no_more_of_a_page_is_read_than_its_first_2000_characters_in_long_runs():
    texts = iter(GERMAN * 100)
    runs = long_runs(texts)
    assert runs == "\n".join(GERMAN * 100)[:2000]
    assert len(list(texts)) == 300 - len(runs.split("\n"))


@pytest.mark.parametrize("path", sorted(FOREIGN.glob("*.md")), ids=lambda path: path.stem)
def test_the_bundled_foreign_articles_are_told_at_a_glance(path):
    language, paragraphs = path.name[:2], [line for line in path.read_text("utf-8").split("\n") if len(line) >= 40]
    assert plain_language("\n".join(paragraphs)) == language
    assert glanced(page(paragraphs, language))
    assert not glanced(page(paragraphs, language), ExtractConfig(languages=("en", language)))
