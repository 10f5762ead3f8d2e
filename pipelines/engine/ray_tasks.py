"""Independent tasks on a Ray cluster: a second engine beside Beam, for stages that are lists of such tasks.

Reading, extracting, filtering and sketching pages is such a list, and so is writing shards: nearly all the time that a
build takes. What does a task is the `Worker` that Beam would hand it to; only who hands it out is another.

Workers get our packages from the driver, so that no other version is at work; the packages that ours need must be
installed where the cluster runs.
"""

import contextlib
import importlib
import itertools
import os
import pickle
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.engine.tasks import Worker
from webtext.errors import UsageError

PACKAGES = ("webtext", "filters", "dedup", "model", "pipelines")
LOCAL = "local"  # the address that starts a cluster on this machine, for this run
_PATIENCE = 10.0  # seconds for a cluster to answer
_STARTS = 3  # A busy machine does not start a cluster in the time that Ray allows.
_ABSENT = f"no Ray cluster at {{}}: start one (`ray start --head`), or give --ray {LOCAL}"
# The driver knows the address that it is connected to, if any, and numbers its lists of tasks. A process of the cluster
# has the worker of the last list that it did tasks of, by that number.
_connections: list[str] = []
_numbers = itertools.count()
_workers: dict[int, Worker] = {}


def run_tasks(address: str, tasks: Sequence[Any], worker: Worker) -> None:
    """Do tasks on the cluster at an address, each once or, where its worker dies, once more; wait for the last.

    The connection is kept for the next list of tasks, and ends with this process, or where tasks fail or are given up.

    Raises:
        UsageError: Ray is not installed, there is no cluster, its workers die, or a task raised one.
    """
    ray = _connected(address)
    work = next(_numbers), ray.cloudpickle.dumps(worker), str(Path.cwd())
    do = ray.remote(_do)
    with contextlib.ExitStack() as failed:
        failed.callback(ray.shutdown)
        try:
            ray.get([do.remote(*work, task) for task in tasks])
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, UsageError):
                raise UsageError(str(error.cause)) from error
            raise
        except ray.exceptions.RayError as error:
            raise UsageError(f"the Ray cluster at {address} lost a task: {str(error).splitlines()[0]}") from error
        failed.pop_all()


def _connected(address: str) -> Any:
    """Give Ray, connected to the cluster at an address.

    A start of a cluster takes some seconds on an idle machine, a minute on a busy one, and a command has up to five
    lists of tasks.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray's makers are told nothing
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "120")  # its own 30 seconds are too few then
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise UsageError("--ray needs Ray: pip install 'webtext[ray]'") from error
    if not (ray.is_initialized() and _connections == [address]):
        _check(address)
        ray.shutdown()
        start(ray, address)
        _connections[:] = [address]
    return ray


def start(ray: Any, address: str) -> None:
    """Connect Ray to the cluster at an address, or start one here, three times at most.

    Raises:
        UsageError: there is no cluster, or it does not start.
    """
    ours = [str(Path(str(importlib.import_module(name).__file__)).parent) for name in PACKAGES]
    local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if address == LOCAL else {}
    for number in range(1, _STARTS + 1):
        try:
            ray.init(
                address=address,
                runtime_env={"py_modules": ours},
                logging_level="ERROR",
                log_to_driver=False,
                configure_logging=False,
                **local,
            )
        except ConnectionError as error:
            raise UsageError(_ABSENT.format(address)) from error
        except Exception as error:
            ray.shutdown()
            if not isinstance(error, RuntimeError) and type(error) is not Exception:  # Ray raises either in vain starts
                raise
            if number == _STARTS:
                raise UsageError(f"Ray does not start (--ray {address}): {str(error).splitlines()[0]}") from error
        else:
            return


def _check(address: str) -> None:
    """Raise `UsageError` where nobody answers: Ray itself would try for a minute and then end the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
        except OSError as error:
            raise UsageError(_ABSENT.format(address)) from error


def _do(number: int, work: bytes, place: str, task: Any) -> None:
    worker = _opened(number, work, place)
    worker.do(task)
    worker.finish()


def _opened(number: int, work: bytes, place: str) -> Worker:
    """Open the worker of a list of tasks, once in each process of the cluster, after closing that of the list before.

    Relative paths mean what they mean to the driver.
    """
    if number not in _workers:
        while _workers:
            _workers.popitem()[1].close()
        os.chdir(place)
        worker: Worker = pickle.loads(work)  # noqa: S301 (our own driver sent it)
        worker.open()
        _workers[number] = worker
    return _workers[number]
