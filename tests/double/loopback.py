"""A server on loopback that writes bytes as a test pleases, each connection in a thread."""

import contextlib
import socket
import threading


class LoopbackServer:
    """Accepts until it is closed; what a connection gets is up to the `serve` of a subclass.

    A client that goes away while it is served is no failure: what a thread raises fails the test that runs then.
    """

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.requests = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        with contextlib.suppress(ConnectionError):
            self.serve(connection)

    def close(self):
        self.listener.close()
