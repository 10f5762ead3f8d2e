"""Traps for every rule: five documents or more that it must keep, and five that it must reject, each for its reason."""

# ruff: noqa: E501 (a table)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.catalogue import RULES
from filters.rules import wikipedia
from filters.rules.lib.steps import apply_filters
from webtext.code_points import count_words
from webtext.reasons import Reason
from webtext.records import Document

PROSE = (
    "The ferry leaves at seven, and by half past six there is a queue of people who have done this for thirty years. "
    "They stand with their backs to the wind and talk of the price of diesel. Nobody looks at the sea, which is the "
    "colour of slate and in no hurry. When the gate opens they go down the ramp in the order in which they came, and "
    "each of them sits where he always sits. I asked the man next to me why he never takes the bridge."
)
LINES = (
    "A heron stood in the shallows all morning and did not move.\n"
    "My neighbour says that it has come to the same pool for nine winters.\n"
    "He counts the fish that it takes and writes them in a book.\n"
    "By noon it had taken four, and he went in to have his soup.\n"
    "In the evening there was ice, and the bird had gone."
)
MIXED = (
    "\nEl transbordador sale a las siete, y a las seis y media ya hay una cola de personas que llevan treinta años haciendo "
    "esto. Están de espaldas al viento y hablan del precio del gasóleo. Nadie mira el mar, que es del color de la pizarra y "
    "no tiene prisa. Cuando se abre la puerta bajan por la rampa en el orden en que llegaron, y cada uno se sienta donde "
    "siempre se sienta. Pregunté al hombre que estaba a mi lado por qué nunca toma el puente, y me dijo que el puente no "
    "espera a nadie."
)
HOST_OF = "https://{}/page".format


def document(text=PROSE, url="https://example.org/a", **fields):
    host = fields.pop("host", url.partition("://")[2].partition("/")[0])
    values = {"title": "A title", "language": "en", "language_probability": 0.999, "final_url": url, **fields}
    return Document(
        id="0", url=url, host=host, author="", date="", text=text, karma=3, submissions=1, subreddits=(),
        first_posted=0, n_words=count_words(text), body_digest="", **values,
    )  # fmt: skip


def on(host, path="page"):
    return document(url=f"https://{host}/{path}")


def titled(title, text="Some words about nothing much at all."):
    return document(text, title=title)


def repeated(line, times, rest=LINES):
    return document("\n".join([line] * times + rest.split("\n")))


