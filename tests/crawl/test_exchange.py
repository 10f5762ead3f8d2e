"""Whatever a server does, a crawl ends each URL in the right outcome, in bounded time and space.

One crawl asks all of `tests/double/trouble.py` at once.
"""

import contextlib
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.double.trouble import BESIDES, BODY_LIMIT, MIXED, PAGE, SITE_FILES, TROUBLES, WIDE, TroubleServer
from webtext.connection.addresses import AddressGuard, ResolutionError, tls_context
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Limits, Requester, retry_after
from webtext.crawl.outcomes import OUTCOMES, is_outcome
from webtext.crawl.page_archive import URI_PREFIX, PageArchive
from webtext.crawl.visits import Errand
from webtext.records import Link
from webtext.warc.warc_reader import iter_warc, read_record, read_response

LIMITS = {"connect_timeout": 8.0, "read_timeout": 8.0, "total_timeout": 16.0, "max_body_bytes": BODY_LIMIT}


@pytest.fixture(scope="module")
def server():
    server = TroubleServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Make two self-signed certificates for secure.test: the first is trusted by the crawl, the second is not."""
    folder = tmp_path_factory.mktemp("certificates")
    contexts = []
    for name in ("trusted", "untrusted"):
        key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
        make_certificate("secure.test", key, certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        contexts.append(context)
    return folder / "trusted.pem", *contexts


def make_certificate(host, key_path, certificate_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key_path.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    certificate_path.write_bytes(certificate.public_bytes(encoding))


@pytest.fixture(scope="module")
def full_listener():
    """Give the port of a server that accepts nobody and whose queue is full, so that connecting takes for ever."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def resolve(host, port):
    if host == "nobody.test":
        raise ResolutionError("Name or service not known", for_good=True)
    return {"private.test": ["10.0.0.1"], "rebound.test": ["93.184.215.14", "127.0.0.2"]}.get(host, ["127.0.0.1"])


def link(url):
    return Link(url, url, "host", 3, 1, ("news",), 0)


@contextlib.contextmanager
def deaf_port():
    """Give a port at which nobody listens, and nobody else comes to: it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="module")
def crawled(server, certificates, full_listener, tmp_path_factory):
    """Crawl all the trouble at once; gives (outcome expected, row of the index) by URL, and the archive's folder."""
    authorities, trusted, untrusted = certificates
    with contextlib.ExitStack() as stack:
        tls, other = (stack.enter_context(contextlib.closing(TroubleServer(c))) for c in (trusted, untrusted))
        ports = {"port": server.port, "tls": tls.port, "untrusted": other.port}
        ports |= {"full": full_listener, "refused": stack.enter_context(deaf_port())}
        expected = {f"http://{name}.test:{server.port}/": outcome for name, (_, outcome) in TROUBLES.items()}
        expected |= {url.format(**ports): outcome for url, outcome in BESIDES.items()}
        config = FetchConfig(
            delay=0.01, hosts_at_once=40, max_redirects=5, max_attempts=2, backoff=0.05, max_backoff=5, **LIMITS
        )
        guard = AddressGuard(frozenset(("127.0.0.1", port) for port in ports.values()), resolve)
        requester = Requester(config.agent, config.limits, guard=guard, tls_context=tls_context(str(authorities)))
        folder = tmp_path_factory.mktemp("archive")
        archive = PageArchive(folder, "pages", roll_bytes=100_000, about={})
        crawl = Crawl(config, archive, requester)
        errands = [Errand.of(link(url)) for url in expected]
        crawl.run(errands)
        requester.close()
        rows = {errand.link.url: row for errand, row in crawl.rows()}
    return {url: (expected[url], rows[url]) for url in expected}, folder


def test_every_trouble_ends_in_its_outcome(crawled):
    found, _ = crawled
    assert {url: row["outcome"] for url, (_, row) in found.items()} == {url: want for url, (want, _) in found.items()}
    assert len(found) >= 80
    assert all(is_outcome(row["outcome"]) for _, row in found.values())


def test_pages_that_came_are_in_the_archive_with_their_bodies(crawled):
    found, folder = crawled
    bodies = {}
    for _, row in found.values():
        if row["outcome"] == "ok":
            with (folder / row["warc_file"]).open("rb") as stream:
                name = row["url"].split("//")[1].split(".test")[0]
                bodies[name] = read_response(stream, row["warc_offset"], row["warc_length"]).body
    others = {
        "lowercase-headers": b"<p>x</p>",
        "no-reason": b"<p>x</p>",
        "chunked": b"<p>x</p>",
        "gzip-members": PAGE + b"<p>more</p>",
        "utf16": WIDE,
        "mixed-charsets": MIXED,
    }
    assert bodies == {name: others.get(name, PAGE) for name in bodies}


def test_bodies_of_errors_are_cut(crawled):
    found, folder = crawled
    row = next(row for url, (_, row) in found.items() if "//endless-404." in url)
    with (folder / row["warc_file"]).open("rb") as stream:
        assert len(read_response(stream, row["warc_offset"], row["warc_length"]).body) == 64 << 10
        assert read_record(stream, row["warc_offset"], row["warc_length"]).headers["warc-truncated"] == "length"


