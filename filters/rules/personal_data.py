"""Personal data: e-mail and IP addresses, telephone and card numbers, masked in the text or a reason to reject it.

Each is replaced by an example of its kind that nobody has (reserved by RFC 2606, RFC 5737 and RFC 3849, the North
American 555-01xx numbers, a test card), so that the sentence around it stays a sentence. Patterns find candidates;
arithmetic and context decide: a card number has a right check digit, an address is one that the internet routes.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from filters.rules.lib.steps import over, threshold, with_text
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
# What a text must have for a match: most have neither, and are told so in a hundredth of the time.
_NEEDED = {"email": re.compile("@"), "ip": re.compile(r"\d\.\d{1,3}\.\d|:[0-9a-f]{0,4}:", re.IGNORECASE)}


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
            return with_text(document, text)
        if found > self.max_found:
            return Reason("personal_data", over(found, self.max_found, "addresses and numbers"))
        return None


def mask(text: str, kinds: tuple[str, ...] = KINDS) -> tuple[str, int]:
    """Replace personal data by examples; give the text and how many were replaced.

    >>> mask("Write to Ann.Lee@mail.example.net or call +44 20 7946 0018.")
    ('Write to email@example.com or call +1 202-555-0100.', 2)
    """
    found = 0
    for kind in kinds:
        pattern, example, is_personal = _DETECTORS[kind]
        if kind in _NEEDED and not _NEEDED[kind].search(text):
            continue

        def replace(
            match: re.Match[str], example: str = example, is_personal: Callable[[str], bool] = is_personal
        ) -> str:
            nonlocal found
            if not is_personal(match.group()):
                return match.group()
            found += 1
            return example

        text = pattern.sub(replace, text)
    return text, found


def _is_email(text: str) -> bool:
    return text.lower() != _EXAMPLE_EMAIL


def _is_public_address(text: str) -> bool:
    """Tell whether an IP address is one that the internet routes; version numbers such as 1.2.3.4 pass for one."""
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


def _is_phone(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return 10 <= digits <= 15 and text != _EXAMPLE_PHONE


def _is_card(text: str) -> bool:
    """Tell whether digits pass the check of card numbers (ISO/IEC 7812, Luhn)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    plausible = 13 <= len(digits) <= 19 and len(set(digits)) > 1
    return plausible and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_EXAMPLE_EMAIL, _EXAMPLE_PHONE = "email@example.com", "+1 202-555-0100"
_DETECTORS: dict[str, tuple[re.Pattern[str], str, Callable[[str], bool]]] = {
    "email": (_EMAIL, _EXAMPLE_EMAIL, _is_email),
    "card": (_CARD, "0000 0000 0000 0000", _is_card),
    "phone": (_PHONE, _EXAMPLE_PHONE, _is_phone),
    "ip": (_IP, "192.0.2.1", _is_public_address),
}