KEEP = {
    "wikipedia": [
        document(site_name="A blog about Wikipedia"),
        on("wikipedia.org.example.com"), on("notwikipedia.org"), on("en.wiktionary.org"), on("fandom.com", "wiki/Bee"),
        document("According to Wikipedia, herons live long. " + PROSE), titled("Why Wikipedia works", PROSE),
        titled("How I edit Wikipedia, the free encyclopedia", PROSE), on("example.org", "wikipedia-is-twenty"),
        on("example.org", "a?utm_source=en.wikipedia.org"), on("example.org", "a?utm_source=https%3A%2F%2Fen.wikipedia.org%2Fwiki%2FHeron"),
        on("example.org", "a?id=3&ref=https://en.wikipedia.org/wiki/Heron&page=2"), on("whois.example", "whois/wikipedia.org"),
        on("example.org", "a?x=1#https://en.wikipedia.org/"), on("example.org", "stats/en.wikipedia.org/"),
        titled("The love of my life: Wikipedia", PROSE), titled("Five sites I read daily: Reddit, Wikipedia", PROSE),
        titled("Anti-Wikipedia", PROSE), document(PROSE, site_name="Anti-Wikipedia"), titled("Wikipedia", PROSE),
        document(PROSE + "\nHeron. (2019). In Wikipedia. Retrieved March 3, 2019, from https://en.wikipedia.org/wiki/Heron"),
        document(PROSE + "\nHeron. In Wikipedia. Retrieved from https://en.wikipedia.org/wiki/Heron"),
        document(PROSE + "\nWikipedia contributors, 2019.\nRetrieved from https://en.wikipedia.org/wiki/Heron"),
        document(PROSE + '\nRetrieved from "https://en.wikipedia.org/wiki/Heron" on the third of March, 2019.'),
        document(PROSE + "\nThe article (retrieved from http://de.wikipedia.org/wiki/Graureiher) says so."),
    ],
    "blocklist": [
        on("example.org"), on("essex.com"), on("sex.company"), on("mypornhub.community"), on("example.org", "pornhub.com"),
        on("notredtube.com"),
    ],
    "walls": [
        document(PROSE), titled("Just a moment in time", PROSE), titled("404 ways to cook an egg", PROSE),
        document(f"{PROSE}\nWe value your privacy.\nAccept all"), titled("Access denied: a history of locks", PROSE * 4),
        document(PROSE * 4 + " The site said: verify you are human."), titled("Domain of the bees", PROSE),
        document(PROSE * 3 + " The page you are looking for is in the second drawer."),
        titled("Access denied", PROSE), titled("Page not found", PROSE), titled("Just a moment...", PROSE),
        titled("Log in", PROSE), titled("Subscribe", PROSE * 2 + " To continue reading, turn the page."),
        titled("Coming soon", PROSE), titled("We value your privacy", PROSE), titled("404", PROSE), titled("Index of /birds", PROSE),
    ],
    "language": [
        document(), document(language_probability=0.8), document(language_probability=1.0),
        document("Oui.", language_probability=0.9), document("", language_probability=0.99),
        document(LINES * 3 + MIXED),
    ],
    "lines": [
        document(), document("Read more books, she said, and he read more."), document("Share the bread.\nRead more"),
        document("Cookies are baked for twelve minutes.\nAdvertisement"), document("The newsletter came on Friday."),
        document("We use cookies in this recipe because of the butter, the sugar, the flour, the eggs, the salt, "
                 "the vanilla and the time that they save us in the end."),
    ],
    "length": [
        document("word " * 100), document("word " * 101), document("it's " * 50), document("word " * 5000), document(PROSE * 2),
    ],
    "c4_page_size": [
        document("x" * 190_000), document(""), document(PROSE), document(LINES), document("a\n" * 95_000),
    ],
    "c4_quality": [
        document(LINES), document(LINES.replace(".", "!")), document(LINES + "\nRead more"),
        document(LINES + "\nTurn on javascript to see the comments on this page."),
        document("It is a line of seven words. It has two sentences! Has it three?"),
        document(LINES + "\nlorem ipsum"), document(LINES + "\nif (x) { y }"),
    ],
    "c4_paragraphs": [
        document("\n".join(["x" * 200] * 3)), document("\n".join(["x" * 201] * 4)), document("\n".join([PROSE] * 3)),
        document("\n".join([PROSE] * 3 + ["short"] * 9)), document("\n".join(["y" * 5000, "x" * 200, "z" * 200])),
    ],
    "gopher_repetition": [
        document(PROSE), document(LINES), document(LINES + "\n" + LINES.split("\n")[4]), document(LINES * 1 + " " + PROSE),
        document("\n".join(PROSE.split(". "))),
        document(""),
    ],
    "gopher_quality": [
        document(PROSE), document(LINES * 2), document(f"{LINES}\n- {PROSE}"), document(PROSE + " ... and so on, she said."),
        document("\n".join([PROSE, *LINES.split("\n"), "More to come ..."])), document(PROSE + " # one # two"),
    ],
    "fineweb_quality": [
        document(PROSE), document(LINES), document(f"{LINES}\nShort\nlines"), document(LINES.replace(".", "?")),
        document("\n".join([PROSE] + ["no mark at its end but a long enough line to count"] * 1 + [PROSE.upper()])),
    ],
    "bad_words": [
        document(PROSE), document("Scunthorpe is a town in Lincolnshire."), document("A cocktail of sextants."),
        document("The milfoil flowers in June."), document("The porn industry was studied by sociologists."),
    ],
    "personal_data": [
        document("She arrived @ noon."), document("Version 10.0.0.1 of the kernel."), document("In 1989-1990 it rained."),
        document("The ISBN is 978-3-16-148410-0."), document("It costs 1,234,567.89 in 2024."),
        document("Card 1234 5678 9012 3456 is not one."), document("Write to email@example.com for an example."),
    ],
}  # fmt: skip

