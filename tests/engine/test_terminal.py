"""Whatever a command prints of the web, a terminal shows it and acts upon none of it."""

import json
import logging
import sys

import pytest

from pipelines.commands import cli
from pipelines.engine import logs
from pipelines.engine.terminal import plain
from webtext.errors import UsageError

EVIL = [
    *("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x08", "\r", "\x00", "\x7f", "\x85", "\x0c"),
    *("\u202e", "\u202a", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029", "\ufeff"),
    *("\u200b", "\U000e0041", "\ud800"),
]


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_nothing_that_a_terminal_acts_upon_is_printed(evil):
    shown = plain(f"before{evil}after")
    assert shown.isprintable() and shown.startswith("before\\u") and shown.endswith("after")
    assert json.loads(f'"{shown}"') == f"before{evil}after"


def test_what_is_text_stays_as_it_is():
    persian, family = "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469"
    for text in ("a line\nand\ta tab", persian, family, "e\u0301", "日本語\u3000"):
        assert plain(text) == text


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_prints_plain_text(command, monkeypatch, capsys):
    class Module:
        @staticmethod
        def run(_known, _unknown):
            sys.stdout.write("".join(EVIL))
            raise UsageError(f"no such file: {''.join(EVIL)}")

    monkeypatch.setattr(cli.importlib, "import_module", lambda _: Module)
    monkeypatch.setattr(cli, "SAVES_CONFIG", set())
    assert cli._run(type("Known", (), {"command": command, "verbose": False}), []) == cli.EXIT_USAGE
    told = capsys.readouterr()
    assert told.out == plain("".join(EVIL))
    assert told.err.count("\n") == 1 and not any(evil in told.err for evil in EVIL)


def test_log_lines_are_plain():
    record = logging.LogRecord("x", logging.WARNING, "", 1, "%s", ("".join(EVIL),), None)
    assert plain("".join(EVIL)) in logs._Plain(logs._FORMAT).format(record)
