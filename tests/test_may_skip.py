"""CI fails where a test is skipped for a reason that nobody allowed, also in files that are skipped as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.double.finished_sample import once

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {
    "test_one.py": 'import pytest\n\n@pytest.mark.skipif(True, reason="needs pywb: x")\ndef test_one(): pass\n',
    "test_file.py": 'import pytest\npytest.importorskip("nothing", reason="no Chromium is installed")\n',
    "test_inside.py": 'import pytest\n\ndef test_inside():\n    pytest.skip("realweb is not here: x")\n',
    "test_that_runs.py": "def test_that_runs(): pass\n",
}


@pytest.mark.parametrize(
    ("groups", "refused", "processes"),
    [("data,debian,peers", set(), "0"), ("data,debian", {"pywb"}, "0"), ("data", {"pywb", "Chromium"}, "2")],
)
def test_a_skip_that_is_not_allowed_fails_the_run(tmp_path, groups, refused, processes):
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_addoption, pytest_configure\n")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    for name, text in SKIPPED.items():
        (tmp_path / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", processes, "--may-skip", groups]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    told = [line for line in ran.stdout.splitlines() if "does not allow it here" in line]
    assert ran.returncode == (1 if refused else 0), ran.stdout + ran.stderr
    assert all(any(word in line for line in told) for word in refused)


@pytest.mark.parametrize(("thorough", "passed"), [("", 1), ("0", 1), ("1", 2)])
def test_what_repeats_a_proof_runs_where_it_is_asked_for(tmp_path, thorough, passed):
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import pytest_addoption, pytest_collection_modifyitems\n"
    )
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\nmarkers = thorough\n")
    (tmp_path / "test_two.py").write_text(
        "import pytest\n\ndef test_one(): pass\n\n@pytest.mark.thorough\ndef test_again(): pass\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True,
        env=environment | {"WEBTEXT_THOROUGH": thorough}, check=False,
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1].startswith(f"{passed} passed"), ran.stdout + ran.stderr


def test_what_all_share_is_made_anew_after_it_failed(tmp_path_factory, monkeypatch):
    base = tmp_path_factory.mktemp("shared") / "process"
    base.mkdir()
    monkeypatch.setattr(tmp_path_factory, "getbasetemp", lambda: base)

    def fail(folder):
        (folder / "half").touch()
        raise ValueError("no room")

    for _ in range(2):
        with pytest.raises(ValueError, match="no room"):
            once(tmp_path_factory, "thing", fail)
    assert list(once(tmp_path_factory, "thing", lambda folder: (folder / "whole").touch()).iterdir()) == [
        once(tmp_path_factory, "thing", fail) / "whole"
    ]


def test_ci_asks_for_it():
    assert "export WEBTEXT_THOROUGH=1\n" in (ROOT / ".ci" / "run").read_text()
