"""The layers, as a newcomer may rely on them: who owns the five names, and what imports what."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("webtext", "filters", "dedup", "pipelines", "model")


@pytest.mark.parametrize("package", PACKAGES)
def test_this_distribution_owns_the_package(package):
    assert set(importlib.metadata.packages_distributions()[package]) == {"webtext"}


def pure_modules():
    for package in ("webtext", "filters", "dedup"):
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not module.endswith("transforms") and module not in {"webtext.storage", "webtext.sift"}:
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


def test_help_needs_no_extra():
    program = (
        "import sys\n"
        "for name in ('torch', 'praw', 'numba', 'langdetect_rs'): sys.modules[name] = None\n"
        "from pipelines.commands.cli import main\n"
        "main(['--help'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "harvest" in ran.stdout
