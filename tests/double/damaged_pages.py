"""The benchmark that damages pages, as a module: `benchmarks/` is no package."""

import importlib.util
from pathlib import Path


def load_mutations():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "mutations.py"
    spec = importlib.util.spec_from_file_location("mutations", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
