"""Each flag's help can be read by itself and shows its default, and every command names an output in the same way."""

import argparse

import pytest

from pipelines.commands.cli import EXIT_USAGE, main
from pipelines.commands.completion import every_parser

ASKING = ("report", "serve", "status", "verify", "stats", "sample")
# How no help begins that stands alone.
FRAGMENTS = (
    "of ",
    "to ",
    "and ",
    "or ",
    "at ",
    "on ",
    "in ",
    "with ",
    "(",
    "...",
    "default",
    "these",
    "those",
)


def parsers():
    """Give the parser of each command by its name."""
    (choices,) = (action for action in every_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return choices.choices


def flags():
    """Give each flag of each command once."""
    seen = set()
    for command, parser in parsers().items():
        for action in parser._actions:
            key = (tuple(action.option_strings), action.help)
            if action.dest != "help" and action.help != argparse.SUPPRESS and key not in seen:
                seen.add(key)
                yield pytest.param(action, id=f"{command} {'/'.join(action.option_strings) or action.dest}")


@pytest.mark.parametrize("action", list(flags()))
def test_the_help_of_a_flag_stands_alone_and_shows_its_default(action):
    assert action.help, "it has none"
    assert not action.help.startswith(FRAGMENTS)
    assert len(action.help.split()) > 2
    takes_value = action.option_strings and action.nargs != 0
    if takes_value and not action.required and "--output" not in action.option_strings:
        assert "default" in action.help
    if takes_value and isinstance(action.default, str | int | float) and action.default not in {"", 0}:
        assert str(action.default) in action.help % vars(action)


@pytest.mark.parametrize("name", [name for name, parser in parsers().items() if "--output" in parser.format_help()])
def test_every_command_that_names_an_output_takes_the_same_flags_for_it(name):
    (action,) = (action for action in parsers()[name]._actions if "--output" in action.option_strings)
    assert action.option_strings == ["--output", "-o"]


@pytest.mark.parametrize("command", ASKING)
def test_an_output_is_named_by_its_flag_or_bare_and_once(command, capsys):
    which = ["--kept"] if command == "sample" else []
    for words in (["-o", "/nowhere"], ["--output=/nowhere"], ["/nowhere"], ["/nowhere", "-o", "/nowhere"]):
        assert main([command, *which, *words]) == EXIT_USAGE
        assert "/nowhere" in capsys.readouterr().err
    for words, said in (([], f"which output? webtext {command} --output DIRECTORY"), (["a", "-o", "b"], "two outputs")):
        with pytest.raises(SystemExit) as ended:
            main([command, *which, *words])
        assert ended.value.code == EXIT_USAGE
        assert said in capsys.readouterr().err
