"""What hostile pages cost a crawl: 1,000 good pages alone, and with 50 among them that mean harm, each in its way.

    python benchmarks/hostile_crawl.py          # CPU of both, the peak of memory, and each hostile page's outcome

Both servers are processes of their own, so that it is the crawl that is measured; each crawl is a process, too, so that
its memory is its own. What ought to come out: at most 1.5 times the CPU, less than 1 GB, an outcome for every link.
"""

import argparse
import gzip
import json
import multiprocessing
import resource
import socket
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import brotli
import zstandard
from loopback_web import LoopbackWeb

from webtext.connection.addresses import AddressGuard
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.records import Link

GOOD_PAGES, GOOD_HOSTS = 1000, 100
_ZEROS = bytes(200 << 20)
_HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_PAGE = b"<!doctype html><p>" + b"Words of a page. " * 100
_ROBOTS, _AI, _TDM = b"/robots.txt", b"/ai.txt", b"/.well-known/tdmrep.json"

Answer = bytes | Iterable[bytes] | Callable[[bytes], "Answer"]


def _body(body: bytes, *headers: bytes) -> bytes:
    return b"".join([_HTML, *(header + b"\r\n" for header in headers), b"Content-Length: %d\r\n\r\n" % len(body), body])


def _packed(body: bytes, coding: bytes) -> bytes:
    return _body(body, b"Content-Encoding: " + coding)


def _endless(head: bytes, piece: bytes) -> Iterator[bytes]:
    yield head
    while True:
        yield piece


def _drip(data: bytes) -> Iterator[bytes]:
    for place in range(len(data)):
        time.sleep(0.2)
        yield data[place : place + 1]


def _moved(target: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 302 Found", b"Location: " + target, *headers, b"Content-Length: 0", b"Connection: close"]
    return b"\r\n".join([*lines, b"", b""])


def _file(path: bytes, body: bytes, *headers: bytes) -> Callable[[bytes], bytes]:
    """Answer with a site's file that is a bomb, and else with a page."""
    answer = _body(body, *headers)
    return lambda asked: answer if asked == path else _body(_PAGE)


def _rules(line: bytes) -> bytes:
    return b"user-agent: *\n" + line * (500_000 // len(line))


def _chunks(size: int, number: int) -> bytes:
    head = _HTML + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + (b"%x\r\n%s\r\n" % (size, b"x" * size)) * number + b"0\r\n\r\n"


def hostile() -> dict[str, Answer]:
    """Give each kind of harm by its name: what the server sends, or a function from the path to that."""
    empty_gzip = gzip.compress(b"")
    twice = gzip.compress(gzip.compress(_ZEROS))
    return {
        "gzip-bomb": _packed(gzip.compress(_ZEROS), b"gzip"),
        "brotli-bomb": _packed(brotli.compress(_ZEROS, quality=5), b"br"),
        "zstd-bomb": _packed(zstandard.compress(_ZEROS), b"zstd"),
        "gzip-twice": _packed(twice, b"gzip, gzip"),
        "gzip-of-empty-members": _packed(gzip.compress(empty_gzip * 1_000_000), b"gzip, gzip"),
        "empty-members": _packed(empty_gzip * 100_000, b"gzip"),
        "gzip-behind-its-end": _packed(gzip.compress(zlib.compress(b"") + _ZEROS), b"deflate, gzip"),
        "many-codings": _packed(gzip.compress(b"x"), b"gzip, " * 1000),
        "endless-body": lambda _path: _endless(_HTML + b"\r\n", b"x" * 65536),
        "endless-head": lambda _path: _endless(_HTML, b"X-More: and more\r\n"),
        "endless-line": lambda _path: _endless(_HTML + b"X-More: ", b"x" * 65536),
        "endless-hints": lambda _path: _endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        "many-cookies": _body(_PAGE, *(b"Set-Cookie: c%d=1" % number for number in range(12_000))),
        "drip-head": lambda _path: _drip(_HTML),
        "drip-body": lambda _path: _drip(_HTML + b"\r\n" + _PAGE),
        "tiny-chunks": _chunks(1, 300_000),
        "silent": lambda _path: _drip(b""),
        "redirect-for-ever": lambda path: b"HTTP/1.1 302 Found\r\nLocation: %sx\r\nConnection: close\r\n\r\n" % path,
        "refresh-for-ever": lambda path: _body(b'<meta http-equiv=refresh content="0;url=%sx">' % path),
        "robots-rules": _file(_ROBOTS, _rules(b"disallow: /*a*b*c*d*e*$\n")),
        "robots-bomb": _file(_ROBOTS, gzip.compress(_ZEROS), b"Content-Encoding: gzip"),
        "ai-txt-rules": _file(_AI, _rules(b"allow: /*x\n")),
        "tdm-deep": _file(_TDM, b"[" * 400_000),
        "head-of-metas": _body(b"<meta name='robots' content='" * 20_000),
        "deep-html": _body(b"<!doctype html>" + b"<div>" * 200_000),
        **_plain_harm(),
    }


def _plain_harm() -> dict[str, Answer]:
    """Give what is wrong in a few bytes."""
    return {
        "closed": b"",
        "garbage": bytes(range(256)) * 200,
        "no-head": b"<html>" * 1000,
        "cut-head": _HTML[:30],
        "cut-body": _HTML + b"Content-Length: 999999\r\n\r\n" + _PAGE,
        "two-lengths": _HTML + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "no-length": _HTML + b"Content-Length: -1\r\n\r\n" + _PAGE,
        "huge-length": _HTML + b"Content-Length: 999999999999\r\n\r\n" + _PAGE,
        "no-chunk-size": _HTML + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + _PAGE,
        "huge-chunk-size": _HTML + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 9000 + b"\r\nx",
        "no-gzip": _packed(_PAGE, b"gzip"),
        "no-brotli": _packed(_PAGE, b"br"),
        "no-zstd": _packed(_PAGE, b"zstd"),
        "picture": _body(b"\x89PNG\r\n\x1a\n" + bytes(100_000)),
        "odd-lines": _HTML + b"no colon at all\r\n" * 5000 + b"Content-Length: 4\r\n\r\n<p>x",
        "to-metadata": _moved(b"http://169.254.169.254/latest/meta-data/"),
        "to-this-machine": _moved(b"http://[::ffff:127.0.0.1]/"),
        "to-a-file": _moved(b"file:///etc/passwd"),
        "to-nowhere": _moved(b""),
        "to-far-away": _moved(b"/" + b"x" * 200_000),
        "to-itself": _moved(b"/"),
        "to-itself-with-cookies": lambda path: _moved(path, b"Set-Cookie: c%d=1" % time.monotonic_ns()),
        "come-back-never": b"HTTP/1.1 503 No\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n",
        "status-999": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "status-101": b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n" + _PAGE,
    }


def _serve(pipe: Connection) -> None:
    kinds = hostile()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    pipe.send((listener.getsockname()[1], list(kinds)))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection, kinds), daemon=True).start()


