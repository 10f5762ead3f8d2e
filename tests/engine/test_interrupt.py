"""Ctrl-C and TERM end a command within five seconds, whatever it is busy with; and text of the web is only shown."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from pipelines.engine import interrupt

# A command that does not let go: it goes on where it is interrupted, as code does that catches what it should not.
STUBBORN = """
import signal, threading, time, types
from pipelines.commands import cli
from pipelines.engine import interrupt

interrupt.PATIENCE = 0.2
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would not hear of it

def run(_arguments, _unknown):
    told = False
    while True:
        try:
            if not told:
                told = True
                print("at work", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            pass

cli.importlib = types.SimpleNamespace(import_module=lambda _: types.SimpleNamespace(run=run))
cli._declare = lambda _command, _name, arguments: arguments
cli.main = lambda: cli._run(types.SimpleNamespace(command="stats", verbose=False), [])
cli.entry()
"""


def ended(program, number=None):
    """Run a program, send it a signal when it is at work, and give its end and what it told."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "at work\n"
            if number is not None:
                process.send_signal(number)
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, told


INTERRUPTED = interrupt.EXIT_INTERRUPTED, "webtext stats: interrupted; run the same command again to go on\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_does_not_let_go_ends_all_the_same(number):
    assert ended(STUBBORN, number) == INTERRUPTED


# A command that waits for a lock, while the system gives the signal to another of its threads, as it may.
DEAF = STUBBORN.replace("time.sleep(600)", "gone.acquire()").replace(
    "told = True",
    """told, gone = True, threading.Lock()
                gone.acquire()
                threading.Timer(0.3, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT)).start()""",
)


@pytest.mark.skipif(sys.platform == "win32", reason="a signal is given to a thread")
def test_a_signal_that_another_thread_gets_is_heard():
    assert ended(DEAF) == INTERRUPTED


@pytest.mark.skipif(sys.platform == "win32", reason="a signal is given to a thread")
def test_a_signal_that_another_thread_gets_wakes_the_main_thread():
    lets_go = DEAF.replace("PATIENCE = 0.2", "PATIENCE = 600").replace("pass", "return 0")
    assert ended(lets_go) == (0, "")


# A command that forks, and ends the process that it has forked.
FORKS = STUBBORN.replace(
    "time.sleep(600)",
    """ready, tell = os.pipe()
            child = os.fork()
            if not child:
                os.write(tell, b".")
                time.sleep(600)
            os.read(ready, 1)
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
            time.sleep(1)
            return 0""",
).replace("pass", "os._exit(0)")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_signal_to_a_forked_process_does_not_end_the_command():
    assert ended("import os\n" + FORKS) == (0, "")


# A command that Ctrl-C ends a part of, after which it does the rest: what was to end it is not there any more.
GOES_ON = (
    STUBBORN.replace("PATIENCE = 0.2", "PATIENCE = 600")
    .replace("pass", "break")
    .replace(
        "\ncli.importlib",
        """
    deadlines = lambda: [one for one in threading.enumerate() if isinstance(one, threading.Timer) and one.is_alive()]
    while not deadlines():
        time.sleep(0.01)
    interrupt.go_on()
    for each in deadlines():
        each.join(60)
    return len(deadlines()) or rest()

cli.importlib""",
    )
)


def test_a_command_that_goes_on_is_not_ended():
    assert ended("rest = lambda: 0\n" + GOES_ON, signal.SIGINT) == (0, "")


def test_a_command_that_goes_on_is_ended_by_the_next_signal():
    again = "rest = lambda: signal.raise_signal(signal.SIGINT)\n"
    assert ended(again + GOES_ON, signal.SIGINT) == INTERRUPTED


def test_a_second_signal_does_not_break_off_what_the_first_began_to_close():
    twice = STUBBORN.replace("PATIENCE = 0.2", "PATIENCE = 600").replace(
        "pass", "[signal.raise_signal(number) for number in (signal.SIGINT, signal.SIGTERM)]; return 0"
    )
    assert ended(twice, signal.SIGINT) == (0, "")


def test_the_promise_is_five_seconds():
    assert interrupt.PATIENCE < 5


def test_a_run_that_ends_by_itself_has_said_so_once(capsys, monkeypatch):
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    interrupt.Ending.begin("build")
    interrupt.Ending.say()
    interrupt._end()
    assert capsys.readouterr().err == "webtext build: interrupted; run the same command again to go on\n"
    assert ended == [interrupt.EXIT_INTERRUPTED]
    assert threading.main_thread().is_alive()
