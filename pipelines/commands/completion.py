"""`webtext completion bash|zsh|fish`: a script for a shell, so that Tab completes commands, flags and choices.

The script is written from the parsers and holds all it needs: nothing of webtext is loaded when Tab is pressed. Put it
where the shell finds it: `webtext completion bash > ~/.local/share/bash-completion/completions/webtext`.
"""

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.commands.cli import COMMANDS, WITH_CONFIG

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Command:
    """What can follow the name of a command."""

    name: str
    summary: str
    flags: tuple[tuple[str, tuple[str, ...], str], ...]  # (flag, the values it can have where they are few, meaning)

    @property
    def names(self) -> str:
        """The flags, in a line."""
        return " ".join(flag for flag, _, _ in self.flags)


def commands() -> list[Command]:
    """Read all commands off their parsers."""
    return [Command(name, summary, tuple(_flags(name))) for name, (summary, _) in COMMANDS.items()]


def _flags(name: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"pipelines.commands.{name}").add_arguments(parser)
    for action in parser._actions:  # noqa: SLF001  (argparse has no public way to list what was declared)
        meaning = " ".join(((action.help or "") % vars(action)).split())
        for flag in action.option_strings:
            if flag.startswith("--"):
                yield flag, tuple(map(str, action.choices or ())), meaning
    if name in WITH_CONFIG:
        yield "--config", (), "read flags from this TOML file"
    yield "--verbose", (), "tell more"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext completion`."""
    parser.add_argument("shell", choices=SHELLS, help="which shell the script is for")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print the script."""
    del beam_arguments
    print({"bash": bash, "zsh": zsh, "fish": fish}[arguments.shell](commands()), end="")
    return 0


def bash(known: list[Command]) -> str:
    """Write the script for bash: files where a flag has no choices."""
    lines = ["_webtext() {", '    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} words=""']
    lines += ["    COMPREPLY=()", '    if [ "$COMP_CWORD" -eq 1 ]; then']
    lines += [f'        words="{" ".join(command.name for command in known)} --help --version"', "    else"]
    lines += ['        case "${COMP_WORDS[1]} $last" in']
    for command in known:
        choices = [(flag, values) for flag, values, _ in command.flags if values]
        lines += [f'            "{command.name} {flag}") words="{" ".join(values)}" ;;' for flag, values in choices]
    lines += [f'            "completion completion") words="{" ".join(SHELLS)}" ;;', "        esac"]
    lines += ['        if [ -z "$words" ] && [[ $word == -* ]]; then', '            case "${COMP_WORDS[1]}" in']
    lines += [f'                {command.name}) words="{command.names}" ;;' for command in known]
    lines += ["            esac", "        fi", "    fi"]
    lines += ['    while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen -W "$words" -- "$word")', "}"]
    return "\n".join([*lines, "complete -o default -F _webtext webtext"]) + "\n"


def zsh(known: list[Command]) -> str:
    """Write the script for zsh, with what each command and flag means."""
    lines = [
        "#compdef webtext",
        "_webtext() {",
        "    local -a names",
        "    if (( CURRENT == 2 )); then",
        "        names=(",
    ]
    lines += [f"            {_quoted(f'{command.name}:{command.summary}')}" for command in known]
    lines += ["        )", "        _describe command names", "        return", "    fi", '    case "$words[2]" in']
    for command in known:
        lines += [f"        {command.name})", "            _arguments \\"]
        lines += [f"                {_quoted(_specification(*flag))} \\" for flag in command.flags]
        lines += ["                '*:file:_files'", "            ;;"]
    return "\n".join([*lines, "    esac", "}", 'compdef _webtext webtext 2>/dev/null || _webtext "$@"']) + "\n"


def _specification(flag: str, values: tuple[str, ...], meaning: str) -> str:
    """Write a flag as zsh's `_arguments` wants it: brackets and colons of the meaning escaped."""
    told = meaning.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    return f"*{flag}[{told}]" + (f":value:({' '.join(values)})" if values else "")


def fish(known: list[Command]) -> str:
    """Write the script for fish, with what each command and flag means."""
    lines = []
    for command in known:
        lines.append(f"complete -c webtext -n __fish_use_subcommand -a {command.name} -d {_quoted(command.summary)}")
        for flag, values, meaning in command.flags:
            line = f"complete -c webtext -n '__fish_seen_subcommand_from {command.name}' -l {flag.removeprefix('--')}"
            lines.append(f"{line} -d {_quoted(meaning)}" + (f" -x -a {_quoted(' '.join(values))}" if values else ""))
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Quote a text for any of the three shells, which agree about single quotes if there is none inside."""
    return "'" + text.replace("'", "\u2019") + "'"
