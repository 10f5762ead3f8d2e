"""Ctrl-C ends a run cleanly: exit status 130, one line that says how to go on, nothing published, nothing lost."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.cli import main
from sample.build import ARCHIVE, DUMP, build

pytestmark = pytest.mark.slow


def test_an_interrupted_fetch_says_how_to_go_on_and_goes_on(tmp_path):
    build(tmp_path / "sample")
    output, archive = str(tmp_path / "out"), str(tmp_path / "sample" / ARCHIVE)
    assert main(["harvest", "-s", str(tmp_path / "sample" / DUMP), "-o", output, "--workers", "1"]) == 0
    command = ["fetch", "--replay", archive, "-o", output, "--workers", "1"]
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a background job would not
    arguments = [*command, "--delay", "30"]
    program = f"{heeding}; from pipelines.cli import entry; import sys; sys.argv[1:] = {arguments!r}; entry()"
    fetching = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    unfinished = Path(output, "pages.unfinished")
    while not any(unfinished.glob("*.warc.gz")):
        assert fetching.poll() is None, fetching.stderr.read()
        time.sleep(0.1)
    fetching.send_signal(signal.SIGINT)
    _, told = fetching.communicate(timeout=120)
    assert fetching.returncode == 130
    assert told == "webtext fetch: interrupted; run the same command again to go on\n"
    assert not Path(output, "pages").exists()
    begun = next(unfinished.glob("*.warc.gz")).read_bytes()
    assert main(command) == 0
    assert next(Path(output, "pages").glob("*.warc.gz")).read_bytes().startswith(begun[:1000])
    assert main(["verify", output]) == 0
