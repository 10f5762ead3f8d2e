"""Completion offers what the parsers know, to shells that really ask for it."""

import shutil
import subprocess

import pytest

from pipelines.commands.cli import COMMANDS, main
from pipelines.commands.completion import SHELLS, bash, commands, fish, zsh


@pytest.fixture(scope="module")
def known():
    return commands()


def ask(script, *words):
    """Give what bash offers for the last of some words."""
    asked = " ".join(f"'{word}'" for word in words)
    program = (
        f'{script}\nCOMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}; _webtext; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    ran = subprocess.run(["bash", "-uc", program], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return ran.stdout.split()


def test_bash_completes_commands_flags_and_choices(known):
    script = bash(known)
    assert ask(script, "webtext", "") == [*COMMANDS, "--help", "--version"]
    assert ask(script, "webtext", "ha") == ["harvest"]
    assert ask(script, "webtext", "harvest", "--min") == ["--min-karma"]
    assert ask(script, "webtext", "build", "-o", "x", "--conf") == ["--config"]
    assert ask(script, "webtext", "harvest", "--karma-rule", "") == ["best", "sum"]
    assert ask(script, "webtext", "completion", "z") == ["zsh"]


def test_bash_leaves_files_to_itself(known):
    assert ask(bash(known), "webtext", "harvest", "--submissions", "RS") == []


@pytest.mark.parametrize(("shell", "write"), [("bash", bash), ("zsh", zsh), ("fish", fish)])
def test_the_scripts_are_ones_that_the_shells_read(known, tmp_path, shell, write):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    path = tmp_path / "script"
    path.write_text(write(known))
    assert subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize("write", [zsh, fish])
def test_every_flag_is_in_the_other_scripts_with_its_meaning(known, write):
    script = write(known)
    for command in known:
        assert command.summary.replace("'", "\u2019") in script
        for flag, values, _ in command.flags:
            assert (flag if write is zsh else f"-l {flag.removeprefix('--')}") in script
            assert " ".join(values) in script


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_a_script(capsys, shell):
    assert main(["completion", shell]) == 0
    assert "webtext" in capsys.readouterr().out
