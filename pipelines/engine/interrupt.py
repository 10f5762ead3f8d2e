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
_GOES_ON = b"\0"  # no signal has this number
INTERRUPTED = "interrupted; run the same command again to go on"


class Ending:
    """What is known of the end of this process: which command it runs, whether it is asked to end, and has said so."""

    command = ""
    is_asked_for = False
    mouth: socket.socket | None = None  # a thread hears what is sent here, in the order in which it came
    _said = threading.Lock()

    @classmethod
    def begin(cls, command: str) -> None:
        """Begin a command."""
        cls.command, cls.is_asked_for, cls._said = command, False, threading.Lock()

    @classmethod
    def say(cls) -> None:
        """Tell the user, once, that the run was interrupted and can be gone on with."""
        if cls._said.acquire(blocking=False):
            tell(f"webtext {cls.command}: {INTERRUPTED}")


def listen() -> None:
    """Raise `KeyboardInterrupt` at a first Ctrl-C or TERM, and see to it that the process has ended `PATIENCE` later.

    Later ones do nothing: who holds the keys down, or presses them twice, gets the same clean end.

    Python has a handler called by the main thread alone, which does not wake from a lock where the system gave the
    signal to another thread. So a thread of ours hears of signals, too, and wakes the main one.
    """
    ears, mouth = socket.socketpair()
    mouth.setblocking(False)
    signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    Ending.mouth = mouth
    if _NUDGE is not None:
        signal.signal(_NUDGE, lambda *_: None)  # one that is ignored wakes nobody
        os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))  # what a child is sent is not for us
    threading.Thread(target=_hear, args=(ears, threading.get_ident()), daemon=True).start()
    for number in _ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:  # a shell ignores it for a background job
            signal.signal(number, _raise)


def _hear(ears: socket.socket, main_thread: int) -> None:
    deadline: threading.Timer | None = None
    while heard := ears.recv(1):
        if heard == _GOES_ON and deadline is not None:
            deadline.cancel()
            deadline = None
        elif heard[0] in _ENDS and deadline is None:
            deadline = threading.Timer(PATIENCE, _end)
            deadline.daemon = True
            deadline.start()
        if _NUDGE is not None and heard not in {_GOES_ON, bytes([_NUDGE])}:
            signal.pthread_kill(main_thread, _NUDGE)


def go_on() -> None:
    """Go on after a `KeyboardInterrupt` that was to end a part of the work: the process has no deadline by that."""
    Ending.is_asked_for = False
    if Ending.mouth is not None:
        Ending.mouth.send(_GOES_ON)  # behind the signals that came


def hear_no_more() -> None:
    """Keep the exit status of a process that was asked to end: Python drops its handlers some time before the end."""
    if Ending.is_asked_for:
        for number in _ENDS:
            signal.signal(number, signal.SIG_IGN)


def _raise(_number: int, _frame: FrameType | None) -> None:
    if not Ending.is_asked_for:  # a second one would break off what the first began to close
        Ending.is_asked_for = True
        raise KeyboardInterrupt


def _end() -> None:
    Ending.say()
    note_end(EXIT_INTERRUPTED, INTERRUPTED)
    os._exit(EXIT_INTERRUPTED)
