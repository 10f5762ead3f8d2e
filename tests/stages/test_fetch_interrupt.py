"""A crawl that waits for servers or for a resolver ends when it is told to, not when they are done."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from pipelines.commands.cli import EXIT_INTERRUPTED, main
from tests.double.loopback import LoopbackServer
from tests.double.sessions import in_session, wait_for_none

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("quick_starts"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

FAR = 3000  # seconds that an exchange may take here: far more than anybody waits
SECONDS = 240  # after which what should have come is given up
PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from webtext.crawl import exchange
from webtext.connection.addresses import AddressGuard
def resolve(host, port):
    if {hangs}:
        os.write(1, b"looks up\\n")  # whole, where several threads do
        time.sleep({far})
    return ["127.0.0.1"]
exchange.AddressGuard = lambda: AddressGuard(frozenset([("127.0.0.1", {port})]), resolve)
from pipelines.commands.cli import entry
sys.argv[1:] = {arguments!r}
entry()
"""


class Tarpit(LoopbackServer):
    """Sends a byte a second for ever."""

    def __init__(self):
        self.asked, self.ended = threading.Semaphore(0), threading.Event()
        super().__init__()

    def serve(self, connection):
        with connection:
            connection.recv(65536)
            self.asked.release()
            while not self.ended.wait(1):
                connection.sendall(b"x")


@pytest.fixture
def tarpit():
    server = Tarpit()
    yield server
    server.ended.set()
    server.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("hangs", [False, True])
def test_a_crawl_ends_when_it_is_told_to(tmp_path, tarpit, number, hangs):
    (tmp_path / "posted.tsv").write_text("".join(f"http://site{n}.test:{tarpit.port}/\t5\n" for n in range(8)))
    assert main(["harvest", "-s", str(tmp_path / "posted.tsv"), "-o", str(tmp_path), "--workers", "1"]) == 0
    limits = [f"--{name}-timeout={FAR}" for name in ("connect", "read", "total")]
    arguments = ["fetch", "-o", str(tmp_path), "--contact", "crawl@webtext.dev", "--workers", "1", *limits]
    program = PROGRAM.format(hangs=hangs, far=FAR, port=tarpit.port, arguments=arguments)
    command = [sys.executable, "-c", program]
    with in_session(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        if hangs:
            assert process.stdout.readline() == "looks up\n"
        else:
            assert tarpit.asked.acquire(timeout=SECONDS)
        time.sleep(0.2)
        process.send_signal(number)
        _, told = process.communicate(timeout=SECONDS)
        assert process.returncode == EXIT_INTERRUPTED, told
        assert told.endswith("webtext fetch: interrupted; run the same command again to go on\n")
        assert wait_for_none(process.pid, SECONDS) == []
    assert not (tmp_path / "pages").exists()
