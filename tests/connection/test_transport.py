"""Connections: used again, replaced where the server has left, and safe from whatever bytes come or are asked for."""

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.double.loopback import LoopbackServer
from tests.double.thorough import THOROUGH
from webtext.connection.addresses import AddressGuard, tls_context
from webtext.connection.transport import GuardedAdapter, most_idle_connections
from webtext.crawl.exchange import Limits, Requester
from webtext.crawl.outcomes import is_outcome, judge_answer

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n<p>x</p>"


class Server(LoopbackServer):
    """Sends its answer to each request of a connection; closes it after `most` of them."""

    def __init__(self):
        self.answer, self.most, self.connections = PAGE, 1000, 0
        super().__init__()

    def serve(self, connection):
        self.connections += 1
        with connection:
            for _ in range(self.most):
                head = b""
                while b"\r\n\r\n" not in head:
                    try:
                        piece = connection.recv(65536)
                    except ConnectionError:
                        return
                    if not piece:
                        return
                    head += piece
                self.requests.append(head)
                connection.sendall(self.answer)

    def adapter(self, most_idle=8):
        guard = AddressGuard(frozenset({("127.0.0.1", self.port)}), lambda _host, _port: ["127.0.0.1"])
        return GuardedAdapter(guard, tls_context(), most_idle)

    def requester(self):
        guard = AddressGuard(frozenset({("127.0.0.1", self.port)}), lambda _host, _port: ["127.0.0.1"])
        return Requester("webtext/0", Limits(10, 10, 20, 100_000), guard=guard)


@pytest.fixture(scope="module")
def shared():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def test_a_connection_is_used_again_by_its_host_alone(server):
    requester = server.requester()
    for host in ("a", "a", "b", "a", "b"):
        assert requester.ask(f"http://{host}.test:{server.port}/").outcome == ""
    assert server.connections == 2


@pytest.mark.parametrize("most_idle", [1, 2])
def test_of_idle_connections_the_one_longest_unused_is_closed(server, most_idle):
    adapter = server.adapter(most_idle)
    for host in ("a", "b", "a", "b"):
        request = requests.Request("GET", f"http://{host}.test:{server.port}/").prepare()
        with adapter.send(request, stream=True, timeout=10) as answer:
            assert answer.raw.read() == b"<p>x</p>"
    assert server.connections == {1: 4, 2: 2}[most_idle]
    adapter.close()


def test_what_is_not_read_to_its_end_is_not_used_again(server):
    server.answer = PAGE.replace(b"text/html", b"video/mp4")
    requester = server.requester()
    for _ in range(3):
        assert requester.ask(f"http://a.test:{server.port}/").response.body == b""
    assert server.connections == 3


@pytest.mark.parametrize("header", [b"Connection: close", b"Keep-Alive: no"])
def test_a_server_that_leaves_is_asked_on_a_new_connection(server, header):
    """It says so, or it just goes: either way each page comes."""
    server.most = 1
    server.answer = PAGE.replace(b"Content-Type", header + b"\r\nContent-Type", 1)
    requester = server.requester()
    for _ in range(3):
        assert requester.ask(f"http://a.test:{server.port}/").outcome == ""
    assert len(server.requests) == server.connections == 3


def test_a_request_that_an_idle_connection_swallowed_is_sent_again(server, monkeypatch):
    """The server closes at the moment at which the request is written, so that nobody could know."""
    monkeypatch.setattr("urllib3.connection.wait_for_read", lambda *_, **__: False)
    server.most = 1
    requester = server.requester()
    for _ in range(3):
        assert requester.ask(f"http://a.test:{server.port}/").outcome == ""
    assert len(server.requests) == 3


def test_it_is_a_transport_of_requests(server):
    with requests.Session() as session:
        session.mount("http://", server.adapter())
        answer = session.get(f"http://a.test:{server.port}/path?x=1", timeout=10)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "<p>x</p>", "text/html")
    assert server.requests[0].startswith(b"GET /path?x=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/caf\u00e9", "/\x7f"])
def test_no_target_breaks_out_of_its_line(target):
    request = requests.Request("GET", "http://a.test/").prepare()
    request.url = f"http://a.test{target}"
    with pytest.raises(requests.exceptions.InvalidURL, match="cannot stand in a request"):
        GuardedAdapter(AddressGuard(), tls_context(), 1).add_headers(request)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\x00b"])
def test_no_header_breaks_out_of_its_line(shared, value):
    asked = len(shared.requests)
    assert shared.requester().ask(f"http://a.test:{shared.port}/", cookies=value).outcome == "bad_url"
    assert len(shared.requests) == asked


@pytest.mark.parametrize(("files", "most"), [(16, 64), (1024, 512), (1 << 20, 8192)])
def test_connections_kept_leave_room_for_other_files(monkeypatch, files, most):
    monkeypatch.setattr("webtext.connection.transport.resource.getrlimit", lambda _: (files, files))
    assert most_idle_connections() == most