REJECT = {
    "wikipedia": [
        (on("en.wikipedia.org"), "wikipedia"), (on("de.m.wikipedia.org"), "wikipedia"), (on("wikipedia.org"), "wikipedia"),
        (on("web.archive.org", "web/2013/http://fr.wikipedia.org/wiki/Abeille"), "wikipedia"),
        (on("example.com", "translate?u=https%3A%2F%2Fja.wikipedia.org%2Fwiki%2FX"), "wikipedia"),
        (on("en-m-wikipedia-org.cdn.ampproject.org"), "wikipedia"), (on("archive.example", "https://en.wikipedia.org/wiki/Heron?x=1"), "wikipedia"),
        (on("cache.example", "search?q=cache:en.wikipedia.org/wiki/Heron&hl=en"), "wikipedia"),
        (on("proxy.example", "?url=http%3A%2F%2Fen.wikipedia.org%2Fw%2Findex.php%3Ftitle%3DHeron"), "wikipedia"),
        (on("web.archive.org", "web/2013/http://zh.wikipedia.org/zh-hans/%E9%B9%AD"), "wikipedia"),
        (titled("蜜蜂 - 维基百科，自由的百科全书", PROSE), "wikipedia_text"), (titled("Ong – Wikipedia tiếng Việt", PROSE), "wikipedia_text"),
        (titled("Lebah - Wikipedia bahasa Indonesia, ensiklopedia bebas", PROSE), "wikipedia_text"),
        (titled("꿀벌 - 위키백과, 우리 모두의 백과사전", PROSE), "wikipedia_text"), (titled("Pszczoła – Wikipedia, wolna encyklopedia", PROSE), "wikipedia_text"),
        (titled("Heron | Wikipedia", PROSE), "wikipedia_text"), (titled("דבורה – ויקיפדיה", PROSE), "wikipedia_text"),
        (document(PROSE + '\nRetrieved from "http://en.wikipedia.org/w/index.php?title=Heron&oldid=1"\nCategories: Birds'), "wikipedia_text"),
        (document(PROSE + '\nRetrieved from "http://en.wikipedia.org/wiki/Heron" Categories : Birds'), "wikipedia_text"),
        (document(host="zh.wikipedia.org"), "wikipedia"),
        (on("www.wikiwand.com"), "wikipedia_mirror"), (on("en.linkfang.org"), "wikipedia_mirror"),
        (titled("Heron - Wikipedia", PROSE), "wikipedia_text"), (titled("Graureiher – Wikipedia", PROSE), "wikipedia_text"),
        (titled("Цапля — Википедия", PROSE), "wikipedia_text"), (document(site_name="Wikipedia"), "wikipedia_text"),
        (document("From Wikipedia, the free encyclopedia\n" + PROSE), "wikipedia_text"),
        (document(PROSE + '\nRetrieved from "https://en.wikipedia.org/wiki/Heron"'), "wikipedia_text"),
        (document(PROSE + "\nThis article uses material from the Wikipedia article Heron."), "wikipedia_text"),
    ],
    "blocklist": [
        (on("pornhub.com"), "blocklist"), (on("www.pornhub.com"), "blocklist"), (on("de.xhamster.com", "a"), "blocklist"),
        (document(url="https://adf.ly/1x", host="example.org"), "blocklist"),
        (document(host="cdn.redtube.com"), "blocklist"),
    ],
    "walls": [
        (titled("Just a moment..."), "bot_wall"), (titled("Attention Required! | Cloudflare"), "bot_wall"),
        (titled("shop.example", "Checking your browser before accessing shop.example. Please wait."), "bot_wall"),
        (titled("x", "Our systems have detected unusual traffic from your computer network."), "bot_wall"),
        (titled("x", "Please verify you’re not a robot. Verify that you’re not a robot to go on."), "bot_wall"),
        (titled("x", "The first lines of a story about a heron. Subscribe to read the remaining 2,140 words."), "paywall"),
        (titled("Log in", "Log in with the address that you chose when you joined, or ask for a new one."), "paywall"),
        (titled("Coming soon: our guide to herons", "It will stand here by the end of the month."), "parked_domain"),
        (titled("Before you continue to YouTube"), "consent_wall"),
        (titled("x", "We value your privacy. We and our partners store and/or access information on a device, such as "
                "cookies, and process personal data. Manage your preferences."), "consent_wall"),
        (titled("Page not found", PROSE + " Sorry, that page has flown."), "soft_404"),
        (titled("Page not found - The Daily Heron"), "soft_404"), (titled("404 Not Found"), "soft_404"),
        (titled("The Daily Heron", "Sorry, this page isn’t here any more. Search for it."), "soft_404"),
        (titled("x", "Oops! That page can’t be found. It looks like nothing was found at this location."), "soft_404"),
        (titled("heron.example", "This domain is for sale! Make an offer."), "parked_domain"),
        (titled("Welcome to nginx!"), "parked_domain"),
        (titled("heron.example", "This account has been suspended. Contact your hosting provider."), "parked_domain"),
    ],
    "language": [
        (document(language="de"), "language"), (document(language=""), "language"), (document(language="zh-cn"), "language"),
        (document(language="nl", language_probability=0.6), "language"), (document(LINES + MIXED * 4), "language_mixed"),
        (document(language_probability=0.79), "language_uncertain"), (document(language_probability=0.0), "language_uncertain"),
    ],
    "lines": [
        (document("Read more"), "only_boilerplate"), (document("READ MORE »"), "only_boilerplate"),
        (document("Share\nTweet\n12 comments"), "only_boilerplate"),
        (document("© 2019 The Daily Heron. All rights reserved."), "only_boilerplate"),
        (document("This website uses cookies to improve your experience."), "only_boilerplate"),
        (document("Sign up for our weekly newsletter"), "only_boilerplate"),
    ],
    "length": [
        (document(""), "too_short"), (document("word"), "too_short"), (document("word " * 99), "too_short"),
        (document("- - - " * 500), "too_short"), (document("word " * 1_000_001), "too_long"),
    ],
    "c4_page_size": [
        (document("x" * 190_001), "c4_too_long"), (document("é" * 190_001), "c4_too_long"), (document("a\n" * 95_001), "c4_too_long"),
        (document("word " * 50_000), "c4_too_long"), (document(PROSE * 1000), "c4_too_long"),
    ],
    "c4_quality": [
        (document(LINES + "\nThis is lorem ipsum as you all know."), "c4_lorem_ipsum"),
        (document(LINES + "\nThe function is f(x) { return x }."), "c4_curly_bracket"),
        (document("One sentence stands here alone."), "c4_too_few_sentences"),
        (document(LINES.replace(".", "")), "c4_too_few_sentences"), (document(LINES.replace(".", "...")), "c4_too_few_sentences"),
        (document("Four words a line.\n" * 20), "c4_too_few_sentences"), (document(""), "c4_too_few_sentences"),
        (document("\n".join(["We use cookies to make this better."] * 9)), "c4_too_few_sentences"),
        (document("\n".join(["x" * 1001 + " is a very long word here."] * 9)), "c4_too_few_sentences"),
    ],
    "c4_paragraphs": [
        (document(""), "c4_short_paragraphs"), (document(PROSE), "c4_short_paragraphs"), (document(LINES), "c4_short_paragraphs"),
        (document("\n".join(["x" * 199] * 30)), "c4_short_paragraphs"),
        (document("\n".join(["x" * 200] * 2)), "c4_short_paragraphs"),
    ],
    "gopher_repetition": [
        (repeated("The same line again.", 4), "gopher_repeated_lines"),
        (repeated("A long line that says the same thing again, and again, and once more for luck, my dear.", 3),
         "gopher_repeated_lines"),
        (document("buy now " * 40), "gopher_top_ngram"),
        (document(" ".join(f"{PROSE} {n}" for n in range(3))), "gopher_repeated_ngram"),
        (document(PROSE + " " + PROSE), "gopher_repeated_ngram"),
    ],
    "gopher_quality": [
        (document("Too short."), "gopher_short"), (document("the of word " * 34_000), "gopher_long"),
        (document("a of the I x " * 30), "gopher_word_length"), (document("the incomprehensibilities misunderstanding " * 30), "gopher_word_length"),
        (document(PROSE + " #" * 40), "gopher_symbols"), (document("\n".join(f"- {line}" for line in LINES.split("\n"))), "gopher_bullets"),
        (document(LINES.replace(".", "...")), "gopher_ellipsis_lines"), (document(PROSE + " 1989 2004 -" * 20), "gopher_alphabetic"),
        (document("Heron pool winter neighbour morning " * 15), "gopher_stop_words"),
    ],
    "fineweb_quality": [
        (document(""), "fineweb_punctuation"), (document("\n".join(["a line that has no mark at its end at all"] * 9)), "fineweb_punctuation"),
        (document("Short one.\n" * 20), "fineweb_short_lines"), (document("Yes.\nNo.\nPerhaps.\n" + PROSE), "fineweb_short_lines"),
        (repeated("This line of the text stands in it three times over.", 3), "fineweb_repeated_lines"),
        (document("\n".join(f"Incomprehensibilitiesoftheirkind{number:05d}." for number in range(20))), "fineweb_line_breaks"),
    ],
    "bad_words": [
        (document("Free porn videos here."), "bad_words"), (document("MILF"), "bad_words"), (document("a pornstar, no less"), "bad_words"),
        (document("cumshots and more"), "bad_words"), (document("watch sex videos"), "bad_words"),
    ],
    "personal_data": [
        (document("Write to ann.lee@heron.example.net today."), "personal_data"),
        (document("From 8.8.8.8 came the answer."), "personal_data"), (document("Call +44 20 7946 0018 before six."), "personal_data"),
        (document("Ring (212) 555-2368."), "personal_data"), (document("Card 4111 1111 1111 1111 was charged."), "personal_data"),
        (document("Amex 378282246310005."), "personal_data"), (document("at 2001:4860:4860::8888 it listens"), "personal_data"),
    ],
}  # fmt: skip

