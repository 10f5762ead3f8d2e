"""A crawl as a whole: its pace, its limits, and that a kill at any moment loses nothing and repeats nothing."""

import contextlib
import errno
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from warcio.archiveiterator import ArchiveIterator

from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.page_archive import URI_PREFIX, PageArchive, read_row
from webtext.crawl.visits import Errand
from webtext.errors import UsageError
from webtext.records import Link
from webtext.warc.warc_reader import iter_warc, read_response
from webtext.warc.warc_records import iter_members

ROOT = Path(__file__).resolve().parents[2]


class Web(ThreadingHTTPServer):
    """Answers as a proxy for any host; notes what is asked and when, and how many at once a host gets."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        self.asked = []  # (URL, seconds when asked, seconds when answered)
        self.answers = {}  # status by URL; 200 where not named
        self.robots = {}  # text by host
        self.redirects = {}  # target by URL
        self.seconds = 0.0
        self.at_once, self.most_at_once = Counter(), Counter()
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def pages(self):
        return [url for url, *_ in self.asked if "/page/" in url]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        web, url = self.server, self.path
        host, _, path = url.removeprefix("http://").partition("/")
        with web.lock:
            web.at_once[host] += 1
            web.most_at_once[host] = max(web.most_at_once[host], web.at_once[host])
        begin = time.monotonic()
        time.sleep(web.seconds)
        status = web.answers.get(url, 200 if "page/" in path else 404)
        body = b"<!doctype html><title>%s</title><p>%s</p>" % (url.encode(), b"words " * 100) if status == 200 else b""
        kind = "text/html"
        if path == "robots.txt" and host in web.robots:
            status, body, kind = 200, web.robots[host].encode(), "text/plain"
        with web.lock:
            web.at_once[host] -= 1
            web.asked.append((url, begin, time.monotonic()))
        location = f"Location: {web.redirects[url]}\r\n" if url in web.redirects else ""
        status = 302 if location else status
        head = f"HTTP/1.1 {status} x\r\n{location}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def web():
    server = Web()
    yield server
    server.shutdown()
    server.server_close()


def links_of(hosts, pages):
    urls = [f"http://host{host}.test/page/{page}" for page in range(pages) for host in range(hosts)]
    return [Link(url, url, "", 3, 1, (), None) for url in urls]


def crawl(web, folder, links, **settings):
    config = FetchConfig(**{"delay": 0.0, "backoff": 0.0, "replay": web.server_address, **settings})
    requester = Requester(config.agent, config.limits, replay=config.replay)
    task = Crawl(config, PageArchive(folder, "pages", roll_bytes=config.roll_bytes, about={}), requester)
    errands = [Errand.of(link) for link in links]
    task.run(errands)
    requester.close()
    return {errand.link.url: row for errand, row in task.rows()}


def outcomes(rows):
    return Counter(row["outcome"] for row in rows.values())


WARC_FIELDS = "application/warc-fields"


def archived(folder):
    """Read the rows of pages that an archive holds, torn or not."""
    rows = []
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for _, _, record in iter_members(stream):
                found = read_row(WARC_FIELDS, record.partition(b"\r\n\r\n")[2])
                if found and found[0] == "page":
                    rows.append(found[1])
    return rows


def test_hosts_are_asked_one_request_at_a_time_with_a_rest_between(web, tmp_path):
    rest = 0.15
    web.seconds = 0.02
    rows = crawl(web, tmp_path, links_of(40, 3), delay=rest, hosts_at_once=40)
    assert outcomes(rows) == {"ok": 120}
    assert set(web.most_at_once.values()) == {1}
    by_host = defaultdict(list)
    for url, begin, end in sorted(web.asked, key=lambda asked: asked[1]):
        by_host[url.split("/")[2]].append((begin, end))
    rests = [later[0] - earlier[1] for times in by_host.values() for earlier, later in itertools.pairwise(times)]
    assert len(rests) == 40 * (3 + 3 - 1)
    assert min(rests) >= rest - 0.005  # the server notes the end a little before the client has read it


def test_hosts_with_many_links_do_not_hold_up_the_others(web, tmp_path):
    web.seconds = 0.005
    hot = [Link(f"http://hot.test/page/{n}", f"http://hot.test/page/{n}", "", 3, 1, (), None) for n in range(60)]
    crawl(web, tmp_path, hot + links_of(20, 2), hosts_at_once=4, robots=False, opt_outs=())
    last_of_others = max(place for place, url in enumerate(web.pages) if "hot" not in url)
    asked_of_hot = sum("hot" in url for url in web.pages[:last_of_others])
    assert asked_of_hot < 40


def test_crawl_delay_is_obeyed_up_to_its_limit(web, tmp_path):
    web.robots = {"host0.test": "user-agent: *\ncrawl-delay: 0.2", "host1.test": "user-agent: *\ncrawl-delay: 99"}
    crawl(web, tmp_path, links_of(2, 3), max_crawl_delay=0.3, opt_outs=())
    for host, rest in (("host0", 0.2), ("host1", 0.3)):
        times = sorted((begin, end) for url, begin, end in web.asked if host in url)
        assert min(later[0] - earlier[1] for earlier, later in itertools.pairwise(times)) >= rest - 0.005


def test_total_rate_is_limited(web, tmp_path):
    crawl(web, tmp_path, links_of(10, 2), requests_per_second=40, robots=False, opt_outs=())
    times = sorted(begin for _, begin, _ in web.asked)
    assert times[-1] - times[0] >= 19 / 40 - 0.02


def test_what_the_archive_holds_is_not_asked_for_again(web, tmp_path):
    web.answers["http://host1.test/page/0"] = 404
    first = crawl(web, tmp_path, links_of(5, 2))
    asked = len(web.asked)
    assert crawl(web, tmp_path, links_of(5, 2)) == first
    assert len(web.asked) == asked
    more = crawl(web, tmp_path, links_of(5, 3))
    assert outcomes(more) == {"ok": 14, "http_404": 1}
    assert len(web.asked) == asked + 5  # the new pages; the sites' files are known
    assert {url: more[url] for url in first} == first


def test_failures_are_asked_for_again_when_told_to(web, tmp_path):
    web.answers |= {"http://host1.test/page/0": 404, "http://host2.test/page/0": 410}
    crawl(web, tmp_path, links_of(5, 1))
    del web.answers["http://host1.test/page/0"]
    asked = len(web.asked)
    rows = crawl(web, tmp_path, links_of(5, 1), refetch_failed=True)
    assert outcomes(rows) == {"ok": 4, "http_410": 1}
    assert sorted(url for url, *_ in web.asked[asked:]) == ["http://host1.test/page/0", "http://host2.test/page/0"]
    assert outcomes(crawl(web, tmp_path, links_of(5, 1))) == {"ok": 4, "http_410": 1}


def test_runs_stop_at_their_limits_and_go_on(web, tmp_path):
    links = links_of(6, 2)
    rows = crawl(web, tmp_path, links, max_pages=5)
    assert outcomes(rows) == {"ok": 5, "not_fetched": 7}
    rows = crawl(web, tmp_path, links, max_time=1e-9)
    assert outcomes(rows) == {"ok": 5, "not_fetched": 7}
    assert outcomes(crawl(web, tmp_path, links)) == {"ok": 12}
    assert sorted(web.pages) == sorted(link.url for link in links)


def test_hosts_that_fail_again_and_again_are_given_up(web, tmp_path):
    links = links_of(1, 20)
    web.answers |= {link.url: 503 for link in links}
    rows = crawl(web, tmp_path, links, max_attempts=2, dead_after=5)
    assert outcomes(rows) == {"http_503": 3, "dead_host": 17}
    assert len(web.pages) == 5
    dead = next(row for row in rows.values() if row["outcome"] == "dead_host")
    assert dead["detail"] == "http_503 5 times in a row"


def test_hosts_that_fail_now_and_then_are_not_given_up(web, tmp_path):
    links = links_of(1, 20)
    web.answers |= {link.url: 503 for link in links[::2]}
    rows = crawl(web, tmp_path, links, max_attempts=1, dead_after=2)
    assert outcomes(rows) == {"ok": 10, "http_503": 10}


def test_pages_wait_for_a_robots_txt_that_is_elsewhere(web, tmp_path):
    """It is asked for once, at the pace of the other host, and rules out what it rules out."""
    web.redirects = {"http://host0.test/robots.txt": "http://elsewhere.test/robots.txt"}
    web.robots = {"elsewhere.test": "user-agent: *\ndisallow: /page/3"}
    web.seconds = 0.02
    rows = crawl(web, tmp_path, links_of(4, 6), opt_outs=())
    assert outcomes(rows) == {"ok": 23, "robots_disallowed": 1}
    asked = [url for url, *_ in sorted(web.asked, key=lambda asked: asked[1]) if "host0" in url or "elsewhere" in url]
    assert asked[:2] == ["http://host0.test/robots.txt", "http://elsewhere.test/robots.txt"]
    assert len(asked) == 2 + 5


SHORTENED = {
    "http://i.imgur.com/a.jpg": "media",
    "https://www.youtube.com/watch?v=1": "media",
    "https://old.reddit.com/r/x/comments/1/": "reddit_internal",
    "http://host1.test/page/report.pdf": "download",
    "http://en.wikipedia.org/wiki/page/1": "wikipedia",
    "http://host1.test/page/1": "ok",
}


@pytest.mark.parametrize("wikipedia", [False, True])
def test_where_a_shortener_leads_is_judged_as_a_link(web, tmp_path, wikipedia):
    web.redirects = {f"http://short.test/page/{number}": target for number, target in enumerate(SHORTENED)}
    links = [Link(url, url, "", 3, 1, (), None) for url in web.redirects]
    rows = crawl(web, tmp_path, links, wikipedia=wikipedia, robots=False, opt_outs=())
    expected = {**SHORTENED, **({"http://en.wikipedia.org/wiki/page/1": "ok"} if wikipedia else {})}
    assert {row["final_url"]: row["outcome"] for row in rows.values()} == expected
    followed = {target for target, outcome in expected.items() if outcome == "ok"}
    assert {url for url, *_ in web.asked} == {*web.redirects, *followed}


def test_a_link_that_is_known_for_what_it_is_may_go_on_to_its_like(web, tmp_path):
    """A list names a film's page, say: harvest was told so, and a redirect to its own host is no news."""
    web.redirects = {"http://youtube.com/page/1": "http://www.youtube.com/page/1"}
    links = [Link("https://youtube.com/page/1", "http://youtube.com/page/1", "", None, 1, (), None)]
    assert outcomes(crawl(web, tmp_path, links)) == {"ok": 1}


