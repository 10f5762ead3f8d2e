"""Rules from outside: a file of the user's own is a rule like ours, and its source is part of what documents are."""

import argparse
import importlib
import importlib.metadata
import json
import pickle
import re
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters import apply_filters, load_preset
from filters.catalogue import RULES
from filters.imported import identify_imports
from filters.outside import Outside, add_rules, announced, read_rules, rules_of
from filters.presets import Entry, file_settings
from pipelines.commands.build_flags import add_documents_arguments, add_duplicates_arguments, documents_config
from pipelines.commands.cli import main
from pipelines.pages.page_pool import PageConfig
from pipelines.pages.page_work import NO_PAGE, PageWork
from webtext.errors import UsageError
from webtext.extract.pages import ExtractConfig, Extracted
from webtext.records import Document, Rejection

SHOUTING = '''
def shouting(document, most: float = 0.5):
    """Reject texts of which most letters are capitals."""
    letters = [letter for letter in document.text if letter.isalpha()]
    share = sum(letter.isupper() for letter in letters) / max(1, len(letters))
    return f"{share:.0%} of the letters are capitals" if share > most else None
'''
TWO = '''
from dataclasses import dataclass
from typing import ClassVar

from webtext.reasons import Reason


def _helper(document):
    return "never a rule"


@dataclass(frozen=True, slots=True)
class TooLoud:
    """Reject what shouts."""

    REASONS: ClassVar = ("shouts", "screams")
    marks: int = 3

    def __call__(self, document):
        return Reason("shouts", "loud") if document.text.count("!") >= self.marks else None
'''


@pytest.fixture(autouse=True)
def _forgotten():
    """Forget the rules that a test has added."""
    before = dict(RULES)
    yield
    RULES.clear()
    RULES.update(before)


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SHOUTING)
    return str(path)


def config_of(*flags):
    parser = argparse.ArgumentParser()
    add_documents_arguments(parser)
    add_duplicates_arguments(parser)
    return documents_config(parser.parse_args(flags))


def text_of(text, preset="webtext", **overrides):
    """Give what the last rule of a preset makes of a text."""
    rule = load_preset(preset, **overrides)[-1]
    return apply_filters(document(text), [rule])


def document(text):
    strings = dict.fromkeys(("id", "final_url", "title", "author", "date", "language", "body_digest"), "")
    counts = dict.fromkeys(("karma", "submissions", "first_posted"))
    return Document(
        url="https://a.example/", host="a.example", text=text, language_probability=1.0, subreddits=(), n_words=3,
        **strings, **counts,
    )  # fmt: skip


def test_a_function_is_a_rule_and_its_defaults_are_thresholds(mine):
    add_rules([read_rules(mine)])
    said = text_of("BUY NOW, before it is gone", **{"shouting.most": 0.1})
    assert (said, said.detail) == ("shouting", "30% of the letters are capitals")
    assert text_of("BUY NOW, before it is gone", **{"shouting.enabled": True}).text.startswith("BUY")
    with pytest.raises(UsageError, match=r"shouting.most must be like 0.5, got 'loud'"):
        load_preset("webtext", **{"shouting.most": "loud"})


def test_a_data_class_is_a_rule_with_reasons_and_what_is_private_is_none():
    rules = rules_of(Outside("two.py", TWO))
    assert {name: rule.reasons for name, rule in rules.items()} == {"too_loud": ("shouts", "screams")}
    assert rules["too_loud"].make(marks=2)(document("Hey! You!")) == "shouts"
    assert rules["too_loud"].make()(document("Hey! You!")) is None


