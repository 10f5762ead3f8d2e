"""The file and the flags are one: what a file says, what flags say, and what is saved come to the same settings."""

import argparse
import importlib
import tomllib
from dataclasses import dataclass

import pytest

from pipelines.commands import cli, config_file
from pipelines.commands.build import build_config
from pipelines.commands.config_file import COMMANDS, TABLES, expand, key_of, read, resolved, save, settings, to_toml
from pipelines.commands.fetch import fetch_config
from pipelines.commands.harvest import harvest_config
from webtext.errors import UsageError


def parser_of(command):
    parser = argparse.ArgumentParser()
    importlib.import_module(f"pipelines.commands.{command}").add_arguments(parser)
    config_file.add_arguments(parser)
    return parser


def parse(command, *words):
    parser = parser_of(command)
    known, unknown = parser.parse_known_args(expand([command, *words], command, parser)[1:])
    known.command = command
    return known, unknown


SETTLE = {"harvest": harvest_config, "fetch": fetch_config, "build": build_config}


@dataclass
class Written:
    path: str

    def __call__(self, text):
        with open(self.path, "w", encoding="utf-8") as stream:  # noqa: PTH123
            stream.write(text)
        return ("--config", self.path)


@pytest.fixture
def write(tmp_path):
    return Written(str(tmp_path / "mine.toml"))


def test_the_file_of_init_names_every_flag_and_changes_nothing(tmp_path, capsys):
    path = str(tmp_path / "new" / "webtext.toml")
    assert cli.main(["init", path]) == 0
    assert path in capsys.readouterr().out
    keys = {key_of(action) for table in TABLES for _, actions in settings(table) for action in actions}
    named = {line.lstrip("#").partition(" =")[0] for line in open(path, encoding="utf-8") if " = " in line}  # noqa: PTH123, SIM115
    assert keys <= named
    for command in COMMANDS:
        plain, _ = parse(command, "--output", "out/mine")
        filled, unknown = parse(command, "--config", path)
        assert vars(filled) | {"config": None} == vars(plain)
        assert unknown == []


