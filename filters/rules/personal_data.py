"""Personal data: e-mail and IP addresses, telephone and card numbers, masked in the text or a reason to reject it.

Each is replaced by an example of its kind that nobody has (reserved by RFC 2606, RFC 5737 and RFC 3849, the North
American 555-01xx numbers, a test card), so that the sentence around it stays a sentence. Patterns find candidates;
arithmetic and context decide: a card number has a right check digit, an address is one that the internet routes and no
version or section, an e-mail address ends in a domain that there is and names no repository.
"""

import dataclasses
import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from filters.rules.lib.steps import over, threshold, with_text
from webtext.hosts import registered_domain
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("personal_data",)

KINDS = ("email", "ip", "phone", "card")
ACTIONS = ("mask", "reject")

_EMAIL = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w!#$%&'*+/=?^`{|}~-]{1,64}(?:\.[\w!#$%&'*+/=?^`{|}~-]{1,64}){0,8}"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}\b",
    re.IGNORECASE,
)
_IP = re.compile(
    r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\.\d|\w)"
    r"|(?:[0-9a-f]{1,4}:|:){2,7}[0-9a-f:]{1,24}(?![\w:]))",
    re.IGNORECASE,
)
# With +country code, or as North Americans write them; bare runs of digits are not told from other numbers.
_PHONE = re.compile(
    r"(?<![\w+./-])(?:\+\d{1,3}[ .()/-]{0,2}(?:\(0\)[ .-]?)?\d(?:[ .()/-]{0,2}\d){6,12}"
    r"|(?:1[ .-]?)?\([2-9]\d{2}\)[ .-]?[2-9]\d{2}[ .-]\d{4}|(?:1[ .-])?[2-9]\d{2}[.-][2-9]\d{2}[.-]\d{4})(?![\w-]|\.\d)"
)
_CARD = re.compile(
    r"(?<![\w.,+-])(?:[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,4}(?:[ -]?\d{3})?|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})"
    r"(?![\w-]|[.,]\d)"
)
# What stands before numbers with dots: the last of these words decides. Without one, and without the marks of an
# address around them, four numbers of which three are under 32 are a version or a section: of the addresses that people
# have, one in a hundred looks so.
_BEFORE_CHARS = 60
_VERSION = (
    r"v|ver|vers|versions?|releases?|released|builds?|updates?|upgrade[ds]?|patch(?:es)?|firmware|kernel|driver|sections?|"
    r"sect?|chapters?|clauses?|paragraphs?|articles?|appendix|rules?|requirements?|figures?|fig|tables?|steps?|items?|part|"
    r"sdk|api|oid"
)
_ADDRESS = r"ip|ips|ipv4|address(?:es)?|hosts?|servers?|dns|gateway|subnet|ping|traceroute|whois|logged|visitor|user"
_BEFORE_NUMBERS = re.compile(rf"\b(?:(?P<version>{_VERSION})|(?P<address>{_ADDRESS}))\b|§", re.IGNORECASE)
_JUST_BEFORE_ADDRESS = re.compile(r"(?:://|@|\b(?:from|at|via|behind|blocked|banned|pinged))\s*$", re.IGNORECASE)
_BEHIND_ADDRESS = re.compile(r":\d{2,5}\b|/\d{1,2}\b(?!/)")  # a port, or a network's length
_JUST_BEFORE_VERSION = re.compile(r"(?:\w/|[=<>~!]=|~>)\s*$")  # Chrome/61.0.163.100, heron==1.26.100.4
_SMALL, _MOST_SMALL = 32, 2
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # RFC 4291, section 2.4: `dead::beef` and `Ada::C` lie outside
# Accounts that own repositories; and `name@host:path`, which is where a repository or a file is (scp).
_REPOSITORY_ACCOUNTS = ("git", "hg", "svn", "cvs", "bzr", "anoncvs")
_PATH_BEHIND = re.compile(r":[\w~./-]")
_RESERVED_TLDS = ("example", "test", "invalid", "localhost")  # RFC 2606: texts have them as examples
# What a text must have for a match: most have neither, and are told so in a hundredth of the time.
_NEEDED = {
    "email": re.compile("@"),
    "ip": re.compile(r"[.:](?:(?<=\d\.)\d{1,3}\.\d|(?<=:)[0-9a-fA-F]{0,4}:)"),  # what begins so is looked for fastest
}


