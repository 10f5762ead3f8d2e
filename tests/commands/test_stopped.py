"""Whatever a command writes, and wherever it is stopped, the next run goes on and ends with the same bytes.

What is tried is each way to end (Ctrl-C or TERM, a kill, a loss of power) at moments all over the changes that a run
makes to the disk. Stages have tests of their own, with real kills (`tests/stages/test_*kill*.py`).
"""

import contextlib
import json
import shutil
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.gpt2.data import encode_texts
from model.gpt2.tokenizer import byte_tokenizer
from model.gpt2.train import Split, train
from pipelines.commands.cli import main
from pipelines.stages.lock import locked
from tests.double.linked_web import web_of
from tests.double.power import ENDS, Disk
from tests.double.thorough import THOROUGH
from tests.gpt2 import test_train
from tests.stages.test_remove import built  # noqa: F401 (a fixture)
from webtext.reddit.api_log import SubmissionLog

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are found in /proc")
THIRDS = (0, 1, 2) if THOROUGH else (1,)  # Moments of each way to end, besides the last one.
# They hold times, places, who was at work, or the same in another order.
UNLIKE = ("log.jsonl", "timings.json", "webtext.toml", ".pt", ".lock")


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, built):  # noqa: F811
    """Make what the commands below read."""
    folder = tmp_path_factory.mktemp("inputs")
    texts = [f"The {number}th letter of {number % 7} friends came on day {number * 13 % 31}." for number in range(90)]
    corpus = folder / "texts"
    corpus.mkdir()
    pq.write_table(pa.table({"text": texts[:80]}), corpus / "train-00000-of-00001.parquet")
    pq.write_table(pa.table({"text": texts[80:]}), corpus / "heldout-00000-of-00001.parquet")
    rows = ({"id": f"p{number}", "url": f"http://a.example/{number}", "score": 5} for number in range(9))
    lines(folder / "RS_2017-11", *rows)
    (folder / "web.warc.gz").write_bytes(b"".join(web_of(6, 3)[0]))
    lines(folder / "herons.jsonl", {"text": "A letter from the island, with news of the ferry and the weather."})
    shutil.copytree(built, folder / "built")
    train_a_little(folder, folder / "run")
    return folder


def train_a_little(_, output):
    """Train and export: what tells two runs apart is in the weights, since a checkpoint may hold them in any order."""
    texts = {"train": test_train.TEXTS, "heldout": test_train.TEXTS[:1]}
    tokens = (
        encode_texts(iter(texts[name]), byte_tokenizer(), output / "tokens" / name, source=name) for name in texts
    )
    train(test_train.SHAPE, test_train.CONFIG, Split(*tokens, byte_tokenizer()), output)
    assert main(["export", str(output), "--format", "hf", "--output", str(output / "hf")]) == 0


def read_reddit(_, output):
    """Do what a harvest by API does: two listings, the second one's posts behind the first one's."""
    output.mkdir(parents=True, exist_ok=True)
    log = SubmissionLog(str(output / "RS.jsonl.zst"))
    for target in ("r/a", "r/b"):
        if target not in log.finished:
            for number in range(3):
                log.add({"id": f"{target}{number}", "score": 1, "created_utc": 1, "retrieved_utc": 1})
            log.finish(target)
    assert len(log.seen) == 6


def command(*arguments):
    def run(inputs, output):
        assert main([each.format(inputs=inputs, output=output) for each in arguments]) == 0

    return run


COMMANDS = {
    "harvest": command("harvest", "-s", "{inputs}/RS_2017-11", "-o", "{output}", "--workers", "1"),
    "harvest --reddit": read_reddit,
    "index": command("build", "--warc", "{inputs}/web.warc.gz", "-o", "{output}", "--workers", "1"),
    "remove": command("remove", "--host", "rare.example", "-o", "{output}", "--workers", "1"),
    "overlap": command(
        "overlap", "{inputs}/texts", "{inputs}/herons.jsonl", "-o", "{output}", "--probes", "1000", "--workers", "1"
    ),
    "report": command("report", "{output}"),
    "train": train_a_little,
    "scale": command("scale", "{inputs}/texts", "--output", "{output}", "--sizes", "1x16", "--tokens", "20480"),
    "export": command("export", "{inputs}/run", "--format", "hf", "--output", "{output}"),
    "export tokens": command("export", "{inputs}/run", "--format", "llmc", "--output", "{output}"),
    "evaluate": command(
        "evaluate", "{inputs}/run", "--on", "text={inputs}/herons.jsonl", "--output", "{output}/f.json"
    ),
    "init": command("init", "{output}/mine.toml"),
}
QUICK = {"harvest --reddit", "report", "export", "export tokens", "evaluate", "init"}
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS]
BEGUN = {"remove", "report"}  # commands that work in an output that is there


