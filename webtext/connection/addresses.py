"""Connections that reach public addresses only, and that no server can hold longer than it is given.

Links are untrusted input: a URL, a DNS answer or a redirect may point at this machine, the local network, or a cloud's
metadata service. The address is judged where it cannot change any more: names are resolved here, every address of the
answer must be public, and the socket is connected to exactly those numbers, so there is no second look-up to rebind.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import certifi

from webtext.connection.clock import TimedSocket, allowed_seconds, watch, within
from webtext.hosts import is_public_address

# In no registry of special addresses that Python's `ipaddress` knows in all our versions, yet nobody's public server.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.88.99.0/24",  # 6to4 relays, deprecated (RFC 7526)
        "2002::/16",  # 6to4, which carries any IPv4 address (RFC 3056)
        "2001::/32",  # Teredo, likewise (RFC 4380)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that IANA has given out to the public
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
# Where web servers are: the ports of http and https, and those that stand in for them. Other services live on the
# others, and of 198,549 links of Reddit 11 name one of those.
_WEB_PORTS = frozenset((80, 443, *range(8000, 9001)))
_MAX_ADDRESSES = 4  # the most addresses of a name that are tried before giving up


class ForbiddenAddressError(Exception):
    """The host is, or resolves to, an address that no request may reach."""


class ResolutionError(Exception):
    """The host's name does not resolve."""

    def __init__(self, message: str, *, for_good: bool) -> None:
        super().__init__(message)
        self.for_good = for_good  # the name does not exist, rather than nobody answered


def resolve_host(host: str, port: int) -> list[str]:
    """Ask the system for a host's addresses, in its order of preference.

    Raises:
        ResolutionError: it has none.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        gone = error.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
        raise ResolutionError(error.strerror or str(error), for_good=gone) from error
    except UnicodeError as error:  # a label is empty or too long
        raise ResolutionError(str(error), for_good=True) from error
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(frozen=True)
class AddressGuard:
    """Which addresses may be connected to: public ones, and those expressly exempt."""

    exempt: frozenset[tuple[str, int]] = frozenset()  # (address, port): a replay server's
    resolve: Callable[[str, int], Sequence[str]] = resolve_host

    def permitted(self, host: str, port: int) -> list[str]:
        """Give the addresses of a host, all of them permitted.

        Raises:
            ForbiddenAddressError: one of them is not, or the port is not the web's.
            ResolutionError: there are none.
        """
        literal = host.strip("[]").partition("%")[0]
        if (literal, port) in self.exempt:
            return [literal]
        addresses = [literal] if _is_address(literal) else list(self.resolve(host, port))
        for address in addresses:
            if (address, port) not in self.exempt and not is_permitted(address, port):
                raise ForbiddenAddressError(f"{address} port {port}")
        return addresses


def is_permitted(address: str, port: int) -> bool:
    """Tell whether an address (numbers) is public and the port one where web servers are.

    >>> [is_permitted(address, 80) for address in ("93.184.215.14", "169.254.169.254", "64:ff9b::a00:1")]
    [True, False, False]
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # an address with a zone ("fe80::1%eth0"), or none
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed in _NAT64:  # what DNS64 makes of an IPv4 address
        parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    if any(parsed in network for network in _NOT_PUBLIC if network.version == parsed.version):
        return False
    if parsed.version == 6 and parsed not in _GLOBAL_UNICAST:
        return False
    return is_public_address(parsed) and port in _WEB_PORTS


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _TimedTlsSocket(ssl.SSLSocket):
    def recv_into(self, *arguments: Any, **keywords: Any) -> int:
        self.settimeout(allowed_seconds())
        return super().recv_into(*arguments, **keywords)


def tls_context(authorities: str | None = None) -> ssl.SSLContext:
    """Make the one TLS context that all connections share: loading the authorities costs 50 ms each time.

    Args:
        authorities: file of the certificates to trust; None for those of certifi.
    """
    context = ssl.create_default_context(cafile=authorities or certifi.where())
    context.sslsocket_class = _TimedTlsSocket
    context.set_alpn_protocols(["http/1.1"])
    return context


def connect(guard: AddressGuard, host: str, port: int, seconds: float) -> TimedSocket:
    """Connect to the first address of a host that answers, within so many seconds.

    Raises:
        ForbiddenAddressError: the host is, or resolves to, an address that no request may reach.
        ResolutionError: the host does not resolve.
        TimeoutError: no connection in time.
        OSError: no connection.
    """
    problem: OSError | None = None
    for address in _addresses(guard, host, port, seconds)[:_MAX_ADDRESSES]:
        opened = TimedSocket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.settimeout(min(seconds, allowed_seconds()))
            watch(opened)
            opened.connect((address, port))
        except OSError as error:
            opened.close()
            problem = error
            continue
        return opened
    if isinstance(problem, TimeoutError):
        raise TimeoutError(f"no connection within {seconds:g} s") from problem
    raise problem or OSError("no address")


def _addresses(guard: AddressGuard, host: str, port: int, seconds: float) -> list[str]:
    """Ask the guard, and wait no longer than for a connection: the system's look-up keeps to no time of ours."""
    seconds = min(seconds, allowed_seconds())
    try:
        return within(seconds, lambda: guard.permitted(host, port))
    except TimeoutError as error:
        raise ResolutionError(str(error), for_good=False) from error
