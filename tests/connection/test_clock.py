"""Time: no exchange outlasts its limit, whatever a peer, a resolver or a step that forgets the rule does."""

import socket
import threading
import time

import pytest

from tests.double.loopback import LoopbackServer
from webtext.connection import clock
from webtext.connection.addresses import AddressGuard
from webtext.crawl.exchange import Limits, Requester

LIMITS = Limits(connect_seconds=4.0, read_seconds=4.0, total_seconds=5.0)


class Silent(LoopbackServer):
    """Takes what comes and never answers, until it is told to end."""

    def __init__(self):
        self.ended = threading.Event()
        super().__init__()

    def serve(self, connection):
        with connection:
            self.ended.wait(30)


@pytest.fixture
def silent():
    server = Silent()
    yield server
    server.ended.set()
    server.close()


def requester(port, resolve=lambda _host, _port: ["127.0.0.1"], limits=LIMITS):
    return Requester("webtext/0", limits, guard=AddressGuard(frozenset({("127.0.0.1", port)}), resolve))


def test_a_look_up_that_hangs_is_not_waited_for(silent):
    def hang(_host, _port):
        silent.ended.wait(30)
        return ["127.0.0.1"]

    exchange = requester(silent.port, hang).ask(f"http://a.test:{silent.port}/")
    assert (exchange.outcome, exchange.is_final, exchange.detail) == ("dns_error", False, "no answer within 4 s")


@pytest.mark.parametrize("kept", [False, True])
def test_the_watchdog_ends_what_keeps_to_no_time(silent, monkeypatch, kept):
    """A read that waits for ever ends when its socket is shut, on a new connection and on one that was kept."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n<p>x</p>"
    if kept:
        monkeypatch.setattr(
            Silent, "serve", lambda self, one: (one.recv(999), one.sendall(answer), self.ended.wait(30))
        )
    asker = requester(silent.port, limits=Limits(60, 60, 60))
    if kept:
        assert asker.ask(f"http://a.test:{silent.port}/").outcome == ""
    asker._limits = LIMITS
    monkeypatch.setattr(clock, "_GRACE", 0.0)
    monkeypatch.setattr(clock, "_LOOKS", 0.05)
    monkeypatch.setattr(clock, "allowed_seconds", lambda: None)
    asked = []
    thread = threading.Thread(
        target=lambda: asked.append(asker.ask(f"http://a.test:{silent.port}/").outcome), daemon=True
    )
    thread.start()
    thread.join(60)
    assert asked == ["total_timeout"]


def test_the_watchdog_leaves_alone_what_is_in_time(monkeypatch):
    monkeypatch.setattr(clock, "_LOOKS", 0.01)
    with clock.exchange_time(30, 30):
        ours, theirs = socket.socketpair()
        clock.watch(ours)
        time.sleep(0.1)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
    assert clock._sockets == {}
    ours.close()
    theirs.close()


def test_what_a_call_gives_or_raises_comes_back():
    assert clock.within(5, lambda: 7) == 7
    with pytest.raises(KeyError):
        clock.within(5, lambda: {}["x"])
