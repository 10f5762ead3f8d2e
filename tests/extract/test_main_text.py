"""The main text: the model's arithmetic, the choice of blocks, and pages of every kind."""

import itertools
import json
import tracemalloc
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from webtext.extract import block_features
from webtext.extract.block import Block
from webtext.extract.block_features import measure
from webtext.extract.blocks import BlockReader
from webtext.extract.declared import Declared
from webtext.extract.extractors import second_opinion
from webtext.extract.main_text import MODEL, choose, choose_blocks, is_doubtful, leaves_links, main_text
from webtext.extract.tree import parse_html
from webtext.extract.trees import CERTAIN, SCALE, Trees, chances_of

PROSE = [
    "The heron stood in the shallows all morning, and it did not move until the boats came home.",
    "My neighbour says that it has come to the same pool for nine winters, and he does not exaggerate.",
    "He counts the fish that it takes, and in the evening he writes the number in a green book.",
    "When the ice came, the bird went to the mill, where the water never freezes, and waited there.",
]
MENU = "<nav><ul>" + "".join(f"<li><a href=/{n}>Section {n}</a></li>" for n in range(12)) + "</ul></nav>"
FOOTER = "<footer><p>Copyright 2019 Harbour Gazette. <a href=/privacy>Privacy</a></p></footer>"


def text_of(body, head=""):
    return main_text(
        parse_html(f"<html><head><title>Herons</title>{head}</head><body>{MENU}{body}{FOOTER}</body></html>")
    )


def walk(trees, table):
    """Sum the trees of a model one question at a time."""
    totals = []
    for numbers in table.T.tolist():
        total = 0
        for questions, leaves in zip(trees.questions.T.tolist(), trees.value.tolist(), strict=True):
            answers = [numbers[trees.feature[question]] > float(trees.limit[question]) for question in questions]
            total += leaves[sum(answer << level for level, answer in enumerate(answers))]
        totals.append(total)
    return totals


def test_trees_sum_what_a_walk_question_by_question_sums():
    trees = Trees.load(MODEL)
    random = np.random.default_rng(0)
    limits = [trees.limit[trees.feature == number] for number in range(len(trees.names))]
    table = np.stack([np.append(random.choice(own, 9), random.normal(size=4)) for own in limits]).astype(np.float32)
    assert trees(table).tolist() == walk(trees, table)


def test_the_model_asks_only_for_what_is_measured():
    page = parse_html("<p>One paragraph.</p>")
    reader = BlockReader().read(page)
    assert set(Trees.load(MODEL).names) <= set(measure(reader.blocks, reader.places, Declared.read(page)).names())


@given(st.lists(st.tuples(st.integers(0, CERTAIN), st.integers(1, 60)), min_size=1, max_size=9))
def test_no_other_number_of_blocks_has_a_greater_expected_f1(pairs):
    chances, words = np.array(pairs).T
    chosen = choose(chances, words)
    expected = int((chances * words).sum())

    def value(taken):
        return 2 * int((chances * words)[taken].sum()) / max(1, int(words[taken].sum()) * CERTAIN + expected)

    order = np.argsort(-chances, kind="stable")
    assert value(chosen) >= max(value(order[:count]) for count in range(1, len(pairs) + 1)) - 1e-12


def test_chances_are_those_of_the_logistic_function():
    odds = np.array([-40 * SCALE, -SCALE, 0, SCALE, 40 * SCALE])
    assert np.allclose(chances_of(odds) / CERTAIN, 1 / (1 + np.exp(-odds / SCALE)), atol=0.01)


def test_an_article_is_its_paragraphs_and_headings_without_the_menu():
    body = "<article><h1>Nine winters</h1>" + "".join(f"<p>{p}</p>" for p in PROSE) + "</article>"
    lines = text_of(body).split("\n")
    assert lines[-4:] == PROSE
    assert not [line for line in lines if line.startswith(("Section", "Copyright"))]


def test_a_book_on_one_page_is_judged_as_a_page_is():
    chapters = [
        f"<h2>Chapter {n}</h2>" + "".join(f"<p>{p} {p} That was day {n}.</p>" for p in PROSE) for n in range(400)
    ]
    page = parse_html(f"<html><body>{''.join(chapters)}</body></html>")
    text = main_text(page)
    assert sum(f"That was day {n}." in text for n in range(400)) >= 396
    reader = BlockReader().read(page)
    table = measure(reader.blocks, reader.places, Declared.read(page)).table(("page_chars", "chars_before", "index"))
    assert table.max(axis=1).tolist() == [15_000, 15_000, 120]