_LINE = st.sampled_from(
    (
        *(b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 103 Early Hints", b"HTTP/2 200", b"Content-Length: 9"),
        *(b"Content-Length: \xb2", b"Content-Length: -1", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"),
        *(b"Content-Type: text/html", b"Location: http://[::1", b" folded", b"no colon", b": no name", b"5", b"0", b""),
    )
)
_ANSWER = st.lists(st.one_of(_LINE, _LINE, st.binary(max_size=12)), max_size=12)


@settings(
    max_examples=150 if THOROUGH else 50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([b"\r\n", b"\n"]), _ANSWER, st.booleans())
def test_any_bytes_are_an_outcome(shared, end, lines, site_file):
    shared.answer, shared.most = end.join([b"HTTP/1.1 200 OK", *lines]) + end, 1
    exchange = shared.requester().ask(f"http://any.test:{shared.port}/", site_file=site_file)
    outcome = exchange.outcome or judge_answer(exchange.status, exchange.header("Content-Type"), exchange.beginning)
    assert is_outcome(outcome)


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(words, size, end=b"\r\n"):
    pieces = (words[place : place + size] for place in range(0, len(words), size))
    return CHUNKED + b"".join(b"%x" % len(piece) + end + piece + end for piece in pieces)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize(("size", "times"), [(1, 100), (3, 300), (9, 3000), (1000, 3000), (99_999, 3)])
@pytest.mark.parametrize("trailer", [b"", b"X-Trailer: 1\r\n"])
def test_chunks_come_as_one_body_and_the_connection_is_used_again(server, end, size, times, trailer):
    words = b"<p>" + bytes(range(97, 123)) * times
    server.answer = chunked(words, size, end) + b"0" + end + trailer + end
    requester = server.requester()
    for _ in range(2):
        exchange = requester.ask(f"http://a.test:{server.port}/")
        assert (exchange.outcome, exchange.response.body) == ("", words)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"zz\r\nx", "incomplete"),
        (b"-1\r\nx", "incomplete"),
        (b"5\r\nx", "incomplete"),
        (b"1\r\nxx", "incomplete"),
        (b"1\r\nx\r\n", "incomplete"),
        (b"", "incomplete"),
        (b"f" * 15 + b"\r\nx", "incomplete"),
        (b"f" * 9000 + b"\r\nx", "incomplete"),
        (b"f" * 99_000, "incomplete"),
        (b"1;" + b"x" * 99_000 + b"\r\nx", "incomplete"),
        (b"1\r\nx\r\n" * 5_000 + b"0\r\n\r\n", "bad_response"),
        (b"0\r\n" + b"X: y\r\n" * 99_000, "bad_response"),
    ],
)
def test_chunks_that_are_none_are_an_outcome(server, body, outcome):
    server.answer, server.most = CHUNKED + body, 1
    assert server.requester().ask(f"http://a.test:{server.port}/").outcome == outcome


@pytest.mark.parametrize(
    "said", [b"Chunked", b"identity, chunked", b"chunked, chunked", b"chunked; x=y", b'"chunked"', b"chunked\r\nte: x"]
)
def test_a_body_is_chunked_however_that_is_said(server, said):
    server.answer, server.most = CHUNKED.replace(b"chunked", said) + b"8\r\n<p>x</p>\r\n0\r\n\r\n", 1
    exchange = server.requester().ask(f"http://a.test:{server.port}/")
    assert (exchange.outcome, exchange.response.body) == ("", b"<p>x</p>")


def test_chunks_are_counted(server, monkeypatch):
    monkeypatch.setattr("webtext.connection.transport._MAX_CHUNKS", 1000)
    for chunks, outcome in ((999, ""), (1000, "bad_response")):  # the last one is the first that is refused
        server.answer, server.most = CHUNKED + b"9\r\nxxxxxxxxx\r\n" * chunks + b"0\r\n\r\n", 1
        assert server.requester().ask(f"http://a.test:{server.port}/").outcome == outcome


@pytest.mark.parametrize(
    ("length", "outcome"),
    [
        (b"8, 8", ""),
        (b"8\r\nContent-Length: 8", ""),
        (b"+8", ""),
        (b"-1", ""),
        (b"", ""),
        (b"\xb2", ""),
        (b"8, 9", "bad_response"),
        (b"9" * 18, "too_large"),
        (b"9" * 9000, ""),
    ],
)
def test_lengths(server, length, outcome):
    server.answer, server.most = PAGE.replace(b"Length: 8", b"Length: " + length), 1
    exchange = server.requester().ask(f"http://a.test:{server.port}/")
    assert exchange.outcome == outcome
    assert exchange.response is None or outcome or exchange.response.body == b"<p>x</p>"
