"""A server that answers for any host, a crawl of it in this process, and what the crawl has archived."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.page_archive import PageArchive, read_row
from webtext.crawl.visits import Errand
from webtext.records import Link
from webtext.warc.warc_records import iter_members


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
