"""The main job on the bundled sample: submissions in, verified shards out, and every URL's fate as it was foretold."""

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.commands.cli import main
from pipelines.commands.explain import explain
from pipelines.stages.ledger import Funnel
from sample.articles import read_articles
from sample.build import ARCHIVE, DUMP, EXPECTED
from sample.sites import boilerplate
from tests.double.report_checks import check_report, report_of
from webtext.text import normalize_text, words

pytestmark = pytest.mark.usefixtures("quick_starts")
STAGE_OF_DIRECTORY = {"harvest": "links", "fetch": "pages", "extract": "documents", "filter": "documents"}
STAGE_OF_DIRECTORY |= {"dedup": "duplicates", "corpus": "corpus"}

# What the model of blocks takes for text: lines on six sites that stand beside an article as if they were its own, most
# on a home page of 1999. The list may only become shorter.
LEFT_OVER = {
    "A sentence worth tearing out and keeping in a wallet.",
    "Advertisement: Stainless bowls that nest, guaranteed not to sulk",
    "Back to my home page",
    "Best viewed with Netscape Navigator at 800 by 600",
    "Get your own free 5 MB homepage at Oldweb, no programming needed!",
    "Master of the Bench",
    "Member of the Amateur Knowledge Web Ring",
    "The departmental office is on the second floor, past the meteorite. Closed between one and two.",
    "These pages are made by hand in Notepad and hosted free by Oldweb Members. Last updated whenever it rained.",
    "Top of this page",
    "Tue Feb 06, 2007 9:12 am",
    "You are visitor number 0018437 since May 1999",
}
LEFT_OVER_WORDS = 160  # the most on a page


@pytest.fixture(scope="module")
def sample(sample_web):
    return sample_web


@pytest.fixture(scope="module")
def expected(sample):
    return [json.loads(line) for line in (sample / EXPECTED).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def output(sample_output):
    return sample_output


def run_corpus(sample, output, *flags, workers=1):
    submissions, archive = str(sample / DUMP), str(sample / ARCHIVE)
    command = ["corpus", "--submissions", submissions, "--replay", archive, "--output", str(output)]
    return main([*command, "--workers", str(workers), *flags])


def read_rows(output, pattern, columns):
    rows = [pq.read_table(path, columns=columns).to_pylist() for path in sorted(output.glob(pattern))]
    return [row for table in rows for row in table]


def read_corpus(output, *columns):
    return read_rows(output, "corpus/data/*-of-*.parquet", list(columns))


def digests(output, pattern):
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.glob(pattern))
        if path.is_file()
    }


def test_ledger_is_exactly_what_was_foretold(output, expected):
    foretold = Counter((row["url"], row["stage"], row["reason"], row.get("kept_url")) for row in expected)
    columns = ["url", "stage", "reason", "kept_url"]
    ledger = Counter(tuple(row.values()) for row in read_rows(output, "*/rejections-*.parquet", columns))
    ledger.update((row["url"], "corpus", "", None) for row in read_corpus(output, "url"))
    assert ledger == foretold


def test_sums_balance_from_end_to_end(output, expected):
    stages = dict(Funnel.of(str(output)).stages)
    assert list(stages) == ["links", "pages", "documents", "duplicates", "corpus"]
    assert stages["corpus"].counts.kept == sum(row["outcome"] == "kept" for row in expected)
    rejected = sum(sum(manifest.counts.rejected.values()) for manifest in stages.values())
    assert stages["links"].counts.given == stages["corpus"].counts.kept + rejected == len(expected)


def test_articles_are_whole(output, expected):
    texts = {row["url"]: f" {normalize_text(row['text'])} " for row in read_corpus(output, "url", "text")}
    articles = read_articles()
    foretold = [
        (row["url"], articles[row["article"]]) for row in expected if row["outcome"] == "kept" and "article" in row
    ]
    assert len(foretold) >= 80
    missing = [
        (url, paragraph)
        for url, article in foretold
        for paragraph in article.paragraphs
        if f" {normalize_text(paragraph)} " not in texts[url]
    ]
    assert missing == []


def test_extraction_adds_little_to_articles(output, expected):
    lengths = {row["url"]: row["n_words"] for row in read_corpus(output, "url", "n_words")}
    articles = read_articles()
    for row in expected:
        if row["outcome"] == "kept" and "article" in row:
            lines = [line for block in articles[row["article"]].blocks for line in block.lines]
            assert lengths[row["url"]] <= sum(len(words(line)) for line in lines) + LEFT_OVER_WORDS, row["url"]


