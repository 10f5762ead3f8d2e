"""A crawl whose archive lies on gs://, where files cannot be appended to: spooled, published when full, gone on with.

Cloud Storage is an emulator on loopback; the client is the one that Beam uses.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter

import pytest

from tests.double.beam_processes import ROOT, free_port, served
from tests.double.linked_web import make_links, web_of
from tests.double.sessions import in_session
from webtext.crawl.page_archive import URI_PREFIX, is_page_row
from webtext.records import Page
from webtext.tables import read_records
from webtext.warc import warc_reader

pytest.importorskip("google.cloud.storage", reason="needs Beam's gcp extra")
pytest.importorskip("gcp_storage_emulator", reason="needs gcp-storage-emulator")

BUCKET = "wtbucket"
PROGRAM = "from pipelines.commands.cli import entry; entry()"
SECONDS = 300

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Start an empty bucket; give the environment in which it is Cloud Storage, open to anybody."""
    port = free_port()
    environment = dict(
        os.environ,
        STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{port}",
        GOOGLE_CLOUD_PROJECT="webtext-test",
        HOME=str(tmp_path_factory.mktemp("home")),  # nobody's credentials
        NO_GCE_CHECK="true",
    )
    emulator = "from gcp_storage_emulator.__main__ import main; main()"
    flags = ["start", "--host", "127.0.0.1", "--port", str(port), "--in-memory", "--default-bucket", BUCKET]
    with served(port, [sys.executable, "-c", emulator, *flags], environment):
        yield environment


def objects(environment, prefix):
    """Give the content of every object below a prefix, by its name there; hidden ones are left out."""
    host, found = environment["STORAGE_EMULATOR_HOST"], {}
    with urllib.request.urlopen(f"{host}/storage/v1/b/{BUCKET}/o?prefix={prefix}") as answer:  # noqa: S310
        names = [item["name"] for item in json.load(answer).get("items", [])]
    for name in names:
        if not name.rpartition("/")[2].startswith("."):
            address = f"{host}/download/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(name, '')}"
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(address) as answer:  # noqa: S310
                found[name.removeprefix(prefix)] = answer.read()
    return found


def start(environment, archive, links, *flags):
    command = [sys.executable, "-c", PROGRAM, "fetch", "--links", links, "--replay", archive]
    command += ["--output", f"gs://{BUCKET}/out", "--roll-bytes", "6000", *flags]
    return in_session(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def test_a_crawl_to_cloud_storage_survives_a_kill(cloud, tmp_path):
    """What was published before the kill is neither lost nor asked for again."""
    records, expected = web_of(12, 4)
    archive = tmp_path / "web.warc.gz"
    archive.write_bytes(b"".join(records))
    links = make_links(tmp_path, expected)
    with start(cloud, str(archive), links, "--delay", "2") as process:
        deadline = time.monotonic() + SECONDS
        while sum(name.endswith(".gz") for name in objects(cloud, "out/pages.unfinished/")) < 2:
            assert process.poll() is None, process.stderr.read()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    published = objects(cloud, "out/pages.unfinished/")
    assert not objects(cloud, "out/pages/")
    with start(cloud, str(archive), links) as process:
        _, told = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, told[-3000:]
    done = objects(cloud, "out/pages/")
    assert not objects(cloud, "out/pages.unfinished/")
    for name, content in published.items():
        if name.endswith(".gz"):
            assert done[name].startswith(content)
    rows, pages = Counter(), {}
    for name, content in sorted(done.items()):
        if name.endswith(".warc.gz"):
            (tmp_path / name).write_bytes(content)
            with (tmp_path / name).open("rb") as stream:
                records = warc_reader.iter_warc(stream)
                rows.update(one.url for one in records if is_page_row(one.content_type, one.block))
        elif name.startswith("index-"):
            (tmp_path / name).write_bytes(content)
            with (tmp_path / name).open("rb") as stream:
                pages |= {page.url: page for page in read_records(stream, Page)}
    assert rows == {URI_PREFIX + url: 1 for url in expected}
    assert {url: page.outcome for url, page in pages.items()} == expected
    for page in pages.values():
        if page.outcome == "ok":
            with (tmp_path / page.warc_file).open("rb") as stream:
                body = warc_reader.read_response(stream, page.warc_offset, page.warc_length).body
            assert f"Page {page.final_url[-1]} of host".encode() in body
