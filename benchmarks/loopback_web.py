"""A web on loopback that answers for any host name, at so little CPU that it is the client that is measured.

A bare loop over `select.epoll` in a process of its own: a request costs it some 15 microseconds, a third of what
asyncio's protocols took. What it answers is made beforehand; only a page's name is put between two pieces of it. It
notes when each request reached it, so spacing is measured where it matters. Linux only.
"""

import multiprocessing
import select
import socket
import time
from multiprocessing.connection import Connection
from typing import Self

PAGE_BYTES = 49_000  # the mean of the HTML pages that other clients were measured with
_SITE_FILES = (b"/robots.txt", b"/ai.txt", b"/.well-known/tdmrep.json")
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_NAME_BYTES = 64
_READ = 1 << 14
_EVENTS = 256  # looked at in one go


class LoopbackWeb:
    """The server's process, for the time of a `with` block; afterwards `noted` has what reached it, `cpu` its cost."""

    def __init__(self, page_bytes: int = PAGE_BYTES) -> None:
        """Prepare the process."""
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, page_bytes))
        self.noted: list[tuple[bytes, bytes, float]] = []  # host, path, seconds by the monotonic clock
        self.cpu = 0.0  # seconds

    def __enter__(self) -> Self:
        """Start serving."""
        self._process.start()
        self.port: int = self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and collect what was noted."""
        self._pipe.send("stop")
        self.noted, self.cpu = self._pipe.recv()
        self._process.join()


def _serve(pipe: Connection, page_bytes: int) -> None:
    """Serve until told to stop, then send what was noted."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    pipe.send(listener.getsockname()[1])
    began = time.process_time()
    noted = _Server(listener, pipe, page_bytes).serve()
    pipe.send((noted, time.process_time() - began))


class _Server:
    """A page that is no other's for each host and path: its title is its name, padded to one length."""

    def __init__(self, listener: socket.socket, pipe: Connection, page_bytes: int) -> None:
        before, after = b"<!doctype html><title>", b"</title><p>"
        words = b"Some words of a page. " * (page_bytes // 22 + 1)
        self._after = (after + words)[: page_bytes - len(before) - _NAME_BYTES]
        length = len(before) + _NAME_BYTES + len(self._after)
        self._before = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % length + before
        self._listener, self._pipe = listener, pipe
        self._epoll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._heads: dict[int, bytes] = {}  # requests that have not come whole
        self._unsent: dict[int, bytes] = {}
        self._noted: list[tuple[bytes, bytes, float]] = []

    def serve(self) -> list[tuple[bytes, bytes, float]]:
        self._listener.setblocking(False)
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._epoll.register(self._pipe.fileno(), select.EPOLLIN)
        while True:
            for number, event in self._epoll.poll(maxevents=_EVENTS):
                if number == self._listener.fileno():
                    self._accept()
                elif number == self._pipe.fileno():
                    return self._noted
                elif event & select.EPOLLOUT:
                    self._send(number, b"")
                else:
                    self._receive(number)

    def _accept(self) -> None:
        while True:
            try:
                opened, _ = self._listener.accept()
            except BlockingIOError:
                return
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open[opened.fileno()] = opened
            self._epoll.register(opened.fileno(), select.EPOLLIN)

    def _receive(self, number: int) -> None:
        try:
            data = self._open[number].recv(_READ)
        except ConnectionError:
            data = b""
        if not data:
            self._open.pop(number).close()  # closing takes it out of the epoll
            self._heads.pop(number, None)
            self._unsent.pop(number, None)
            return
        head = self._heads.pop(number, b"") + data
        while (end := head.find(b"\r\n\r\n")) >= 0:
            request, head = head[:end], head[end + 4 :]
            path = request.split(b" ", 2)[1]
            host = request.partition(b"Host: ")[2].partition(b"\r\n")[0]
            self._noted.append((host, path, time.monotonic()))
            name = (host + path).ljust(_NAME_BYTES)[:_NAME_BYTES]
            answer = _MISSING if path in _SITE_FILES else b"".join((self._before, name, self._after))
            self._send(number, answer)
        if head:
            self._heads[number] = head

    def _send(self, number: int, data: bytes) -> None:
        waiting = self._unsent.pop(number, b"")
        data = waiting + data
        try:
            sent = self._open[number].send(data)
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            return  # the end of it is read next
        if sent < len(data):
            self._unsent[number] = data[sent:]
        if bool(waiting) != (sent < len(data)):
            wanted = select.EPOLLIN | (select.EPOLLOUT if sent < len(data) else 0)
            self._epoll.modify(number, wanted)