def test_boilerplate_stays_out(output):
    text = "\n".join(f" {normalize_text(row['text'])} " for row in read_corpus(output, "text"))
    found = {sentence for sentence in boilerplate() if f" {normalize_text(sentence)} " in text}
    assert found == LEFT_OVER


def test_no_script_or_style_comes_through(output):
    text = "\n".join(row["text"] for row in read_corpus(output, "text"))
    for mark in ("function(", "window.__", "{", "</", "&amp;", "\ufffd", "â€"):
        assert mark not in text


def test_encodings_come_out_right(output):
    text = {row["url"]: row["text"] for row in read_corpus(output, "url", "text")}
    for slug, spelling in (("food-truck-arithmetic", "£"), ("what-insurance-really-sells", "£")):
        url = next(url for url in text if slug in url)
        assert spelling in text[url]


def test_karma_and_reposts_are_merged(output):
    links = {row["url"]: row for row in read_rows(output, "links/links-*.parquet", None)}
    variants = next(row for url, row in links.items() if "fails-only-on-tuesdays" in url)
    assert (variants["karma"], variants["submissions"]) == (23, 8)
    assert min(row["karma"] for row in links.values()) == 3
    assert any(row["first_posted"] is not None and len(row["subreddits"]) > 1 for row in links.values())


def test_documents_keep_the_name_that_was_posted_and_say_where_they_were_found(output):
    rows = {row["url"]: row for row in read_corpus(output, "url", "final_url", "title")}
    moved = rows["https://gazette.oldharbour.example/archive/1123"]
    assert moved["final_url"].startswith("http://www.harbour-gazette.example/2010/04/22/last-box-on-tannery-road")
    assert moved["title"] == "The Last Box on Tannery Road"


def test_held_out_shares_no_cluster_with_training(output):
    held_out = read_rows(output, "corpus/data/validation-*.parquet", ["url", "text"])
    assert held_out
    train = {row["url"] for row in read_rows(output, "corpus/data/train-*.parquet", ["url"])}
    assert not train & {row["url"] for row in held_out}


def test_verify_finds_all_as_published(output, capsys):
    assert main(["verify", str(output)]) == 0
    assert "all as published; the sums balance" in capsys.readouterr().out


def test_the_report_says_what_the_files_hold(output, tmp_path):
    check_report(*report_of(Path(output), tmp_path / "looked_at"))


def test_every_url_is_explained(output, expected):
    for row in expected:
        if not row["url"]:
            continue
        findings = explain(str(output), row["url"])
        last = findings[-1]
        if row["reason"] == "repeated_submission":  # the URL itself goes on
            assert "repeated_submission" in {finding["verdict"] for finding in findings}
            continue
        assert last["verdict"] == (row["reason"] or "kept"), row["url"]
        if row["stage"] in STAGE_OF_DIRECTORY:
            assert last["stage"] == STAGE_OF_DIRECTORY[row["stage"]]
        assert last.get("kept_url") == row.get("kept_url")


def test_posted_forms_are_explained_too(output, expected):
    row = next(row for row in expected if "fails-only-on-tuesdays" in row["url"])
    assert len(row["posted"]) == 8
    for posted in row["posted"]:
        assert [finding["verdict"] for finding in explain(str(output), posted)] == ["kept"] * 4


