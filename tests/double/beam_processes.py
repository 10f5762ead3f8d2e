"""What tests of engines start: servers on loopback, and workers that get our package from the job alone."""

import contextlib
import os
import random
import shlex
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORKER_POOL = "apache_beam.runners.worker.worker_pool_main"
_PROCESSES = 16  # Each process that shares the tests has ports of its own.
_given = set()
_SECONDS = 240  # after which a server that does not answer, or does not end, is given up
_CLEAN_PYTHON = [sys.executable, "-S", "-P"]  # no `.pth` files, so no working tree; third-party packages by PYTHONPATH


def free_port():
    """Give a port that nobody has, and that no connection is given meanwhile: systems give those from 32768 on.

    It is given once: neither again, nor by another of the processes that share the tests.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
    while True:
        port = random.SystemRandom().randrange(20_000 + process, 32_000, _PROCESSES)
        with socket.socket() as server, contextlib.suppress(OSError):
            server.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


@contextlib.contextmanager
def served(port, command, environment):
    """Run a server as a process, from when it answers until the block ends; gives the process."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _SECONDS
        while not answers(port):
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command} does not answer"
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def answers(port):
    """Tell whether somebody listens at a port."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
        return True
    return False


@contextlib.contextmanager
def worker_pool(directory, environment, site=None):
    """Start a pool of workers; gives its endpoint.

    They see third-party packages, and of ours what is installed in the folder `site`, nothing of the working tree.
    """
    paths = [str(site)] if site else []
    clean = environment | {"PYTHONPATH": os.pathsep.join([*paths, sysconfig.get_path("purelib")])}
    clean["BOOT_DIRECTORY"] = str(directory)
    seen = subprocess.run(
        [*_CLEAN_PYTHON, "-c", "import apache_beam, webtext; print(webtext.__file__)"],
        env=clean, cwd=directory, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert seen.stdout.startswith(f"{site}{os.sep}") if site else "No module named 'webtext'" in seen.stderr, seen
    boot = directory / "boot"
    boot.write_text(
        f'#!/bin/sh\nexec {shlex.join([*_CLEAN_PYTHON, str(ROOT / "tests" / "double" / "worker_boot.py")])} "$@"\n'
    )
    boot.chmod(0o755)
    port = free_port()
    flags = [f"--service_port={port}", f"--container_executable={boot}"]
    with served(port, [*_CLEAN_PYTHON, "-m", WORKER_POOL, *flags], clean):
        yield f"localhost:{port}"