def test_archives_roll_over_and_are_read_by_place(web, tmp_path):
    rows = crawl(web, tmp_path, links_of(20, 3), roll_bytes=20_000)
    files = sorted(path.name for path in tmp_path.glob("*.warc.gz"))
    assert files == [f"pages-{number:03d}.warc.gz" for number in range(len(files))] and len(files) > 2
    assert len({row["warc_file"] for row in rows.values()}) > 2
    for url, row in rows.items():
        with (tmp_path / row["warc_file"]).open("rb") as stream:
            assert url.encode() in read_response(stream, row["warc_offset"], row["warc_length"]).body


@pytest.mark.parametrize("seed", range(12))
def test_torn_archives_are_cut_and_completed(web, tmp_path, seed):
    links = links_of(10, 3)
    crawl(web, tmp_path, links, roll_bytes=25_000)
    chooser = random.Random(seed)
    last = max(tmp_path.glob("*.warc.gz"))
    if seed % 3:
        os.truncate(last, chooser.randrange(last.stat().st_size))
    else:
        with last.open("ab") as stream:
            stream.write(chooser.randbytes(500))
    kept = {row["url"] for row in archived(tmp_path)}
    web.asked.clear()
    rows = crawl(web, tmp_path, links, roll_bytes=25_000)
    assert outcomes(rows) == {"ok": 30}
    assert sorted(web.pages) == sorted({link.url for link in links} - kept)
    check_whole(tmp_path, links)