def test_a_large_page_is_measured_some_blocks_at_a_time_and_in_little_memory():
    page = parse_html("".join(f"<div><p>Paragraph {n}.</p></div>" for n in range(8000)))
    reader, declared, names = BlockReader().read(page), Declared.read(page), Trees.load(MODEL).names
    tracemalloc.start()
    features = measure(reader.blocks, reader.places, declared)
    for span in features.spans():
        features.table(names, span)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1.5 * features.table(names).nbytes


@given(st.permutations([*PROSE, "Home", "<a href=/>Next page</a>", "<b>Warning:</b> ice"] * 2), st.integers(1, 9))
def test_what_is_said_of_some_blocks_is_what_is_said_of_them_among_all(texts, at_once):
    page = parse_html(f"<h1>Nine winters</h1><div><p>{'</p></div><div class=post><p>'.join(texts)}</p></div>")
    reader = BlockReader().read(page)
    features = measure(reader.blocks, reader.places, Declared.read(page))
    names = features.names()
    with mock.patch.object(block_features, "_AT_ONCE", at_once):
        parts = [features.table(names, span) for span in features.spans()]
    assert np.concatenate(parts, axis=1).tobytes() == features.table(names).tobytes()


def test_captions_are_text_where_nearly_all_is_captions():
    slides = "".join(
        f"<figure><img src={n}.jpg><figcaption><h2>Day {n}</h2><p>{p}</p><p>{q}</p></figcaption></figure>"
        for n, (p, q) in enumerate(itertools.permutations(PROSE, 2))
    )
    assert set(PROSE) <= set(text_of(f"<article><h1>Nine winters</h1><p>{PROSE[0]}</p>{slides}</article>").split("\n"))
    figure = f"<figure><figcaption>{PROSE[3]}</figcaption></figure>"
    text = text_of(f"<article><h1>Nine winters</h1>{''.join(f'<p>{p}</p>' for p in PROSE[:3] * 2)}{figure}</article>")
    assert PROSE[0] in text
    assert PROSE[3] not in text


def test_every_post_of_a_thread_is_text():
    posts = "".join(
        f"<div class=post><div class=content><p>{a}</p><p>{b}</p></div></div>" for a, b in itertools.pairwise(PROSE)
    )
    assert set(PROSE) <= set(text_of(f"<h1>Herons</h1><div class=thread>{posts}</div>").split("\n"))


def test_text_that_stands_twice_is_taken_once():
    body = "<article>" + "".join(f"<p>{p}</p>" for p in [*PROSE, PROSE[0]]) + "</article>"
    assert text_of(body).split("\n").count(PROSE[0]) == 1


def test_a_page_that_scripts_would_draw_has_the_text_of_its_data():
    body = " ".join(PROSE)
    graph = f'<script type="application/ld+json">{json.dumps({"@graph": [{"articleBody": body}]})}</script>'
    html = "".join(f"<p>{paragraph}</p>" for paragraph in PROSE)
    state = f"<script>window.__STATE__ = {json.dumps({'a': {'html': html, 'css': 'a{b} c'}})};</script>"
    assert text_of("<div id=root></div>", graph) == body
    assert text_of("<div id=root></div>" + state).split("\n") == PROSE
    assert body not in text_of("<div id=root></div>", '<script type="application/ld+json">{"text": [</script>')


def test_links_that_a_line_in_a_text_introduces_are_part_of_it():
    links = "".join(f"<li><a href=/{n}>By the {n} index</a></li>" for n in ("red", "blue", "grey"))
    parts = [f"<p>{p}{more}</p>" for more in ("", " So he says.") for p in PROSE]
    parts.insert(4, f"<p>Three ways to read the ledger:</p><ul>{links}</ul>")
    assert "By the red index\nBy the blue index\nBy the grey index\n" in text_of(f"<article>{''.join(parts)}</article>")
    parts.append(f"<p>Read more:</p><ul>{links.replace('index', 'page')}</ul>")
    assert "By the red page" not in text_of(f"<article>{''.join(parts)}</article>")


def test_a_page_says_of_which_kind_it_is():
    head = (
        "<title>Red boats</title><link rel=canonical href=/forum/red-boats-12><meta property=og:type content=article>"
    )
    declared = Declared.read(parse_html(f"<html><head>{head}</head><body class=single-product><p>x</p></body></html>"))
    said = {name for name, number in declared.numbers.items() if number}
    address = {"address_forum", "address_parts", "address_hyphens", "address_digits"}
    assert said == {"kind_article", "body_product", *address}
    assert declared.title == {"red", "boats"}
    broken = Declared.read(parse_html("<head><link rel=canonical href='http://[x/'></head><p>x</p>"))
    assert broken.numbers["address_parts"] == 0


