"""The command line: errors are one line with a remedy, unknown flags go to Beam or are refused, help is good enough."""

import apache_beam as beam
import pytest

from pipelines.commands import cli
from pipelines.commands.cli import COMMANDS, main
from pipelines.engine.runner import Engine
from webtext.errors import UsageError

pytestmark = pytest.mark.usefixtures("quick_starts")


def test_every_command_stands_in_one_group_of_the_help(capsys):
    listed = [name for names in cli.GROUPS.values() for name in names]
    assert sorted(listed) == sorted(cli.COMMANDS)
    assert cli.main([]) == 0
    said = capsys.readouterr().out
    assert "make a corpus:" in said
    assert said.count("\n  webtext ") == 3
    assert all(f"\n  {name} " in said for name in cli.COMMANDS)


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
        (["fetch", "-o", "OUT", "--contact", "mailto:crawl@webtext.dev"], "run that stage first"),
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

    monkeypatch.setattr("pipelines.commands.verify.run", interrupted)
    assert main(["verify", "out"]) == cli.EXIT_INTERRUPTED
    assert "run the same command again to go on" in capsys.readouterr().err


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Give a folder of what a command may be pointed at by mistake."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "file").write_text("not a directory")
    (folder / "empty").mkdir()
    (folder / "latin1").write_bytes(b"host caf\xe9 example\n")
    (folder / "bad.toml").write_text("[harvest]\nmin-karmaa = 3\n")
    (folder / "bytes.toml").write_bytes(b"\xff\xfe")
    (folder / "archive.warc.gz").write_bytes(b"no WARC at all")
    (folder / "nothing.warc.gz").write_bytes(b"")
    (folder / "cut.parquet").write_bytes(b"PAR1, and then nothing")
    (folder / "links.tsv").write_text("http://a.example/\t5\n")
    for name in ("out", "cut", "torn"):
        assert main(["harvest", "-s", str(folder / "links.tsv"), "-o", str(folder / name), "--workers", "1"]) == 0
    (path,) = (folder / "cut" / "links").glob("links-*")
    path.write_bytes(path.read_bytes()[:100])
    (folder / "torn" / "links" / "manifest.json").write_text('{"format": 1')
    return folder


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("corpus", "the following arguments are required: --output/-o; see webtext corpus --help"),
        ("corpus -o new -s links.tsv --workers 1", "say who is crawling"),
        ("nothing", "invalid choice: 'nothing'"),
        ("harvest -s links.tsv -o new --since yesterday", "invalid date (YYYY-MM-DD) value: 'yesterday'"),
        (
            "harvest -s links.tsv -o new --since 2018-01-01 --until 2017-01-01",
            "--since 2018-01-01 is not before",
        ),
        ("harvest -s links.tsv -o new --link-shards 0", "shards is 0: give 1 to 1024"),
        ("harvest -s links.tsv -o file", "cannot make the directory file: File exists"),
        ("harvest -s links.tsv -o new --config bad.toml", "no 'min-karmaa'; did you mean 'min-karma'?"),
        ("harvest -s links.tsv -o new --config bytes.toml", "bytes.toml is not TOML"),
        ("harvest -s links.tsv -o new --config none.toml", "cannot read none.toml: No such file or directory"),
        ("harvest -s links.tsv -o new --nonsense", "no such flag: --nonsense; see --help"),
        ("harvest -s empty -o new", "cannot read empty: Is a directory"),
        ("harvest -s nowhere://a/b -o new", "cannot reach nowhere://a/b: Unable to get filesystem"),
        ("harvest -s links.tsv -o nowhere://a/b", "cannot reach nowhere://a/b/links"),
        ("harvest --follow -o new", "add --reddit"),
        ("fetch -o cut --replay archive.warc.gz --workers 1", "archive.warc.gz is damaged or no WARC"),
        ("fetch -o torn --contact mailto:crawl@webtext.dev", "torn/links/manifest.json: not a webtext manifest"),
        ("fetch -o new --links file --contact mailto:crawl@webtext.dev", "file holds no finished stage"),
        ("fetch -o out --contact mailto:crawl@webtext.dev --opt-outs nothing,else", "no such opt-out: nothing, else"),
        ("fetch -o out --contact mailto:crawl@webtext.dev --slots 0", "--slots must be at least 1"),
        ("build -o new --pages out/links", "out/links was written by harvest: a directory of fetch or index is wanted"),
        ("build -o new --warc archive.warc.gz --workers 1", "archive.warc.gz is damaged or no WARC"),
        ("build -o new --warc nothing.warc.gz", "nothing.warc.gz is empty"),
        ("build -o new --warc empty", "empty is a directory: name the WARC files in it"),
        ("build -o out --preset bytes.toml", "bytes.toml is not TOML"),
        ("build -o out --language klingon", "langdetect does not know 'klingon'; it knows af, ar,"),
        ("build -o out --dry-run 0", "--dry-run 0: give the number of pages to try"),
        ("build -o out --set length.min_words=many", "length.min_words must be like 100, got 'many'"),
        ("overlap empty x=file -o new", "empty holds no Parquet file"),
        ("overlap cut.parquet x=file -o new", "cut.parquet is not a Parquet file"),
        ("report empty", "empty holds no finished stage"),
        ("report out --samples -1", "--samples -1: 0 shows none"),
        ("report out --reference-domains file", "is not a list of counts and domains"),
        ("report cut", "a Parquet file is damaged"),
        ("explain http://a.example -o cut", "a Parquet file is damaged"),
        ("status empty", "empty holds no stage"),
        ("verify empty", "empty holds no finished stage"),
        ("remove -o out --host a.example", "out/corpus holds no finished stage"),
        ("remove -o out --list latin1", "'caf\ufffd example' is no host"),
        ("stats empty", "empty holds no corpus"),
        ("sample out --reason nonsense", "nothing was rejected as 'nonsense'"),
        ("sample out --kept -n 0", "--number 0: draw at least 1"),
        ("diff out empty", "out holds no corpus"),
        ("filters --try cut.parquet", "a Parquet file is damaged"),
        ("filters --try cut.parquet --limit -1", "--limit -1: try at least 1 document"),
        ("init bad.toml", "bad.toml is there already"),
        ("completion elvish", "invalid choice: 'elvish'"),
        ("replay archive.warc.gz", "archive.warc.gz is damaged or no WARC"),
    ],
)
def test_a_wrong_use_is_one_line_with_a_remedy(odd, line, says, capfd, monkeypatch):
    monkeypatch.chdir(odd)
    try:
        status = main(line.split())
    except SystemExit as ended:
        status = ended.code
    told = capfd.readouterr()
    assert (status, told.out, told.err.count("\n")) == (cli.EXIT_USAGE, "", 1)
    assert says in told.err
    assert not (odd / "new" / "corpus").exists()


def test_the_file_that_is_damaged_is_named_by_verify(odd, capsys, monkeypatch):
    monkeypatch.chdir(odd)
    assert main(["verify", "cut"]) == 1
    assert capsys.readouterr().out.startswith(
        "links: links-00000-of-00001.parquet has changed since it was published\n"
    )


def test_other_errors_are_bugs_and_keep_their_traceback(odd, monkeypatch):
    def broken(*_):
        raise ValueError("of no file")

    monkeypatch.setattr("pipelines.commands.verify.run", broken)
    with pytest.raises(ValueError, match="of no file"):
        main(["verify", str(odd / "out")])
