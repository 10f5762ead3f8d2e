"""The worker processes of a local run, as the run sees them: they end when it ends, however it ends.

Each worker (`pipelines.engine.worker`) connects to a port on loopback and ends when the connection closes: after the
run, at a Ctrl-C, or because the run was killed. What Beam's threads and loggers then have to say of workers that are
suddenly gone is kept from the user, who has asked for it.
"""

import contextlib
import logging
import os
import re
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner, RunnerResult
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    BeamFnControlServicer,
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)

from pipelines.engine.interrupt import Ending
from pipelines.engine.worker import ENDED
from webtext.errors import UsageError

_MOST_WORKERS = 1024  # the most that may connect
_PATIENCE = 10.0  # seconds in which Beam's threads find out that the workers are gone
# Not SIGINT, which a shell has its background jobs ignore. (Windows has no SIGUSR2, and runs Beam's own workers.)
_DEATH = signal.SIGTERM if sys.platform == "win32" else signal.SIGUSR2
_EXITED = re.compile(r"Worker subprocess exited with return code (-?\d+)")
_ASKED_TO_END = {ENDED, -signal.SIGTERM, 128 + signal.SIGTERM}
_WORKER_DIED = (
    "a worker process died (exit status {}); "
    "if memory was short, run the same command again with fewer --workers: it goes on at the unfinished stage"
)


class LocalProcesses(FnApiRunner):
    """Beam's local runner with workers that hold on to a lifeline."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def run_via_runner_api(
        self, pipeline_proto: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> RunnerResult:
        """Run a pipeline, each worker started by our command in place of Beam's."""
        level = logging.getLogger().getEffectiveLevel()
        paths = os.pathsep.join(path or "." for path in sys.path)
        # The run's own paths, and -P: a folder named as a package of ours in the user's working directory is not it.
        command = shlex.join([sys.executable, "-P", "-m", "pipelines.engine.worker", str(self._port), str(level)])
        for environment in pipeline_proto.components.environments.values():
            if environment.urn == python_urns.SUBPROCESS_SDK:
                # In the place of the shell that Beam starts, and deaf to Ctrl-C from the first moment.
                environment.payload = f"trap '' INT; PYTHONPATH={shlex.quote(paths)} exec {command}".encode()
        return super().run_via_runner_api(pipeline_proto, options)


@WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class _LocalWorker(SubprocessSdkWorkerHandler):
    """A worker as the run sees it: sent home at the end also where it has yet to connect.

    Beam tells those alone that have connected. Where a run failed before one had begun, that one then waited for its
    first task for ever, and the run for its end.
    """

    def close(self) -> None:
        """Say that there is nothing more to do, and wait for the end of the process."""
        self.control_conn.push(BeamFnControlServicer._DONE_MARKER)  # noqa: SLF001 (the first of two is heard)
        super().close()


@contextlib.contextmanager
def local_processes() -> Iterator[LocalProcesses]:
    """Give a runner whose workers end with the block.

    A first Ctrl-C (or TERM, where it has a handler) ends the workers before the block hears of it: Beam would wait for
    what they have begun. A worker that was killed (short of memory, mostly) ends the block too: Beam would wait for its
    answer for ever.

    Raises:
        UsageError: a worker was killed.
        KeyboardInterrupt: by Ctrl-C, whatever Beam makes of it.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=_MOST_WORKERS) as lifeline:
        if threading.current_thread() is not threading.main_thread():  # the main thread alone hears of signals
            yield LocalProcesses(lifeline.getsockname()[1])
            return
        ending = _Ending(lifeline)
        with ending.watching():
            try:
                yield LocalProcesses(lifeline.getsockname()[1])
            except BaseException as error:
                if ending.is_asked_for:
                    raise KeyboardInterrupt from error
                if ending.deaths:
                    raise UsageError(_WORKER_DIED.format(ending.deaths[0])) from error
                raise


class _Ending:
    """How a run ends before its time: the first signal, or the first death of a worker, ends all workers."""

    def __init__(self, lifeline: socket.socket) -> None:
        self._lifeline = lifeline
        self._others = threading.excepthook
        self.is_asked_for = False
        self.deaths: list[str] = []  # exit statuses of workers that nobody had asked to end

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Catch signals, and what Beam's threads raise, until the block has ended and the threads have too."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, _DEATH)}
        caught = {number: handler for number, handler in before.items() if callable(handler) or number == _DEATH}
        disabled = logging.root.manager.disable
        threading.excepthook = self._hear
        for number in caught:
            signal.signal(number, self._end)
        try:
            yield
        finally:
            if self.is_asked_for or self.deaths:
                _join_threads_of_beam()
            for number, handler in caught.items():
                signal.signal(number, handler)
            if not (self.is_asked_for and Ending.mouth):  # a command that ends has nothing more to tell
                threading.excepthook = self._others
                logging.disable(disabled)

    def _end(self, number: int, _: FrameType | None) -> None:
        if number != _DEATH:
            if self.is_asked_for:
                return
            self.is_asked_for = Ending.is_asked_for = True
        logging.disable(logging.CRITICAL)
        self._lifeline.close()
        raise KeyboardInterrupt

    def _hear(self, raised: threading.ExceptHookArgs) -> None:
        """Hear of what a thread of Beam's raised: that a worker has ended, or what follows from it."""
        if self.is_asked_for or self.deaths:
            return
        found = _EXITED.search(str(raised.exc_value))
        status = int(found.group(1)) if found is not None else None
        if status is None:
            self._others(raised)
        elif status == -signal.SIGINT:  # the shell that was to become a worker heard Ctrl-C, as we do, or will
            self.is_asked_for = Ending.is_asked_for = True
            _wake_main_thread()
        elif status not in _ASKED_TO_END:
            self.deaths.append(str(status))
            _wake_main_thread()


def _wake_main_thread() -> None:
    """Send a signal to the thread that acts upon it: another one that got it would leave that one asleep."""
    if sys.platform == "win32":
        os.kill(os.getpid(), _DEATH)
    else:
        main_thread = threading.main_thread().ident
        assert main_thread is not None
        signal.pthread_kill(main_thread, _DEATH)


def _join_threads_of_beam() -> None:
    """Wait for the threads that have yet to find out, so that what they raise is not printed after us."""
    deadline = time.monotonic() + _PATIENCE
    for thread in threading.enumerate():
        if thread.name in {"run_worker", "read_grpc_client_inputs"}:
            thread.join(max(0.0, deadline - time.monotonic()))
