"""Presets, overrides, listings and dry runs."""

import dataclasses
import pickle
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from filters import apply_filters, first_reason, load_preset, preset_names
from filters.catalogue import REASONS, RULES, Rule
from filters.dry_run import describe_preset, describe_rules, dry_run, format_dry_run
from filters.presets import Entry, file_settings, parse_overrides, read_preset
from filters.rules import c4
from filters.rules.length import Length
from filters.rules.lib.ngram_repeats import NgramRepeats
from filters.rules.lib.steps import threshold
from filters.rules.lib.tokens import tokens
from webtext.errors import UsageError
from webtext.local import FilePath
from webtext.reasons import Reason
from webtext.records import Document
from webtext.text import words

PROSE = "The heron stood in the shallows all morning, and it did not move, and nobody asked it why. " * 8


def document(text=PROSE, url="https://example.org/a", **fields):
    values = {"language": "en", "language_probability": 0.999, "title": "Herons", **fields}
    return Document(
        id="0", url=url, final_url=url, host="example.org", author="", date="", text=text, karma=None,
        submissions=None, subreddits=(), first_posted=None, n_words=len(words(text)), body_digest="", **values,
    )  # fmt: skip


def test_presets_are_the_five_that_are_promised():
    assert preset_names() == ("c4", "fineweb", "gopher", "gpt3", "webtext")


@pytest.mark.parametrize("name", ["c4", "fineweb", "gopher", "webtext"])
def test_a_preset_pickles_and_judges_alike_afterwards(name):
    filters = load_preset(name)
    again = pickle.loads(pickle.dumps(filters))  # noqa: S301
    assert again == filters
    assert len(pickle.dumps(filters)) < 2000
    for text in (PROSE, "Too short.", "buy now " * 90, PROSE.replace(".", "\n")):
        assert apply_filters(document(text), again) == apply_filters(document(text), filters)


def test_the_default_keeps_prose_and_names_the_first_reason():
    assert apply_filters(document(), load_preset()) == document()
    assert first_reason(document(), load_preset()) is None
    both = document("Zu kurz.", language="de")
    assert first_reason(both, load_preset()) == "language"
    assert first_reason(both, load_preset(**{"language.enabled": False})) == "too_short"
    assert first_reason(document("Zu kurz.", language="de"), load_preset()).detail == "de 1.00"


def test_edits_reach_the_rules_that_follow():
    text = "\n".join(["one two three four"] * 20 + ["Advertisement"] * 30)
    assert first_reason(document(text), load_preset(**{"length.min_words": 90})) == "too_short"
    kept = apply_filters(document(f"{PROSE}\nRead more"), load_preset())
    assert kept.text == PROSE.strip() or kept.text == PROSE
    assert kept.n_words == len(words(PROSE))


def test_overrides_change_thresholds_switch_rules_and_add_them():
    assert Length(min_words=7, stub_words=100) in load_preset(**{"length.min_words": 7})
    names = [type(rule).__name__ for rule in load_preset(**{"bad_words.enabled": True, "gopher_quality.min_words": 9})]
    assert names[-2:] == ["BadWords", "GopherQuality"]


@pytest.mark.parametrize(
    ("name", "overrides", "says"),
    [
        ("nosuch", {}, "no preset 'nosuch': give a file, or one of c4, fineweb"),
        ("webtext", {"nosuch.x": 1}, "no rule 'nosuch'; there are wikipedia"),
        ("webtext", {"length.nosuch": 1}, "has no threshold 'nosuch'; it has min_words, max_words"),
        ("webtext", {"length.min_words": "many"}, "must be like 100, got 'many'"),
        ("webtext", {"length.min_words": True}, "must be like 100, got True"),
        ("webtext", {"length.min_words": -1}, "min_words -1 must be from 0 to max_words"),
        ("webtext", {"language.languages": "en"}, "must be like"),
        ("webtext", {"blocklist.paths": ["/no/such/list"]}, "cannot read the list /no/such/list: No such file"),
        ("webtext", {"min_words": 3}, "an override is RULE.THRESHOLD=VALUE"),
        ("gpt3", {}, "needs a model: webtext filters --train-classifier"),
    ],
)
def test_what_does_not_fit_says_what_would(name, overrides, says):
    with pytest.raises(UsageError) as caught:
        load_preset(name, **overrides)
    assert says in str(caught.value)


