"""A WebHDFS server on loopback over a folder: the operations that its client uses, as Hadoop documents them."""

import contextlib
import hashlib
import http.server
import json
import shutil
import threading
import urllib.parse
from pathlib import Path

PREFIX = "/webhdfs/v1"


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; `root` is the folder that the server's tree lies in."""

    protocol_version = "HTTP/1.1"
    root = Path()

    def log_message(self, *_):
        """Say nothing."""

    def place(self, path):
        return self.root / path.strip("/")

    def asked(self):
        url = urllib.parse.urlsplit(self.path)
        given = dict(urllib.parse.parse_qsl(url.query))
        return given, self.place(urllib.parse.unquote(url.path.removeprefix(PREFIX)))

    def answer(self, content, status=200, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, exception, status):
        self.answer({"RemoteException": {"exception": exception, "message": exception}}, status)

    def sent(self):
        """Read the body, chunked or not."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def describe(self, path, name=""):
        found = path.stat()
        kind = "DIRECTORY" if path.is_dir() else "FILE"
        size = 0 if path.is_dir() else found.st_size
        return {"pathSuffix": name, "type": kind, "length": size, "modificationTime": int(found.st_mtime * 1000)}

    def do_GET(self):
        given, path = self.asked()
        if not path.exists():
            return self.refuse("FileNotFoundException", 404)
        if given["op"] == "GETFILESTATUS":
            return self.answer({"FileStatus": self.describe(path)})
        if given["op"] == "LISTSTATUS":
            found = [self.describe(each, each.name) for each in sorted(path.iterdir())] if path.is_dir() else []
            return self.answer({"FileStatuses": {"FileStatus": found}})
        if given["op"] == "GETFILECHECKSUM":
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            return self.answer({"FileChecksum": {"algorithm": "MD5", "bytes": digest, "length": 28}})
        with path.open("rb") as stream:
            stream.seek(int(given.get("offset", 0)))
            return self.answer(stream.read(int(given.get("length", -1))))

    def do_PUT(self):
        given, path = self.asked()
        content = self.sent()
        if given["op"] == "MKDIRS":
            path.mkdir(parents=True, exist_ok=True)
            return self.answer({"boolean": True})
        if given["op"] == "RENAME":
            target = self.place(given["destination"])
            can = path.exists() and target.parent.is_dir() and not target.is_file()  # HDFS replaces nothing
            if can:
                path.rename(target)
            return self.answer({"boolean": can})
        if "data" not in given:  # the name node sends a client on to a data node
            where = f"http://{self.headers['Host']}{self.path}&data=true"
            return self.answer(b"", 307, Location=where)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.answer(b"", 201)

    def do_DELETE(self):
        given, path = self.asked()
        if path.is_dir() and given.get("recursive", "").lower() == "true":
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        return self.answer({"boolean": True})


@contextlib.contextmanager
def webhdfs(root):
    """Serve a folder; give the port."""
    handler = type("Rooted", (Handler,), {"root": root})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
