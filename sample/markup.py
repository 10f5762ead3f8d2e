"""Ways in which the web writes down paragraphs: tidy, with line breaks, in division soup, unclosed since 1999."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape

from sample.articles import Block

INTERRUPTED_AFTER = 3  # blocks, before a site puts in something of its own


def choose(key: str, among: int) -> int:
    """Choose a number below `among`, always the same one for a key.

    >>> choose("a", 10) == choose("a", 10)
    True
    """
    return int.from_bytes(sha256(key.encode()).digest()[:8]) % among


def mark_up(blocks: Sequence[Block], markup: str, interruption: str = "") -> str:
    """Write blocks as HTML in one of the ways of `MARKUPS`."""
    write = MARKUPS[markup]
    parts = [write(block, place) for place, block in enumerate(blocks)]
    if interruption:
        parts.insert(INTERRUPTED_AFTER, interruption)
    return "\n".join(parts)


def _text(text: str) -> str:
    return escape(text, quote=False)


def _paragraphs(block: Block, _place: int) -> str:
    match block.kind:
        case "heading":
            return f"<h2>{_text(block.lines[0])}</h2>"
        case "list":
            return "<ul>\n" + "\n".join(f"<li>{_text(line)}</li>" for line in block.lines) + "\n</ul>"
        case "quote":
            return f"<blockquote><p>{_text(block.lines[0])}</p></blockquote>"
    return f"<p>{_text(block.lines[0])}</p>"


def _links(block: Block, place: int) -> str:
    """Tidy, with some words of each paragraph linked and some stressed, as bloggers do."""
    if block.kind != "paragraph":
        return _paragraphs(block, place)
    words = [_text(word) for word in block.lines[0].split(" ")]
    linked = choose(f"link {block.lines[0]}", len(words) // 2)
    stressed = len(words) // 2 + choose(f"stress {block.lines[0]}", len(words) // 2 - 1)
    words[linked] = f'<a href="/see/{linked}" title="see also">{words[linked]}'
    words[linked + 1] = f"{words[linked + 1]}</a>"
    words[stressed] = f"<em>{words[stressed]}</em>"
    return f"<p>{' '.join(words)}</p>"


def _lettrine(block: Block, place: int) -> str:
    """Tidy, the first letter of the whole set large, as magazines do."""
    if place or block.kind != "paragraph":
        return _paragraphs(block, place)
    text = block.lines[0]
    return f'<p class="has-dropcap"><span class="dropcap">{_text(text[0])}</span>{_text(text[1:])}</p>'


def _spans(block: Block, place: int) -> str:
    """Write it as a word processor pastes into a company's content system."""
    if block.kind != "paragraph":
        return _paragraphs(block, place)
    style = "font-family: Calibri, sans-serif; font-size: 11.0pt; mso-fareast-language: EN-GB;"
    return f'<p class="MsoNormal" style="margin: 0cm 0cm 8pt"><span style="{style}">{_text(block.lines[0])}</span></p>'


def _breaks(block: Block, _place: int) -> str:
    """Text and line breaks only, as forums do."""
    match block.kind:
        case "heading":
            return f'<span style="font-weight: bold">{_text(block.lines[0])}</span><br /><br />'
        case "list":
            return "<br />".join(f"- {_text(line)}" for line in block.lines) + "<br /><br />"
        case "quote":
            return f'<blockquote class="uncited"><div>{_text(block.lines[0])}</div></blockquote><br />'
    return f"{_text(block.lines[0])}<br /><br />"


def _unclosed(block: Block, _place: int) -> str:
    """Write it in capitals and without end tags, as home pages were."""
    match block.kind:
        case "heading":
            return f"<H3>{_text(block.lines[0])}</H3>"
        case "list":
            return "<UL>\n" + "\n".join(f"<LI>{_text(line)}" for line in block.lines) + "\n</UL>"
        case "quote":
            return f"<BLOCKQUOTE><I>{_text(block.lines[0])}</I></BLOCKQUOTE>"
    return f"<P>{_text(block.lines[0])}"


def _divisions(block: Block, _place: int) -> str:
    """Divisions all the way down."""
    match block.kind:
        case "heading":
            return f'<div class="sub">{_text(block.lines[0])}</div>'
        case "list":
            return "\n".join(f'<div class="p item">{_text(line)}</div>' for line in block.lines)
    return f'<div class="p">{_text(block.lines[0])}</div>'


MARKUPS: dict[str, Callable[[Block, int], str]] = {
    "paragraphs": _paragraphs,
    "links": _links,
    "lettrine": _lettrine,
    "spans": _spans,
    "breaks": _breaks,
    "unclosed": _unclosed,
    "divisions": _divisions,
}