def test_explain_speaks_to_people(output, capsys):
    url = "https://plainmargin.example/what-a-piano-tuner-hears?m=1"
    assert main(["explain", url, "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert "exact_duplicate" in said
    assert "https://plainmargin.example/what-a-piano-tuner-hears" in said
    assert main(["explain", "http://never-posted.example/", "--output", str(output)]) == 1
    assert "no stage has seen it" in capsys.readouterr().out


def test_running_again_does_nothing(sample, output):
    def stages():
        return {path: path.stat().st_mtime_ns for path in output.glob("*/*")}

    before, content = stages(), digests(output, "**/*")
    assert run_corpus(sample, output) == 0
    assert stages() == before
    assert digests(output, "**/*") == content


@pytest.mark.slow
def test_two_workers_write_the_same_bytes_as_one(sample, output, tmp_path):
    assert run_corpus(sample, tmp_path, workers=2) == 0
    for directory in ("links", "documents", "duplicates", "corpus"):
        one, two = (digests(place, f"{directory}/**/[!m]*") for place in (output, tmp_path))
        assert two == one
        assert any(name.endswith(".parquet") for name in one)
    assert digests(tmp_path, "links/*") == digests(output, "links/*")


@pytest.mark.slow
def test_build_from_one_archive_is_the_same_to_the_last_byte_with_two_workers(output, tmp_path):
    pages = str(output / "pages")
    assert main(["build", "--pages", pages, "--output", str(tmp_path), "--workers", "2"]) == 0
    for directory in ("documents", "duplicates", "corpus"):
        assert digests(tmp_path, f"{directory}/**/*") == digests(output, f"{directory}/**/*")


@pytest.mark.parametrize("name", ["data/train-00000-of-00001.parquet", "README.md"])
def test_a_flipped_byte_is_found(output, tmp_path, capsys, name):
    shutil.copytree(output, tmp_path / "copy")
    damaged = tmp_path / "copy" / "corpus" / name
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    assert main(["verify", str(tmp_path / "copy")]) == 1
    assert f"corpus: {name} has changed since it was published" in capsys.readouterr().out


def test_a_missing_and_a_foreign_file_are_found(output, tmp_path, capsys):
    shutil.copytree(output / "corpus", tmp_path / "corpus")
    (tmp_path / "corpus/data/validation-00000-of-00001.parquet").rename(tmp_path / "corpus" / "more.parquet")
    assert main(["verify", str(tmp_path / "corpus")]) == 1
    said = capsys.readouterr().out
    assert "data/validation-00000-of-00001.parquet is missing" in said
    assert "more.parquet is not in the manifest" in said


def damaged_archive(sample, place):
    content = bytearray((sample / ARCHIVE).read_bytes())
    content[len(content) // 3 : len(content) // 3 + 5_000] = b"\x00" * 5_000
    (place / "damaged.warc.gz").write_bytes(content)
    return ["--submissions", str(sample / DUMP), "--replay", str(place / "damaged.warc.gz")]


def not_an_archive(sample, place):
    return ["--submissions", str(sample / DUMP), "--replay", str(sample / EXPECTED)]


def missing_archive(sample, place):
    return ["--submissions", str(sample / DUMP), "--replay", str(place / "nowhere.warc.gz")]


def missing_dump(sample, place):
    return ["--submissions", str(place / "RS_nowhere.zst"), "--replay", str(sample / ARCHIVE)]


def empty_dump(sample, place):
    (place / "RS_empty.zst").write_bytes(b"")
    return ["--submissions", str(place / "RS_empty.zst"), "--replay", str(sample / ARCHIVE)]


def blank_dump(sample, place):
    (place / "RS_blank.jsonl").write_bytes(b"\n\n")
    return ["--submissions", str(place / "RS_blank.jsonl"), "--replay", str(sample / ARCHIVE)]


def no_contact(sample, place):
    return ["--submissions", str(sample / DUMP)]


def unknown_preset(sample, place):
    return ["--submissions", str(sample / DUMP), "--replay", str(sample / ARCHIVE), "--preset", "nonesuch"]


def impossible_threshold(sample, place):
    return ["--submissions", str(sample / DUMP), "--replay", str(sample / ARCHIVE), "--threshold", "1.5"]


def unknown_flag(sample, place):
    return ["--submissions", str(sample / DUMP), "--replay", str(sample / ARCHIVE), "--treshold", "0.8"]


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (damaged_archive, "damaged"),
        (not_an_archive, "expected.jsonl"),
        (missing_archive, "nowhere.warc.gz"),
        (missing_dump, "RS_nowhere.zst"),
        (empty_dump, "RS_empty.zst is empty"),
        (blank_dump, "RS_blank.jsonl is empty"),
        (no_contact, "--contact"),
        (unknown_preset, "nonesuch"),
        (impossible_threshold, "threshold"),
        (unknown_flag, "--treshold"),
    ],
)
def test_a_mistake_is_one_clear_line_and_nothing_looks_finished(sample, tmp_path, capfd, mistake, says):
    place = tmp_path / "inputs"
    place.mkdir()
    flags = mistake(sample, place)
    output = tmp_path / "output"
    try:
        status = main(["corpus", *flags, "--output", str(output), "--workers", "1"])
    except SystemExit as stopped:
        status = stopped.code
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("webtext")]
    assert status == 2
    assert len(said) == 1, said
    assert says in said[0]
    assert "Traceback" not in said[0]
    assert not (output / "corpus").exists()
    assert not (output / "pages").exists()


def test_the_sample_is_what_make_corpus_takes():
    makefile = (Path(__file__).parent.parent / "Makefile").read_text("utf-8")
    assert f"build/sample/{DUMP}" in makefile
    assert f"build/sample/{ARCHIVE}" in makefile
    assert "python -m sample.build build/sample" in makefile
