"""The description that a registry shows: the README, whose links lead into the repository from there."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def describe() -> str:
    """Give the README with absolute links."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    files = f"{project['urls']['Repository']}/blob/main/"
    return re.sub(r"\]\((?![a-z]+:|#)", f"]({files}", (ROOT / "README.md").read_text("utf-8"))


setup(long_description=describe(), long_description_content_type="text/markdown")