def check_whole(folder, links):
    """Check that an archive is whole and holds each link once."""
    assert Counter(row["url"] for row in archived(folder)) == dict.fromkeys((link.url for link in links), 1)
    for path in folder.glob("*.warc.gz"):
        with path.open("rb") as stream:
            assert all(record.is_whole for record in iter_warc(stream, path.name))
            end = sum(length for _, length, _ in iter_members(path.open("rb")))
            assert end == path.stat().st_size


def test_full_disk_is_one_clear_line_and_leaves_whole_records(web, tmp_path, monkeypatch):
    write, written = os.write, 0

    def full(descriptor, data):
        nonlocal written
        if written > 50_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(descriptor, data[:1000])
        written += done
        return done

    links = links_of(10, 3)
    with monkeypatch.context() as context:
        context.setattr(os, "write", full)
        with pytest.raises(UsageError, match="No space left on device; free some space"):
            crawl(web, tmp_path, links)
    path = tmp_path / "pages-000.warc.gz"
    with path.open("rb") as stream:
        assert sum(length for _, length, _ in iter_members(stream)) == path.stat().st_size
    assert 0 < len(archived(tmp_path)) < 30
    assert outcomes(crawl(web, tmp_path, links)) == {"ok": 30}
    check_whole(tmp_path, links)


