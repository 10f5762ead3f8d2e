"""What all tests share: the realweb kit where it is there, and a network that ends at this machine."""

import ipaddress
import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
REALWEB = Path(os.environ.get("WEBTEXT_REALWEB", ROOT.parent / "shared" / "realweb"))

settings.register_profile(
    "webtext", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("webtext")


def pytest_collection_modifyitems(items):
    """Run slow tests last, so that a quick failure shows quickly."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


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
def in_memory(tmp_path_factory):
    """Give what tests of engines hold each engine to, made once for all of them."""
    from tests.double.engine_build import make_reference  # noqa: PLC0415  (Beam, which most tests do not need)

    return make_reference(tmp_path_factory.mktemp("in_memory"))
