"""No packet leaves for an address that is not public: asserted at the socket, for every notation and every detour."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.connection.addresses import (
    AddressGuard,
    ForbiddenAddressError,
    ResolutionError,
    is_permitted,
    resolve_host,
)
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import Crawl
from webtext.crawl.exchange import Limits, Requester
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.records import Link

PUBLIC = "93.184.215.14"
# What the name server of this test says; any other name asked for is a packet that left.
NAMES = {
    "loop.example.org": ["127.0.0.1"],
    "lan.example.org": ["192.168.1.1"],
    "metadata.example.org": ["169.254.169.254"],
    "mapped.example.org": ["::ffff:127.0.0.1"],
    "v6.example.org": ["fd00::1"],
    "link.example.org": ["fe80::1%eth0"],
    "mixed.example.org": [PUBLIC, "10.0.0.1"],
    "nat.example.org": ["64:ff9b::a00:1"],
    "any.example.org": ["0.0.0.0"],  # noqa: S104 - not bound to: refused
    "public.example.org": [PUBLIC],
}
FORBIDDEN = [
    # loopback, in every notation of an IPv4 address
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0177.0x0.0.1/",
    "http://127.0.0.1./",
    "http://%31%32%37.0.0.1/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://\u2460\u2461\u2466.0.0.1/",
    "http://127\u30020.0.1/",
    "http://user:secret@127.0.0.1/",
    "http://public.example.org@127.0.0.1/",
    "http://127.0.0.1:80#@public.example.org/",
    "http:\\\\127.0.0.1\\",
    # private, shared, link-local and reserved networks
    "http://0.0.0.0/",
    "http://0/",
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.1/",
    "http://100.64.0.1/",
    "http://169.254.1.1/",
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    # metadata services of clouds
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.253/",
    "http://169.254.170.2/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://100.100.100.200/",
    "http://168.63.129.16/machine?comp=goalstate",
    "http://[::ffff:168.63.129.16]/",
    "http://192.0.0.192/latest/",
    "http://[64:ff9b::a83f:8110]/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    # IPv6
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::1]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    # names
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://printer.local/",
    "http://intranet/",
    "http://router.lan/",
    "http://db.internal/",
    "http://x.home.arpa/",
    "http://hidden.onion/",
    "http://127.0.0.1.nip.io/",
    "http://localtest.me/",
    *(f"http://{name}/" for name in NAMES if name != "public.example.org"),
    # ports of other services
    "http://public.example.org:22/",
    "http://public.example.org:25/",
    "http://public.example.org:6667/",
    *(f"http://public.example.org:{port}/" for port in (1, 81, 444, 3000, 7999, 9001, 27017, 65535)),
    "http://93.184.215.14:23/",
]


@pytest.fixture
def packets(monkeypatch):
    """Record what is connected to and which names are asked for; nothing is really sent."""
    sent = []

    def connect(_socket, address):
        sent.append(address)
        raise ConnectionRefusedError(111, "refused by the test")

    real = socket.getaddrinfo

    def getaddrinfo(host, port, *arguments, **keywords):
        if host in NAMES:
            families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in NAMES[host]]
            return [(f, socket.SOCK_STREAM, 6, "", (a, port)) for f, a in zip(families, NAMES[host], strict=True)]
        try:
            socket.inet_aton(host)
        except OSError:
            sent.append(("name asked for", host))
            raise socket.gaierror(socket.EAI_NONAME, "unknown to the test") from None
        return real(host, port, *arguments, **keywords)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return sent


def crawl(folder, urls):
    config = FetchConfig(delay=0, backoff=0, max_attempts=1, robots=False, opt_outs=())
    requester = Requester("webtext/0", Limits())
    done = Crawl(config, PageArchive(folder, "pages", roll_bytes=10**9, about={}), requester)
    errands = [Errand(Link(url, url, "", 3, 1, (), None), url) for url in urls]
    done.run(errands)
    return {errand.url: row["outcome"] for errand, row in done.rows()}


def test_the_list_is_long_enough():
    assert len(set(FORBIDDEN)) >= 80


def test_crawl_sends_no_packet_to_forbidden_addresses(packets, tmp_path):
    outcomes = crawl(tmp_path, FORBIDDEN)
    assert packets == []
    assert set(outcomes.values()) <= {"private_address", "bad_url"}


@pytest.mark.parametrize("url", [url for url in FORBIDDEN if url.isascii() and "\\" not in url and "%" not in url])
def test_requester_by_itself_connects_to_no_forbidden_address(packets, url):
    exchange = Requester("webtext/0", Limits()).ask(url)
    assert [packet for packet in packets if packet[0] != "name asked for"] == []
    assert exchange.response is None
    assert exchange.outcome in {"private_address", "dns_error", "bad_url"}


@pytest.mark.parametrize(
    "url",
    ["http://public.example.org/", "https://public.example.org/", "http://93.184.215.14:8080/", "http://1572394766/"],
)
def test_public_addresses_are_connected_to(packets, tmp_path, url):
    assert crawl(tmp_path, [url]) == {url: "connection_error"}
    assert [packet[0] for packet in packets] == [PUBLIC]


def test_the_address_judged_is_the_address_connected_to(packets):
    """A name server that gives another answer each time gets one question a connection, and its answer is used."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    asked = []

    def rebinding(host, _port):
        asked.append(host)
        return next(answers)

    requester = Requester("webtext/0", Limits(), guard=AddressGuard(resolve=rebinding))
    assert requester.ask("http://rebinding.example.org/").outcome == "connection_error"
    assert (asked, packets) == (["rebinding.example.org"], [(PUBLIC, 80)])
    assert requester.ask("http://rebinding.example.org/").outcome == "private_address"
    assert packets == [(PUBLIC, 80)]


