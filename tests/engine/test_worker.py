"""A worker process says nothing of a run that is gone, whichever of its threads finds out first."""

import socket
import subprocess
import sys

import pytest

from pipelines.engine.worker import ENDED

# A worker in which Beam's thread finds out: ours, which would end the process at once, waits.
FINDS_OUT = """
import logging, sys, threading, time, types
from pipelines.engine import worker

def work(_arguments):
    print("at work", flush=True)
    sys.stdin.readline()
    tell()

worker._end_with = lambda _: time.sleep(600)
worker.import_beam = lambda: None
sys.modules["apache_beam.runners.worker.sdk_worker_main"] = types.SimpleNamespace(main=work)
worker.main(int(sys.argv[1]), 0)
"""
LOGS = 'tell = lambda: logging.getLogger("beam").error("the run is gone")\n'
RAISES = "tell = lambda: [one := threading.Thread(target=lambda: 1 / 0), one.start(), one.join()]\n"
WAYS = "log line", "exception of a thread"


def told(run, tell, *, is_gone):
    """Give how a worker of a run ended, and what it told, where one of its threads had something to tell."""
    command = [sys.executable, "-c", tell + FINDS_OUT, str(run.getsockname()[1])]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stdout.readline() == "at work\n"
            if is_gone:
                run.close()
            _, said = process.communicate("tell\n", timeout=60)
        finally:
            process.kill()
    return process.returncode, said


@pytest.mark.parametrize("tell", [LOGS, RAISES], ids=WAYS)
def test_a_worker_says_nothing_of_a_run_that_is_gone(tell):
    with socket.create_server(("127.0.0.1", 0)) as run:
        assert told(run, tell, is_gone=True) == (ENDED, "")


@pytest.mark.parametrize(("tell", "said"), [(LOGS, "the run is gone"), (RAISES, "ZeroDivisionError")], ids=WAYS)
def test_a_worker_says_what_it_has_to_say_while_its_run_is_there(tell, said):
    with socket.create_server(("127.0.0.1", 0)) as run:
        status, heard = told(run, tell, is_gone=False)
    assert status == 0
    assert said in heard
