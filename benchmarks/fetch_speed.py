"""How fast a crawl is, and how polite: against a server on loopback that answers for any host name.

    python benchmarks/fetch_speed.py speed     # pages per CPU-second, beside plain requests and aiohttp
    python benchmarks/fetch_speed.py spacing   # 2,000 hosts, 5 pages each, a second of rest for each host

The server (`loopback_web.py`) is a process of its own and notes when each request reached it.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import requests
from loopback_web import LoopbackWeb

from webtext.connection.addresses import AddressGuard
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.hashing import bucket_of
from webtext.records import Link


def links_of(port: int, hosts: int, pages: int) -> list[Link]:
    """Name pages of many hosts, all on one port."""
    urls = [f"http://host{host}.test:{port}/page/{page}" for page in range(pages) for host in range(hosts)]
    return [Link(url, url, "", 3, 1, (), None) for url in urls]


def crawl(port: int, links: list[Link], **settings: Any) -> tuple[float, float]:
    """Crawl links into an archive; gives wall and CPU seconds."""
    config = FetchConfig(**{"delay": 0.0, "hosts_at_once": 64, **settings})
    guard = AddressGuard(frozenset({("127.0.0.1", port)}), lambda _host, _port: ["127.0.0.1"])
    with tempfile.TemporaryDirectory() as folder:
        archive = PageArchive(Path(folder), "pages", roll_bytes=1 << 30, about={})
        requester = Requester(config.agent, config.limits, guard=guard)
        begin, cpu = time.monotonic(), time.process_time()
        task = Crawl(config, archive, requester)
        task.run(map(Errand.of, links))
        spent = time.monotonic() - begin, time.process_time() - cpu
        requester.close()
        outcomes = {row["outcome"] for _, row in task.rows()}
    assert outcomes == {"ok"}, outcomes
    return spent


def _crawl_share(share: tuple[int, list[Link], dict[str, Any]]) -> tuple[float, float, float]:
    port, links, settings = share
    begin = time.monotonic()
    _, cpu = crawl(port, links, **settings)
    return begin, time.monotonic(), cpu


def crawl_in_processes(processes: int, port: int, links: list[Link], settings: dict[str, Any]) -> tuple[float, float]:
    """Deal the hosts out to processes, as slots are on a cluster; gives wall and CPU seconds, without their start."""
    shares: list[list[Link]] = [[] for _ in range(processes)]
    for link in links:
        shares[bucket_of(link.url.rpartition("/page/")[0], processes)].append(link)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        spans = list(pool.map(_crawl_share, [(port, share, settings) for share in shares]))
    return max(end for _, end, _ in spans) - min(begin for begin, _, _ in spans), sum(cpu for _, _, cpu in spans)


def _measure(name: str, pages: int, work: Callable[[], Any]) -> None:
    begin, cpu = time.monotonic(), time.process_time()
    work()
    _print_speed(name, pages, time.monotonic() - begin, time.process_time() - cpu)


def _print_speed(name: str, pages: int, wall: float, cpu: float) -> None:
    print(
        f"{name:<44}{pages / cpu:8.0f} pages/CPU-s {1000 * cpu / pages:7.2f} ms CPU a page {pages / wall:8.0f} pages/s"
    )


def speed(pages: int, hosts: int) -> None:
    """Measure CPU a page: the crawl, its requester alone, requests and aiohttp, all with 64 at once."""
    with LoopbackWeb() as web:
        links = links_of(web.port, hosts, pages // hosts)
        wall, cpu = crawl(web.port, links)
        _print_speed("webtext crawl, robots and opt-outs, archived", len(links), wall, cpu)
        wall, cpu = crawl(web.port, links, robots=False, opt_outs=())
        _print_speed("webtext crawl, pages alone, archived", len(links), wall, cpu)
        guard = AddressGuard(frozenset({("127.0.0.1", web.port)}), lambda _host, _port: ["127.0.0.1"])
        requester = Requester("webtext/0", FetchConfig().limits, guard=guard)
        with ThreadPoolExecutor(64) as pool:
            _measure(
                "webtext requester alone", len(links), lambda: list(pool.map(requester.ask, (x.url for x in links)))
            )
        local = threading.local()
        urls = [f"http://127.0.0.1:{web.port}/page/{number}" for number in range(len(links))]

        def get(url: str) -> int:
            if not hasattr(local, "session"):
                local.session = requests.Session()
            return len(local.session.get(url, timeout=20).content)

        with ThreadPoolExecutor(64) as pool:
            _measure("requests, a session a thread", len(urls), lambda: list(pool.map(get, urls)))
        _measure("aiohttp", len(urls), lambda: asyncio.run(_aiohttp(urls)))


async def _aiohttp(urls: list[str]) -> None:
    waiting = iter(urls)
    async with aiohttp.ClientSession() as session:

        async def work() -> None:
            for url in waiting:
                async with session.get(url) as response:
                    await response.read()

        await asyncio.gather(*(work() for _ in range(64)))


def spacing(hosts: int, pages: int, delay: float, hosts_at_once: int, processes: int) -> None:
    """Crawl many hosts with a rest for each, and print the shortest rest that the server saw."""
    settings = {"hosts_at_once": hosts_at_once}
    with LoopbackWeb(10_000) as web:
        capacity, _ = crawl_in_processes(processes, web.port, links_of(web.port, hosts, pages), settings)
    with LoopbackWeb(10_000) as web:
        links = links_of(web.port, hosts, pages)
        wall, cpu = crawl_in_processes(processes, web.port, links, {"delay": delay, **settings})
    by_host = defaultdict(list)
    for host, _, moment in web.noted:
        by_host[host].append(moment)
    gaps = [later - before for moments in by_host.values() for before, later in itertools.pairwise(moments)]
    requests_a_host = max(len(moments) for moments in by_host.values())
    polite = (requests_a_host - 1) * delay
    figures = {
        "hosts": len(by_host),
        "requests": len(web.noted),
        "requests a host": requests_a_host,
        "shortest rest, s": round(min(gaps), 4),
        "rests shorter than asked": sum(gap < delay for gap in gaps),
        "seconds": round(wall, 2),
        "CPU seconds": round(cpu, 2),
        "ideal by the rests alone, s": polite,
        "the same without any rest, s": round(capacity, 2),
        "times the ideal by the rests": round(wall / polite, 3),
        "times the longer of the two": round(wall / max(polite, capacity), 3),
    }
    print(json.dumps(figures, indent=1))


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "spacing"))
    parser.add_argument("--hosts", type=int)
    parser.add_argument("--pages", type=int)
    parser.add_argument("--delay", type=float, default=1.0)
    parser.add_argument("--hosts-at-once", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.what == "speed":
        speed(arguments.pages or 5000, arguments.hosts or 100)
    else:
        hosts, pages = arguments.hosts or 2000, arguments.pages or 5
        spacing(hosts, pages, arguments.delay, arguments.hosts_at_once, arguments.processes)


if __name__ == "__main__":
    main()
