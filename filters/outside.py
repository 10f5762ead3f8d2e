"""Rules from outside: functions and classes in a file or module of the user's own, or of a package that announces them.

A rule is a function that takes a document and gives None, or a sentence that says why the document does not stay:

    def shouting(document, most: float = 0.5):
        "Reject texts of which most letters are capitals."
        letters = [letter for letter in document.text if letter.isalpha()]
        share = sum(letter.isupper() for letter in letters) / max(1, len(letters))
        return f"{share:.0%} of the letters are capitals" if share > most else None

Its name is the rule's and the reason's, its further parameters are thresholds. Or it is a frozen data class like those
in `filters/rules/`, called in snake case; it may have several reasons, listed as `REASONS` in the class. Every public
function with a parameter `document`, and every public data class that can be called, is a rule.

The source travels with the configuration, so that it is part of the fingerprint, and so that workers anywhere have it.
"""

import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import logging
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filters.catalogue import RULES, Rule
from filters.imported import identify_imports
from webtext.errors import UsageError
from webtext.local import FilePath, local_path
from webtext.reasons import Reason
from webtext.records import Document

GROUP = "webtext.rules"  # entry points of this group name modules with rules
_BUNDLED = frozenset(RULES)
_FAULTS = (Exception, SystemExit)  # Foreign code may raise anything, as it is imported and as it judges.
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """A file or module with rules."""

    name: str  # a path or the name of a module, just as it was given
    source: str  # Python
    imports: str = ""  # what identifies the things that the source imports

    @property
    def digest(self) -> str:
        """What identifies it: 64 hexadecimal digits."""
        return hashlib.sha256(f"{self.source}{self.imports}".encode()).hexdigest()


def read_rules(name: str) -> Outside:
    """Read a file of rules (`mine.py`, or a path in any file system), or a module that can be imported.

    Raises:
        UsageError: it is not there, is no Python, or holds no rule.
    """
    try:
        path = local_path(FilePath(name)) if name.endswith(".py") else _file_of_module(name)
        source = path.read_text("utf-8")
        found = Outside(name, source, identify_imports(source, "" if name.endswith(".py") else name))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--rules {name}: {error}") from error
    if not rules_of(found):
        raise UsageError(f"--rules {name} holds no rule: a function with a parameter `document`, or such a data class")
    return found


def announced() -> list[Outside]:
    """Read the modules with rules that installed packages announce by entry points of `GROUP`.

    One that cannot be used is told of and passed over: a package that is half removed must not stop every build.
    """
    found: list[Outside] = []
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            one = read_rules(point.module)
            _check_names([*found, one])
            found.append(one)
        except UsageError as error:
            owner = point.dist.name if point.dist else "a package"
            _log.warning("%s announces rules that cannot be used: %s", owner, error)
    return found


def add_rules(outside: Iterable[Outside]) -> None:
    """Put rules into the catalogue of this process, where presets and thresholds find them by name.

    Raises:
        UsageError: a rule is called as one that comes with webtext, or as one of another source.
    """
    given = list(outside)
    _check_names(given)
    for found in given:
        RULES.update(rules_of(found))


def _check_names(outside: Iterable[Outside]) -> None:
    owners: dict[str, Outside] = {}
    for found in outside:
        for name in rules_of(found):
            other = owners.setdefault(name, found)
            if name in _BUNDLED or other.digest != found.digest:
                place = "already" if name in _BUNDLED else f"in {other.name} already"
                raise UsageError(f"--rules {found.name}: there is a rule {name} {place}, choose another name")


