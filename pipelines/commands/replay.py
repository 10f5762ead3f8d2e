"""`webtext replay`: archives served over HTTP on loopback, under every host name in them, until Ctrl-C."""

import argparse
import threading
from pathlib import Path

from webtext.crawl.replay import Archives, serve_archives


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext replay`."""
    parser.add_argument("archives", nargs="+", metavar="WARC", help="WARC files, with or without compression")
    parser.add_argument("--port", type=int, default=0, help="port to serve on; 0: any free one (default: %(default)s)")
    parser.epilog = _EPILOG


_EPILOG = """The server answers as a proxy and as a plain server:
  curl --proxy http://127.0.0.1:PORT http://example.org/page
  curl -H "Host: example.org" http://127.0.0.1:PORT/page"""


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Serve until interrupted."""
    assert not beam_arguments
    archives = Archives([Path(path) for path in arguments.archives])
    with serve_archives(archives, arguments.port) as (address, port):
        print(f"{len(archives):,} URLs at http://{address}:{port} (Ctrl-C to stop)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()
    return 0
