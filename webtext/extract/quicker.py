"""What trafilatura and justext do for each element of a page, done once or not at all: what they give is the same."""

import functools
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import justext.core
from lxml.etree import Element, XPath
from trafilatura import external, xpaths

_TEST = re.compile(r"re:test\((@[\w|@-]+),")
_NAMESPACES = {"re": "http://exslt.org/regular-expressions"}


@functools.cache
def quicken() -> None:
    """Do it in this process, for all pages: a fifth of a second opinion's time."""
    cleaning = vars(import_module("trafilatura.baseline"))
    cleaning["BASIC_CLEAN_XPATH"] = _guarded(cleaning["BASIC_CLEAN_XPATH"])
    for value in vars(xpaths).values():
        if isinstance(value, list):
            value[:] = map(_guarded, value)
    # The text is asked for seven times when all of it has been read, and the other path never.
    text = functools.cached_property(justext.core.Paragraph.text.fget)
    text.__set_name__(justext.core.Paragraph, "text")
    justext.core.Paragraph.text = text
    justext.core.PathInfo.xpath = ""
    vars(external)["JT_STOPLIST"] = _StopWords()
    external.try_justext(Element("body"), None, None)  # has the set made


def _guarded(expression: XPath) -> XPath:
    """Have attributes that are not there tested by no regular expression: each is a call from C to Python."""
    path, count = _TEST.subn(r"(\1) and \g<0>", expression.path)
    return XPath(path, namespaces=_NAMESPACES) if count else expression


class _StopWords:
    """justext's words, read when it makes a set of them; trafilatura's tuple is hashed at each call, in 5 to 12 ms."""

    def __iter__(self) -> Iterator[str]:
        for path in Path(justext.__path__[0], "stoplists").glob("*.txt"):
            yield from path.read_text("utf-8").splitlines()
