"""A run with several workers ends also where one of them comes to it when all is over, or never comes."""

import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.usefixtures("quick_starts"),
    pytest.mark.skipif(sys.platform == "win32", reason="there the workers are Beam's own"),
]

# One process fails at the only element. The other may not begin before the run has closed its connection to it.
RUN = """
import sys
from pathlib import Path
import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner.worker_handlers import ControlConnection
from pipelines.engine.runner import Engine
from webtext.errors import UsageError

sys.path.insert(0, sys.argv[1])  # workers have the paths of their run
close = ControlConnection.close

def noted(self):
    is_late = self._state == "unstarted"
    close(self)
    if is_late:
        Path(sys.argv[1], "over").touch()

def fail(_):
    raise UsageError("the disk is full")

ControlConnection.close = noted
try:
    Engine(2).run(lambda root: root | beam.Create([1]) | beam.Map(fail), tasks=2)
except UsageError as error:
    print(error)
except KeyboardInterrupt:
    print("interrupted")
"""
WORKER = """
import os, sys, time
from pathlib import Path

if "pipelines.engine.worker" in sys.orig_argv and os.environ["WORKER_ID"] == "worker_0":
    until = time.monotonic() + 120
    while time.monotonic() < until and not Path(__file__).with_name("over").exists():
        time.sleep(0.05)
"""

# Ctrl-C is for all processes; this one hears it before it is deaf to it.
HEARS = """
import os, signal, sys

if "pipelines.engine.worker" in sys.orig_argv:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
"""


def told(folder, worker):
    (folder / "sitecustomize.py").write_text(worker)
    command = [sys.executable, "-c", RUN, str(folder)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=300).stdout


def test_a_worker_that_comes_when_all_is_over_is_sent_home(tmp_path):
    assert told(tmp_path, WORKER) == b"the disk is full\n"
    assert (tmp_path / "over").exists()


def test_a_worker_that_ctrl_c_ends_before_it_is_deaf_to_it_has_not_died(tmp_path):
    assert told(tmp_path, HEARS) == b"interrupted\n"
