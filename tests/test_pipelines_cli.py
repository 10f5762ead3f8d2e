"""The command line: errors are one line with a remedy, unknown flags go to Beam or are refused, help is good enough."""

import apache_beam as beam
import pytest

from pipelines import cli
from pipelines.cli import COMMANDS, main
from pipelines.runner import Engine
from webtext.errors import UsageError


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: webtext {command} ")
    for line in printed.splitlines():
        assert "==SUPPRESS==" not in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verify", "/nowhere"], "webtext verify: /nowhere holds no finished stage"),
        (["explain", "http://a.example", "--output", "/nowhere"], "/nowhere holds no finished stage"),
        (["harvest", "--submissions", "/nowhere.zst", "-o", "OUT"], "webtext harvest: no such file: /nowhere.zst"),
        (["harvest", "--submissions", "/dev/null", "-o", "OUT"], "/dev/null is empty"),
        (["fetch", "-o", "OUT", "--contact", "mailto:a@b.example"], "run that stage first"),
        (["build", "-o", "OUT"], "run that stage first"),
        (["build", "-o", "OUT", "--warc", "/nowhere.warc.gz"], "no such file: /nowhere.warc.gz"),
        (["build", "-o", "OUT", "--held-out", "2"], "held_out is a share"),
        (["build", "-o", "OUT", "--threshold", "7"], "threshold is a Jaccard similarity"),
        (["build", "-o", "OUT", "--set", "length.min_wordz=3"], "no threshold 'min_wordz'"),
        (["build", "-o", "OUT", "--preset", "nothing"], "no preset 'nothing'"),
        (["build", "-o", "OUT", "--workers", "-1"], "--workers must be 0"),
    ],
)
def test_what_a_user_can_mend_is_one_line(arguments, says, capsys, tmp_path):
    status = main([str(tmp_path / "out") if argument == "OUT" else argument for argument in arguments])
    printed = capsys.readouterr().err
    assert status == cli.EXIT_USAGE
    assert says in printed
    assert printed.count("\n") == 1


def test_unknown_flags_are_refused_where_no_pipeline_runs(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["verify", "/nowhere", "--runner=DataflowRunner"])
    assert ended.value.code == cli.EXIT_USAGE
    assert "unknown flags for verify: --runner=DataflowRunner" in capsys.readouterr().err


def test_unknown_flags_go_to_beam_where_one_does():
    options = Engine(2, ("--job_name=words", "--runner=DirectRunner")).options(tasks=10).get_all_options()
    assert (options["job_name"], options["runner"]) == ("words", "DirectRunner")


@pytest.mark.parametrize(
    ("workers", "tasks", "mode", "processes"),
    [(1, 100, "in_memory", 1), (2, 100, "multi_processing", 2), (8, 3, "multi_processing", 3), (0, 1, "in_memory", 1)],
)
def test_a_local_run_names_its_runner_and_has_no_more_processes_than_tasks(workers, tasks, mode, processes):
    options = Engine(workers).options(tasks).get_all_options()
    assert options["runner"] == "FnApiRunner"
    assert (options["direct_running_mode"], options["direct_num_workers"]) == (mode, processes)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_worker_says_arrives_as_its_one_line(workers, capfd):
    with pytest.raises(UsageError) as caught:
        Engine(workers).run(_failing_pipeline, tasks=2)
    assert str(caught.value) == "the disk is full; free some space"


def _failing_pipeline(root):
    root | beam.Create([1]) | beam.Map(_fail)


def _fail(_element):
    raise UsageError("the disk is full; free some space")


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.verify.run", interrupted)
    assert main(["verify", "out"]) == cli.EXIT_INTERRUPTED
    assert "run the same command again to go on" in capsys.readouterr().err
