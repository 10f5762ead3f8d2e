"""The archive of a crawl: whole, whatever tears it, and as other readers read it."""

import contextlib
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import requests
from warcio.archiveiterator import ArchiveIterator

from tests.double.beam_processes import free_port
from tests.double.crawled_web import WARC_FIELDS, Web, archived, crawl, links_of, outcomes
from tests.double.thorough import THOROUGH
from webtext.crawl.page_archive import URI_PREFIX, read_row
from webtext.errors import UsageError
from webtext.warc.warc_reader import iter_warc, read_response
from webtext.warc.warc_records import iter_members

pytestmark = pytest.mark.usefixtures("quick_starts")

KILLS = 20 if THOROUGH else 6
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def web():
    server = Web()
    yield server
    server.shutdown()
    server.server_close()


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
def test_kills_lose_nothing_and_repeat_nothing(web, tmp_path):
    """Kill the crawl again and again, at moments chosen by the bytes that it has written, then let it finish."""
    web.seconds = 0.03  # a crawl so slow does not end while the one that kills it is kept waiting
    links = links_of(60, 12)
    chooser = random.Random(20)
    urls = "\n".join(link.url for link in links)
    command = [sys.executable, "-c", _CHILD, str(ROOT), str(web.server_port), str(tmp_path)]
    done_before, kills = set(), 0
    for _ in range(KILLS):
        place = len(web.asked)
        size = sum(path.stat().st_size for path in tmp_path.glob("*"))
        goal = size + chooser.randrange(1, 24_000)
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as child:
            child.stdin.write(urls)
            child.stdin.close()
            while child.poll() is None and sum(path.stat().st_size for path in tmp_path.glob("*")) < goal:
                time.sleep(0.002)
            child.send_signal(signal.SIGKILL)
            kills += child.wait() == -signal.SIGKILL
        time.sleep(0.05)  # requests under way reach the server's notes
        assert not done_before & {url for url, *_ in web.asked[place:]}
        done_before = {row["url"] for row in archived(tmp_path)}
    assert kills == KILLS
    assert 0 < len(done_before) < len(links)
    place = len(web.asked)
    subprocess.run(command, input=urls, text=True, check=True)
    assert not done_before & {url for url, *_ in web.asked[place:]}
    check_whole(tmp_path, links)
    asked = Counter(web.pages)
    assert set(asked) == {link.url for link in links}
    assert sum(asked.values()) - len(asked) <= KILLS * 16  # only what was in flight was asked for twice


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
    port = free_port()
    add = [manager, "add", "ours", str(tmp_path / "pages-000.warc.gz")]
    for command in ([manager, "init", "ours"], add):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = {}
    command = [wayback, "-p", str(port), "-b", "127.0.0.1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 240
            while not found and time.monotonic() < deadline:
                with contextlib.suppress(requests.ConnectionError):
                    for link in links_of(2, 2):
                        address = f"http://127.0.0.1:{port}/ours/mp_/{link.url}"
                        answer = requests.get(address, timeout=120, allow_redirects=False)
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
