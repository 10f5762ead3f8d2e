"""Who runs a crawl: whoever is asked must be able to reach them, so placeholders of documentation do not count."""

import re

from webtext.hosts import normalize_host, registered_domain
from webtext.urls import host_of

_E_MAIL = re.compile(r"(?:mailto:)?([^@\s:/,]+)@([^@\s:/,]+)", re.IGNORECASE)
_WEB_PAGE = re.compile(r"https?://\S+", re.IGNORECASE)
_NOBODY = re.compile(r"you|your.*|e-?mail|(?:first|last|user)?name|user|someone|somebody|nobody|foo|bar", re.IGNORECASE)
_NOWHERE = re.compile(r"example|your.*|(?:my|our|some|a)?[_-]?(?:domain|site|website|company|homepage)")


def contact_problem(contact: str) -> str:
    """Say why a contact is nobody's; "" where it is a web page or an e-mail address that may be somebody's.

    >>> [contact_problem(each) for each in ("https://crawl.webtext.dev/about", "mailto:crawl@webtext.dev")]
    ['', '']
    >>> contact_problem("you@example.org")
    'is a placeholder'
    """
    e_mail = _E_MAIL.fullmatch(contact)
    if not e_mail and not _WEB_PAGE.fullmatch(contact):
        return "is neither a web page (https://...) nor an e-mail address"
    domain = registered_domain((normalize_host(e_mail[2]) or "") if e_mail else host_of(contact))
    if not domain:  # an address, a name of one's own network, or one for documentation (RFC 2606)
        return "is on no public domain"
    is_placeholder = _NOWHERE.fullmatch(domain.partition(".")[0]) or (e_mail and _NOBODY.fullmatch(e_mail[1]))
    return "is a placeholder" if is_placeholder else ""
