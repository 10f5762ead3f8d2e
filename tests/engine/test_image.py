"""The image of the Dockerfile, as far as goes without an engine for images: its contents, and a worker from them.

Its COPY lines are followed into an empty root, its RUN line's package is installed there from those files alone, and
what its entry, Beam's `boot`, does is done by `tests/double/worker_boot.py`: a worker that sees this root and the
third-party packages, no working tree, nothing staged and nobody beyond this machine. Not covered: what `pip` resolves
from the lock within the image, and the two programs that come from other images.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.commands.cli import main
from tests.double.beam_processes import ROOT, free_port, served, worker_pool
from tests.engine.test_dataflow import copied
from tests.engine.test_engines import JOB_SERVICE
from tests.test_packaging import shipped

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="local servers of Beam's are POSIX")]
NOBODY = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}  # whoever asks the web fails at once


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """Follow the Dockerfile; gives the folder of what it copies, and the one of what it installs."""
    root = tmp_path_factory.mktemp("image")
    template, site = root / "template", root / "site"
    template.mkdir()
    for name in copied():
        source, target = ROOT / name, template / Path(name).name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    offline = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-compile", "--target", str(site)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | NOBODY
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, str(template)], env=environment, check=True)
    return template, site


def test_it_holds_the_packages_with_their_data_and_the_program_of_the_template(image):
    template, site = image
    installed = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    ours = {name for name in installed if ".dist-info/" not in name and not name.startswith("bin/")}
    assert ours == shipped()
    assert "bin/webtext" in installed
    assert (template / "flex_main.py").is_file()


def test_its_entry_starts_a_worker_that_does_a_job_with_nothing_staged(image, tmp_path):
    environment, port = os.environ | NOBODY, free_port()
    (tmp_path / "links.tsv").write_text("http://a.example/one\t5\nhttp://b.example/two\t9\n")
    harvest = ["harvest", f"--submissions={tmp_path / 'links.tsv'}"]
    assert main([*harvest, f"--output={tmp_path / 'here'}"]) == 0
    service = [sys.executable, "-m", JOB_SERVICE, "-p", str(port), "--staging_dir", str(tmp_path / "staging")]
    with served(port, service, environment), worker_pool(tmp_path, environment, image[1]) as workers:
        where = [f"--job_endpoint=localhost:{port}", "--environment_type=EXTERNAL", f"--environment_config={workers}"]
        assert main([*harvest, f"--output={tmp_path / 'there'}", "--runner=PortableRunner", *where]) == 0
    written = [
        {path.name: path.read_bytes() for path in (tmp_path / name / "links").iterdir()} for name in ("here", "there")
    ]
    assert written[0] == written[1] != {}