def test_a_reason_that_is_not_declared_is_told():
    rules = rules_of(Outside("two.py", TWO.replace('"shouts", "loud"', '"yells"')))
    with pytest.raises(UsageError, match="too_loud gave 'yells'"):
        rules["too_loud"].make()(document("!!!"))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = 1", "holds no rule"),
        ("def rule(document, most): ...", "the threshold most needs a default"),
        ("def rule(document:", "was never closed"),
        ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("def length(document): ...", "there is a rule length already"),
        ("most = limit\ndef rule(document): ...", "NameError: name 'limit' is not defined"),
        ("open('/nowhere/at/all')", "No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, capsys, source, says):
    (tmp_path / "mine.py").write_text(source)
    assert main(["filters", "--rules", str(tmp_path / "mine.py")]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_it_is_listed_with_its_thresholds_and_tried(mine, tmp_path, capsys):
    assert main(["filters", "--rules", mine]) == 0
    said = capsys.readouterr().out
    assert "Reject texts of which most letters are capitals." in said
    assert "   most = 0.5\n   reasons: shouting" in said
    pq.write_table(pa.table({"text": ["BUY NOW", "It rained."], "language": ["en", "en"]}), tmp_path / "texts.parquet")
    flags = ["--try", str(tmp_path / "texts.parquet"), "--set", "language.enabled=false", "length.enabled=false"]
    assert main(["filters", "--rules", mine, *flags]) == 0
    assert "100% of the letters are capitals" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["nowhere.py", "nowhere", "nowhere.at.all", "json"])
def test_what_is_not_there_or_has_no_rule_is_one_line(name):
    with pytest.raises(UsageError, match=f"--rules {name}"):
        read_rules(name)


def test_a_rule_runs_after_those_of_the_preset_and_its_source_is_part_of_the_fingerprint(mine, tmp_path):
    before, found = config_of(), config_of("--rules", mine, "--set", "shouting.most=0.1")
    assert [entry.name for entry in found.rules.entries][-1] == "shouting"
    assert found.identity() != before.identity()
    (tmp_path / "mine.py").write_text(SHOUTING + "# a remark\n")
    assert config_of("--rules", mine, "--set", "shouting.most=0.1").identity() != found.identity()
    assert "rules_from_outside" not in before.identity()


def test_a_preset_may_name_it_and_switch_it_off(mine, tmp_path):
    preset = tmp_path / "mine.toml"
    preset.write_text('[[rule]]\nname = "shouting"\nenabled = false\n[[rule]]\nname = "length"\n')
    entries = config_of("--rules", mine, "--preset", str(preset), "--extract-foreign").rules.entries
    assert [(entry.name, entry.enabled) for entry in entries] == [("shouting", False), ("length", True)]


def test_the_source_travels_to_workers_which_do_not_have_the_file(mine):
    config = config_of("--rules", mine, "--set", "shouting.most=0.1", "--language", "any").page
    sent = pickle.dumps(PageConfig(ExtractConfig(), config.preset, config.overrides, config.outside))
    del RULES["shouting"]
    judged = PageWork(pickle.loads(sent)).judge(NO_PAGE, Extracted("BUY NOW " * 200))  # noqa: S301
    assert isinstance(judged, Rejection)
    assert judged.reason == "shouting"


def test_packages_announce_rules_by_entry_points(monkeypatch, tmp_path):
    (tmp_path / "loud_rules.py").write_text(SHOUTING)
    monkeypatch.syspath_prepend(tmp_path)
    point = importlib.metadata.EntryPoint("loud", "loud_rules", "webtext.rules")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point] if group == "webtext.rules" else [])
    assert [found.name for found in announced()] == ["loud_rules"]
    assert "shouting" not in [entry.name for entry in config_of().rules.entries]
    asked = config_of("--set", "shouting.most=0.1")
    assert asked.rules.entries[-1].name == "shouting"
    assert "rules_from_outside" in asked.identity()


