"""A server on loopback that writes bytes as a test pleases, each connection in a thread."""

import socket
import threading


class LoopbackServer:
    """Accepts until it is closed; what a connection gets is up to the `serve` of a subclass."""

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
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.close()
