"""A worker process of a local run: Beam's own, but it lives no longer than the run, and says no more than a run does.

Beam starts its workers with every log line on, and leaves it to them to find out that the run has ended: a Ctrl-C then
prints a page of tracebacks from each, and a run that was killed leaves them behind. This one holds a connection to the
run (`pipelines.engine.processes`) and ends, at once and in silence, when that closes, for whatever reason.
"""

import contextlib
import gc
import importlib
import logging
import os
import select
import socket
import sys
import threading
from types import SimpleNamespace

from pipelines.engine import logs
from webtext.sandbox.heap import settle_heap

# Allocations between collections: by default garbage is looked for hundreds of times while Beam and Arrow are imported,
# among all that they keep in memory, for a third of a second a process.
GC_THRESHOLDS = (100_000, 50, 50)
ENDED = 130  # exit status of a worker whose run has ended before it


LIBRARIES = {
    # numpy and scipy each bring OpenBLAS, which starts a thread for each core; those look for work for a tenth of a
    # second before they rest, in each process anew. No step of a pipeline multiplies matrices.
    "OPENBLAS_NUM_THREADS": "1",
    # Arrow's own allocator keeps what it was given once; the system's gives large pieces back, in no more time.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


def settle_libraries() -> None:
    """Say how the libraries of a run are to use the machine, before they are imported; what the user said stands."""
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    settle_heap()


# What Beam imports where it is installed, for sources and types of values that no pipeline of ours has.
_NOT_FOR_US = ("bson", "pymongo", "pandas", "google.cloud.bigquery", "google.cloud.pubsub", "google.cloud.pubsub_v1")


def import_beam() -> None:
    """Import Beam, and not what it would import besides for what no pipeline of ours does.

    MongoDB's client takes .1 CPU seconds and 7 MB of each process, pandas .17 and 44 MB, the other two .05 and 9 MB.
    """
    hiding = SimpleNamespace(find_spec=_refuse)
    sys.meta_path.insert(0, hiding)
    try:
        importlib.import_module("apache_beam")
        # At its first array pyarrow looks for pandas, and later only where it cannot do without.
        importlib.import_module("pyarrow").array([])
    finally:
        sys.meta_path.remove(hiding)


def _refuse(name: str, *_: object) -> None:
    if name in _NOT_FOR_US:
        raise ModuleNotFoundError(name)


def main(port: int, level: int) -> None:
    """Work until the run that listens on a port of this machine has ended."""
    gc.set_threshold(*GC_THRESHOLDS)
    settle_libraries()
    try:
        lifeline = socket.create_connection(("127.0.0.1", port))
    except OSError:
        sys.exit(ENDED)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    logs.set_up(level)  # Beam gives the root logger a level of its own
    _say_nothing_after(lifeline)
    import_beam()
    os.environ.pop("LOGGING_API_SERVICE_DESCRIPTOR", None)  # log lines go to standard error as they are
    importlib.import_module("apache_beam.runners.worker.sdk_worker_main").main([])  # importing it logs


def _end_with(lifeline: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        lifeline.recv(1)  # nothing is ever sent
    os._exit(ENDED)


def _say_nothing_after(lifeline: socket.socket) -> None:
    """End in place of telling of a run that is gone: a thread of Beam's may find out before ours does."""
    others = threading.excepthook

    def goes_on(_: object) -> bool:
        if select.select([lifeline], [], [], 0)[0]:
            os._exit(ENDED)
        return True

    def tell(raised: threading.ExceptHookArgs) -> None:
        if goes_on(raised):
            others(raised)

    threading.excepthook = tell
    for handler in logging.getLogger().handlers:
        handler.addFilter(goes_on)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
