"""`webtext look` says of a page what a build would make of it, and what every rule says, not only the first."""

import io
import json

import pytest

from pipelines.commands.cli import main
from sample.build import ARCHIVE

PARAGRAPH = "We walked along the river for three hours on a cold day, and then we had tea in the old mill. " * 3
PAGE = (
    f"<html><head><title>A walk</title></head><body><article><h1>A walk</h1><p>{PARAGRAPH}</p></article></body></html>"
)


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(PAGE, "utf-8")
    return str(path)


def look(capsys, *arguments):
    status = main(["look", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)["pages"]


def test_every_rule_is_asked_and_the_first_that_rejects_is_the_verdict(page, capsys):
    asked = ["--set", "length.min_words=500", "walls.enabled=false"]
    status, (found,) = look(capsys, page, *asked)
    assert status == 1
    assert found["verdict"] == "too_short"
    assert found["title"] == "A walk"
    rules = {rule["rule"]: rule["verdict"] for rule in found["rules"]}
    assert rules["Length"] == "too_short"
    assert rules["Language"] == "kept"
    assert "Walls" not in rules
    status, (found,) = look(capsys, page, "--set", "length.min_words=10")
    assert (status, found["verdict"]) == (0, "kept")


def test_a_file_that_is_no_page_or_not_there_is_told(tmp_path, capsys):
    other = tmp_path / "notes.txt"
    other.write_text("no markup at all")
    status, (found,) = look(capsys, str(other))
    assert (status, found["verdict"]) == (1, "not_html")
    assert main(["look", str(tmp_path / "nowhere.html")]) == 2
    assert "is not there: give a URL" in capsys.readouterr().err


def test_urls_go_the_whole_way_and_may_come_on_standard_input(sample_web, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("http://teeny.example/boring\n\nhttps://i.imgur.com/x.jpg\n"))
    status, pages = look(capsys, "-", "http://nosuch.example/x", "--replay", str(sample_web / ARCHIVE))
    assert status == 1
    verdicts = {page["url"]: (page["stage"], page["verdict"]) for page in pages}
    assert verdicts["https://teeny.example/boring"] == ("documents", "kept")
    assert verdicts["https://nosuch.example/x"] == ("pages", "http_404")
    assert verdicts["https://i.imgur.com/x.jpg"] == ("links", "media")


@pytest.mark.parametrize("said", ["", "\n \n", "# none yet\n"])
def test_standard_input_without_a_url_is_one_line(said, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert main(["look", "-"]) == 2
    assert capsys.readouterr() == ("", "webtext look: standard input names no URL: give one a line\n")


def test_a_person_sees_the_text_and_what_is_left_of_it(page, capsys):
    assert main(["look", page, "--set", "length.min_words=10"]) == 0
    said = capsys.readouterr().out
    assert "  | We walked along" in said
    assert "Length" in said
