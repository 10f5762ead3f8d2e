"""Completion offers what the parsers know, to shells that really ask for it."""

import shutil
import subprocess
import sys

import pytest

from pipelines.commands.cli import COMMANDS, main
from pipelines.commands.completion import SHELLS, every_parser

shtab = pytest.importorskip("shtab", reason="needs the extra `completion`: pip install 'webtext[completion]'")


@pytest.fixture(scope="module")
def scripts():
    return {shell: shtab.complete(every_parser(), shell=shell) for shell in SHELLS}


def ask(script, *words):
    """Give what bash offers for the last of some words."""
    asked = " ".join(f"'{word}'" for word in words)
    program = (
        f"shopt -s extglob\n{script}\nCOMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}; "
        '_shtab_webtext; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True).stdout.split()


def test_bash_completes_commands_flags_and_choices(scripts):
    assert set(ask(scripts["bash"], "webtext", "")) >= set(COMMANDS)
    assert ask(scripts["bash"], "webtext", "ha") == ["harvest"]
    assert ask(scripts["bash"], "webtext", "harvest", "--min") == ["--min-karma"]
    assert ask(scripts["bash"], "webtext", "build", "--conf") == ["--config"]
    assert ask(scripts["bash"], "webtext", "harvest", "--karma-rule", "") == ["best", "sum"]
    assert ask(scripts["bash"], "webtext", "completion", "z") == ["zsh"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_ones_that_the_shells_read(scripts, tmp_path, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    path = tmp_path / "script"
    path.write_text(scripts[shell])
    assert subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_in_every_script(scripts, shell):
    assert [name for name in COMMANDS if name not in scripts[shell]] == []


def test_the_command_prints_a_script_or_says_what_it_needs(capsys, monkeypatch):
    assert main(["completion", "bash"]) == 0
    assert "webtext" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "webtext[completion]" in capsys.readouterr().err
