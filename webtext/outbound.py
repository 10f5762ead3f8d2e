"""Which URLs are links to text on the web outside: the judgement of dumps, crawls and redirects alike.

The lists of hosts and extensions are in link_rules.toml; docs/harvest.md says why each is there.
"""

import re

from webtext.hosts import ends_with_any, is_private_host
from webtext.link_rules import link_rules
from webtext.urls import SCHEME, canonicalize_url, host_of, repair

_REDDIT_PATH = re.compile(r"/?(?:r|u|user|tb|comments|gallery)/")


def link_problem(url: str, *, wikipedia: bool = True) -> str | None:
    """Give the reason why a URL is no outbound link to text, or None where it is one.

    Args:
        url: as posted, or canonical: the answer is the same.
        wikipedia: whether Wikipedia is a problem. WebText has none of it (GPT-2 paper, section 2.1), so asking its
            servers for pages that a filter drops would be unkind.

    Returns:
        One of `not_http`, `malformed_url`, `private_address`, `media`, `reddit_internal`, `download`, `wikipedia`.
    """
    canonical = canonicalize_url(url)
    return _unfetchable(url) if canonical is None else canonical_problem(canonical, wikipedia=wikipedia)


def canonical_problem(canonical: str, *, wikipedia: bool = True) -> str | None:
    """Do as `link_problem` does for a URL that is known to be canonical."""
    host, _, path = canonical.removeprefix("https://").partition("/")
    host = host_of(canonical) if ":" in host else host
    rules = link_rules()
    if is_private_host(host):
        return "private_address"
    extension = "" if _is_repository(host, path) else _extension(path)
    if extension in rules.media_extensions or ends_with_any(host, rules.media_hosts):
        return "media"
    if ends_with_any(host, rules.reddit_domains):
        return "reddit_internal"
    if extension in rules.download_extensions:
        return "download"
    return "wikipedia" if wikipedia and ends_with_any(host, rules.wikipedia_domains) else None


def _unfetchable(url: str) -> str:
    """Tell apart the URLs that have no canonical form."""
    repaired = repair(url)
    if _REDDIT_PATH.match(repaired):
        return "reddit_internal"
    scheme = SCHEME.match(repaired)
    return "not_http" if scheme and scheme[1].lower() not in {"http", "https"} else "malformed_url"


def _extension(path: str) -> str:
    """Give the extension of a path's last segment, in lower case; "" for wiki pages about a file (`File:A.jpg`).

    A host is no file: in `web/2017/https://example.mobi` nothing has an extension.
    """
    before, _, segment = re.split(r"[?#;]", path, maxsplit=1)[0].rpartition("/")
    stem, dot, extension = segment.lower().rpartition(".")
    return extension if dot and ":" not in stem and not before.endswith(":/") else ""


def _is_repository(host: str, path: str) -> bool:
    """Tell whether a path names an owner and a project (`videojs/video.js`), which is a page whatever it ends in."""
    return path.count("/") <= 1 and ends_with_any(host, link_rules().code_hosts)
