"""A function in several sandboxes at once: calls are handed in and answered as futures.

A thread for each sandbox hands over a call and waits for its answer; the work itself is done in the children, so the
threads cost next to nothing and the process that has them need not be more than one.
"""

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Generic, ParamSpec, Self, TypeVar

from webtext.sandbox.forking import Nursery, can_fork
from webtext.sandbox.sandbox import Failure, Sandbox, setup_of

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class SandboxPool(Generic[Arguments, Result]):
    """Sandboxes that take turns: `with SandboxPool(...) as pool: pool.submit(*arguments).result()`.

    What is still waiting when the block ends is not done any more.

    Args:
        function: what to run; see `webtext.sandbox.sandbox.Sandbox` for this and the limits.
        seconds: CPU seconds that one call may use.
        memory_bytes: how much one call may take on top of what a child has when it starts.
        processes: how many children, each started when it is first needed.
    """

    def __init__(
        self, function: Callable[Arguments, Result], seconds: float, memory_bytes: int, processes: int
    ) -> None:
        self._children = ExitStack()
        nursery = None
        if processes > 1 and can_fork():
            nursery = Nursery(setup_of(function, seconds, memory_bytes))
            self._children.callback(nursery.close)
        self._sandboxes = [Sandbox(function, seconds, memory_bytes, nursery) for _ in range(processes)]
        self._idle: queue.SimpleQueue[Sandbox[Arguments, Result]] = queue.SimpleQueue()
        for sandbox in self._sandboxes:
            self._idle.put(self._children.enter_context(sandbox))
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="sandbox")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> "Future[Result | Failure]":
        """Have the function run; the future gives its value, or what became of the call."""
        return self._threads.submit(self._run, *args, **kwargs)

    def close(self) -> None:
        """End the children, whatever they are at, and the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.close()
        self._threads.shutdown()
        self._children.close()

    def _run(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result | Failure:
        sandbox = self._idle.get()
        try:
            return sandbox(*args, **kwargs)
        finally:
            self._idle.put(sandbox)