def test_a_users_own_preset_and_lists(tmp_path):
    (tmp_path / "adult").mkdir()
    (tmp_path / "adult" / "domains").write_text("bad.example\n# a comment\nworse.example\n")
    (tmp_path / "adult" / "urls").write_text("mixed.example/bad\n")
    preset = tmp_path / "mine.toml"
    preset.write_text(f'[[rule]]\nname = "blocklist"\npaths = ["{tmp_path / "adult"}"]\n[[rule]]\nname = "length"\n')
    filters = load_preset(str(preset))
    for url, reason in [
        ("https://bad.example/x", "blocklist"),
        ("https://www.worse.example/", "blocklist"),
        ("https://mixed.example/bad/page?x=1", "blocklist"),
        ("https://mixed.example/good", None),
        ("https://notbad.example/", None),
    ]:
        assert first_reason(document(url=url), filters) == reason
    preset.write_text("[rule]\nname = 1")
    with pytest.raises(UsageError, match="lists no rules"):
        load_preset(str(preset))
    preset.write_text("[[rule")
    with pytest.raises(UsageError, match="is not TOML"):
        load_preset(str(preset))


def test_overrides_as_they_are_typed():
    typed = [
        "length.min_words=5",
        "language.languages=en, de",
        "gopher_quality.max_bullet_lines=0.5",
        "walls.enabled=false",
    ]
    assert parse_overrides(typed) == {
        "length.min_words": 5,
        "language.languages": ("en", "de"),
        "gopher_quality.max_bullet_lines": 0.5,
        "walls.enabled": False,
    }
    assert parse_overrides(["gopher_repetition.max_top_ngrams=0.3,0.2"])["gopher_repetition.max_top_ngrams"] == (
        0.3,
        0.2,
    )
    for typed in ('["en","de"]', "['en', 'de']", "en,de", " en , de ", "[en, de]"):
        assert parse_overrides([f"language.languages={typed}"]) == {"language.languages": ("en", "de")}
    for typed in ("en", '"en"', '["en"]'):
        assert parse_overrides([f"language.languages={typed}"]) == {"language.languages": ("en",)}
    assert parse_overrides(['personal_data.action="reject"']) == parse_overrides(["personal_data.action=reject"])
    not_alike = ['language.languages=["en"', "language.languages=[1]", "walls.enabled=1", "length.min_words=many"]
    for wrong in (
        *not_alike,
        "length.min_words=",
        "length",
        "length=5",
        "language.languages=[[en]",
        "nosuch.x=1",
        "length.x=1",
    ):
        with pytest.raises(UsageError):
            parse_overrides([wrong])


def test_reasons_are_a_closed_set_of_slugs():
    assert len(set(REASONS)) == len(REASONS)
    assert all(reason.replace("_", "").isalnum() and reason.islower() for reason in REASONS)


def test_listing_names_every_rule_threshold_and_source():
    listing = describe_rules()
    for name, rule in RULES.items():
        assert f"{name}\n" in listing
        assert all(f"   {field} = " in listing for field in rule.make.__dataclass_fields__)
    shown = describe_preset("fineweb", {"language.min_probability": 0.9})
    assert "min_probability = 0.9 (default 0.8)" in shown
    assert "the paper says 0.1, as FineWeb-2 does" in shown