SETTINGS = {"language": {"min_share": 0.67}, "personal_data": {"action": "reject"}}
NEED_A_MODEL = {"gpt3_classifier", "perplexity"}


def cases(table):
    return [
        pytest.param(name, case, id=f"{name}-{number}")
        for name, listed in table.items()
        for number, case in enumerate(listed)
    ]


@pytest.mark.parametrize(("name", "kept"), cases(KEEP))
def test_keeps(name, kept):
    outcome = apply_filters(kept, [RULES[name].make(**SETTINGS.get(name, {}))])
    assert isinstance(outcome, Document), (outcome, outcome.detail)


@pytest.mark.parametrize(("name", "case"), cases(REJECT))
def test_rejects(name, case):
    rejected, reason = case
    outcome = apply_filters(rejected, [RULES[name].make(**SETTINGS.get(name, {}))])
    assert isinstance(outcome, Reason), f"kept by {name}"
    assert (outcome, bool(outcome.detail)) == (reason, True)


def test_every_rule_has_five_of_each_and_every_reason_a_trap():
    for name in RULES.keys() - NEED_A_MODEL:
        assert len(KEEP[name]) >= 5
        assert len(REJECT[name]) >= 5
        assert {reason for _, reason in REJECT[name]} >= set(RULES[name].reasons) - {"gopher_repeated_paragraphs"}


def test_paragraphs_that_repeat():
    block = "A block of its own.\nIn two lines."
    text = "\n\n".join([block] * 4 + PROSE.split(". "))
    assert RULES["gopher_repetition"].make()(document(text)) == "gopher_repeated_paragraphs"


def test_gopher_rejects_no_text_without_dividing_by_zero():
    assert RULES["gopher_quality"].make(min_words=0)(document("...")) is not None


@given(st.from_regex(wikipedia._ORIGIN))
def test_what_a_copy_says_of_its_origin_is_not_missed_by_the_quick_look_for_it(text):
    assert wikipedia._NAMES_IT.search(text)