def _answer(connection: socket.socket, kinds: dict[str, Answer]) -> None:
    try:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536) or b"\r\n\r\n"
            host = head.lower().partition(b"host: ")[2].partition(b":")[0].decode()
            path = head.split(b" ")[1]
            answer: Any = kinds[host.partition(".test")[0]]
            is_file = path in {_ROBOTS, _AI, _TDM}
            if is_file and not (callable(answer) and answer(path) != answer(b"/")):
                answer = _MISSING
            while callable(answer):
                answer = answer(path)
            for piece in [answer] if isinstance(answer, bytes) else answer:
                connection.sendall(piece)
    except OSError:
        pass


def crawl(pipe: Connection, ports: tuple[int, ...], urls: list[str]) -> None:
    """Crawl, and send seconds of CPU, the peak of memory in bytes, and the outcomes."""
    config = FetchConfig(delay=0.0, backoff=0.0, read_timeout=2.0, total_timeout=4.0, max_attempts=1)
    guard = AddressGuard(frozenset(("127.0.0.1", port) for port in ports), lambda _host, _port: ["127.0.0.1"])
    links = [Link(url, url, "", 3, 1, (), None) for url in urls]
    with tempfile.TemporaryDirectory() as folder:
        requester = Requester(config.agent, config.limits, guard=guard)
        task = Crawl(config, PageArchive(Path(folder), "pages", roll_bytes=1 << 30, about={}), requester)
        errands = [Errand.of(link) for link in links]
        before = time.process_time()
        task.run(errands)
        cpu = time.process_time() - before
        requester.close()
        outcomes = {errand.link.url: row["outcome"] for errand, row in task.rows()}
    pipe.send((cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, outcomes))


def measured(ports: tuple[int, ...], urls: list[str]) -> tuple[float, int, dict[str, str]]:
    """Crawl in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=crawl, args=(theirs, ports, urls))
    process.start()
    theirs.close()
    found: tuple[float, int, dict[str, str]] = ours.recv()
    process.join()
    return found


def main() -> None:
    """Measure both crawls and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3, help="crawls of each, of which the cheapest counts")
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port, kinds = ours.recv()
    with LoopbackWeb() as web:
        good = [
            f"http://host{place % GOOD_HOSTS}.test:{web.port}/page/{place // GOOD_HOSTS}" for place in range(GOOD_PAGES)
        ]
        bad = [f"http://{kind}.test:{port}/" for kind in kinds]
        step = len(good) // len(bad)
        mixed = [url for place, one in enumerate(bad) for url in (*good[place * step : (place + 1) * step], one)]
        mixed += good[len(bad) * step :]
        alone = min((measured((web.port,), good) for _ in range(arguments.times)), key=lambda found: found[0])
        among = min((measured((web.port, port), mixed) for _ in range(arguments.times)), key=lambda found: found[0])
    server.terminate()
    figures = {
        "good pages": len(good),
        "hostile pages": len(bad),
        "CPU seconds, good alone": round(alone[0], 2),
        "CPU seconds, with the hostile": round(among[0], 2),
        "times": round(among[0] / alone[0], 2),
        "peak of memory, MB": round(among[1] / 1e6),
        "links without an outcome": sum(outcome == "not_fetched" for outcome in among[2].values()),
        "good pages that came": sum(among[2][url] == "ok" for url in good),
        "outcomes": {kind: among[2][f"http://{kind}.test:{port}/"] for kind in kinds},
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
