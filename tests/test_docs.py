"""The docs hold what they say: commands run on the sample, flags exist, links lead somewhere, no page is orphaned.

The tutorial is followed by its text alone, then each how-to page in a copy of what that left: every block fenced as
`sh` is run. What is fenced otherwise, or stands on other pages, is meant for readers' own data: it is run with the
sample in their place, but for what needs an account, a cloud or minutes of training, of which the flags must exist.
"""

import argparse
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.commands import reference
from pipelines.commands.cli import COMMANDS, main
from pipelines.report.tallies import CorpusTally
from pipelines.stages.ledger import Funnel

pytestmark = pytest.mark.usefixtures("quick_starts")
ROOT = Path(__file__).resolve().parent.parent
TUTORIAL = ROOT / "docs" / "tutorial.md"
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TREE = ("Makefile", "pyproject.toml", "requirements.lock", "sample", "filters")  # what a reader of the docs has
SAMPLE_TABLE = {
    "harvest": "links",
    "fetch": "pages",
    "extraction and filters": "documents",
    "duplicates": "duplicates",
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)(?:#[^)]*)?\)")


def blocks(page, kind):
    """Give the fenced blocks of a page that are of a kind."""
    return [body for name, body in _BLOCK.findall(page.read_text(encoding="utf-8")) if name == kind]


def plain(line):
    """Give the words of a line that is a plain `webtext` command; None of any other."""
    line = line.removeprefix(".venv/bin/")
    return shlex.split(line)[1:] if line.startswith("webtext ") and not set("|><$") & set(line) else None


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Make a folder that looks like a clone, with the environment that the tests run in."""
    folder = tmp_path_factory.mktemp("clone")
    for name in TREE:
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def bash(folder, script):
    """Run a script as a reader would, but for the environment, which is there, and the verdict, which takes minutes."""
    dry = "command make --no-print-directory -n -o .venv/installed -o .venv/installed-tests"
    prelude = f"set -euo pipefail\nmake() {{ {dry} \"$@\" | grep -v ' validate ' | bash -e; }}\n"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment = {**inherited, "PATH": path, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        ["bash", "-c", prelude + script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"


def steps(block):
    """Cut a block into its commands: a line, or a line with the here-document that it begins."""
    lines = iter(block.splitlines())
    for line in lines:
        step = [line]
        while "<<'END'" in line and step[-1] != "END":
            step.append(next(lines))
        yield "\n".join(step)


def follow(page, folder, monkeypatch):
    """Run the commands of a page: plain webtext commands in this process, which is faster, and the rest by bash."""
    monkeypatch.chdir(folder)
    for step in (step for block in blocks(page, "sh") for step in steps(block)):
        words = plain(step)
        if words is None:
            bash(folder, step)
        else:
            assert main(words) == 0, step


@pytest.fixture(scope="module")
def followed(clone):
    """Follow the tutorial by its text alone."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        follow(TUTORIAL, clone, monkeypatch)
    return clone


@pytest.mark.slow
def test_the_tutorial_ends_where_it_says(followed):
    assert (followed / "out" / "sample" / "report" / "index.html").is_file()
    assert '"host"' in (followed / "out" / "sample" / "removals.jsonl").read_text()
    assert {path.name for path in (followed / "out" / "mine").iterdir()} >= {"corpus", "documents"}


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_the_commands_of_a_how_to_page_run(followed, tmp_path, monkeypatch, page):
    folder = tmp_path / "clone"
    shutil.copytree(followed, folder, symlinks=True)
    follow(page, folder, monkeypatch)


def test_what_is_said_of_the_sample_is_what_a_run_gives(sample_output):
    said = (ROOT / "docs" / "sample.md").read_text(encoding="utf-8")
    counts = {name: manifest.counts for name, manifest in Funnel.of(str(sample_output)).stages}
    for title, stage in SAMPLE_TABLE.items():
        assert f"| {title} | {counts[stage].given:,} | {counts[stage].kept:,} |" in said
    total = CorpusTally.of_corpus(str(sample_output / "corpus")).all
    assert f"{total.documents:,} documents, {total.words:,} words" in said


def commands_of(page, kinds=("sh", "text", "console", "")):
    """Give each `webtext` command that stands on a page, in blocks of whatever kind but output."""
    for kind in kinds:
        for block in blocks(page, kind):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.split(r"\s+#|\s{4,}", line.strip())[0].removeprefix(".venv/bin/")
                if re.match(r"webtext [a-z-]+", command):
                    yield command


def commands():
    """Give each `webtext` command that stands in the docs."""
    for page in PAGES:
        for command in commands_of(page):
            yield pytest.param(command, id=f"{page.stem}: {command[:60]}")


# Commands that no test of the docs runs: what they want that is not here. Their flags are checked all the same.
ELSEWHERE = {
    "^webtext harvest --reddit": "an account at Reddit, and the internet",
    "gs://|--runner=|--ray": "a cloud, or a cluster",
    "^webtext (validate|memorization)": "minutes of training",
    "^webtext replay": "somebody who stops it",
}
TO_BEAM = [
    *("--runner", "--project", "--region", "--temp_location", "--setup_file", "--machine_type", "--max_num_workers"),
    *("--sdk_container_image", "--sdk_location"),
]
# What stands for the readers' own data where a page of the docs is followed on the sample.
STAND_INS = (
    (r"'?RS_[\d*-]+\.zst'?|urls\.txt karma\.tsv", "build/sample/RS_sample.zst"),
    (r"--comments RC_[\d*-]+\.zst", ""),
    (r"'?[\w/-]*\*\.warc\.gz'?|(?<!build/)sample/web\.warc\.gz", "build/sample/web.warc.gz"),
    (r"\bpages\.warc\.gz", "build/sample/web.warc.gz"),
    (r"--contact \S+", "--replay build/sample/web.warc.gz"),
    (r"'?(corpus/data|good|raw)/\*\.parquet'?", "'out/sample/corpus/data/*.parquet'"),
    (r"(^webtext overlap )corpus\.ngrams(.*)OUT", r"\1out/sample/overlap/corpus.ngrams\2out/later"),
    (r"BENCHMARK\.\.\.|lambada\.jsonl", "quiz=quiz.txt"),
    (r"ptb=ptb\.test\.txt", "ptb=quiz.txt"),
    (r"ptb=ptb\.train\.txt", "ptb=quiz.txt"),
    (r"out/(mine|2017|lists|all|other|cc)|\bOUT(PUT)?\b", "out/sample"),
    (r"data/wiki", "wiki"),
    # Nothing would stay beside its own corpus.
    (r"--against out/sample\S*", "--against wiki --against-text-field content"),
    (r"\bURL\b", "http://teeny.example/boring"),
    (r" \.\.\.|\.\.\. ", " "),
    (r"--workers 8", "--workers 1"),
    (r"^webtext build", "webtext build --output out/built"),
    (r"out/built(?= .*--warc)", "out/archive"),  # a directory of fetch's is not replaced, and these pages are an index
    (r"^(webtext build (?!.*--(warc|pages)).*)", r"\1 --pages out/sample/pages"),
)


def stood_in(command):
    """Write a command of the docs for the sample."""
    for pattern, replacement in STAND_INS:
        command = re.sub(pattern, replacement, command)
    if "webtext build" in command and command.count("--output") > 1:
        command = re.sub(r"--output (?!out/(built|archive))\S+ ?", "", command)
    return re.sub(" +", " ", command)


def elsewhere(command):
    """Tell what a command wants that is not here; None where it can be run."""
    return next((why for pattern, why in ELSEWHERE.items() if re.search(pattern, command)), None)


def wanted(page):
    """Give the commands of a page that can be run, and that no other test runs."""
    kinds = ("text", "") if page in HOW_TO else ("sh", "text", "")
    return [command for command in commands_of(page, kinds) if not elsewhere(command)]


BESIDE_THE_PATH = [page for page in PAGES if page != TUTORIAL and wanted(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", BESIDE_THE_PATH, ids=lambda page: page.stem)
def test_the_commands_of_every_other_page_run_on_the_sample(followed, tmp_path, monkeypatch, page):
    """Run what is not fenced as sh on a how-to page, which has a test of its own."""
    folder = tmp_path / "clone"
    shutil.copytree(followed, folder, symlinks=True)
    monkeypatch.chdir(folder)
    built = folder / "out" / "built"
    for name in ("pages", "documents"):  # found done where a command does not ask for others
        shutil.copytree(folder / "out" / "sample" / name, built / name)
    (folder / "quiz.txt").write_text("What does a piano tuner listen for when two strings of one note are not in tune?")
    (folder / "list.txt").write_text("http://teeny.example/boring\nhttp://nosuch.example/\n")
    (folder / "domains.txt").write_text("600 bbc\n300 github\n")
    (folder / "wiki").mkdir()
    pq.write_table(pa.table({"content": ["An article on tides."]}), folder / "wiki" / "part.parquet")
    if page.stem == "ngram-filter-format":  # somebody has to have made a filter
        assert main(["overlap", "out/sample/corpus", "quiz=quiz.txt", "--output", "out/sample"]) == 0
    for command in wanted(page):
        assert main(shlex.split(stood_in(command))[1:]) == 0, stood_in(command)


def test_what_no_test_runs_is_what_wants_something_that_is_not_here():
    left = [parameter.values[0] for parameter in commands() if elsewhere(parameter.values[0])]
    assert {elsewhere(command) for command in left} == set(ELSEWHERE.values())


@pytest.mark.parametrize("command", list(commands()))
def test_every_flag_in_the_docs_exists(command):
    words = re.split(r"\s+", re.split(r" [|>] ", command)[0])[1:]
    assert words[0] in COMMANDS
    parser = argparse.ArgumentParser()
    importlib.import_module(f"pipelines.commands.{words[0]}").add_arguments(parser)
    known = {option for action in parser._actions for option in action.option_strings} | {
        "--config",
        "--log",
        "--verbose",
        "-v",
    }
    flags = [word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)]
    assert [flag for flag in flags if flag not in known and flag not in TO_BEAM] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_of_the_docs_is_linked():
    linked = {
        (page.parent / target).resolve() for page in PAGES for target in _LINK.findall(page.read_text(encoding="utf-8"))
    }
    pages = set((ROOT / "docs").rglob("*.md"))
    assert sorted(str(page.relative_to(ROOT)) for page in pages - linked) == []


def test_the_reference_is_what_the_code_says():
    written = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert written == reference.pages(), "run: python -m pipelines.commands.reference docs/reference"


def test_every_reason_of_the_harvest_page_is_in_the_reference():
    table = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \| (?:line|URL) \|", (ROOT / "docs" / "harvest.md").read_text(), re.MULTILINE
    )
    assert {reason for cell in table for reason in re.findall(r"`(\w+)`", cell)} == set(reference.HARVEST)


def test_the_filter_of_the_how_to_page_works():
    (source,) = blocks(ROOT / "docs" / "how-to" / "add-a-filter.md", "python")
    module = types.ModuleType("shouting")
    exec(source, vars(module))  # noqa: S102
    document = types.SimpleNamespace(text="BUY NOW, before it is gone")
    assert module.Shouting(0.1)(document) == "shouting"
    assert module.Shouting()(document) is None
