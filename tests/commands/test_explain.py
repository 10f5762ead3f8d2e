"""A near-duplicate is shown beside the one that stayed: what both have is plain, what one lacks is marked."""

import argparse
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.commands import config_file
from pipelines.commands.build import add_build_arguments, build_config
from pipelines.commands.cli import main
from pipelines.commands.explain import explain, explain_all
from pipelines.commands.side_by_side import _columns, printable, side_by_side
from pipelines.engine.runner import Engine
from pipelines.report.difference import Difference, Piece, Row, compare_texts
from pipelines.stages.duplicates import DuplicatesConfig, run_duplicates
from tests.double.documents_stage import document, write_documents
from tests.double.duplicate_stage import edited
from webtext import storage
from webtext.hashing import document_id

ENGINE = Engine(workers=1)
KEPT, DROPPED = "https://kept.example/1", "https://dropped.example/1"
BODY = edited(5, 120)


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    documents = [
        document(KEPT, f"{BODY}\nthe old house \x1b[31mstood\nend", karma=9),
        document(DROPPED, f"{BODY}\nthe new house \x1b[31mstood\nend"),
    ]
    directory = write_documents(folder, documents)
    run_duplicates(directory, str(folder / "duplicates"), DuplicatesConfig(), ENGINE)
    return folder


