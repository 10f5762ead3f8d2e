"""What all tests share: the realweb kit where it is there, and a network that ends at this machine."""

import gc
import ipaddress
import os
import socket
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.double import quick_beam
from tests.double.finished_sample import make_build, make_corpus, make_web, once
from tests.double.thorough import THOROUGH

ROOT = Path(__file__).resolve().parent.parent
REALWEB = Path(os.environ.get("WEBTEXT_REALWEB", ROOT.parent / "shared" / "realweb"))

# Files that take longest, longest first, so that at the end no process works alone.
LONGEST = (
    *("test_engines.py", "test_fetch_kill.py", "test_kill_worker.py", "test_realweb.py", "test_docs.py"),
    *("test_clouds.py", "test_growth.py", "test_dataflow_jobs.py", "test_kill.py", "test_ray.py", "test_pages.py"),
    *("test_reference.py", "test_pretrain.py"),
)

# Garbage is looked for less often: among all that the tests import, that takes long (`pipelines.engine.worker`).
gc.set_threshold(100_000, 50, 50)

settings.register_profile(
    "webtext",
    derandomize=True,
    deadline=None,
    max_examples=100 if THOROUGH else 30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("webtext")


def pytest_addoption(parser):
    """Declare by which flag CI says what may be skipped on its machine."""
    parser.addoption(
        "--may-skip",
        metavar="GROUP,...",
        help="groups of tests/may_skip.toml: fail where a test is skipped for any other reason",
    )


def pytest_configure(config):
    """Watch what is skipped, where CI asks for it: in the process that hears of all tests."""
    groups = config.getoption("may_skip")
    if groups is not None and "PYTEST_XDIST_WORKER" not in os.environ:
        known = tomllib.loads((ROOT / "tests" / "may_skip.toml").read_text(encoding="utf-8"))
        config.pluginmanager.register(Skips(tuple(reason for group in groups.split(",") for reason in known[group])))


class Skips:
    """What is skipped for a reason that nobody allowed: the run fails, and says where."""

    def __init__(self, allowed):
        self.allowed, self.others = allowed, {}

    def pytest_runtest_logreport(self, report):
        """Note a test, or a file of tests, that is skipped."""
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if not reason.startswith(self.allowed):
                self.others.setdefault(reason, report.nodeid)

    pytest_collectreport = pytest_runtest_logreport

    def pytest_sessionfinish(self, session):
        """Let the run fail."""
        if self.others:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        """Say what was skipped, and that it may not be."""
        for reason, test in self.others.items():
            terminalreporter.write_line(f"SKIPPED, and tests/may_skip.toml does not allow it here: {test}: {reason}")


def pytest_collection_modifyitems(config, items):
    """Run slow tests last, so that a quick failure shows quickly; with several processes first, so that none idles.

    What only repeats a proof is left out where nobody asks for thorough tests.
    Several processes share the tests by file (`--dist loadfile`), so it is files that take long that come first.
    """
    gc.freeze()  # What was imported stays.
    quick_beam.remember()
    if not THOROUGH:
        left = [item for item in items if item.get_closest_marker("thorough")]
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
        return
    slow = Counter(item.path.name for item in items if item.get_closest_marker("slow"))
    slow.update({name: len(items) - place for place, name in enumerate(LONGEST)})
    items.sort(key=lambda item: -slow[item.path.name])


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    """Fail any test that opens a connection to another machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6} and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="module")
def quick_starts():
    """Have the processes that tests start, and Beam's workers, import Beam without what the clouds need."""
    folder = str(ROOT / "tests" / "double" / "light")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", folder, prepend=os.pathsep)
        patched.syspath_prepend(folder)
        yield


@pytest.fixture(scope="session")
def realweb():
    """Give the folder of real submissions, pages, gold text and benchmarks that stands beside the clone."""
    if not REALWEB.is_dir():
        pytest.skip("realweb is not here: it lies in ../shared/realweb beside the clone, or where WEBTEXT_REALWEB says")
    return REALWEB


@pytest.fixture(scope="session")
def sample_web(tmp_path_factory):
    """Give the folder of the sample's archive, dump and expectations."""
    return once(tmp_path_factory, "sample_web", make_web)


@pytest.fixture(scope="session")
def front():
    """Give the folder of small inputs written after public bug reports that stands beside the clone."""
    folder = REALWEB.parent / "cases" / "front"
    if not folder.is_dir():
        pytest.skip("the cases are not here: they lie in ../shared/cases/front beside the clone")
    return folder


@pytest.fixture(scope="session")
def sample_output(tmp_path_factory, sample_web):
    """Give the finished output of `webtext corpus` on the sample."""
    return once(tmp_path_factory, "sample_output", lambda output: make_corpus(sample_web, output))


@pytest.fixture(scope="session")
def sample_built(tmp_path_factory, sample_web):
    """Give the finished output of `webtext build` on the sample's archive."""
    return once(tmp_path_factory, "sample_built", lambda output: make_build(sample_web, output))


@pytest.fixture(scope="session")
def unkilled(tmp_path_factory, sample_web):
    """Give the folder of the five stages that are killed elsewhere, and of their inputs."""
    from tests.double.killed_stages import make_stages  # noqa: PLC0415  (Beam, which most tests do not need)

    return once(tmp_path_factory, "unkilled", lambda folder: make_stages(sample_web, folder))


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory, sample_web, sample_built):
    """Give what tests of engines hold each engine to."""
    from tests.double.engine_build import built, reference  # noqa: PLC0415  (Beam, which most tests do not need)

    pages = str(sample_built / "pages")
    output = once(tmp_path_factory, "in_memory", lambda folder: built(pages, folder, "--workers=1"))
    return reference(sample_web, pages, output)


@pytest.fixture(autouse=True)
def _rules_of_our_own():
    """Take out of the catalogue what a test put in: rules from outside stay for a whole process."""
    from filters.catalogue import RULES  # noqa: PLC0415  (which few tests need, and a collection of tests does not)

    before = dict(RULES)
    yield
    RULES.clear()
    RULES.update(before)
