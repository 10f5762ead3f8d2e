"""Host names and addresses as URLs write them: what a host is called, who owns it, and whether it is public.

Links come from strangers, and a URL can name this machine, the local network or a cloud's metadata service in many
notations. Here names are judged before anything is asked of the network; the fetcher judges again the address that it
really connects to.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

import idna

MAX_NAME = 253  # octets of a DNS name in text (RFC 1035, section 2.3.4)
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")  # underscores and edge hyphens are not in the RFC but are in real links
_PLAIN = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")

# Names that lead to no public web server: special-use names (RFC 6761, RFC 6762, RFC 8375, RFC 7686), those that
# networks keep for themselves, and services that turn any address, private ones too, into a name. `.test`, `.example`
# and `.invalid` are left out: they lead nowhere, and a replay serves them.
PRIVATE_SUFFIXES = frozenset(
    (
        *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa"),
        *("onion", "i2p"),
        *("localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "nip.io", "sslip.io", "xip.io"),
    )
)


@cache
def _suffixes() -> Any:
    from tldextract import TLDExtract  # noqa: PLC0415 - it brings requests, which no page needs that is judged

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False)


@lru_cache(maxsize=1 << 16)
def normalize_host(host: str) -> str | None:
    """Write a URL's host as it goes on the wire: ASCII, lower case, addresses in their usual notation.

    Numbers are read as browsers read them (WHATWG URL, "ends in a number"), so octal, hexadecimal, decimal and short
    IPv4 notations come out as four numbers. None: not a host.

    >>> normalize_host("Bücher.Example."), normalize_host("☃.net"), normalize_host("0x7f.1"), normalize_host("a..b")
    ('xn--bcher-kva.example', 'xn--n3h.net', '127.0.0.1', None)
    """
    host = host.lower()
    if _PLAIN.fullmatch(host) and not host.rpartition(".")[2].startswith("0x"):
        return host
    if host.startswith("["):
        return _ipv6(host)
    if "%" in host:
        host = unquote(host).lower()
    if not host.isascii():
        try:
            host = _to_ascii(host)
        except ValueError:  # also what idna says of a joiner beside a control character
            return None
    host = host.rstrip(".")
    labels = host.split(".")
    if len(host) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return _ipv4(labels) if _NUMBER.fullmatch(labels[-1]) else host


def _to_ascii(host: str) -> str:
    """Write an international name in ASCII as browsers do (UTS 46, section 4.2, with the flags of WHATWG URL).

    That is wider than IDNA 2008, by which registries go: symbols, emoji, underscores and hyphens anywhere have names.

    Raises:
        UnicodeError: the name holds what no name may hold.
    """
    labels = idna.uts46_remap(host, std3_rules=False, transitional=False).split(".")
    of_two_directions = any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in host)
    for label in labels:
        if not label.isascii():
            idna.check_initial_combiner(label)
            joiners = (place for place, letter in enumerate(label) if letter in "\u200c\u200d")
            if not all(idna.valid_contextj(label, place) for place in joiners):
                raise UnicodeError(f"a joiner out of place: {label!r}")
        if of_two_directions and label:
            idna.check_bidi(label)
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def _ipv6(host: str) -> str | None:
    if not host.endswith("]"):
        return None
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1].partition('%')[0])}]"
    except ValueError:
        return None


def _ipv4(labels: list[str]) -> str | None:
    """Read one to four numbers as an IPv4 address; the last fills the octets that are left."""
    if len(labels) > 4 or not all(_NUMBER.fullmatch(label) for label in labels):
        return None
    try:
        numbers = [_number(label) for label in labels]
    except ValueError:  # an octal with an 8 or a 9
        return None
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last + sum(number << 8 * (3 - place) for place, number in enumerate(leading))
    return str(ipaddress.IPv4Address(value))


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text.startswith("0") else int(text)


# Servers of clouds that know secrets of machines, and lie where Python takes addresses for public: Azure's, Oracle's.
_OF_CLOUDS = frozenset({ipaddress.IPv4Address("168.63.129.16"), ipaddress.IPv4Address("192.0.0.192")})


def is_public_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is one of the public internet's.

    Not so: private, loopback, link-local (where clouds keep their metadata), shared, reserved, multicast and
    unspecified ones, and IPv6 addresses that carry such an IPv4 address (mapped, 6to4, Teredo, NAT64).
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded_ipv4(address)
        if inner is not None:
            return is_public_address(inner)
    is_for_all = address.is_global and not address.is_multicast and not address.is_reserved
    return is_for_all and address not in _OF_CLOUDS


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, section 2.5.5.1


def parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read a normalised host as an address; None where it is a name."""
    if not (host.startswith("[") or host[-1:].isdigit()):
        return None
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_private_host(host: str) -> bool:
    """Tell whether a normalised host names no public web server: a private address or name, or a name without a dot."""
    address = parse_address(host)
    if address is not None:
        return not is_public_address(address)
    return "." not in host or ends_with_any(host, PRIVATE_SUFFIXES)


def ends_with_any(host: str, domains: Collection[str]) -> bool:
    """Tell whether a host is one of some domains or lies below one.

    >>> [ends_with_any(host, frozenset({"youtube.com"})) for host in ("m.youtube.com", "notyoutube.com")]
    [True, False]
    """
    return any(parent in domains for parent in parents(host))


def parents(host: str) -> Iterator[str]:
    """Yield a host and all domains that it lies in, the narrowest first; of a longer name its last `MAX_NAME`.

    >>> list(parents("En.Wikipedia.org."))
    ['en.wikipedia.org', 'wikipedia.org', 'org']
    """
    rest = host.lower().rstrip(".")[-MAX_NAME:]
    while rest:
        yield rest
        rest = rest.partition(".")[2]


def is_public_suffix(domain: str) -> bool:
    """Tell whether strangers register names under a domain, by the whole Public Suffix List, so that it has no owner.

    >>> [is_public_suffix(domain) for domain in ("co.uk", "github.io", "example", "bbc.co.uk")]
    [True, True, True, False]
    """
    found = _suffixes()(domain, include_psl_private_domains=True)
    return not found.domain or "." not in domain


@lru_cache(maxsize=1 << 16)
def registered_domain(host_or_url: str) -> str:
    """Name the domain that somebody registered, by the Public Suffix List bundled with tldextract (no network).

    An address, or a name that is no registered domain (`localhost`, `co.uk`), gives "".

    >>> registered_domain("http://news.bbc.co.uk/1/hi"), registered_domain("someone.github.io")
    ('bbc.co.uk', 'github.io')
    """
    return str(_suffixes()(host_or_url).top_domain_under_public_suffix)
