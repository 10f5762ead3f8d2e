"""Counts calls of the named packages in every process of a run: put this folder on PYTHONPATH, and set WEBTEXT_TRACES.

Python imports `sitecustomize` when it starts, so workers and sandboxes are counted as well. A call adds one byte to a
file of its own in the folder that WEBTEXT_TRACES names: appending needs no lock, and outlives a process that is killed.
"""

import functools
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, ClassVar

# module: (class or "", function, the package that does its job by it)
CALLS = {
    "prawcore.sessions": [("Session", "request", "praw")],
    "requests.sessions": [("Session", "send", "requests")],
    "trafilatura.core": [("", "extract", "trafilatura"), ("", "bare_extraction", "trafilatura")],
    "trafilatura.metadata": [("", "extract_metadata", "trafilatura")],
    "datasketch.minhash": [("MinHash", "__init__", "datasketch"), ("MinHash", "update_batch", "datasketch")],
    "datasketch.lsh": [("MinHashLSH", "__init__", "datasketch")],
    "apache_beam.pipeline": [("Pipeline", "run", "apache-beam")],
    "pyarrow.parquet.core": [("ParquetWriter", "write_table", "pyarrow"), ("ParquetFile", "read", "pyarrow")],
    "langdetect.detector": [("Detector", "get_probabilities", "langdetect")],
}
FOLDER = os.environ.get("WEBTEXT_TRACES", "")


def counted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wrap a function so that each call is noted under a name."""
    path = os.path.join(FOLDER, name)  # noqa: PTH118 - pathlib would be imported by every process

    @functools.wraps(function)
    def noting(*args: Any, **named: Any) -> Any:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(descriptor, b".")
        os.close(descriptor)
        return function(*args, **named)

    return noting


class Counting(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of CALLS as others would, and wraps their functions once they have run."""

    inner: ClassVar[dict[str, Any]] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in CALLS:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None:
            self.inner[name], spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.inner[spec.name].create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.inner[module.__name__].exec_module(module)
        for owner, function, package in CALLS[module.__name__]:
            place = getattr(module, owner) if owner else module
            name = f"{package} {owner + '.' if owner else ''}{function}"
            setattr(place, function, counted(getattr(place, function), name))


if FOLDER:
    sys.meta_path.insert(0, Counting())