@given(st.lists(st.tuples(st.integers(0, CERTAIN), st.integers(1, 60)), min_size=1, max_size=9))
def test_a_choice_is_doubtful_below_its_expected_f1(pairs):
    chances, words = np.array(pairs).T
    chosen = choose(chances, words)
    mass = chances * words
    expected = 2 * mass[chosen].sum() / (words[chosen].sum() * CERTAIN + mass.sum())
    assert is_doubtful(chances, words, chosen) == (expected < 0.65)


def opinions(body):
    """Give the text of a page with a second opinion of a hundred words, and how often that was asked for."""
    asked = []
    page = parse_html(f"<html><head><title>Herons</title></head><body>{MENU}{body}{FOOTER}</body></html>")
    return main_text(page, second_opinion=lambda: asked.append(1) or "other " * 100), len(asked)


def test_a_second_opinion_is_asked_for_where_little_is_certain_and_believed_where_it_has_much_more():
    article = "<article><h1>Nine winters</h1>" + "".join(f"<p>{p}</p>" for p in PROSE * 3) + "</article>"
    text, asked = opinions(article)
    assert (asked, text.startswith("other")) == (0, False)
    text, asked = opinions("")
    assert (asked, text.startswith("other")) == (1, True)
    page = parse_html("<html><body></body></html>")
    assert main_text(page, second_opinion=lambda: "") == ""


def test_no_second_opinion_is_asked_for_where_prose_is_chosen_and_nearly_all_that_is_left_are_links():
    chapters = "".join(f"<li><a href=/{n}>Chapter {n} of the manual</a></li>" for n in range(20))
    prose = PROSE[0] + PROSE[1]
    assert opinions(f"<ul>{chapters}</ul><p>{prose}</p>") == (prose, 0)
    without_links = chapters.replace("<a href", "<b title").replace("</a>", "</b>")
    assert opinions(f"<ul>{without_links}</ul><p>{prose}</p>")[1] == 1
    sentences = "".join(f"<li><a href=/{n}>{sentence}</a></li>" for n, sentence in enumerate(PROSE[:3]))
    page = parse_html(f"<body><article><p>{PROSE[0]}</p><ul>{sentences}</ul></article></body>")
    assert main_text(page, second_opinion=lambda: "\n".join(PROSE[:3])).split("\n") == PROSE[:3]


def test_links_are_left_over_eight_tenths_of_what_is_left_and_where_no_links_are_chosen():
    for taken, taken_links, left, left_links, expected in (
        (90, 0, 100, 81, True),
        (90, 0, 100, 80, False),
        (90, 44, 100, 100, True),
        (90, 45, 100, 100, False),  # a list of links is the text
        (0, 0, 100, 100, False),
        (90, 0, 0, 0, False),
    ):
        pairs = (taken, taken_links), (left, left_links)
        blocks = [Block("x" * chars, 0, link_chars=links) for chars, links in pairs]
        assert leaves_links(blocks, np.array([True, False])) == expected


def test_a_second_opinion_adds_what_it_takes_but_for_what_is_never_text():
    box = f"<div class=cookie-consent><p>{PROSE[3]}</p></div>"
    links = "".join(f"<li><a href=/{n}>{p}</a></li>" for n, p in enumerate(PROSE[1:3]))
    page = parse_html(f"<html><body>{MENU}{box}<p>{PROSE[0]}</p><ul>{links}</ul>{FOOTER}</body></html>")
    choice = choose_blocks(page)
    assert choice.is_doubtful
    alone = main_text(page).split("\n")
    assert PROSE[1] not in alone
    assert main_text(page, second_opinion=lambda: "\n".join(PROSE * 2)).split("\n") == [*alone, *PROSE[1:3]]


def test_trafilatura_gives_the_second_opinion_with_tabs_in_its_tables():
    rows = "".join(f"<tr><td>Winter {n}</td><td>{n * 7} fish</td></tr>" for n in range(6))
    body = "<article>" + "".join(f"<p>{p}</p>" for p in PROSE * 3) + f"<table>{rows}</table></article>"
    text = second_opinion(parse_html(f"<html><head><title>Herons</title></head><body>{body}</body></html>"))
    assert PROSE[0] in text
    assert "Winter 3\t21 fish" in text
    assert "|" not in text
