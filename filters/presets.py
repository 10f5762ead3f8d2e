"""Presets: lists of rules with thresholds, as small files that a user can read, copy and change.

A preset is TOML: a description, then one `[[rule]]` for each rule in the order in which they run. A rule has a `name`
of the catalogue, thresholds under the names of its fields (those left out have their defaults), and may be there but
switched off (`enabled = false`). Whatever is no such thing is an error that says what could stand there.
"""

import dataclasses
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from filters.catalogue import RULES
from filters.rules.lib.steps import Filter
from webtext.errors import UsageError
from webtext.local import FilePath, local_path

_PRESETS = Path(__file__).parent
_SUFFIX = ".preset.toml"


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of a preset: its name, whether it runs, and the thresholds that differ from the defaults."""

    name: str
    enabled: bool
    settings: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Preset:
    """A named list of rules."""

    name: str
    description: str
    entries: tuple[Entry, ...]


def preset_names() -> tuple[str, ...]:
    """List the presets that come with webtext; the default is `webtext`."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in _PRESETS.glob(f"*{_SUFFIX}")))


def load_preset(name_or_path: str = "webtext", **overrides: Any) -> tuple[Filter, ...]:
    """Make the filters of a preset.

    Args:
        name_or_path: the name of one that comes with webtext, or the path of a file.
        overrides: thresholds by rule and field, as in `**{"language.languages": ["de"], "walls.enabled": False}`; an
            override of a rule that the preset lacks adds it at its end.

    Raises:
        UsageError: there is no such preset, rule or threshold, or a value does not fit.

    >>> [type(rule).__name__ for rule in load_preset("webtext")][:2]
    ['Wikipedia', 'Blocklist']
    """
    preset = read_preset(name_or_path, overrides)
    return tuple(make_rule(entry, preset.name) for entry in preset.entries if entry.enabled)


def read_preset(name_or_path: str, overrides: dict[str, Any] | None = None) -> Preset:
    """Read a preset and apply overrides to it, without making its rules.

    Raises:
        UsageError: there is no such preset, or it is no list of rules.
    """
    bundled = _PRESETS / f"{name_or_path}{_SUFFIX}"
    path = bundled if bundled.is_file() else local_path(FilePath(name_or_path))
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        known = ", ".join(preset_names())
        raise UsageError(f"no preset {name_or_path!r}: give a file, or one of {known} ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name_or_path} is not TOML: {error}") from error
    rules = data.get("rule")
    if not isinstance(rules, list) or not all(isinstance(rule, dict) and "name" in rule for rule in rules):
        raise UsageError(f"{name_or_path} lists no rules: each begins with [[rule]] and has a name")
    tables = _override([dict(rule) for rule in rules], overrides or {})
    entries = tuple(
        Entry(table.pop("name"), table.pop("enabled", True), tuple((key, _freeze(table[key])) for key in table))
        for table in tables
    )
    return Preset(path.name.removesuffix(_SUFFIX), str(data.get("description", "")).strip(), entries)


def make_rule(entry: Entry, preset: str = "") -> Filter:
    """Make a rule from its entry.

    Raises:
        UsageError: no such rule or threshold, or a value that does not fit.
    """
    where = f"preset {preset}: " if preset else ""
    if entry.name not in RULES:
        raise UsageError(f"{where}no rule {entry.name!r}; there are {', '.join(RULES)}")
    make = RULES[entry.name].make
    fields = {field.name: field for field in dataclasses.fields(make)}
    for key, value in entry.settings:
        if key not in fields:
            raise UsageError(f"{where}rule {entry.name} has no threshold {key!r}; it has {', '.join(fields)}")
        if not _fits(value, fields[key].default):
            raise UsageError(f"{where}{entry.name}.{key} must be like {fields[key].default!r}, got {value!r}")
    try:
        made: Filter = make(**dict(entry.settings))
    except ValueError as error:
        raise UsageError(f"{where}{entry.name}: {error}") from error
    return made


def _override(tables: list[dict[str, Any]], overrides: dict[str, Any]) -> list[dict[str, Any]]:
    for key, value in overrides.items():
        name, dot, field = key.partition(".")
        if not dot:
            raise UsageError(f"an override is RULE.THRESHOLD=VALUE, got {key!r}")
        matching = [table for table in tables if table["name"] == name]
        if not matching:
            matching = [{"name": name}]
            tables.append(matching[0])
        for table in matching:
            table[field] = value
    return tables


def _freeze(value: Any) -> Any:
    return tuple(_freeze(item) for item in value) if isinstance(value, (list, tuple)) else value


def _fits(value: Any, default: Any) -> bool:
    """Tell whether a value is of the default's kind; an integer may stand for a float."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, int) or (isinstance(default, float) and isinstance(value, float))
    if isinstance(default, tuple) and isinstance(value, tuple):
        return all(_fits(item, default[0] if default else "") for item in value)
    return isinstance(value, type(default))


def file_settings(entry: Entry) -> dict[str, tuple[str, ...]]:
    """Give the files that a rule reads by its settings: field → paths.

    >>> file_settings(Entry("blocklist", True, (("paths", ("mine.txt",)), ("bundled", False))))
    {'paths': ('mine.txt',)}
    """
    kinds = get_type_hints(RULES[entry.name].make)
    named = {name: value for name, value in entry.settings if FilePath in (kinds[name], *get_args(kinds[name]))}
    return {name: (value,) if isinstance(value, str) else value for name, value in named.items() if value}


def parse_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """Read overrides as they are typed: `RULE.THRESHOLD=VALUE`, the value as TOML, or bare words, in lists with commas.

    Raises:
        UsageError: not of that form, no such rule or threshold, or a value of another kind.

    >>> parse_overrides(["language.languages=en,de", "length.min_words=50", "walls.enabled=false"])
    {'language.languages': ('en', 'de'), 'length.min_words': 50, 'walls.enabled': False}
    >>> parse_overrides(['language.languages=["en", "de"]'])
    {'language.languages': ('en', 'de')}
    >>> parse_overrides(["language.languages=[en, de]"])
    {'language.languages': ('en', 'de')}
    """
    overrides = {}
    for text in texts:
        key, equals, value = text.partition("=")
        name, _, field = key.strip().partition(".")
        if not equals or not field or name not in RULES:
            raise UsageError(f"an override is RULE.THRESHOLD=VALUE with a rule of {', '.join(RULES)}; got {text!r}")
        defaults = {known.name: known.default for known in dataclasses.fields(RULES[name].make)} | {"enabled": True}
        if field not in defaults:
            raise UsageError(f"rule {name} has no threshold {field!r}; it has {', '.join(defaults)}")
        parsed = _parse_value(value.strip(), defaults[field])
        if not _fits(parsed, defaults[field]):
            raise UsageError(f"{name}.{field} must be like {defaults[field]!r}, got {value.strip()!r}")
        overrides[f"{name}.{field}"] = parsed
    return overrides


def _parse_value(text: str, default: Any) -> Any:
    if isinstance(default, tuple) and not text.startswith("["):
        items = [item.strip() for item in text.split(",") if item.strip()]
        return tuple(_parse_value(item, default[0] if default else "") for item in items)
    if isinstance(default, str) and not text.startswith(("'", '"')):
        return text
    try:
        return _freeze(tomllib.loads(f"value = {text}")["value"])
    except tomllib.TOMLDecodeError:
        if isinstance(default, tuple) and text.endswith("]") and "[" not in text[1:]:
            return _parse_value(text[1:-1], default)  # a list of bare words
        return text  # the text stays one, and does not fit
