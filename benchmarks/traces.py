"""How often each of the named packages does its job in a run on the sample, with `--reference` and without.

    python benchmarks/traces.py

The sample's corpus is made twice; before it, some submissions are asked of a Reddit on loopback. Every process is
counted (`benchmarks/traced/sitecustomize.py`). Prints a table, and says whether both ways made the same bytes.
"""

import functools
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from traced.sitecustomize import CALLS

from sample.build import ARCHIVE, DUMP, build

HERE = Path(__file__).parent
PACKAGES = ("praw", "requests", "trafilatura", "datasketch", "apache-beam", "pyarrow", "langdetect")
STAGES = ("links", "documents", "duplicates", "corpus")
_POSTS = 30


class _Reddit(http.server.BaseHTTPRequestHandler):
    """Gives any client a token, and thirty posts for any listing."""

    def answer(self) -> None:
        """Answer a request."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/api/v1/access_token"):
            content = {"access_token": "token", "expires_in": 3600, "scope": "*", "token_type": "bearer"}
        else:
            children = [{"kind": "t3", "data": _post(number)} for number in range(_POSTS)]
            content = {"kind": "Listing", "data": {"children": children, "after": None, "before": None}}
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _post(number: int) -> dict[str, object]:
    names = {
        "id": f"p{number}",
        "name": f"t3_p{number}",
        "url": f"http://a.example/{number}",
        "title": f"Post {number}",
    }
    facts = {"score": 5, "created_utc": 1.5e9 + number, "subreddit": "books", "author": "someone", "is_self": False}
    return {**names, **facts, "domain": "a.example", "over_18": False, "permalink": f"/r/books/p{number}"}


def traced(folder: Path, *commands: list[str], **settings: str) -> dict[str, int]:
    """Run commands of webtext with their calls counted; give the number by package and function."""
    notes = folder / "notes"
    notes.mkdir(parents=True)
    paths = os.pathsep.join([str(HERE / "traced"), str(HERE.parent)])
    environment = {**os.environ, **settings, "PYTHONPATH": paths, "WEBTEXT_TRACES": str(notes)}
    for words in commands:
        program = [sys.executable, "-c", "from pipelines.commands.cli import entry; entry()", *words]
        subprocess.run(program, check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    return {path.name: path.stat().st_size for path in sorted(notes.iterdir())}


def digests(output: Path) -> dict[str, str]:
    """Give the sha256 of every file of the stages but the manifests, which know when pages were fetched."""
    paths = sorted(path for stage in STAGES for path in (output / stage).rglob("*.*") if path.name != "manifest.json")
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def ask_reddit(folder: Path) -> dict[str, int]:
    """Harvest a listing of a Reddit on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Reddit)
    threading.Thread(target=functools.partial(server.serve_forever, 0.01), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    folder.mkdir()
    (folder / "praw.ini").write_text(f"[DEFAULT]\nreddit_url={address}\noauth_url={address}\n")
    known = {"praw_client_id": "id", "praw_client_secret": "secret", "praw_user_agent": "python:traces:1 (by u/nobody)"}
    found = traced(folder, ["harvest", "--reddit", "books", "--output", "out"], **known)
    server.shutdown()
    return found


def main() -> int:
    """Count twice, and print the table."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        build(place / "web")
        reddit = ask_reddit(place / "reddit")
        corpus = ["corpus", "-s", str(place / "web" / DUMP), "--replay", str(place / "web" / ARCHIVE), "-o", "out"]
        fast = traced(place / "fast", corpus)
        reference = traced(place / "reference", [*corpus, "--reference"])
        same = digests(place / "fast" / "out") == digests(place / "reference" / "out")
    print(f"{'package':<13}{'call':<28}{'fast':>8}{'--reference':>13}")
    known = [
        f"{package} {owner}{'.' * bool(owner)}{name}" for calls in CALLS.values() for owner, name, package in calls
    ]
    for package in PACKAGES:
        for call in sorted(call for call in known if call.split()[0] == package):
            counts = [run.get(call, 0) + (reddit.get(call, 0) if package == "praw" else 0) for run in (fast, reference)]
            print(f"{package:<13}{call.partition(' ')[2]:<28}{counts[0]:>8,}{counts[1]:>13,}")
    print("both made the same bytes" if same else "THE TWO MADE DIFFERENT BYTES")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
