"""Kill one crawl again and again, finish it, and find each URL once and the corpus unchanged to the byte.

The crawl is `webtext fetch` as a user runs it: Beam, two workers, three slots; one worker finishes what two began. A
moment is a number of bytes that its archives have grown by, so it lies in the work, not on a clock. What dies is
every process at once, the main one alone, or one worker; each run goes on with what the one before has left. Runs
that are to be killed are slowed down, since the other worker goes on until the end of the first is noticed.
`WEBTEXT_THOROUGH=3` kills it some twenty times, in some ten minutes.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from html import escape
from itertools import cycle, islice
from pathlib import Path

import pytest

from pipelines.engine.runner import Engine
from pipelines.stages.build import BuildConfig, run_build
from tests.double.linked_web import make_links, record
from tests.double.sessions import in_session, processes_of, wait_for_none
from tests.double.thorough import THOROUGH
from webtext.crawl.page_archive import URI_PREFIX, is_page_row
from webtext.warc import warc_reader
from webtext.warc.warc_records import iter_members

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240  # after which a run that should have come to its moment, or to its end, is given up
STRIKES = 8 * THOROUGH or 2  # Struck are all of a run, a worker, the main process, all, and so on.
PROGRAM = "from pipelines.commands.cli import entry; entry()"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("quick_starts"),
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform != "linux", reason="workers are found in /proc"),
]


def article_web(folder):
    """Make an archive of the sample's articles on 30 hosts, some of them twice; gives its path and the URLs."""
    records, urls = [], []
    for number, path in enumerate(sorted((ROOT / "sample" / "articles").iterdir())):
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in path.read_text().splitlines() if line)
        for copy in range(1 + (number % 2 == 0)):
            urls.append(f"https://host{(number + 11 * copy) % 30}.test/{path.stem}")
            records.append(record(urls[-1], f"<html><body><article>{paragraphs}</article></body></html>".encode()))
    (folder / "web.warc.gz").write_bytes(b"".join(records))
    return folder / "web.warc.gz", urls


def fetching(archive, links, output, *flags, workers=2):
    """Start a fetch in a session of its own."""
    command = [sys.executable, "-c", PROGRAM, "fetch", "--replay", str(archive), "--links", links, *flags]
    command += ["--workers", str(workers), "--slots", "3", "--roll-bytes", "40000", "--output", str(output)]
    return in_session(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def size_of(output):
    return sum(path.stat().st_size for path in (output / "pages.unfinished").glob("*.warc.gz"))


def grows(process, output, goal):
    """Wait until the archives hold so many bytes; False where the crawl ends before."""
    deadline = time.monotonic() + SECONDS
    while size_of(output) < goal:
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "the crawl does not go on"
        time.sleep(0.005)
    return True


def strike(process, kind, draw):
    """Kill all of a run, its main process, or one of its workers; returns whether something died of it."""
    if kind == "all":
        os.killpg(process.pid, signal.SIGKILL)
    elif kind == "main":
        process.kill()
        assert wait_for_none(process.pid, SECONDS) == []  # its workers end by themselves
    else:
        os.kill(draw.choice(processes_of(process.pid, b"pipelines.engine.worker")), signal.SIGKILL)
    code = process.wait(SECONDS)
    return code == -signal.SIGKILL if kind != "worker" else code > 0


def test_kills_change_no_byte_of_the_corpus(tmp_path):
    archive, urls = article_web(tmp_path)
    links = make_links(tmp_path, urls)
    with fetching(archive, links, tmp_path / "whole", workers=1) as process:
        assert process.wait(SECONDS) == 0
    total = sum(path.stat().st_size for path in (tmp_path / "whole" / "pages").glob("*.warc.gz"))
    draw, killed = random.Random(20), Counter()
    for kind in islice(cycle(("all", "worker", "main", "all")), STRIKES):
        with fetching(archive, links, tmp_path / "killed", "--requests-per-second", "2") as process:
            goal = size_of(tmp_path / "killed") + draw.randrange(1, total // (STRIKES + 5))
            assert grows(process, tmp_path / "killed", goal)
            killed[kind] += strike(process, kind, draw)
    assert killed.total() == STRIKES
    assert not (tmp_path / "killed" / "pages").exists()
    with fetching(archive, links, tmp_path / "killed", workers=1) as process:
        assert process.wait(SECONDS) == 0
    metadata = Counter()
    for path in (tmp_path / "killed" / "pages").glob("*.warc.gz"):
        with path.open("rb") as stream:
            assert sum(length for _, length, _ in iter_members(stream)) == path.stat().st_size
            records = warc_reader.iter_warc(stream)
            metadata.update(one.url for one in records if is_page_row(one.content_type, one.block))
    assert metadata == {URI_PREFIX + url: 1 for url in urls}
    corpora = []
    for name in ("whole", "killed"):
        run_build(str(tmp_path / name / "pages"), str(tmp_path / name), BuildConfig(), Engine(1))
        corpora.append({path.name: path.read_bytes() for path in (tmp_path / name / "corpus/data").glob("*.parquet")})
    assert len(corpora[0]) == 2 and corpora[0] == corpora[1]