def test_what_opted_out_leaves_no_body(crawled):
    found, folder = crawled
    signals = {}
    for _, row in found.values():
        if row["outcome"] == "opt_out":
            signals[row["url"].split("//")[1].split(".test")[0]] = row["opt_out"]
            assert row["detail"]  # the evidence, for the ledger
            if row["warc_offset"] is not None:
                with (folder / row["warc_file"]).open("rb") as stream:
                    assert read_response(stream, row["warc_offset"], row["warc_length"]).body == b""
    assert signals == {
        "noai-header": "noai",
        "noai-meta": "noai",
        "noai-for-us": "none",
        "tdm-header": "tdm",
        "tdm-file": "tdm",
        "ai-txt": "ai_txt",
    }
    noindex = next(row for _, row in found.values() if "//noindex." in row["url"])
    evidence = "X-Robots-Tag: noindex in the answer's header"
    assert (noindex["outcome"], noindex["opt_out"], noindex["detail"]) == ("ok", "noindex", evidence)


def test_failures_and_redirects_are_recorded(crawled):
    found, folder = crawled
    kinds = {}
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in iter_warc(stream):
                kinds.setdefault(record.url, []).append(record.type)
    by_name = {url.split("//")[1].split(".test")[0]: url for url in found if url.startswith("http://")}
    assert kinds[by_name["status-404"]] == ["request", "response"]
    assert kinds[by_name["closed"]] == ["request"]
    assert kinds[by_name["redirect-relative"]] == ["request", "response"]
    assert all(kinds[URI_PREFIX + url] == ["metadata"] for url in by_name.values())
    assert kinds[by_name["redirect-relative"] + "5"] in (["request", "response"], ["request", "revisit"])


def test_bodies_that_are_known_are_revisits(crawled):
    _, folder = crawled
    responses, revisits, requests = {}, [], set()
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in iter_warc(stream):
                if record.type == "response":
                    responses[record.record_id] = record.headers["warc-payload-digest"]
                elif record.type == "revisit":
                    revisits.append(record.headers)
                elif record.type == "request":
                    requests.add(record.headers.get("warc-concurrent-to"))
    assert revisits
    assert {one["warc-record-id"] for one in revisits} <= requests
    assert all(responses[one["warc-refers-to"]] == one["warc-payload-digest"] for one in revisits)


def test_requests_are_honest_and_cookies_stay_at_home(crawled, server):
    heads = [head.decode() for _, _, head in server.requests]
    assert all("User-Agent: webtext/" in head for head in heads)
    with_cookies = {name for name, _, head in server.requests if b"Cookie:" in head}
    assert with_cookies == {"redirect-cookie", "redirect-odd-cookies"}


def test_site_files_are_asked_for_once(crawled, server):
    asked = [(name, path) for name, path, _ in server.requests if path in SITE_FILES]
    again = {name for name, path in asked if asked.count((name, path)) > 1}
    assert again <= {"robots-503", "robots-429", "robots-silent", "robots-loop", "plain"}  # plain: also by https


_MEMORY = """
import resource, sys
from webtext.crawl.exchange import Limits, Requester
requester = Requester("webtext/0", Limits(10, 10, 60, 1_000_000), replay=("127.0.0.1", int(sys.argv[1])))
requester.ask("http://plain.test/")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[2:]:
    print(requester.ask(f"http://{name}.test/", site_file=name == "robots-huge").outcome or "whole")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_bounded(server):
    names = ["gzip-bomb", "brotli-bomb", "gzip-twice-bomb", "endless-body", "endless-headers", "endless-video"]
    command = [sys.executable, "-c", _MEMORY, str(server.port), *names, "robots-huge"]
    *outcomes, growth = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert outcomes == ["too_large"] * 4 + ["bad_response", "whole", "whole"]
    assert int(growth) < 40_000  # KiB; any of the bombs alone is 100,000


def test_retry_after_is_seconds_or_a_date(server):
    requester = Requester("webtext/0", Limits(10, 10, 60), replay=("127.0.0.1", server.port))
    exchange = requester.ask("http://retry-next-year.test/")
    assert retry_after(exchange, 0) == 31536000
    server.states["retry-date"].clear()
    exchange = requester.ask("http://retry-date.test/")
    assert retry_after(exchange, 978307200 - 60) == 60
    assert retry_after(exchange, 978307200 + 60) == 0
    assert retry_after(requester.ask("http://plain.test/"), 0) is None
    requester.close()


def test_the_documentation_has_the_table_of_outcomes():
    page = (Path(__file__).parents[2] / "docs" / "fetch.md").read_text()
    table = "\n".join(f"| `{outcome}` | {meaning} |" for outcome, meaning in OUTCOMES.items())
    assert f"|---|---|\n{table}\n\n" in page


def test_outcomes_are_a_closed_set():
    assert is_outcome("http_404") and is_outcome("ok")
    assert not is_outcome("http_40") and not is_outcome("other")
    assert all(text == text.strip() and text for text in OUTCOMES.values())


@pytest.mark.parametrize("agent", ["", " x", "1bot/2"])
def test_agents_begin_with_a_product_token(agent):
    with pytest.raises(ValueError, match="product token"):
        Requester(agent, Limits())


@pytest.mark.parametrize("name", ["connect_seconds", "read_seconds", "total_seconds", "body_bytes"])
def test_limits_are_positive(name):
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})
