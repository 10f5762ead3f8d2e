"""How a run ends that is asked to: at once where it can, and in a few seconds whatever it is busy with."""

import os
import signal
import socket
import sys
import threading
from types import FrameType

from pipelines.engine.run_log import note_end
from pipelines.engine.terminal import tell

# Seconds from the first Ctrl-C or TERM to the end. A run that is killed loses nothing that the next one does not make
# again, so there is no reason to wait for a library that does not let go.
PATIENCE = 4.0
EXIT_INTERRUPTED = 130
_ENDS = signal.SIGINT, signal.SIGTERM
# What wakes the main thread. Nobody sends it else: it tells of urgent data of a socket, to who asked for it. (Windows
# has neither it nor signals to threads: its main thread waits for Ctrl-C, too.)
_NUDGE = None if sys.platform == "win32" else signal.SIGURG
INTERRUPTED = "interrupted; run the same command again to go on"


class Ending:
    """What is known of the end of this process: which command it runs, and whether it has said that it ends."""

    command = ""
    forgiven = 0  # signals after which the command goes on
    _said = threading.Lock()

    @classmethod
    def begin(cls, command: str) -> None:
        """Begin a command."""
        cls.command, cls.forgiven, cls._said = command, 0, threading.Lock()

    @classmethod
    def say(cls) -> None:
        """Tell the user, once, that the run was interrupted and can be gone on with."""
        if cls._said.acquire(blocking=False):
            tell(f"webtext {cls.command}: {INTERRUPTED}")


def listen() -> None:
    """Raise `KeyboardInterrupt` at a first Ctrl-C or TERM, and see to it that the process has ended `PATIENCE` later.

    Python has a handler called by the main thread alone, which does not wake from a lock where the system gave the
    signal to another thread. So a thread of ours hears of signals, too, and wakes the main one.
    """
    ears, mouth = socket.socketpair()
    mouth.setblocking(False)
    signal.set_wakeup_fd(mouth.detach(), warn_on_full_buffer=False)
    if _NUDGE is not None:
        signal.signal(_NUDGE, lambda *_: None)  # one that is ignored wakes nobody
    threading.Thread(target=_hear, args=(ears, threading.get_ident()), daemon=True).start()
    for number in _ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:  # a shell ignores it for a background job
            signal.signal(number, _raise)


def _hear(ears: socket.socket, main_thread: int) -> None:
    while numbers := ears.recv(1):
        if numbers[0] in _ENDS:
            set_deadline()
        if _NUDGE is not None and numbers[0] != _NUDGE:
            signal.pthread_kill(main_thread, _NUDGE)


def go_on() -> None:
    """Go on after a `KeyboardInterrupt` that was to end a part of the work: the process has no deadline by that."""
    Ending.forgiven += 1
    for number in _ENDS:
        if signal.getsignal(number) == signal.default_int_handler:
            signal.signal(number, _raise)


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.default_int_handler)
    signal.default_int_handler(number, frame)


def set_deadline() -> None:
    """End the process after `PATIENCE` seconds, whatever it is busy with then."""
    timer = threading.Timer(PATIENCE, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    if Ending.forgiven:
        Ending.forgiven -= 1
        return
    Ending.say()
    note_end(EXIT_INTERRUPTED, INTERRUPTED)
    os._exit(EXIT_INTERRUPTED)
