"""The layers, as a newcomer may rely on them: who owns the five names, and what imports what."""

import ast
import graphlib
import importlib
import importlib.metadata
import importlib.util
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import grimp
import pytest

from tests.conftest import LONGEST

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("webtext", "filters", "dedup", "pipelines", "model")


@pytest.mark.parametrize("package", PACKAGES)
def test_this_distribution_owns_the_package(package):
    assert set(importlib.metadata.packages_distributions()[package]) == {"webtext"}


def pure_modules():
    for package in ("webtext", "filters", "dedup"):
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not module.endswith("transforms") and module not in {
                "webtext.storage",
                "webtext.inputs",
                "webtext.shards",
                "webtext.clouds",
            }:
                yield module


def test_pure_modules_import_without_beam_and_torch():
    modules = list(pure_modules())
    assert len(modules) > 20
    program = (
        "import sys, importlib\n"
        "for name in ('apache_beam', 'torch', 'praw'): sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


MOST_FILES, MOST_LINES = 24, 3000  # the size of a room; `commands/` has a file a command


def rooms():
    """Give each folder with Python in it and its files, those of folders below it apart."""
    folders = [ROOT / package for package in PACKAGES]
    folders += [path for package in folders for path in package.rglob("*") if path.is_dir()]
    return {folder: files for folder in sorted(folders) if (files := sorted(folder.glob("*.py")))}


@pytest.mark.parametrize("room", rooms(), ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_is_small_enough_to_be_known(room):
    files = rooms()[room]
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in files)
    assert room.name == "commands" or (len(files) <= MOST_FILES and lines <= MOST_LINES), (len(files), lines)
    assert '"""' in (room / "__init__.py").read_text("utf-8"), "say in its __init__.py what the room is for"


def test_the_annotated_tree_names_every_room():
    tree = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("```")[1]
    assert {room.name for room in rooms()} <= set(re.findall(r"(\w+)/", tree))


_BEGUN_IN_THE_MIDDLE = re.compile(
    r"# (of|that|in|by|from|with|to|for|as|so|which|whose|on|at|than|where|when|if|and|or|but|because|since|until)\b"
)
_COMMENTED = (*PACKAGES, "benchmarks", "examples", "sample", "tests")


def comments(source):
    """Give number and text of comments, of those that fill several lines the first alone."""
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            alone = token.line.lstrip().startswith("#")
            if not (alone and last == line - 1):
                yield line, token.string
            last = line if alone else 0


@pytest.mark.parametrize("folder", _COMMENTED)
def test_a_comment_has_a_subject(folder):
    """A comment that begins with "of" or "that" is the end of a sentence whose beginning the reader must guess."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {comment}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, comment in comments(path.read_text("utf-8"))
        if _BEGUN_IN_THE_MIDDLE.match(comment)
    ]
    assert found == []


def room_of(module):
    path = ROOT / module.replace(".", "/")
    return module if path.is_dir() else module.rpartition(".")[0]


def imports_of_rooms():
    """Give for each room the rooms that its modules import, wherever in a module the import stands."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found = {}
    for module in graph.modules:
        imported = {room_of(name) for name in graph.find_modules_directly_imported_by(module)}
        found.setdefault(room_of(module), set()).update(imported - {room_of(module)})
    return found


def test_rooms_import_one_another_in_one_direction():
    sorter = graphlib.TopologicalSorter(imports_of_rooms())
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"rooms import one another in a circle: {' -> '.join(error.args[1])}")


def test_modules_import_one_another_in_one_direction():
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    sorter = graphlib.TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"modules import one another in a circle: {' -> '.join(error.args[1])}")


def test_help_needs_no_extra():
    program = (
        "import sys\n"
        "for name in ('torch', 'praw', 'numba', 'langdetect_rs', 'zlib_ng'): sys.modules[name] = None\n"
        "from pipelines.commands.cli import main\n"
        "main(['--help'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "harvest" in ran.stdout


def test_the_files_that_are_begun_first_are_there():
    assert [name for name in LONGEST if not list((ROOT / "tests").rglob(name))] == []


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_what_a_benchmark_imports_of_ours_is_there(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PACKAGES:
            module = importlib.import_module(node.module)
            missing = [name.name for name in node.names if not hasattr(module, name.name)]
            modules = [name for name in missing if importlib.util.find_spec(f"{node.module}.{name}") is None]
            assert modules == [], node.module