def test_bugs_are_not_swallowed(web, tmp_path, monkeypatch):
    monkeypatch.setattr("webtext.crawl.crawl.judge_answer", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        crawl(web, tmp_path, links_of(10, 3))


_CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.config import FetchConfig
from webtext.records import Link
from webtext.crawl.visits import Errand
config = FetchConfig(delay=0.0, backoff=0.0, replay=("127.0.0.1", int(sys.argv[2])), hosts_at_once=16)
archive = PageArchive(Path(sys.argv[3]), "pages", roll_bytes=60_000, about={})
task = Crawl(config, archive, Requester(config.agent, config.limits, replay=config.replay))
task.run([Errand(Link(url, url, "", 3, 1, (), None), url) for url in sys.stdin.read().split()])
"""


@pytest.mark.slow
def test_twenty_kills_lose_nothing_and_repeat_nothing(web, tmp_path):
    """Kill the crawl 20 times, at moments chosen by the bytes that it has written, then let it finish."""
    web.seconds = 0.01
    links = links_of(60, 12)
    chooser = random.Random(20)
    urls = "\n".join(link.url for link in links)
    command = [sys.executable, "-c", _CHILD, str(ROOT), str(web.server_port), str(tmp_path)]
    done_before, kills = set(), 0
    for _ in range(20):
        place = len(web.asked)
        size = sum(path.stat().st_size for path in tmp_path.glob("*"))
        goal = size + chooser.randrange(1, 24_000)
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as child:
            child.stdin.write(urls)
            child.stdin.close()
            while child.poll() is None and sum(path.stat().st_size for path in tmp_path.glob("*")) < goal:
                time.sleep(0.0005)
            child.send_signal(signal.SIGKILL)
            kills += child.wait() == -signal.SIGKILL
        time.sleep(0.05)  # requests under way reach the server's notes
        assert not done_before & {url for url, *_ in web.asked[place:]}
        done_before = {row["url"] for row in archived(tmp_path)}
    assert kills == 20
    assert 0 < len(done_before) < len(links)
    place = len(web.asked)
    subprocess.run(command, input=urls, text=True, check=True)
    assert not done_before & {url for url, *_ in web.asked[place:]}
    check_whole(tmp_path, links)
    asked = Counter(web.pages)
    assert set(asked) == {link.url for link in links}
    assert sum(asked.values()) - len(asked) <= 20 * 16  # only what was in flight was asked for twice


def test_other_readers_agree_on_the_archive(web, tmp_path):
    """Warcio reads every record, its digests hold, and every request names its response."""
    web.answers["http://host1.test/page/0"] = 404
    crawl(web, tmp_path, links_of(5, 2))
    path = tmp_path / "pages-000.warc.gz"
    types = Counter()
    ids, concurrent = set(), set()
    with path.open("rb") as stream:
        for one in ArchiveIterator(stream, check_digests="raise"):
            types[one.rec_type] += 1
            one.content_stream().read()
            assert one.rec_headers.protocol == "WARC/1.1"
            ids.add(one.rec_headers.get_header("WARC-Record-ID"))
            # Indexers list metadata of any other type (cdxj-indexer: 8,692 lines for 1,880 pages).
            assert (one.rec_type == "metadata") <= (one.rec_headers.get_header("Content-Type") == WARC_FIELDS)
            is_ours = str(one.rec_headers.get_header("WARC-Target-URI")).startswith(URI_PREFIX)
            assert is_ours == (one.rec_type == "metadata")  # else it would be a capture of the page to pywb
            concurrent.add(one.rec_headers.get_header("WARC-Concurrent-To"))
    requests = 5 * (3 + 2)
    assert types["warcinfo"] == 1
    assert types["request"] == types["response"] + types["revisit"] == types["metadata"] == requests
    assert len(ids) == sum(types.values())
    assert concurrent - {None} <= ids


def program_of_pywb(name):
    """Find a program of pywb: in the environment that `make peers-of-tests` makes, or on PATH."""
    beside = Path(__file__).resolve().parents[2] / "build" / "peers" / "pywb" / "bin"
    return shutil.which(name, path=f"{beside}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(program_of_pywb("wayback") is None, reason="needs pywb: make peers-of-tests")
def test_pywb_replays_the_archive(web, tmp_path):
    """It indexes the archive and serves what was crawled: pages, revisits of known bodies, redirects, failures."""
    manager, wayback = program_of_pywb("wb-manager"), program_of_pywb("wayback")
    web.redirects["http://host0.test/page/1"] = "http://host1.test/page/0"
    web.answers["http://host1.test/page/1"] = 404
    crawl(web, tmp_path, links_of(2, 2), delay=0.01)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    add = [manager, "add", "ours", str(tmp_path / "pages-000.warc.gz")]
    for command in ([manager, "init", "ours"], add):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = {}
    command = [wayback, "-p", str(port), "-b", "127.0.0.1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 60
            while not found and time.monotonic() < deadline:
                with contextlib.suppress(requests.ConnectionError):
                    for link in links_of(2, 2):
                        address = f"http://127.0.0.1:{port}/ours/mp_/{link.url}"
                        answer = requests.get(address, timeout=20, allow_redirects=False)
                        found[link.url] = answer.status_code, b"words words" in answer.content
                time.sleep(0.1)
        finally:
            server.terminate()
    assert found == {
        "http://host0.test/page/0": (200, True),
        "http://host1.test/page/0": (200, True),
        "http://host0.test/page/1": (302, True),  # the server's redirect has a body
        "http://host1.test/page/1": (404, False),
    }


def test_rows_of_earlier_archives_are_read_and_metadata_of_others_is_none():
    assert read_row("application/vnd.webtext.page+json", b'{"a": 1}') == ("page", {"a": 1})
    assert read_row(WARC_FIELDS, b'webtext-site: {"a": 1}\r\n') == ("site", {"a": 1})
    assert read_row(WARC_FIELDS, b"via: http://a.test/\r\n") is None
    assert read_row("application/json", b"webtext-page: {}") is None
