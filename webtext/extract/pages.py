"""The text of a web page, by the extractor that is asked for, with what the page says of itself.

`extract_page` is a pure function of bytes; `ExtractionPool` runs it where a page may hang or crash it and costs only
itself. Whatever the extractor, the text obeys one contract: Unicode NFC, a paragraph a line, no empty lines, no
control characters but tabs (docs/extraction.md).
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import Self

import ftfy
from ftfy.badness import is_bad

from webtext import reference
from webtext.extract.config import FAILED, ExtractConfig, Extracted
from webtext.extract.decode import decode_html
from webtext.extract.extractors import ALONE, load_engine, require_engine
from webtext.extract.glance import foreign_text
from webtext.extract.tree import parse_html, without_controls
from webtext.metadata.metadata import declared_language, read_metadata
from webtext.mime import CONVERSION_TYPE, extract_mime_type, is_html
from webtext.reasons import Reason
from webtext.sandbox.sandbox import Failure, Sandbox

_MARKUP = re.compile(r"<\s*(?:!doctype\s+html|html|head|body|title|div|p|a|h1|table|article|meta|br)\b", re.IGNORECASE)
_SNIFF_CHARS = 4096
_HELD = 5000  # elements: half a megabyte
# Control, surrogate and non-characters, and invisible marks that only steer line breaks: soft hyphen, word joiner, byte
# order mark, and the zero-width space but where it parts words (Thai, Lao, Burmese, Khmer). Joiners that shape letters
# and emoji stay.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u2060\ufeff\ud800-\udfff\ufffe\uffff]"
    "|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b|\u200b(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
)
# What UTF-8 read as a Western encoding shows: a lead byte's letter with something after it that is no Western letter.
# ftfy's own test, thirty times slower, has the last word.
_PERHAPS_MOJIBAKE = re.compile(
    "[\xc2-\xf4\u0100-\u017f\u0402-\u0490][\x80-\xbf\u0152-\u0192\u02c6\u02dc\u2010-\u2122]|\xc3 "
)
# Codes that are letters and marks in windows-1252, as browsers read references to them (WHATWG HTML, 13.2.5.80).
_C1 = {code: letter for code in range(0x80, 0xA0) if (letter := bytes((code,)).decode("cp1252", "ignore"))}
_OTHER_SPACES = re.compile(r"(?<![ \t])[ \t]*[^\S\n\t ][^\S\n]*")
_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def extract_text(html: str, url: str, config: ExtractConfig, *, alone: bool = False) -> Extracted | Reason:
    """Extract the main text of a page and what it declares.

    Args:
        html: the page, decoded.
        url: where it was found: a date may stand there.
        config: which extractor, and which languages are worth its time.
        alone: whether the extractor, one of `ALONE`, asks no other for a second opinion.
    """
    if not _MARKUP.search(html[:_SNIFF_CHARS]) and not _MARKUP.search(html):
        return Reason("not_html", "no markup")
    html, encoded = without_controls(html)
    tree = parse_html(encoded)
    del encoded  # A page is in memory once, or nearly.
    if tree is None:
        return Reason("not_html", "no element after parsing")
    held = list(itertools.islice(tree.iter(), _HELD))  # What looks at an element finds its object made.
    if config.languages and (runs := foreign_text(tree, config.languages, clean_text)):
        return Extracted(runs, declared_language=declared_language(tree), glanced=True)
    metadata = read_metadata(tree, url)
    text = clean_text(load_engine(config.extractor, alone=alone)(html, tree))
    del held
    if not text:
        return Reason("no_text")
    title, author, site_name = (clean_field(value) for value in (metadata.title, metadata.author, metadata.site_name))
    return Extracted(text, title, author, metadata.date, site_name, metadata.language)


def extract_page(
    body: bytes, content_type: str, url: str, *, config: ExtractConfig, alone: bool = False
) -> Extracted | Reason:
    """Decode a page's bytes and extract its text (see `extract_text`), or say why there is none."""
    reference.use(config.reference)
    if len(body) > config.max_bytes:
        return Reason("too_large", f"{len(body)} bytes, at most {config.max_bytes}")
    if content_type == CONVERSION_TYPE:
        text = clean_text(body.decode("utf-8", "replace"))
        return Extracted(text) if text else Reason("no_text")
    if not is_html(content_type, body):
        return Reason("not_html", extract_mime_type(content_type).essence)
    return extract_text(decode_html(body, content_type), url, config, alone=alone)


def clean_text(text: str) -> str:
    r"""Bring text to its contract: NFC, mojibake mended, no control characters but tabs, no empty lines.

    Spaces stay as they are, but that those beside spaces of other kinds become one, and none ends a line: an extractor
    gives single spaces where white space has no meaning.

    >>> clean_text("A  cafe\u0301.\r\n\r\n\x07Bye\xa0 now ")
    'A  café.\nBye now'
    """
    # Before what looks like control characters goes: it may be half a letter.
    if any(_PERHAPS_MOJIBAKE.search(line) for line in text.split("\n") if not line.isascii()):
        text = "\n".join(ftfy.fix_encoding(line) if is_bad(line) else line for line in text.split("\n"))
    lines = []
    for line in text.split("\n"):
        # Nearly all print, but for tabs and no-break spaces, and of what is searched for else nothing does.
        if line.isprintable() or (plain := line.replace("\t", " ")).isprintable():
            lines.append(line.rstrip())
        elif plain.replace("\xa0", " ").isprintable():
            lines.append(_OTHER_SPACES.sub(" ", line).strip())
        else:
            lines += map(_clean_line, _LINE_BREAKS.sub("\n", line.translate(_C1)).split("\n"))
    return unicodedata.normalize("NFC", "\n".join([line for line in lines if line and not line.isspace()]))


def _clean_line(line: str) -> str:
    line = _UNWANTED.sub("", line)
    return _OTHER_SPACES.sub(" ", line).strip() if _OTHER_SPACES.search(line) else line.rstrip()


def clean_field(text: str) -> str:
    """Bring a title, a name … to one clean line with single spaces."""
    return " ".join(clean_text(text).split())


class ExtractionPool:
    """`extract_page` in a process that may die: `with ExtractionPool(config) as extract: extract(body, type, url)`.

    A page that is too much for it is tried once more without a second opinion, which may be what is too much.
    """

    def __init__(self, config: ExtractConfig) -> None:
        self._config = config
        require_engine(config.extractor)  # a missing package shows here, not page after page
        function: Callable[..., Extracted | Reason] = functools.partial(extract_page, config=config)
        self._sandbox = Sandbox(function, config.seconds, config.memory_mb << 20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sandbox.__exit__(kind, error, trace)

    def __call__(self, body: bytes, content_type: str, url: str) -> Extracted | Reason:
        """Extract one page (see `extract_page`)."""
        result = self.once(body, content_type, url)
        if isinstance(result, Reason) and result.startswith(FAILED) and self._config.extractor in ALONE:
            alone = self.once(body, content_type, url, alone=True)
            return alone if isinstance(alone, Extracted) else result
        return result

    def once(self, body: bytes, content_type: str, url: str, *, alone: bool = False) -> Extracted | Reason:
        """Extract one page, and try it no second time."""
        result = self._sandbox(body[: self._config.max_bytes + 1], content_type, url, alone=alone)
        if isinstance(result, Failure):
            return Reason(f"{FAILED}{result.kind}", result.detail)
        return result