def test_a_dry_run_tells_what_each_rule_removes_with_examples():
    sample = [
        document(),
        document("Zu kurz.", url="https://example.org/de", language="de"),
        document("Too short.", url="https://example.org/short"),
        document(f"{PROSE}\nRead more", url="https://example.org/more"),
    ]
    run = dry_run(sample)
    reports = {rule.name: rule for rule in run.rules}
    assert (run.documents, run.kept) == (4, 2)
    assert (reports["length"].alone, reports["length"].in_place) == (2, 1)
    assert reports["language"].reasons == (("language", 1),)
    assert reports["lines"].changed == 1
    assert reports["lines"].characters == len("\nRead more")
    assert [example.url for example in reports["language"].examples] == ["https://example.org/de"]
    assert not reports["bad_words"].enabled
    assert dry_run(reversed(sample)) == run
    assert "keeps 2 of 4 documents" in format_dry_run(run)
    assert "too_short: 2 words, at least 14" in format_dry_run(run)


def test_a_dry_run_counts_what_is_masked_by_kind():
    sample = [document(f"{PROSE}\nWrite to ann@heron.net or lee@heron.net, from 93.184.216.34."), document()]
    run = dry_run(sample, "fineweb")
    assert {rule.name: rule.masked for rule in run.rules}["personal_data"] == (("email", 2), ("ip", 1))
    assert "personal_data: masks email 2, ip 1" in format_dry_run(run)


def test_every_bundled_preset_says_what_it_is():
    for name in preset_names():
        assert len(read_preset(name).description) > 40


def test_a_reason_keeps_its_detail_when_pickled():
    again = pickle.loads(pickle.dumps(Reason("too_short", "2 words")))  # noqa: S301
    assert (again, again.detail, again.reason) == ("too_short", "2 words", "too_short")


def test_the_documentation_names_every_rule_reason_and_preset():
    page = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text("utf-8")
    for name in (*RULES, *REASONS, *preset_names()):
        assert f"`{name}`" in page, name


def test_rules_that_follow_one_another_split_a_text_into_words_once():
    tokens.cache_clear()
    for rule in load_preset("fineweb"):
        rule(document())
    assert tokens.cache_info().misses == 1


def test_the_rules_of_a_plain_text_look_no_further_than_their_verdict_needs(monkeypatch):
    counts = Counter()

    def counted(function):
        def count(*arguments):
            counts[function.__name__] += 1
            return function(*arguments)

        return count

    said = f"{PROSE} To be with those that have wings it went over hills of sand while old boats lay there".lower()
    lines = [" ".join(Random(number).sample(sorted(set(words(said))), 20)) + "." for number in range(10)]
    monkeypatch.setattr(c4, "count_sentences", counted(c4.count_sentences))
    monkeypatch.setattr(NgramRepeats, "_grow", counted(NgramRepeats._grow))
    tokens.cache_clear()
    judged = apply_filters(document("\n".join([*lines, "Two words"])), load_preset("fineweb"))
    assert judged.text == "\n".join(lines)  # C4's rule drops a line of two words
    assert tokens.cache_info().misses == 1  # the text that is left is not split once more
    assert counts == {"count_sentences": 5}  # the preset asks for so many, and no n-gram was looked for


@pytest.mark.parametrize("language", ["english", "EN", "xx", ""])
def test_a_language_that_nothing_can_be_is_an_error_and_not_an_empty_corpus(language):
    with pytest.raises(UsageError, match=r"langdetect does not know|languages must be a list"):
        load_preset("webtext", **parse_overrides([f"language.languages={language}"]))


@dataclasses.dataclass(frozen=True)
class Reading:
    """A rule with files in fields of any name."""

    dictionary: FilePath = threshold("", "a list of words")
    sources: tuple[FilePath, ...] = threshold((), "lists of hosts")
    label: str = threshold("", "no file")


def test_the_files_of_a_rule_are_known_by_their_type_whatever_their_field_is_called(monkeypatch):
    monkeypatch.setitem(RULES, "reading", Rule(Reading, ()))
    settings = (("dictionary", "words.txt"), ("sources", ("a", "b")), ("label", "x"))
    assert file_settings(Entry("reading", enabled=True, settings=settings)) == {
        "dictionary": ("words.txt",),
        "sources": ("a", "b"),
    }