def test_both_texts_stand_side_by_side(output, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["explain", DROPPED, "--output", str(output)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "near_duplicate" in told[2]
    assert told[3:] == [
        "https://kept.example/1                 │ https://dropped.example/1",
        "─" * 38 + "─┼─" + "─" * 38,
        " 1 equal paragraph ".center(79, "·"),
        "the [-old-] house [31mstood            │ the {+new+} house [31mstood",
        " 1 equal paragraph ".center(79, "·"),
    ]


def test_json_carries_both_texts(output, capsys):
    assert main(["explain", DROPPED, "--output", str(output), "--json"]) == 0
    duplicate = json.loads(capsys.readouterr().out)[-1]
    assert duplicate["comparison"]["left_out"] == 0
    changed = duplicate["comparison"]["rows"][1]
    assert [piece for piece in changed["left"] if piece["changed"]] == [{"text": "old", "changed": True}]
    assert [piece for piece in changed["right"] if piece["changed"]] == [{"text": "new", "changed": True}]
    assert "".join(piece["text"] for piece in changed["left"]) == "the old house \x1b[31mstood"


def test_one_that_stays_is_not_compared(output, capsys):
    assert main(["explain", KEPT, "--output", str(output), "--json"]) == 0
    assert not any("comparison" in finding for finding in json.loads(capsys.readouterr().out))


def test_the_text_of_an_earlier_corpus_is_found_where_it_lies(tmp_path, capsys):
    table = pa.table({"content": ["nothing", f"{BODY} old"], "link": ["https://a.example/", None]})
    (tmp_path / "theirs").mkdir()
    pq.write_table(table, tmp_path / "theirs/x.parquet")
    documents = [(DROPPED, f"{BODY} new")]
    out = tmp_path / "out"
    flags = ["--against", str(tmp_path / "theirs"), "--against-text-field", "content", "--against-url-field", "link"]
    directory = write_documents(out, documents)
    parser = argparse.ArgumentParser()
    add_build_arguments(parser)
    config = build_config(parser.parse_args(flags)).duplicates
    run_duplicates(directory, str(out / "duplicates"), config, ENGINE)
    shown = ["explain", DROPPED, "--output", str(out)]
    assert main(shown) == 0
    assert "the text of the one that stays is not in this output" in capsys.readouterr().out
    named = {"against": [str(tmp_path / "theirs")], "against-text-field": "content", "against-url-field": "link"}
    config_file.save({"build": named}, str(out))
    assert main(shown) == 0
    told = capsys.readouterr().out
    assert "theirs/x.parquet#1" in told
    assert "[-old-]" in told
    assert "{+new+}" in told


TEXT = st.text(st.sampled_from("ab 漢é\u0301\n\t\x1b"), max_size=60)


@given(TEXT, TEXT, st.integers(40, 90))
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(left, right, width):
    lines = list(side_by_side(compare_texts(left, right), ("one", "two"), width))
    assert all(_columns(line) <= width for line in lines)
    assert all(line == printable(line) for line in lines)
    if not any("equal" in line or "not shown" in line for line in lines):
        sides = [[line.partition("│")[place] for line in lines[2:]] for place in (0, 2)]
        for text, side, marks in zip((left, right), sides, (("[-", "-]"), ("{+", "+}")), strict=True):
            shown = "".join("".join(side).replace(marks[0], "").replace(marks[1], "").split())
            assert shown == "".join(printable(text).split())


def test_a_word_wider_than_its_column_is_broken():
    lines = list(side_by_side(compare_texts("漢" * 50, "b" * 99), ("one", "two"), 60))
    assert max(map(_columns, lines)) <= 60
    assert sum(line.count("漢") for line in lines) == 50
    assert sum(line.count("b") for line in lines) == 99


def test_what_is_left_out_is_said():
    rows = (Row(equal=2), Row((Piece("gone", changed=True),), ()))
    assert [line.strip("· ") for line in side_by_side(Difference(rows, 7), ("a", "b"), 60)][2:] == [
        "2 equal paragraphs",
        f"{'[-gone-]':<28} │",
        "7 more paragraphs are not shown",
    ]


def test_a_list_is_answered_a_sentence_a_line(output, capsys, tmp_path, monkeypatch):
    (tmp_path / "list").write_text(f"# asked for\n{KEPT}\n\n{DROPPED}\n")
    said = [
        f"{KEPT} has stayed so far: Extract and filter kept it",
        f"{DROPPED} is not in the corpus: De-duplicate left it out as near_duplicate (for {KEPT})",
    ]
    assert main(["explain", str(tmp_path / "list"), "--output", str(output)]) == 0
    assert capsys.readouterr().out.splitlines() == said
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEPT}\nhttp://never.example/\n"))
    assert main(["explain", "-", DROPPED, "--output", str(output), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["url"] for one in told] == [KEPT, "http://never.example/", DROPPED]
    assert [told[0]["answer"], told[2]["answer"]] == said
    assert told[1]["findings"] == [] and "no stage has seen it" in told[1]["answer"]


def test_each_file_is_read_once_however_many_urls_are_asked_for(output, monkeypatch):
    opened, open_file = [], storage.open_file
    monkeypatch.setattr(storage, "open_file", lambda path: opened.append(path) or open_file(path))
    asked = [KEPT, f"{KEPT}?utm_source=x", DROPPED, document_id(DROPPED), ""]
    one_by_one = {url: explain(str(output), url) for url in asked}
    opened.clear()
    explain(str(output), KEPT)
    for_one = len([path for path in opened if path.endswith(".parquet")])
    opened.clear()
    found = explain_all(str(output), [*asked[:-2], asked[-1], *(f"https://never.example/{n}" for n in range(2000))])
    assert len([path for path in opened if path.endswith(".parquet")]) == for_one > 0
    assert not any(found[f"https://never.example/{n}"] for n in range(2000))
    assert [len(one_by_one[url]) for url in asked] == [1, 1, 2, 2, 0]
    assert explain_all(str(output), asked) == one_by_one


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_may_be_in_what_an_editor_or_powershell_writes(output, capsys, tmp_path, encoding):
    (tmp_path / "list").write_bytes(f"{KEPT}\r\n# mine\r\n\r\n{DROPPED}".encode(encoding))
    assert main(["explain", str(tmp_path / "list"), "--output", str(output)]) == 0
    assert [line.partition(" ")[0] for line in capsys.readouterr().out.splitlines()] == [KEPT, DROPPED]


def test_what_an_encoding_lacks_is_escaped_and_json_stays_json(output, monkeypatch):
    for flags in ([], ["--json"]):
        stream = io.TextIOWrapper(io.BytesIO(), "ascii")
        monkeypatch.setattr("sys.stdout", stream)
        assert main(["explain", DROPPED, "--output", str(output), *flags]) == 0
        stream.flush()
        written = stream.buffer.getvalue().decode("ascii")
        assert json.loads(written) if flags else "the [-old-] house" in written and r"\u2502" in written


def test_a_list_that_names_no_url_is_one_line(output, capsys, tmp_path):
    (tmp_path / "list.txt").write_text("# nothing yet\n\n")
    assert main(["explain", str(tmp_path / "list.txt"), "--output", str(output)]) == 2
    assert capsys.readouterr().err == f"webtext explain: {tmp_path}/list.txt: no URL is named there\n"
