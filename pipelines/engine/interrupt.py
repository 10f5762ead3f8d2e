"""How a run ends that is asked to: at once where it can, and in a few seconds whatever it is busy with."""

import os
import signal
import threading
from types import FrameType

from pipelines.engine.run_log import note_end
from pipelines.engine.terminal import tell

# Seconds from the first Ctrl-C or TERM to the end. A run that is killed loses nothing that the next one does not make
# again, so there is no reason to wait for a library that does not let go.
PATIENCE = 4.0
EXIT_INTERRUPTED = 130
INTERRUPTED = "interrupted; run the same command again to go on"


class Ending:
    """What is known of the end of this process: which command it runs, and whether it has said that it ends."""

    command = ""
    _said = threading.Lock()

    @classmethod
    def begin(cls, command: str) -> None:
        """Begin a command."""
        cls.command, cls._said = command, threading.Lock()

    @classmethod
    def say(cls) -> None:
        """Tell the user, once, that the run was interrupted and can be gone on with."""
        if cls._said.acquire(blocking=False):
            tell(f"webtext {cls.command}: {INTERRUPTED}")


def end_in_time(number: int, frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt`, and see to it that the process has ended after `PATIENCE` seconds all the same."""
    signal.signal(number, signal.default_int_handler)
    set_deadline()
    signal.default_int_handler(number, frame)


def set_deadline() -> None:
    """End the process after `PATIENCE` seconds, whatever it is busy with then."""
    timer = threading.Timer(PATIENCE, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    Ending.say()
    note_end(EXIT_INTERRUPTED, INTERRUPTED)
    os._exit(EXIT_INTERRUPTED)