@functools.lru_cache(maxsize=64)
def rules_of(outside: Outside) -> dict[str, Rule]:
    """Run a source, and give the rules that it defines in the order in which it does.

    Raises:
        UsageError: it is no Python, or what it imports is not there.
    """
    module = types.ModuleType(f"webtext_rules_{outside.digest[:16]}")
    module.__file__ = outside.name
    if not outside.name.endswith(".py"):
        module.__package__ = outside.name.rpartition(".")[0] or outside.name  # what its relative imports begin at
    sys.modules[module.__name__] = module  # data classes look here for the names in their annotations
    with _its_authors(outside.name):
        exec(compile(outside.source, outside.name, "exec"), vars(module))  # noqa: S102 - the user's own rules
    return dict(_rules_in(module))


@contextlib.contextmanager
def _its_authors(name: str) -> Iterator[None]:
    """Tell what goes wrong as foreign code is run, whatever it is: its author is to mend it."""
    try:
        yield
    except _FAULTS as error:
        raise UsageError(f"--rules {name}: {type(error).__name__}: {error}") from error


def _file_of_module(name: str) -> Path:
    with _its_authors(name):  # The packages around a module are run to find it.
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            spec = None
    if spec is None or not spec.origin:
        raise UsageError(f"--rules {name}: no such module; a file ends in .py")
    return Path(spec.origin)


def _rules_in(module: types.ModuleType) -> Iterator[tuple[str, Rule]]:
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
            continue
        if inspect.isclass(value) and dataclasses.is_dataclass(value) and "__call__" in vars(value):
            own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
            reasons = tuple(getattr(value, "REASONS", (own,)))
            yield own, Rule(_checked(own, value, reasons), reasons)
        elif inspect.isfunction(value) and "document" in inspect.signature(value).parameters:
            yield name, Rule(_checked(name, _class_of(value), (name,)), (name,))


def _class_of(function: Callable[..., Any]) -> type[Any]:
    """Make the class of a function: its parameters with defaults are the fields."""
    parameters = inspect.signature(function).parameters.values()
    thresholds = [parameter for parameter in parameters if parameter.name != "document"]
    if unset := [parameter.name for parameter in thresholds if parameter.default is parameter.empty]:
        raise UsageError(f"rule {function.__name__}: the threshold {unset[0]} needs a default")

    def judge(self: Any, document: Document) -> Any:
        return function(document=document, **dataclasses.asdict(self))

    fields = [(each.name, _type_of(each), dataclasses.field(default=each.default)) for each in thresholds]
    namespace = {"__call__": judge, "__doc__": inspect.getdoc(function) or function.__name__}
    return dataclasses.make_dataclass(function.__name__, fields, namespace=namespace, frozen=True)


def _type_of(parameter: inspect.Parameter) -> Any:
    """Give the type of a threshold: its default's, but for files, whose content counts."""
    files = {"FilePath": FilePath, "tuple[FilePath, ...]": tuple[FilePath, ...]}
    written = next((name for name, kind in files.items() if parameter.annotation in (name, kind)), "")
    return files.get(written, type(parameter.default))


def _checked(name: str, kind: type[Any], reasons: tuple[str, ...]) -> type[Any]:
    """Make a class that judges as another does, and holds it to its reasons."""

    def judge(self: Any, document: Document) -> Document | Reason | None:
        try:
            outcome = kind.__call__(self, document)
        except MemoryError:  # That is the page's doing: it is rejected as one that takes too much.
            raise
        except _FAULTS as error:
            line = traceback.extract_tb(error.__traceback__)[-1]
            said = f"rule {name} raised {type(error).__name__} at {document.url}: {error}"
            raise UsageError(f"{said} ({Path(line.filename).name}, line {line.lineno})") from error
        if outcome is None or isinstance(outcome, Document):
            return outcome
        if isinstance(outcome, Reason) and outcome in reasons:
            return outcome
        if isinstance(outcome, str) and not isinstance(outcome, Reason):
            return Reason(name, outcome)
        raise UsageError(f"rule {name} gave {outcome!r}: it may give None, a sentence, or a reason of {reasons}")

    return type(kind.__name__, (kind,), {"__call__": judge, "__doc__": kind.__doc__, "__slots__": ()})
