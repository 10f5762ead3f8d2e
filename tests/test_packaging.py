"""The wheel and the sdist hold what they should, and run where nothing but the base dependencies is installed."""

import importlib.metadata
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipelines.commands.cli import COMMANDS
from tests.double.distributions import FILES, PACKAGES, ROOT, SAID, TESTED, distributions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Give the wheel and the sdist, of which the build has complained of nothing."""
    made = distributions(tmp_path_factory)
    warnings = [line for line in (made / SAID).read_text().splitlines() if "warning" in line.lower()]
    assert [line for line in warnings if "no previously-included files matching" not in line] == []  # a pattern unused
    (wheel,), (sdist,) = made.glob("*.whl"), made.glob("*.tar.gz")
    return wheel, sdist


def shipped():
    """List the files of the five packages that a user needs."""
    kinds = {".py", ".pyi", ".npz", ".txt", ".toml", ".html", ".css", ".js", ".json", ".typed"}
    found = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(ROOT)) for path in found if path.suffix in kinds or path.name == "py.typed"}


def test_the_wheel_holds_the_five_packages_with_their_data_and_no_more(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
    assert metadata
    assert names == shipped()


def test_the_sdist_holds_what_the_wheel_is_built_from_and_what_the_tests_read(built):
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    beside = [path for name in TESTED for path in (ROOT / name).rglob("*") if path.is_file()]
    tested = {str(path.relative_to(ROOT)) for path in beside if "__pycache__" not in path.parts}
    assert shipped() | tested | set(FILES) <= names


def test_the_description_that_a_registry_shows_has_no_link_that_leads_nowhere(built):
    with zipfile.ZipFile(built[0]) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        said = wheel.read(name).decode()
    assert "Description-Content-Type: text/markdown" in said
    repository = re.search(r"Project-URL: Repository, (.*)", said)[1]
    links = re.findall(r"\]\(([^)]*)\)", said)
    assert f"{repository}/blob/main/docs/tutorial.md" in links
    assert [link for link in links if not link.startswith(("https://", "http://"))] == []


def test_registries_take_what_both_say_of_themselves(built):
    ran = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, built)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def base(built, tmp_path_factory):
    """Make a folder to import from: the wheel, and what it requires without extras, of what is installed here."""
    folder = tmp_path_factory.mktemp("base")
    with zipfile.ZipFile(built[0]) as wheel:
        wheel.extractall(folder)  # noqa: S202  (our own)
    (metadata,) = importlib.metadata.distributions(name="webtext", path=[str(folder)])
    for name in sorted(required(metadata.requires)):
        for file in importlib.metadata.files(name) or ():
            parts = file.parts[: 2 if file.parts[0] == "google" else 1]
            target = folder.joinpath(*parts)
            if parts[0] not in {"..", "__pycache__"} and not target.exists():
                target.parent.mkdir(exist_ok=True)
                target.symlink_to(importlib.metadata.distribution(name).locate_file(Path(*parts)))
    return folder


def required(lines):
    """Give the distributions that some requirements name, directly or not, extras only where they are asked for."""
    found, waiting = set(), [(lines, frozenset())]
    while waiting:
        lines, extras = waiting.pop()
        for line in lines or ():
            requirement = Requirement(line)
            wanted = not requirement.marker or any(requirement.marker.evaluate({"extra": e}) for e in (extras or {""}))
            if wanted and requirement.name not in found:
                found.add(requirement.name)
                waiting.append((importlib.metadata.requires(requirement.name), frozenset(requirement.extras)))
    return found


def run(base, *arguments, program="from pipelines.commands.cli import entry; entry()"):
    """Run webtext with nothing to import but the standard library and a folder."""
    program = f"import sys; sys.path.append({str(base)!r}); {program}"
    command = [sys.executable, "-I", "-S", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=base)


def test_help_works_with_the_base_dependencies_only(base):
    ran = run(base, "--help")
    assert ran.returncode == 0, ran.stderr
    assert all(name in ran.stdout for name in COMMANDS)


def test_the_flags_of_every_command_can_be_read_with_the_base_dependencies_only(base):
    ran = run(base, program="from pipelines.commands.completion import every_parser; every_parser()")
    assert ran.returncode == 0, ran.stderr


def test_a_stage_runs_with_the_base_dependencies_only(base, tmp_path):
    (tmp_path / "urls.tsv").write_text("http://a.example/\t5\nhttp://b.example/\t1\n")
    ran = run(base, "harvest", "-s", str(tmp_path / "urls.tsv"), "-o", str(tmp_path / "out"), "--workers", "1")
    assert ran.returncode == 0, ran.stderr
    assert "low_karma" in ran.stdout
    ran = run(base, "verify", str(tmp_path / "out"))
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(("train", "corpus", "--output", "run"), "train"), (("harvest", "--reddit", "-o", "out"), "reddit")],
)
def test_a_missing_extra_is_named_in_one_line(base, arguments, extra):
    ran = run(base, *arguments)
    assert ran.returncode == 2
    assert f"webtext[{extra}]" in ran.stderr and ran.stderr.count("\n") == 1
