"""Whatever reads foreign text takes time that grows as the text does: measured at 4 KB to 1 MB of hostile text.

The megabyte is for a few of the texts, and for runs that are thorough (`tests/double/thorough.py`).
"""

# ruff: noqa: E501 (a table)

import contextlib
import dataclasses

import pytest
from lxml import html

from dedup.kernels.hashes import word_hashes
from dedup.overlap.benchmarks import without_cues
from dedup.overlap.ngrams import without_punctuation, word_spans
from dedup.repeats.find import line_hashes
from filters.catalogue import RULES
from filters.rules import gopher, gpt3, perplexity
from filters.rules.lib import tokens
from filters.rules.lines import is_boilerplate
from model.scores import generative_tasks
from model.scores.detokenize import STYLES, detokenize_line
from tests.double.growth import MOST_GROWTH, growth
from tests.double.thorough import THOROUGH
from tests.rules.test_traps import document
from webtext.code_points import count_words
from webtext.extract.decode import decode_html
from webtext.extract.language_detector import detect
from webtext.extract.pages import clean_text
from webtext.metadata.metadata import read_metadata
from webtext.permissions.optout import read_page
from webtext.permissions.robots import parse_robots
from webtext.reddit.submissions import extract_links
from webtext.text import words
from webtext.urls import canonicalize_url, resolve_url

LONG, LONGEST = 64_000, 1_000_000  # characters of the few pieces
MANY = LONG if THOROUGH else LONG // 2  # characters of each of all others

# What a hostile text repeats: digits, marks, symbols, spaces, joiners, and the beginnings of what is looked for.
PIECES = [
    "7", "a", "A.", "é", " ", "\n", " \n", "\t", "\r", "#", "@", "a@", "a.", "@a.", ".a", ".", "1.", "-", "- ", "--", "_", ":",
    "::", "0:", "/", "a/", "//a", "+1 ", "(2", "4111 ", "555-", "123-45-", "1.1.1.", "[", "[1", "[1]", "(", "{", "'", '"', '!"', "“", "…", "...",
    "?)", ". A", "$", "©", "|", "<", "&amp;", "=", "°C.", "3km", "a-", "a–", "😀", "👨‍👩‍👧", "漢", "ก", "ខ្", "हि", "\u0301",
    "\u200b", "\ufe0f", "İ", "𝟘", "۔", "ﷺ", "n't", "'s", " ' ", ' "', "`` ", " ''", " @-@ ", "-LRB- ", "Dr. ", "e.g.",
    "Answer: ", "Question: ", "a" * 63 + "@", "wikipedia" + " " * 99, "wikip", "retrieved from ", "content from wikipedia ", "- wikipedia ", "http://", "www.",
    "share ", "click to ", "you must ", "all rights reserved ", "(c) 2019 ", "0 shares ", "page 1 ", "name ", "404 ",
    "2019-01-", "\n- ", "\nab", "ab " * 9 + "\n", "x,", "lorem ipsum ",
]  # fmt: skip
FEW = ["7", "#", "😀", "“", " ", "\n", ".", "@", "a.", "a/", "é", "漢", ' "', "- wikipedia ", "name "]
RULES_WITH_MODELS = ("perplexity", "gpt3_classifier")


def in_text(rule):
    return lambda text: rule(document(text))


def in_a_field(rule, name):
    plain = document("A text of little interest.")
    return lambda text: rule(dataclasses.replace(plain, **{name: text}))


def followed(text):
    with contextlib.suppress(ValueError):  # it leads nowhere
        resolve_url("http://a.example/b/c", text)


def page_of(text):
    """Make a page that says the text wherever metadata are read."""
    tree = html.fromstring("<html><head><title></title></head><body><h1></h1><h2></h2><p></p></body></html>")
    printable = "".join(character for character in text if character.isprintable() or character.isspace())
    printable = printable.replace("\x0b", "").replace("\x0c", "")
    tree.set("lang", printable)
    for element in tree.iter("title", "h1", "h2", "p"):
        element.text = printable
    for name in ("og:title", "og:site_name", "author", "article:published_time", "dc.date"):
        html.etree.SubElement(tree.find("head"), "meta", name=name, content=printable)
    return tree


