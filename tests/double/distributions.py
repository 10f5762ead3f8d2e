"""Our wheel and our sdist, built once for all tests from a copy of the sources: building leaves things in the tree."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.double.finished_sample import once

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("webtext", "filters", "dedup", "pipelines", "model")
TESTED = (".ci", "benchmarks", "deploy", "docs", "examples", "sample", "tests")  # what tests read beside the packages
FILES = (
    *("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE", "MANIFEST.in", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "Makefile", "mkdocs.yml", "requirements.lock", "Dockerfile", ".dockerignore", ".gitignore"),
)
SAID = "said.txt"  # what the build has printed


def distributions(tmp_path_factory):
    """Give the folder of the wheel, the sdist, and what building them has said."""
    return once(tmp_path_factory, "distributions", _build) / "dist"


def wheel(tmp_path_factory):
    """Give the path of the wheel."""
    (made,) = distributions(tmp_path_factory).glob("*.whl")
    return made


def _build(folder):
    for name in (*PACKAGES, *TESTED, *FILES):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (folder / "dist" / SAID).write_text(ran.stdout + ran.stderr)
