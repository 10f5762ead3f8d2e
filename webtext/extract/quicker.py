"""What trafilatura and justext do for each element of a page, done once or not at all: what they give is the same."""

import functools
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import justext.core
from lxml.etree import Element, XPath
from trafilatura import external, xpaths

_TEST = re.compile(r"""re:test\((@[\w|@-]+), *(["'])(.*?)\2(?:, *(["'])\w*\4)?\)""")
_NAMESPACES = {"re": "http://exslt.org/regular-expressions"}


@functools.cache
def quicken() -> None:
    """Do it in this process, for all pages: a fifth of a second opinion's time. What another release lacks is left."""
    for module in (xpaths, import_module("trafilatura.baseline")):
        for name, value in list(vars(module).items()):
            if isinstance(value, list):
                value[:] = map(_guarded, value)
            elif isinstance(value, XPath):
                setattr(module, name, _guarded(value))
    # The text is asked for seven times when all of it has been read, and the path beside it never.
    paragraph, place = justext.core.Paragraph, justext.core.PathInfo
    if isinstance(text := vars(paragraph).get("text"), property) and text.fget:
        paragraph.text = once = functools.cached_property(text.fget)
        once.__set_name__(paragraph, "text")
    if isinstance(vars(place).get("xpath"), property):
        place.xpath = ""
    vars(external)["JT_STOPLIST"] = _StopWords()
    external.try_justext(Element("body"), None, None)  # has the set made


def _guarded(value: Any) -> Any:
    """Have attributes that are not there tested by no regular expression: each is a call from C to Python."""
    if not isinstance(value, XPath):
        return value
    path = _TEST.sub(_with_guard, value.path)
    return value if path == value.path else XPath(path, namespaces=_NAMESPACES)


def _with_guard(test: re.Match[str]) -> str:
    return test[0] if re.search(test[3], "") else f"({test[1]} and {test[0]})"


class _StopWords:
    """justext's words, read when it makes a set of them; trafilatura's tuple is hashed at each call, in 5 to 12 ms."""

    def __iter__(self) -> Iterator[str]:
        for path in Path(justext.__path__[0], "stoplists").glob("*.txt"):
            yield from path.read_text("utf-8").splitlines()
