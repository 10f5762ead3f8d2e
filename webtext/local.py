"""Files that rules read with Python alone: where they lie on this disk, or a copy of what lies elsewhere.

The rules know nothing of Beam, which opens gs:// and s3://; so a list or a model from there is copied, once a process.
"""

import atexit
import importlib
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import NewType

# The type of a rule's field that names a file. What lies in the file is part of the identity of what the rule makes,
# whatever the field is called; `local_path` takes nothing else, so a type checker finds a field that was forgotten.
FilePath = NewType("FilePath", str)


def local_path(path: FilePath) -> Path:
    """Give the place of a file on this disk; one that a scheme names is copied to a folder that ends with the process.

    Raises:
        UsageError: a remote file is not there, or may not be read.
    """
    return _copied(path) if "://" in path else Path(path)


@cache
def _copied(path: FilePath) -> Path:
    storage = importlib.import_module("webtext.storage")  # Beam, which a run without remote files does not need here
    folder = tempfile.mkdtemp(prefix="webtext-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = Path(folder, path.rstrip("/").rpartition("/")[2])
    with storage.open_file(path) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return target