READERS = {
    **{name: in_text(rule.make()) for name, rule in RULES.items() if name not in RULES_WITH_MODELS},
    "gopher_quality, no least": lambda text: gopher.GopherQuality(min_words=0)(document(text)),
    "lines, all": lambda text: [is_boilerplate(line, 10**9) for line in text.split("\n")],
    "tokens": lambda text: (tokens.tokens.cache_clear(), tokens.tokens(text)),
    "sentences": tokens.count_sentences,
    "perplexity": perplexity._hashes,
    "gpt3_classifier": gpt3.hash_features,
    "walls, title": in_a_field(RULES["walls"].make(), "title"),
    "wikipedia, title": in_a_field(RULES["wikipedia"].make(), "title"),
    "wikipedia, site": in_a_field(RULES["wikipedia"].make(), "site_name"),
    "wikipedia, url": lambda text: in_a_field(RULES["wikipedia"].make(), "url")(f"https://a.example/{text}"),
    "blocklist, url": lambda text: in_a_field(RULES["blocklist"].make(), "url")(f"https://a.example/{text}"),
    "blocklist, host": in_a_field(RULES["blocklist"].make(), "host"),
    "words": words,
    "count_words": count_words,
    "word_hashes": word_hashes,
    "word_spans, gpt2": lambda text: word_spans(text, "gpt2"),
    "word_spans, gpt3": lambda text: word_spans(text, "gpt3"),
    "without_punctuation": without_punctuation,
    "without_cues": without_cues,
    "line_hashes": line_hashes,
    "clean_text": clean_text,
    "language": detect,
    "metadata": lambda text: read_metadata(page_of(text), f"https://a.example/{text[:2000]}"),
    **{f"detokenize, {style}": lambda text, style=style: detokenize_line(text, style) for style in STYLES},
    "decode": lambda text: decode_html(text.encode("utf-8", "surrogatepass")),
    "declared charset": lambda text: decode_html(b"<meta charset=" + text[:5000].encode("utf-8", "surrogatepass")),
    "address": lambda text: canonicalize_url(f"http://a.example/{text}"),
    "query": lambda text: canonicalize_url(f"http://a.example/?{text}"),
    "host": lambda text: canonicalize_url(f"http://{text}/"),
    "relative address": followed,
    "links in a text": lambda text: list(extract_links(text)),
    "robots.txt": lambda text: parse_robots(b"user-agent: *\ndisallow: " + text.encode("utf-8", "surrogatepass")),
    "head": lambda text: read_page([("X-Robots-Tag", text)], text.encode("utf-8", "surrogatepass"), "http://a/", "b"),
    "head's tag": lambda text: read_page([], f"<meta {text}>".encode("utf-8", "surrogatepass"), "http://a/", "b"),
    "answers": generative_tasks.normalize_answer,
    "sentences of stories": generative_tasks.sentences,
}


def of(piece):
    return lambda length: piece * (length // len(piece))


@pytest.mark.parametrize("name", ["once", "always"])
def test_what_is_slower_once_has_not_grown_and_squares_have(name):
    work = {
        "once": lambda text: len(text) * (1 if len(text) < 30_000 else 40),
        "always": lambda text: len(text) ** 2 // 2000,
    }
    assert (growth(lambda text: sum(range(work[name](text))), "a".__mul__, LONG) > MOST_GROWTH) == (name == "always")


@pytest.mark.parametrize("name", READERS)
def test_time_grows_as_the_text_does(name):
    READERS[name]("Warm up, with a few words.")
    assert [piece for piece in FEW if growth(READERS[name], of(piece), LONG) > MOST_GROWTH] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_time_grows_as_the_text_does_whatever_it_repeats(name):
    READERS[name]("Warm up, with a few words.")
    others = [piece for piece in PIECES if piece not in FEW]
    assert [piece for piece in others if growth(READERS[name], of(piece), MANY) > MOST_GROWTH] == []


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("name", READERS)
def test_time_grows_as_the_text_does_up_to_a_megabyte(name):
    READERS[name]("Warm up, with a few words.")
    assert [piece for piece in FEW if growth(READERS[name], of(piece), LONGEST) > MOST_GROWTH] == []
