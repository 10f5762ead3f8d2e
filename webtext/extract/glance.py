"""A look at a page before its text is extracted: is it plainly in another language than those wanted?

Extraction is nearly all that a page costs, and on a mixed crawl most of it is spent on pages that the language rule
then rejects. A page is spared it only where all that can be seen agrees: what it declares (or it declares nothing), its
long runs of visible text, and each piece of everything that it shows. What is half translated is extracted.
docs/extraction.md tells what that saves, and how often it was wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import tee

from lxml import etree
from lxml.html import HtmlElement

from webtext.extract.language_detector import detect, detect_family, family
from webtext.metadata.metadata import declared_language

# Menus, dates and names are short and are in every language; what is read is in runs of this many characters and more.
_MIN_RUN_CHARS = 40
_MIN_CHARS, _MAX_CHARS = 200, 2000  # limits of such runs together: enough to be sure, and no more than is needed for it
_MIN_PROBABILITY = 0.9999  # all seven draws of langdetect agree
# A page of two languages has pieces in each. With pieces of 500 characters no page was spared whose text would have
# been kept, with 1,500 two of seven thousand (docs/extraction.md).
_PIECE_CHARS = 500
_INVISIBLE = frozenset(("script", "style", "noscript", "template", "title", "textarea", "option"))
# Langdetect's names by those that pages declare.
_OTHER_NAMES = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl"}


def declared_family(tree: HtmlElement) -> str:
    """Give the language that a page declares, as langdetect names it but for its variety, or "".

    >>> declared_family(etree.fromstring('<html lang="nb-NO"/>'))
    'no'
    """
    declared = declared_language(tree)
    return _OTHER_NAMES.get(declared, declared)


def shown_texts(tree: HtmlElement) -> Iterator[str]:
    """Yield the texts that a page shows, single-spaced, nearly in its order: what follows an element is before it."""
    for element in tree.iter(etree.Element):
        if element.tag not in _INVISIBLE and (text := element.text) and (words := text.split()):
            yield " ".join(words)
        if (text := element.tail) and (words := text.split()):
            yield " ".join(words)


def long_runs(texts: Iterable[str]) -> str:
    """Give the first 2,000 characters of those texts that are long enough to be read, one a line, and read no more."""
    runs, length = [], -1
    for text in texts:
        if len(text) >= _MIN_RUN_CHARS:
            runs.append(text)
            length += 1 + len(text)
            if length >= _MAX_CHARS:
                break
    return "\n".join(runs)[:_MAX_CHARS]


def plain_language(text: str) -> str:
    """Give the language of a text of some length if there is next to no doubt about it, else ""."""
    if len(text) < _MIN_CHARS:
        return ""
    language, probability = detect(text)
    return family(language) if probability >= _MIN_PROBABILITY else ""


def are_all_in(texts: Iterable[str], language: str) -> bool:
    """Tell whether texts, put together to pieces of 500 characters, are all in one language (however surely)."""
    piece, length = [], 0
    for text in texts:
        piece.append(text)
        length += len(text) + 1
        if length >= _PIECE_CHARS:
            if detect_family(" ".join(piece)) != language:
                return False
            piece, length = [], 0
    return length < _PIECE_CHARS // 3 or detect_family(" ".join(piece)) == language


def foreign_text(tree: HtmlElement, wanted: Sequence[str], clean: Callable[[str], str]) -> str:
    """Give long runs of text of a page that is plainly in a language that is not wanted; "" for any other page.

    Args:
        tree: the page, parsed.
        wanted: languages as langdetect names them.
        clean: what brings text to its contract: the language is told of what is given.
    """
    families = {family(language) for language in wanted}
    declared = declared_family(tree)
    if declared in families:
        return ""
    first, every = tee(shown_texts(tree))
    runs = clean(long_runs(first))
    language = plain_language(runs)
    if not language or language in families or declared not in {"", language}:
        return ""
    return runs if are_all_in(every, language) else ""