def test_only_the_exempt_address_is_exempt():
    guard = AddressGuard(frozenset({("127.0.0.1", 8080)}), lambda _host, _port: ["127.0.0.1"])
    assert guard.permitted("127.0.0.1", 8080) == ["127.0.0.1"]
    assert guard.permitted("replay.test", 8080) == ["127.0.0.1"]
    with pytest.raises(ForbiddenAddressError):
        guard.permitted("127.0.0.1", 8081)


def test_replay_connects_to_nothing_but_its_server(packets):
    requester = Requester("webtext/0", Limits(), replay=("127.0.0.1", 9))
    assert requester.ask("https://public.example.org/").outcome == "connection_error"
    assert packets == [("127.0.0.1", 9)]


def test_environment_proxies_are_not_used(packets, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://10.9.8.7:3128")
    monkeypatch.setenv("http_proxy", "http://10.9.8.7:3128")
    Requester("webtext/0", Limits()).ask("http://public.example.org/")
    assert packets == [(PUBLIC, 80)]


@given(st.ip_addresses())
def test_no_special_address_is_permitted(address):
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return  # what DNS64 makes of an IPv4 address is as special as that: the next test
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    if special or address.is_reserved or address.is_unspecified:
        assert not is_permitted(str(address), 80)


@given(st.ip_addresses(v=4))
def test_ipv6_forms_of_an_address_are_judged_as_it_is(address):
    value = int(address)
    embedded = [f"::ffff:{address}", str(ipaddress.IPv6Address((0x2002 << 112) | (value << 80)))]
    if not is_permitted(str(address), 443):
        assert not any(is_permitted(form, 443) for form in embedded)
    assert is_permitted(str(ipaddress.IPv6Address((0x64FF9B << 96) | value)), 443) is is_permitted(str(address), 443)


def test_names_that_cannot_be_asked_for_do_not_resolve(packets):
    with pytest.raises(ResolutionError) as caught:
        resolve_host("a" * 64 + ".example.org", 80)
    assert caught.value.for_good
    with pytest.raises(ResolutionError):
        resolve_host("unknown.example.org", 80)
