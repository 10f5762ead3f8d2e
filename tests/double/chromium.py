"""A headless Chromium over its debugging pipe, so that tests see what a reader sees, with nothing more to install.

The pipe is two file descriptors (3 to Chromium, 4 from it) with JSON messages that end in a zero byte (Chrome DevTools
Protocol).
"""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
)


class Url(str):
    """An address to open in the place of a path."""

    __slots__ = ()


class Chromium:
    """One page of a running browser."""

    def __init__(self, send, receive):
        self._send, self._receive, self._left, self._number, self.events = send, receive, b"", 0, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    _session = None

    def call(self, method, **parameters):
        """Call a method of the protocol and return its result; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        while b"\0" not in self._left:
            block = os.read(self._receive, 1 << 16)
            assert block, "Chromium ended"
            self._left += block
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path | Url, *, width=1280, height=900, dark=False, script=True):
        """Open a page, from disk or from its address, in a window of a size and a colour scheme."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self.call("Page.navigate", url=path if isinstance(path, Url) else path.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def press(self, key):
        """Press and release a key, Tab or Enter."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def type(self, text):
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def wait_for(self, expression, seconds=240):
        """Wait until an expression is true of the page, which may be about to be another."""
        until = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < until, expression
            time.sleep(0.05)

    def evaluate(self, expression):
        """Evaluate JavaScript in the page, whether or not the page may run its own; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def screenshot(self, path: Path):
        """Save the whole page as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def requests(self):
        """URLs that the page asked for since it was opened."""
        return [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self):
        """What the browser's console said: errors of scripts and of the page's policy."""
        return [
            event["params"] for event in self.events if event["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}
        ]


@contextlib.contextmanager
def chromium():
    """Start the browser with an empty profile, and end it."""
    read_there, send = map(_high, os.pipe())
    receive, write_there = map(_high, os.pipe())
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    pipes = [(os.POSIX_SPAWN_DUP2, read_there, 3), (os.POSIX_SPAWN_DUP2, write_there, 4)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [PROGRAM, *_FLAGS, f"--user-data-dir={profile}"]
        process = os.posix_spawn(PROGRAM, command, os.environ, file_actions=[*quiet, *pipes])
        os.close(read_there)
        os.close(write_there)
        try:
            yield Chromium(send, receive)
        finally:
            os.kill(process, signal.SIGTERM)
            os.waitpid(process, 0)
            os.close(send)
            os.close(receive)


def _high(number):
    """Move a file descriptor out of the way of 3 and 4; programs that are started do not inherit it."""
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(number)
    return moved
