"""How a rule's pattern and a URL's path are compared: RFC 9309, sections 2.2.2 and 2.2.3.

Both are brought to one form first: characters that need no percent-encoding stand bare, all others encoded, with
capital hexadecimal digits. `/ ? # %` keep the form in which they are written, since `%2F` is no slash; `*` and `$` are
special in a pattern, where they stand for themselves only as `%2A` and `%24`, so a URL's own are encoded.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_KEPT = frozenset("/?#%*$")
_BARE = {f"%{code:02X}": chr(code) for code in range(0x20, 0x7F) if chr(code) not in _KEPT}
# Google's parser leaves letters and digits encoded in a rule, and says that it should not be relied upon. A rule that
# shuts out is read as the RFC has it, and one that lets in as Google does: of two readings the one that asks for less.
_BARE_IN_ALLOW = {escape: character for escape, character in _BARE.items() if not character.isalnum()}


@dataclass(frozen=True, slots=True)
class Paths:
    """What patterns are matched with: path and query of a URL, decoded as far as may be, and as written."""

    decoded: str
    written: str


@lru_cache(maxsize=256)
def paths_of(url: str) -> Paths:
    """Give the forms of a URL's path that patterns are matched with.

    >>> paths_of("http://x.test/%7ejoe/a*b?").decoded
    '/~joe/a%2Ab?'
    """
    path = path_of(url)
    encoded = path.replace("*", "%2A").replace("$", "%24")
    return Paths(_unescaped(encoded, _BARE), _unescaped(encoded, {}))


def path_of(url: str) -> str:
    """Give the path and the query of a URL, as they are written.

    >>> path_of("http://x.test?a=b#c"), path_of("http://x.test/a;b?")
    ('/?a=b', '/a;b?')
    """
    rest = url.partition("#")[0].partition("://")[2]
    start = re.search(r"[/?]", rest)
    path = rest[start.start() :] if start else ""
    return path if path.startswith("/") else f"/{path}"


def pattern_of(value: bytes, *, keeps_letters: bool = False) -> str:
    """Bring a pattern to the form that paths are in; bytes beyond ASCII are percent-encoded as they stand.

    >>> pattern_of(b"/%7ejoe/*.php$"), pattern_of("/é$a".encode())
    ('/~joe/*.php$', '/%C3%A9%24a')
    """
    text = (
        "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in value)
        if not value.isascii()
        else value.decode()
    )
    body, end = (text[:-1], "$") if text.endswith("$") else (text, "")
    return _unescaped(body.replace("$", "%24"), _BARE_IN_ALLOW if keeps_letters else _BARE) + end


def _unescaped(text: str, bare: dict[str, str]) -> str:
    if "%" not in text:
        return text
    return _ESCAPE.sub(lambda match: bare.get(match[0].upper(), match[0].upper()), text)


def path_matches(pattern: str, path: str) -> bool:
    """Match the beginning of a path with a pattern: `*` is any characters, `$` at the end is the path's end.

    Each piece between stars is taken where it first fits, which suffices since a star may be any length; so a hostile
    pattern costs no more than its length times the path's.

    >>> [path_matches("/*.php$", path) for path in ("/a.php", "/a.php?b", "/b/a.php.php")]
    [True, False, True]
    """
    anchored = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not pieces:
        return not anchored or path == first
    place = len(first)
    last = pieces.pop() if anchored else ""
    for piece in pieces:
        place = path.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return not anchored or (path.endswith(last) and len(path) - len(last) >= place)


def allowed_length(pattern: str, paths: Paths) -> int:
    """Give the length of a pattern that allows a path, else 0; one that allows index.html allows its folder too."""
    if path_matches(pattern, paths.decoded) or path_matches(pattern, paths.written):
        return len(pattern)
    folder, slash, page = pattern.rpartition("/")
    if slash and page.startswith("index.htm") and paths.decoded == folder + "/":
        return len(folder) + 2
    return 0