def begin(name, inputs, output):
    if name in BEGUN:
        shutil.copytree(inputs / "built", output)
    else:
        output.mkdir()


def content(output):
    """Give what an output holds, but for what is hidden: a kill may leave a file half written, which nothing reads."""
    found = {path.relative_to(output).as_posix(): path for path in output.rglob("[!.]*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.endswith(UNLIKE)}


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory):
    """Give what a command makes, and by how many changes of the disk."""

    @cache
    def made(name):
        whole = tmp_path_factory.mktemp("undisturbed") / "out"
        begin(name, inputs, whole)
        with pytest.MonkeyPatch.context() as patched:
            disk = Disk(patched)
            COMMANDS[name](inputs, whole)
        return content(whole), disk.done

    return made


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_was_stopped_goes_on_to_the_same_bytes(name, end, inputs, undisturbed, tmp_path):
    expected, changes = undisturbed(name)
    for moment in sorted({changes * third // 3 for third in THIRDS} | {changes - 1}):
        output = tmp_path / str(moment)
        begin(name, inputs, output)
        with pytest.MonkeyPatch.context() as patched, contextlib.suppress(Exception):
            disk = Disk(patched, moment, end)
            disk.hold(output)
            COMMANDS[name](inputs, output)
        assert disk.done > moment
        if end == "without power":
            disk.lose(output)
        COMMANDS[name](inputs, output)
        found = content(output)
        assert (moment, {at for at in {*found, *expected} if found.get(at) != expected.get(at)}) == (moment, set())


def test_a_command_writes_over_no_file_of_the_users(inputs, tmp_path, capsys):
    for name, theirs in {"export": "config.json", "export tokens": "train_000000.bin", "scale": "scale.json"}.items():
        output = tmp_path / name
        output.mkdir()
        (output / theirs).write_text("mine")
        before = content(output)
        with pytest.raises(AssertionError):
            COMMANDS[name](inputs, output)
        assert f"holds {theirs}, which is not webtext's: nothing was changed" in capsys.readouterr().err
        assert content(output) == before


def test_no_command_writes_into_the_directory_of_a_stage(inputs, tmp_path, capsys):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "manifest.json").write_text("{}")
    with pytest.raises(AssertionError):
        COMMANDS["scale"](inputs, tmp_path / "corpus")
    assert "is a stage's own directory" in capsys.readouterr().err
    assert set(content(tmp_path / "corpus")) == {"manifest.json"}


def test_two_runs_do_not_write_one_folder(inputs, tmp_path, capsys):
    with locked(str(tmp_path / "out")), pytest.raises(AssertionError):
        COMMANDS["scale"](inputs, tmp_path / "out")
    assert "is being written by process" in capsys.readouterr().err


def test_a_folder_that_is_not_on_this_disk_is_told_in_one_line(inputs, capsys):
    assert main(["scale", f"{inputs}/texts", "--output", "s3://bucket/out", "--sizes", "1x16"]) == 2
    assert "scale writes on this disk only" in capsys.readouterr().err
    assert not Path("s3:").exists()


def test_a_folder_may_be_the_working_directory(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    COMMANDS["export"](inputs, Path())
    assert (tmp_path / "config.json").is_file()
    assert not list(tmp_path.glob("*.lock"))


def test_what_an_earlier_run_found_stays_until_there_is_something_in_its_place(inputs, tmp_path):
    (tmp_path / "f.json").write_text("the figures of yesterday")
    assert (
        main(["evaluate", str(tmp_path), "--on", f"text={inputs}/herons.jsonl", "--output", f"{tmp_path}/f.json"]) == 2
    )
    assert (tmp_path / "f.json").read_text() == "the figures of yesterday"