def test_init_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "webtext.toml").write_text("mine")
    assert cli.main(["init", str(tmp_path / "webtext.toml")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "webtext.toml").read_text() == "mine"


PAIRS = {"bands": "rows", "rows": "bands"}  # one wants the other


def lines_of_init():
    """Give each line of the file of `init` that is a key behind a #, with its table."""
    table = ""
    for line in to_toml({}).splitlines():
        if line.startswith("["):
            table = line[1:-1]
        if line.startswith("#") and not line.startswith("# "):
            yield pytest.param(table, line.removeprefix("#"), id=f"{table}.{line[1:].partition(' ')[0]}")


@pytest.mark.parametrize(("table", "line"), list(lines_of_init()))
def test_every_line_of_the_file_of_init_works_when_its_mark_is_taken_away(write, tmp_path, monkeypatch, table, line):
    """It is read as a flag that the command takes, and as a setting that its stage takes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.txt").write_text("spam.example\n")
    key = line.partition(" = ")[0]
    uncommented = {key, PAIRS.get(key, key)}
    lines = [
        each.removeprefix("#") if each[1:].partition(" ")[0] in uncommented else each
        for each in to_toml({}).splitlines()
    ]
    config = write("\n".join(lines))
    (value,) = tomllib.loads(line).values()
    for command in (name for name, tables in COMMANDS.items() if table in tables):
        if key not in {key_of(action) for _, actions in settings(table) for action in actions} or (
            command in {"plan", "corpus"} and f"--{key}" not in parser_of(command).format_help()
        ):
            continue
        known, unknown = parse(command, *config)
        assert unknown == []
        (action,) = (action for _, actions in settings(table) for action in actions if key_of(action) == key)
        assert config_file.written(action, getattr(known, action.dest)) == value
        for name, settle in SETTLE.items():
            if name in {command, table} and command in {table, "corpus", "plan"}:
                settle(known)


def test_a_key_is_a_flag_and_a_flag_wins(write):
    config = write(
        'output = "a"\n[harvest]\nsubmissions = ["x", "y"]\nmin-karma = 7\nself-posts = true\nsince = "2017-03-01"\n'
        '[build]\npreset = "gopher"\nset = ["length.min_words=50"]\n[engine]\nworkers = 2\n'
    )
    flags = ("-o", "a", "-s", "x", "y", "--min-karma", "7", "--self-posts", "--since", "2017-03-01")
    plain, _ = parse("corpus", *flags, "--preset", "gopher", "--set", "length.min_words=50", "--workers", "2")
    filled, _ = parse("corpus", *config)
    assert vars(filled) | {"config": None} == vars(plain)
    filled, _ = parse("corpus", *config, "--min-karma=4", "-s", "z", "--prese", "c4", "-ob")
    assert (filled.min_karma, filled.submissions, filled.preset, filled.output) == (4, ["z"], "c4", "b")


def test_a_command_reads_its_own_tables_only(write):
    config = write('output = "a"\n[harvest]\nmin-karma = 9\n[fetch]\ndelay = 2.5\n')
    assert parse("fetch", *config)[0].delay == 2.5
    assert parse("harvest", *config)[0].min_karma == 9


def test_flags_of_beam_go_to_beam(write):
    config = write('output = "a"\n[beam]\nrunner = "DataflowRunner"\nexperiments = ["a", "b"]\nstreaming = true\n')
    _, unknown = parse("harvest", *config)
    assert unknown == ["--runner=DataflowRunner", "--experiments=a", "--experiments=b", "--streaming"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[harvest]\nmin_karma = 3\n", r"\[harvest\] has no 'min_karma'; did you mean 'min-karma'\?"),
        ("[harvest]\npreset = 'c4'\n", r"\[harvest\] has no 'preset'; it belongs to \[build\]"),
        ("[harvest]\nqqqq = 1\n", r"\[harvest\] has no 'qqqq'; there are submissions, "),
        ("[havest]\nmin-karma = 3\n", r"there is no 'havest'; did you mean 'harvest'\?"),
        ("min-karma = 3\n", "there is no 'min-karma'"),
        ("[fetch]\ncontat = 'x'\n", "did you mean 'contact'"),
        ("[harvest]\nmin-karma = [3, 4]\n", "min-karma wants one value, not a list"),
        ("[harvest]\nreddit = ['science']\n", "webtext corpus has no 'reddit': run webtext harvest with it first"),
        ("[harvest\n", "is not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(write, capsys, text, message):
    assert cli.main(["corpus", *write(text)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    with pytest.raises(UsageError, match=message):
        parse("corpus", *write(text))


def test_a_file_that_is_not_there_is_told(capsys):
    assert cli.main(["corpus", "--config", "nowhere.toml"]) == 2
    assert "cannot read nowhere.toml" in capsys.readouterr().err


def test_what_ran_is_saved_and_runs_the_same_again(tmp_path):
    flags = ("-o", "a", "-s", "x", "--since", "2017-03-01", "--without-over-18", "--runner=X", "--y", "1", "--y", "2")
    ran, unknown = parse("corpus", *flags)
    save(resolved(ran, unknown), str(tmp_path))
    again, beam = parse("corpus", "--config", str(tmp_path / "webtext.toml"))
    assert vars(again) | {"config": None} == vars(ran)
    assert beam == ["--runner=X", "--y=1", "--y=2"]


def test_stages_run_one_by_one_save_into_one_file(tmp_path):
    for command, flags in (("harvest", ("--min-karma", "8")), ("build", ("--held-out", "0.1"))):
        ran, unknown = parse(command, "-o", str(tmp_path), *flags)
        save(resolved(ran, unknown), str(tmp_path))
    saved = read(str(tmp_path / "webtext.toml"))
    assert (saved["harvest"]["min-karma"], saved["build"]["held-out"]) == (8, 0.1)
    assert "fetch" not in saved or saved["fetch"] == {}


def test_a_run_saves_what_it_ran_with(tmp_path, write):
    (tmp_path / "urls.tsv").write_text("http://a.example/\t5\n")
    config = write(f'[harvest]\nsubmissions = ["{tmp_path}/urls.tsv"]\n')
    assert cli.main(["harvest", *config, "-o", str(tmp_path / "out"), "--min-karma", "4", "--workers", "1"]) == 0
    saved = read(str(tmp_path / "out" / "webtext.toml"))
    assert saved["harvest"]["min-karma"] == 4
    assert saved["harvest"]["submissions"] == [f"{tmp_path}/urls.tsv"]
    assert saved["engine"]["workers"] == 1


def test_a_run_that_fails_saves_nothing(tmp_path):
    assert cli.main(["harvest", "-o", str(tmp_path / "out"), "-s", "nowhere.zst"]) == 2
    assert not (tmp_path / "out").exists()


def test_verbose_tells_where_an_error_is_from(tmp_path, capsys):
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert cli.main(["verify", str(tmp_path), "-v"]) == 2
    assert "Traceback" in capsys.readouterr().err