def test_a_package_that_is_half_removed_stops_no_build(monkeypatch, tmp_path, caplog):
    (tmp_path / "torn_rules.py").write_text("import nowhere_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    points = [importlib.metadata.EntryPoint(name, name, "webtext.rules") for name in ("gone_rules", "torn_rules")]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    assert config_of().identity() == config_of().identity()
    assert "gone_rules: no such module" in caplog.text
    assert "No module named 'nowhere_at_all'" in caplog.text


def test_a_package_whose_rule_is_called_as_another_stops_no_build(monkeypatch, tmp_path, caplog):
    names = ("a_rules", "b_rules", "c_rules")
    renamed = SHOUTING.replace("def shouting", "def length")
    for name, source in zip(names, (SHOUTING, SHOUTING.replace("0.5", "0.6"), renamed), strict=True):
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    points = [importlib.metadata.EntryPoint(name, name, "webtext.rules") for name in names]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    assert [found.name for found in announced()] == ["a_rules"]
    assert "b_rules: there is a rule shouting in a_rules already" in caplog.text
    assert "c_rules: there is a rule length already" in caplog.text


UNUSABLE = {
    "of_our_own": "class Own(Exception):\n    pass\n\n\nraise Own('no licence')",
    "ends": "raise SystemExit(1)",
    "asserts": "assert False, 'no GPU'",
    "divides": "1 / 0",
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("is_package", [False, True])
def test_a_package_that_cannot_be_run_stops_no_build(monkeypatch, tmp_path, caplog, name, is_package):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(UNUSABLE[name])
    (tmp_path / name / "rules.py").write_text(SHOUTING)
    monkeypatch.syspath_prepend(tmp_path)
    point = importlib.metadata.EntryPoint("p", name if is_package else f"{name}.rules", "webtext.rules")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    assert announced() == []
    assert f"announces rules that cannot be used: --rules {name}" in caplog.text


@pytest.mark.parametrize("name", ["__main__", ".rules", "sys", "math", ""])
def test_what_is_no_module_of_rules_is_one_line(name):
    with pytest.raises(UsageError, match=f"^--rules {re.escape(name)}"):
        read_rules(name)


def test_a_source_runs_once_in_a_process(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(SHOUTING + "print('it runs')\n")
    for _ in range(3):
        add_rules([read_rules(str(tmp_path / "mine.py"))])
    assert capsys.readouterr().out == "it runs\n"


@pytest.fixture
def helped(tmp_path, monkeypatch):
    """Give a file of rules with a helper, which has a helper of its own, and a function that writes the last one."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(limit):
        (tmp_path / "farther.py").write_text(f"LIMIT = {limit}\n")
        importlib.invalidate_caches()

    (tmp_path / "nearer.py").write_text("from farther import LIMIT\n")
    rules = tmp_path / "rules.py"
    rules.write_text("import json\nfrom nearer import LIMIT\n\n\ndef brief(document):\n    return None\n")
    write(1)
    yield rules, write
    for name in ("farther", "nearer"):
        sys.modules.pop(name, None)


def test_what_a_source_imports_is_part_of_what_it_is(helped):
    rules, write = helped
    before = read_rules(str(rules))
    write(2)
    assert read_rules(str(rules)).digest != before.digest
    write(1)
    assert read_rules(str(rules)).digest == before.digest
    assert before.imports.count("\n") == 1  # two helpers, and not what Python brings


def test_another_release_of_a_package_that_a_source_imports_is_another_rule(monkeypatch):
    before = identify_imports("import pytest, json\nfrom webtext import records")
    assert before == f"pytest pytest {importlib.metadata.version('pytest')}"
    monkeypatch.setattr(importlib.metadata, "version", "99".format)
    assert identify_imports("import pytest") == "pytest pytest 99"


def test_two_sources_with_one_name_for_a_rule_are_one_line(mine):
    same, other = Outside("copy.py", SHOUTING), Outside("other.py", SHOUTING.replace("0.5", "0.6"))
    add_rules([Outside(str(mine), SHOUTING), same])
    with pytest.raises(UsageError, match=r"other\.py: there is a rule shouting in copy\.py already"):
        add_rules([same, other])


@pytest.mark.slow
def test_a_build_rejects_by_it_and_says_so(sample_built, tmp_path, capsys):
    rule = 'def on_pianos(document):\n    return "pianos" if "piano" in document.text else None\n'
    (tmp_path / "mine.py").write_text(rule)
    flags = ["--pages", str(sample_built / "pages"), "--output", str(tmp_path / "out"), "--workers", "1", "--json"]
    assert main(["build", "--rules", str(tmp_path / "mine.py"), *flags]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["stages"]["documents"]["rejected"]["on_pianos"] > 0
    assert (
        main(["explain", "--output", str(tmp_path / "out"), "https://plainmargin.example/what-a-piano-tuner-hears"])
        == 0
    )
    assert "on_pianos" in capsys.readouterr().out


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_rule_raises_is_one_line_that_names_rule_page_and_place(sample_built, tmp_path, capsys, workers):
    rule = "def chapter(document):\n    number = int(document.title)\n    return f'{number}'\n"
    (tmp_path / "mine.py").write_text(rule)
    flags = ["--pages", str(sample_built / "pages"), "--output", str(tmp_path / "out"), "--workers", str(workers)]
    assert main(["build", "--rules", str(tmp_path / "mine.py"), *flags]) == 2
    told = capsys.readouterr().err
    assert re.search(
        r"(?m)^webtext build: rule chapter raised ValueError at https?://\S+: invalid literal .*\(mine.py, line 2\)$",
        told,
    )
    assert "Traceback" not in told
    shards = str(sample_built / "corpus/data/*.parquet")
    assert main(["filters", "--rules", str(tmp_path / "mine.py"), "--try", shards]) == 2
    assert "rule chapter raised ValueError at http" in capsys.readouterr().err


def test_a_page_for_which_a_rule_takes_too_much_memory_is_rejected_and_ends_no_build(sample_built, tmp_path, capsys):
    rule = 'def big(document):\n    return str(bytearray(10**13)) if "/what-a-piano" in document.url else None\n'
    (tmp_path / "mine.py").write_text(rule)
    flags = ["--pages", str(sample_built / "pages"), "--output", str(tmp_path / "out"), "--workers", "1", "--json"]
    assert main(["build", "--rules", str(tmp_path / "mine.py"), *flags]) == 0
    assert json.loads(capsys.readouterr().out)["stages"]["documents"]["rejected"]["extract_memory"] > 0


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_a_file_that_a_rule_from_outside_names_is_known_as_one(tmp_path, monkeypatch, future):
    rule = "def mine(document, words: FilePath = '', more: str = ''):\n    pass\n"
    source = f"{future}from webtext.local import FilePath\n{rule}"
    (tmp_path / "mine.py").write_text(source)
    found = read_rules(str(tmp_path / "mine.py"))
    monkeypatch.setitem(RULES, "mine", rules_of(found)["mine"])
    settings = (("words", "list.txt"), ("more", "text"))
    assert file_settings(Entry("mine", enabled=True, settings=settings)) == {"words": ("list.txt",)}