@dataclass(frozen=True, slots=True)
class Masked(Document):
    """A document in which something was masked, and how many things of each kind."""

    masked: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Mask personal data in the text, or reject documents with more than so much of it."""

    kinds: tuple[str, ...] = threshold(KINDS, "what to look for: email, ip, phone, card", "FineWeb: email and ip")
    action: str = threshold("mask", "mask, or reject", "FineWeb masks")
    max_found: int = threshold(0, "where the action is to reject: most that a document may hold")

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise ValueError(f"no such kind of personal data: {', '.join(unknown)}; choose of {', '.join(KINDS)}")
        if self.action not in ACTIONS:
            raise ValueError(f"action must be mask or reject, got {self.action!r}")

    def __call__(self, document: Document) -> Document | Reason | None:
        text, found = mask(document.text, self.kinds)
        if not found:
            return None
        if self.action == "mask":
            changed = with_text(document, text)
            known = {field.name: getattr(changed, field.name) for field in dataclasses.fields(Document)}
            return Masked(**known, masked=tuple(sorted(found.items())))
        if found.total() > self.max_found:
            told = ", ".join(f"{number} {kind}" for kind, number in sorted(found.items()))
            return Reason("personal_data", over(found.total(), self.max_found, f"addresses and numbers ({told})"))
        return None


def mask(text: str, kinds: tuple[str, ...] = KINDS) -> tuple[str, Counter[str]]:
    """Replace personal data by examples; give the text and how many of each kind were replaced.

    >>> mask("Write to Ann.Lee@mail.example.net or call +44 20 7946 0018.")
    ('Write to email@example.com or call +1 202-555-0100.', Counter({'email': 1, 'phone': 1}))
    """
    found: Counter[str] = Counter()
    for kind in kinds:
        pattern, example, is_personal = _DETECTORS[kind]
        if kind in _NEEDED and not _NEEDED[kind].search(text):
            continue

        def replace(
            match: re.Match[str],
            kind: str = kind,
            example: str = example,
            is_personal: Callable[[re.Match[str]], bool] = is_personal,
        ) -> str:
            if not is_personal(match):
                return match.group()
            found[kind] += 1
            return example

        text = pattern.sub(replace, text)
    return text, found


def _is_email(match: re.Match[str]) -> bool:
    address = match.group().lower()
    name, _, host = address.rpartition("@")
    if address == _EXAMPLE_EMAIL or _PATH_BEHIND.match(match.string, match.end()):
        return False
    if name.startswith("//") or name in _REPOSITORY_ACCOUNTS:
        return False
    return host.endswith(_RESERVED_TLDS) or registered_domain(host) != ""


def _is_public_address(match: re.Match[str]) -> bool:
    """Tell whether an IP address is one that the internet routes, and no version by what stands before it."""
    try:
        address = ipaddress.ip_address(match.group())
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address.is_global and address in _GLOBAL_UNICAST
    return address.is_global and not _is_version(match, address)


def _is_version(match: re.Match[str], address: ipaddress.IPv4Address) -> bool:
    start = match.start()
    line = match.string[max(0, start - _BEFORE_CHARS) : start].rpartition("\n")[2]
    if _JUST_BEFORE_VERSION.search(line):
        return True
    if found := list(_BEFORE_NUMBERS.finditer(line)):
        return found[-1]["address"] is None
    marked = _JUST_BEFORE_ADDRESS.search(line) or _BEHIND_ADDRESS.match(match.string, match.end())
    return not marked and sum(number < _SMALL for number in address.packed) > _MOST_SMALL


def _is_phone(match: re.Match[str]) -> bool:
    text = match.group()
    digits = sum(map(str.isdigit, text))
    return 10 <= digits <= 15 and text != _EXAMPLE_PHONE


def _is_card(match: re.Match[str]) -> bool:
    """Tell whether digits pass the check of card numbers (ISO/IEC 7812, Luhn)."""
    digits = [int(character) for character in match.group() if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    plausible = 13 <= len(digits) <= 19 and len(set(digits)) > 1
    return plausible and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_EXAMPLE_EMAIL, _EXAMPLE_PHONE = "email@example.com", "+1 202-555-0100"
_DETECTORS: dict[str, tuple[re.Pattern[str], str, Callable[[re.Match[str]], bool]]] = {
    "email": (_EMAIL, _EXAMPLE_EMAIL, _is_email),
    "card": (_CARD, "0000 0000 0000 0000", _is_card),
    "phone": (_PHONE, _EXAMPLE_PHONE, _is_phone),
    "ip": (_IP, "192.0.2.1", _is_public_address),
}
