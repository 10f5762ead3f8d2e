"""Kill or stop a process at the n-th thing it does with a file or a connection: a moment in the work, not on a clock.

Python imports this module at the start of every process that has this folder on its path. It arms the processes whose
command line holds a word (Beam's workers are started by Beam, and nothing else can be told to them); the others arm
themselves. Armed processes of a run count together, in a file that grows by a byte a time. One of them dies, by
SIGKILL, just before it does what it was about to do; or it stops there, by SIGSTOP, until it is told to go on.
"""

import os
import signal
import sys

EVENTS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}  # PEP 578


def arm(place, count, moment, number=signal.SIGKILL):
    """Count what this process does with files below `place`, and with sockets, in the file `count`.

    It is sent a signal at the `moment`-th of these things, counted over all processes; at 0 at once, and at -1 never.
    """
    tally = os.open(count, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def die():
        try:
            os.open(f"{count}.killed", os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            return  # one is enough
        os.kill(os.getpid(), number)

    def counts(event, arguments):
        if event in EVENTS:
            path = str(arguments[0])
            return path.startswith(place) and not path.startswith(count)
        return event == "socket.connect"

    def hook(event, arguments):
        if counts(event, arguments):
            os.write(tally, b".")
            if 0 < moment <= os.fstat(tally).st_size:
                die()

    if moment == 0:
        die()
    sys.addaudithook(hook)


if os.environ.get("ARMED_WORD") in sys.orig_argv:
    arm(os.environ["ARMED_PLACE"], os.environ["ARMED_COUNT"], int(os.environ["ARMED_MOMENT"]))
