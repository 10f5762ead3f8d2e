"""What a source of the user's own imports, identified: another helper or another release is another rule.

What Python and webtext bring is left out; their versions count already.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

_COUNTED = sys.stdlib_module_names | {"__main__", "webtext", "filters", "dedup", "pipelines", "model"}


def identify_imports(source: str, package: str = "") -> str:
    """Identify all that a source imports, at whatever remove: a line for each release of a package, or file.

    Args:
        source: Python; one with a mistake in it imports nothing.
        package: the package that the source's relative imports begin at.
    """
    lines, waiting, known = [], _imported(source, package), set(_COUNTED)
    while waiting:
        name = waiting.pop()
        spec = None if name in known else importlib.util.find_spec(name)
        known.add(name)
        if spec is not None and (releases := _releases(name, spec)):
            lines.append(f"{name} {releases}")
        elif spec is not None:
            for path in _files(spec):
                content = path.read_bytes()
                lines.append(f"{name} {path.name} {hashlib.sha256(content).hexdigest()}")
                waiting |= _imported(content.decode("utf-8", "replace"), name)
    return "\n".join(sorted(lines))


def _imported(source: str, package: str) -> set[str]:
    """List the top-level modules that a source names in its imports."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return set()
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" if not node.level else package for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names} - {""}


def _releases(name: str, spec: ModuleSpec) -> str:
    """Name the releases that a module was installed with; "" where its files lie with the user, who may edit them."""
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    places = [spec.origin or "", *(spec.submodule_search_locations or ())]
    if not any(place.startswith(tuple(installed)) for place in places):
        return ""
    owners = sorted(set(importlib.metadata.packages_distributions().get(name, ())))
    return " ".join(f"{owner} {importlib.metadata.version(owner)}" for owner in owners)


def _files(spec: ModuleSpec) -> Iterator[Path]:
    """Yield the sources of a module, or of all modules of a package."""
    if spec.submodule_search_locations is None:
        if spec.origin and spec.origin.endswith(".py"):
            yield Path(spec.origin)
        return
    for place in spec.submodule_search_locations:
        yield from sorted(Path(place).rglob("*.py"))
