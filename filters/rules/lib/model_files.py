"""Files of trained filters: arrays in NumPy's format, byte for byte the same for the same arrays."""

import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from webtext.errors import UsageError
from webtext.local import FilePath, local_path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file knows


def write_arrays(path: str, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays as an .npz file without times, so that it hashes the same whenever it was made.

    Raises:
        UsageError: the place may not be written.
    """
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w") as stream:
                    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def read_arrays(path: FilePath, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read the named arrays of a model.

    Raises:
        UsageError: there is no such file, or it is no model of this kind.
    """
    try:
        with np.load(local_path(path), allow_pickle=False) as found:
            return {name: found[name] for name in names}
    except OSError as error:
        raise UsageError(f"cannot read the model {path}: {error.strerror or error}") from error
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} is no model for this filter") from error
