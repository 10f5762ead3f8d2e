"""What all tests share: the realweb kit where it is there, and a network that ends at this machine."""

import ipaddress
import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.double.finished_sample import make_build, make_corpus, make_web, once

ROOT = Path(__file__).resolve().parent.parent
REALWEB = Path(os.environ.get("WEBTEXT_REALWEB", ROOT.parent / "shared" / "realweb"))

settings.register_profile(
    "webtext", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("webtext")


def pytest_collection_modifyitems(items):
    """Run slow tests last, so that a quick failure shows quickly; with several processes first, so that none idles.

    Several processes share the tests by file (`--dist loadfile`), so it is files with slow tests that come first.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
        return
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    """Fail any test that opens a connection to another machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6} and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


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
