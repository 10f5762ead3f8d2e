"""Kernels are compiled once that pays, and what they give does not depend on it."""

import ast
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from dedup.kernels import compiled, hashes, link_kernels, ngram_kernels, numba_or_numpy
from dedup.kernels.numba_or_numpy import Kernel

KERNELS = [
    (module, name, kernel)
    for module in (hashes, link_kernels, ngram_kernels)
    for name, kernel in vars(module).items()
    if isinstance(kernel, Kernel)
]


@pytest.fixture
def fresh(monkeypatch):
    """What a process knows that has done nothing yet."""
    monkeypatch.setattr(numba_or_numpy, "_loss", numba_or_numpy._Loss())


@pytest.fixture
def calls(fresh):
    """A kernel, and which of its forms were called."""
    called = []
    kernel = Kernel(
        lambda values: called.append("plain") or len(values), "dedup.kernels.numba_or_numpy.pays", len, 1000
    )
    kernel.__dict__["compiled"] = lambda values: called.append("compiled") or len(values)
    return kernel, called


def test_a_kernel_is_plain_until_about_as_much_was_lost_as_loading_takes(calls, monkeypatch):
    kernel, called = calls
    monkeypatch.setattr(numba_or_numpy, "LOADING_SECONDS", 0.01)  # ten calls of a thousand elements, a microsecond each
    assert [kernel(range(1000)) for _ in range(12)] == [1000] * 12
    assert called == ["plain"] * 9 + ["compiled"] * 3


def test_a_large_call_is_compiled_at_once_and_so_is_what_follows(calls):
    kernel, called = calls
    for size in (10, numba_or_numpy.LARGE + 1, 10):
        kernel(range(size))
    assert called == ["plain", "compiled", "compiled"]


def test_what_other_kernels_have_lost_counts_too(calls):
    kernel, called = calls
    assert not numba_or_numpy.pays(0)
    assert numba_or_numpy.pays(numba_or_numpy.LOADING_SECONDS)
    kernel(range(1))
    assert called == ["compiled"]


@pytest.mark.parametrize("why", ["missing", "broken"])
def test_where_numba_cannot_be_had_all_is_plain(why, calls, monkeypatch):
    kernel, called = calls
    if why == "missing":
        monkeypatch.setattr(numba_or_numpy._loss, "is_there", False)
    else:  # numba is found and cannot be imported, which happens where it refuses a newer numpy
        monkeypatch.setitem(sys.modules, "numba", None)
    assert not numba_or_numpy.compile_from_now_on()
    kernel(range(numba_or_numpy.LARGE + 1))
    assert called == ["plain"]


def test_it_can_be_had_here(fresh):
    assert numba_or_numpy.compile_from_now_on()
    assert hashes._roots.compiled is compiled.roots


@pytest.mark.parametrize(("module", "name", "kernel"), KERNELS, ids=[name for _, name, _ in KERNELS])
def test_every_kernel_has_a_compiled_form(module, name, kernel):
    home, _, function = kernel._name.rpartition(".")
    assert function == name.removeprefix("_")
    assert kernel.compiled is getattr(import_module(home), function)


def test_each_kernel_tells_how_much_it_goes_over():
    values = np.arange(30, dtype=np.uint64)
    sets = hashes.Sets(values, np.zeros(3, np.int64), np.full(3, 4))
    pairs = np.zeros((7, 2), np.int64)
    table = np.zeros(16, np.uint64)
    both = sets.values, sets.starts, sets.values, sets.starts, sets.lengths
    arguments = {
        "_word_hashes": (30, (values, None)),
        "_ngram_hashes": (30, (values, 5)),
        "_jaccard_similarities": (7, (*sets, *sets, pairs, 9, 0.5)),
        "_roots": (7 + 11, (pairs, 11)),
        "_repeated": (30, (values, 6)),
        "_hash_bands": (5, (np.zeros((5, 128), np.uint32), 20, 5)),
        "_connect": (7, (np.arange(3), pairs, *both, 9, 0.5)),
        "_add": (30, (table, 1, values)),
        "_contains": (30, (table, 1, values)),
    }
    assert {name: (kernel._elements(*arguments[name][1])) for _, name, kernel in KERNELS} == {
        name: count for name, (count, _) in arguments.items()
    }


def test_a_small_build_does_not_load_numba():
    program = (
        "import sys\n"
        "import pipelines.stages.build\n"
        "from dedup.near.minhash import MinHashConfig\n"
        "from dedup.near.sketch import sketch\n"
        "sketch('Under the spreading chestnut tree the village smithy stands. ' * 100, MinHashConfig())\n"
        "print([name for name in ('numba', 'llvmlite', 'datasketch') if name in sys.modules])\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(told) == ["datasketch"]
