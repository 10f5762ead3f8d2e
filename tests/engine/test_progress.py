"""What is told while a stage runs, on a terminal and off it: rate, share and time left; and the log for machines."""

import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.commands.cli import EXIT_OK, EXIT_USAGE, main
from pipelines.engine import progress, run_log
from pipelines.engine.progress import Look, watch
from webtext.errors import UsageError
from webtext.manifest import Counts

ROOT = Path(__file__).resolve().parents[2]


class Looks:
    """An event that lets so many looks happen, each at the time that a clock tells, and keeps what they show."""

    def __init__(self, number, monkeypatch, before=lambda _: None):
        self.left, self.before, self.pauses, self.shown, self.now = number, before, [], [], 0.0
        monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: self.now))

    def wait(self, pause):
        self.pauses.append(pause)
        self.now += pause
        self.before(self.left)
        self.left -= 1
        return self.left < 0

    def run(self, directory, count, least=60.0):
        watch("documents", str(directory), count, self.shown.append, self, least)
        return self.shown


def test_files_are_counted_only_where_there_are_new_ones(tmp_path, monkeypatch):
    counted = []

    def arrive(left):
        if left in (6, 3):
            (tmp_path / f"part-{left}").touch()

    looks = Looks(6, monkeypatch, arrive).run(tmp_path, lambda _: counted.append(1) or Counts(9, len(counted)))
    assert len(counted) == 2
    assert [look.done for look in looks] == [1, 1, 1, 2, 2, 2]


def test_what_was_counted_stands_while_a_stage_has_nothing_to_count(tmp_path, monkeypatch):
    (tmp_path / ".progress-0-00000").touch()
    counts = iter([Counts(9, 3), Counts(0, 0), Counts(9, 9)])
    looks = Looks(3, monkeypatch).run(tmp_path, lambda _: next(counts))
    assert [look.done for look in looks] == [3, 3, 9]


def test_a_crawl_is_counted_each_time_since_its_archive_grows_under_one_name(tmp_path, monkeypatch):
    (tmp_path / ".progress-0-00000").touch()
    counts = (Counts(9, number) for number in range(1, 9))
    assert [look.done for look in Looks(3, monkeypatch).run(tmp_path, lambda _: next(counts))] == [1, 2, 3]


def test_the_longer_it_takes_to_count_the_later_is_the_next_look(tmp_path, monkeypatch):
    looks = Looks(2, monkeypatch)
    (tmp_path / "part").touch()

    def count(_):
        looks.now += 4.0
        return Counts(9, 3)

    looks.run(tmp_path, count)
    assert looks.pauses == pytest.approx([60.0, 200.0, 60.0])


def test_rate_and_time_left_are_of_the_last_looks(tmp_path, monkeypatch):
    """A crawl that goes on finds much done in its first moment, and then is as fast as it is."""
    done = iter([5000, *range(5060, 9000, 60)])

    def count(_):
        return Counts(10_000, next(done))

    (tmp_path / ".progress-0-00000").touch()
    last = Looks(20, monkeypatch).run(tmp_path, count)[-1]
    assert (last.rate, last.left) == (pytest.approx(1.0), pytest.approx(10_000 - last.done))
    assert last.line() == "documents: 6,140 of 10,000 (61%), 1.0/s, kept 6,140; 20 min so far, 1 h 4 min left"


def test_what_goes_while_it_is_counted_ends_no_look(tmp_path, monkeypatch):
    (tmp_path / ".progress-0-00000").touch()
    answers = iter([Counts(9, 3), UsageError("gone"), FileNotFoundError("gone"), Counts(9, 5)])

    def count(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert [look.done for look in Looks(4, monkeypatch).run(tmp_path, count)] == [3, 3, 3, 5]


@pytest.mark.parametrize(
    ("look", "left"),
    [
        (Look("fetch", Counts(0, 0), 60.0, 0.0), None),
        (Look("fetch", Counts(9, 0), 60.0, 0.0), None),
        (Look("fetch", Counts(9, 9), 60.0, 0.1), None),
        (Look("fetch", Counts(9, 3, {"http_404": 3}), 60.0, 0.1), 30.0),
    ],
)
def test_time_left_is_told_where_it_is_known(look, left):
    assert look.left == (left if left is None else pytest.approx(left))
    assert (" left" in look.line()) == (left is not None)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_line_a_minute_off_a_terminal_and_in_the_log(terminal, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    looks = [Look("documents", Counts(10, done), 2.0 * done, 0.5) for done in range(1, 100)]
    with run_log.run_log(str(tmp_path / "log"), "build", []), progress._display("documents") as (show, pause):
        for look in looks if terminal else looks[::30]:
            show(look)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("documents: ")]
    assert pause == (progress._SECONDS if terminal else 60.0)
    noted = [event["done"] for event in events(tmp_path / "log") if event["event"] == "progress"]
    assert noted == ([30, 60, 90] if terminal else [1, 31, 61, 91])
    if not terminal:
        assert len(lines) == 4


def events(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def harvest(tmp_path, *flags):
    (tmp_path / "urls.tsv").write_text("http://a.example/1\t5\nhttp://a.example/2\t1\n")
    return main(["harvest", "-s", str(tmp_path / "urls.tsv"), "-o", str(tmp_path / "out"), *flags])


def test_the_log_tells_a_run_from_its_beginning_to_its_end(tmp_path):
    log = tmp_path / "logs" / "run.jsonl"
    flags = ["--log", str(log)]
    assert harvest(tmp_path, *flags) == EXIT_OK
    found = events(log)
    assert [event["event"] for event in found] == ["begin", "stage", "published", "end"]
    assert found[0]["arguments"][-2:] == flags
    assert (found[2]["stage"], found[2]["given"], found[2]["kept"]) == ("harvest", 2, 1)
    assert found[2]["rejected"] == {"low_karma": 1}
    assert (found[3]["status"], "message" in found[3]) == (EXIT_OK, False)
    assert main(["build", "-o", str(tmp_path / "nothing"), *flags]) == EXIT_USAGE
    (begin, end) = events(log)[4:]  # behind what is there
    assert (begin["command"], end["status"]) == ("build", EXIT_USAGE)
    assert "is not there" in end["message"] or "no finished stage" in end["message"]
    assert {event["event"] for event in found} <= set(run_log.EVENTS)


def test_a_log_is_no_setting_of_a_corpus(tmp_path):
    assert harvest(tmp_path, "--log", str(tmp_path / "log")) == EXIT_OK
    assert "log =" not in (tmp_path / "out" / "webtext.toml").read_text("utf-8")


def test_a_log_that_cannot_be_written_is_one_line_before_any_work(tmp_path, capsys):
    assert harvest(tmp_path, "--log", str(tmp_path)) == EXIT_USAGE
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"webtext harvest: --log {tmp_path}: Is a directory\n")
    assert not (tmp_path / "out").exists()


def test_a_library_that_complains_is_heard_in_the_log_whatever_it_says(tmp_path, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # Pytest's own cannot be sent half a surrogate pair.
    with run_log.run_log(str(tmp_path / "log"), "fetch", []):
        logging.getLogger("library").warning("what the web says: \ud800\n")
    assert [event["event"] for event in events(tmp_path / "log")] == ["begin", "warning", "end"]


def test_events_are_told_as_the_page_tells_them():
    page = (ROOT / "docs" / "how-to" / "watch.md").read_text("utf-8")
    told = dict(line.strip("| ").split(" | ", 1) for line in page.splitlines() if line.startswith("| `"))
    assert {name.strip("`"): meaning for name, meaning in told.items()} == run_log.EVENTS
