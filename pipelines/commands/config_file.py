"""One TOML file for a whole corpus: read into flags, written by `webtext init`, and saved with each output.

The keys are the flags themselves, read off the parsers, so the two cannot drift apart: `min-karma = 3` under [harvest]
is `--min-karma 3`. A file becomes flags that stand before those of the command line, where argparse checks them like
any others; a flag of the command line takes the place of its key.
"""

import argparse
import difflib
import importlib
import json
import math
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.engine.runner import add_engine_arguments
from pipelines.stages.output import Output
from webtext import storage
from webtext.errors import UsageError

NAME = "webtext.toml"
# The commands that take --config, and the tables of the file that each reads.
COMMANDS = {
    "plan": ("harvest", "fetch", "build", "engine", "plan"),
    "corpus": ("harvest", "fetch", "build", "engine"),
    "harvest": ("harvest", "engine"),
    "fetch": ("fetch", "engine"),
    "build": ("build", "engine"),
}
TABLES = ("harvest", "fetch", "build", "engine", "plan")
BEAM = "beam"  # the table of flags that go to Beam as they stand
# The flags that are no setting of a stage.
_OUTSIDE = {"help", "output", "config", "verbose", "json", "check", "log", "share"}

Values = Mapping[str, Mapping[str, Any]]  # table → key → value

