"""Which form of a kernel runs: numpy's or plain Python's at first, numba's once there is so much to do that it pays.

To load numba and the kernels that it has compiled takes a process a second or two and a hundred megabytes. A build of a
few thousand pages would spend less in the plain forms. So a process uses those until they have cost it about as much
time as loading would have, and the compiled ones from then on. In this way it never spends more than twice the least
that was possible. Both forms give the same bits, so it does not matter to the output when a process changes over.
"""

import functools
import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Generic, TypeVar, TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

LOADING_SECONDS = 1.5  # CPU: numba takes .4, and each kernel some .1; a build uses about ten
LARGE = 1 << 22  # elements of a call for which the plain forms would take memory by the hundred megabytes


class _Loss:
    """What the plain forms have cost this process so far."""

    def __init__(self) -> None:
        self.is_there = find_spec("numba") is not None
        self.seconds = 0.0


_loss = _Loss()


def pays(seconds: float) -> bool:
    """Tell whether to use compiled kernels for a task for which the plain ones would take so many seconds longer."""
    if _loss.is_there and _loss.seconds < LOADING_SECONDS:
        _loss.seconds += seconds
        if _loss.seconds >= LOADING_SECONDS:
            _loss.is_there = _loads()
    return _loss.is_there and _loss.seconds >= LOADING_SECONDS


def compile_from_now_on() -> bool:
    """Use compiled kernels from here on, whatever it costs; False where they cannot be had."""
    return pays(LOADING_SECONDS)


def _loads() -> bool:
    try:
        importlib.import_module("numba")
    except ImportError:  # it is there, but not for this numpy
        return False
    return True


class Kernel(Generic[*Arguments, Result]):
    """A kernel in two forms that give the same.

    Args:
        plain: the form that is always there.
        compiled: "module.function" of the form that numba compiles.
        elements: how many things a call with such arguments goes over.
        nanoseconds: how much longer the plain form takes for one of them, about.
    """

    def __init__(
        self,
        plain: Callable[[*Arguments], Result],
        compiled: str,
        elements: Callable[[*Arguments], int],
        nanoseconds: float,
    ) -> None:
        self._plain, self._name, self._elements, self._nanoseconds = plain, compiled, elements, nanoseconds

    def __call__(self, *args: *Arguments) -> Result:
        """Run the form that pays."""
        elements = self._elements(*args)
        lost = LOADING_SECONDS if elements > LARGE else elements * self._nanoseconds / 1e9
        return (self.compiled if pays(lost) else self._plain)(*args)

    @functools.cached_property
    def compiled(self) -> Callable[[*Arguments], Result]:
        """The compiled form, loaded when it is first asked for."""
        module, _, name = self._name.rpartition(".")
        function: Callable[[*Arguments], Result] = getattr(importlib.import_module(module), name)
        return function
