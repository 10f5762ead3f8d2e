"""The processes that a test has started, and those that these have: found in /proc by their session (Linux)."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


@contextlib.contextmanager
def in_session(command, **settings):
    """Start a command in a session of its own; whatever happens, nothing of it outlives the block."""
    with subprocess.Popen(command, start_new_session=True, **settings) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def processes_of(session, word=b""):
    """List the live processes of a session whose command line holds a word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, own = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                command = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(own) == session and state != "Z" and word in command:
                found.append(int(entry.name))
    return sorted(found)


def is_stopped(process):
    """Tell whether a process has stopped (SIGSTOP)."""
    return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "T"


def wait_for_none(session, seconds):
    """Wait until no process of a session is left; give those that are left after so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(session)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