_HEAD = """\
# webtext: one file for a whole corpus. `webtext corpus --config FILE` reads it; so do harvest, fetch and build.
# Every key is also a flag (`min-karma = 3` is `--min-karma 3`), and a flag on the command line wins.
# A line that begins with # and a key is a default, or an example where there is none: take the # away to use it.
"""
# What a key without a default may hold, so that its line works without its #.
_EXAMPLES = {
    "since": "2017-01-01",
    "until": "2018-01-01",
    "link-shards": 8,
    "reddit": ["worldnews", "science"],
    "reddit-site": "DEFAULT",
    "reddit-dump": "out/mine/submissions/RS_reddit.jsonl.zst",
    "follow": 24,
    "links": "out/mine/links",
    "delay": 1.0,
    "max-crawl-delay": 60.0,
    "backoff": 5.0,
    "pages": "out/mine/pages",
    "warc": ["crawl/*.warc.gz"],
    "dry-run": 200,
    "language": ["en"],
    "min-probability": 0.8,
    "blocklist": ["hosts.txt"],
    "bands": 24,
    "rows": 5,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --config."""
    parser.add_argument(
        "--config", metavar="FILE", help="read flags from this TOML file (`webtext init` writes one; default: none)"
    )


def settings(table: str) -> list[tuple[str, list[argparse.Action]]]:
    """List the flags of a table, by the title of their group.

    Args:
        table: one of `TABLES`.
    """
    parser = argparse.ArgumentParser(add_help=False)
    if table == "engine":
        add_engine_arguments(parser)
        outside = _OUTSIDE
    elif table == "plan":
        importlib.import_module("pipelines.commands.plan").add_plan_arguments(parser)
        outside = _OUTSIDE
    else:
        importlib.import_module(f"pipelines.commands.{table}").add_arguments(parser)
        outside = _OUTSIDE | {action.dest for _, actions in settings("engine") for action in actions}
    return [(title, found) for title, actions in _groups(parser) if (found := _without(actions, outside))]


def _groups(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[argparse.Action]]]:
    """Yield the groups of a parser: argparse has no public way to list what was declared."""
    for group in parser._action_groups:  # noqa: SLF001
        yield group.title or "", group._group_actions  # noqa: SLF001


def _without(actions: list[argparse.Action], outside: set[str]) -> list[argparse.Action]:
    return [action for action in actions if action.dest not in outside]


def key_of(action: argparse.Action) -> str:
    """Name the key of a flag: its long name without the dashes."""
    names = action.option_strings[:1] if isinstance(action, argparse.BooleanOptionalAction) else action.option_strings
    return max(names, key=len).removeprefix("--")


def _keys(table: str) -> dict[str, argparse.Action]:
    return {key_of(action): action for _, actions in settings(table) for action in actions}


def expand(arguments: Sequence[str], command: str, parser: argparse.ArgumentParser) -> list[str]:
    """Put the flags of a file that --config names before those of the command line.

    Args:
        arguments: the command line, the command's name among them.
        command: one of `COMMANDS`.
        parser: the command's, with all of its flags.

    Raises:
        UsageError: the file cannot be read, or a key is unknown; the message names the nearest right one.
    """
    at = list(arguments).index(command)
    given = list(arguments[at + 1 :])
    if command == "plan" and given and not given[0].startswith("-"):
        given.insert(0, "--config")  # `webtext plan FILE`
    seeker = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_arguments(seeker)
    path = seeker.parse_known_args(given)[0].config
    if path is None:
        return list(arguments)
    flags = {option: action for action in parser._actions for option in action.option_strings}  # noqa: SLF001
    taken = {flags[option].dest for word in given for option in _options(word, flags)}
    return [*arguments[: at + 1], *_flags(path, read(path), command, flags, taken), *given]


def _options(word: str, flags: Mapping[str, argparse.Action]) -> Iterator[str]:
    """Yield the options that a word of the command line is, or abbreviates."""
    name = word.partition("=")[0]
    if name.startswith("--") and len(name) > 2:
        yield from [name] if name in flags else (option for option in flags if option.startswith(name))
    elif word.startswith("-") and word[:2] in flags:
        yield word[:2]


def read(path: str) -> dict[str, dict[str, Any]]:
    """Read a file as table → key → value; `output` stands in the table "".

    Raises:
        UsageError: it cannot be read, or has a table or key that there is not.
    """
    with storage.open_file(path) as stream:
        try:
            found = tomllib.loads(stream.read().decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not TOML: {error}") from error
    tables: dict[str, dict[str, Any]] = {"": {}}
    for name, value in found.items():
        if name == "output":
            tables[""][name] = value
        elif name not in {*TABLES, BEAM} or not isinstance(value, dict):
            raise UsageError(f"{path}: there is no {name!r}{_nearest(name, ['output', *TABLES, BEAM])}")
        else:
            tables[name] = value
            if name != BEAM:
                _check(path, name, value)
    return tables


def _check(path: str, table: str, values: Mapping[str, Any]) -> None:
    keys = _keys(table)
    for key in values:
        if key not in keys:
            home = next((name for name in TABLES if key in _keys(name)), None)
            hint = f"; it belongs to [{home}]" if home else _nearest(key, list(keys))
            raise UsageError(f"{path}: [{table}] has no {key!r}{hint}")


def _nearest(name: str, names: list[str]) -> str:
    found = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {found[0]!r}?" if found else f"; there are {', '.join(names)}"


def _flags(
    path: str, tables: Values, command: str, flags: Mapping[str, argparse.Action], taken: set[str]
) -> Iterator[str]:
    for table in ("", *COMMANDS[command]):
        for key, value in tables.get(table, {}).items():
            action = flags.get(f"--{key}") if not table else _keys(table)[key]
            if action is None or value == written(action, action.default) or action.dest in taken:
                continue
            if isinstance(value, list) and action.nargs not in {"+", "*"}:
                raise UsageError(f"{path}: {key} wants one value, not a list")
            if f"--{key}" in flags:
                is_on_by_default = isinstance(action, argparse.BooleanOptionalAction)
                yield from _words(path, key, value) or ([f"--no-{key}"] if is_on_by_default else [])
            else:
                raise UsageError(f"{path}: webtext {command} has no {key!r}: run webtext {table} with it first")
    for key, value in tables.get(BEAM, {}).items():
        for each in value if isinstance(value, list) else [value]:
            yield from _words(path, key, each)


def _words(path: str, key: str, value: Any) -> list[str]:
    """Write a key and its value as words of a command line."""
    if isinstance(value, dict):
        raise UsageError(f"{path}: {key} wants a value or a list, not a table")
    if isinstance(value, bool):
        return [f"--{key}"] if value else []
    if isinstance(value, list):
        return [f"--{key}", *map(str, value)] if value else []
    return [f"--{key}={value}"]


def written(action: argparse.Action, value: Any) -> Any:
    """Give the value of a parsed flag as the file has it; None where it has none."""
    if getattr(action.type, "__name__", "").startswith("date") and value is not None:
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    if isinstance(value, tuple):
        return list(value)
    return True if value == math.inf else value


def resolved(arguments: argparse.Namespace, beam_arguments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Lay out what a command runs with, defaults and all, as the file has it."""
    tables: dict[str, dict[str, Any]] = {"": {"output": arguments.output}}
    for table in COMMANDS[arguments.command]:
        values = {
            key: written(action, getattr(arguments, action.dest))
            for key, action in _keys(table).items()
            if hasattr(arguments, action.dest)
        }
        tables[table] = {key: value for key, value in values.items() if value is not None}
    return {**tables, BEAM: _beam(beam_arguments)}


def _beam(words: Sequence[str]) -> dict[str, Any]:
    """Read the flags that went to Beam as keys; one that stands more than once is a list."""
    found: dict[str, list[Any]] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.removeprefix("--").partition("=")
            found.setdefault(name, []).append(value if equals else True)
        elif name:
            found[name][-1] = word
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def save(values: Values, output: str) -> None:
    """Save what was run as `OUTPUT/webtext.toml`; the tables of stages run before stay as they were."""
    path = Output(output).settings
    before = read(path) if storage.exists(path) else {}
    with storage.create_file(path, durable=True) as stream:
        stream.write(to_toml({**before, **values}).encode())


def to_toml(values: Values) -> str:
    """Write a file with every key there is: those of `values` with their value, the others as remarks."""
    lines = [_HEAD, f"output = {_literal(values.get('', {}).get('output', 'out/mine'))}"]
    for table in TABLES:
        lines += ["", f"[{table}]"]
        for title, actions in settings(table):
            lines += ["", f"# -- {title}"]
            for action in actions:
                lines += _entry(action, values.get(table, {}))
    lines += ["", '# flags of Beam, as they stand: runner = "DataflowRunner"', f"[{BEAM}]"]
    lines += [f"{key} = {_literal(value)}" for key, value in values.get(BEAM, {}).items()]
    return "\n".join(lines) + "\n"


def _entry(action: argparse.Action, values: Mapping[str, Any]) -> list[str]:
    key, default = key_of(action), written(action, action.default)
    meaning = " ".join(((action.help or "") % vars(action)).split())
    remark = textwrap.fill(meaning, 118, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
    if key in values:
        return [remark, f"{key} = {_literal(values[key])}"]
    return [remark, f"#{key} = {_literal(_EXAMPLES[key] if default is None else default)}"]


def _literal(value: Any) -> str:
    """Write a value as TOML, whose strings, numbers and arrays of them are JSON's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
