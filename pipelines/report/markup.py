"""HTML from values, so that text from the web can never become markup.

`Markup` is text that is HTML already; any other string is escaped where it enters an element. Numbers are written in
one way everywhere.
"""

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

_VOID = {"input", "meta"}  # elements that HTML never closes
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def escape(value: Any) -> Markup:
    """Write a value as HTML text; what is `Markup` stays as it is.

    >>> str(escape("a < b")), str(escape(Markup("<b>")))
    ('a &lt; b', '<b>')
    """
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(printable(str(value))))


def printable(text: str) -> str:
    """Replace control characters: HTML forbids them, and text from the web must not steer a terminal."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def join(parts: Iterable[Any], separator: str = "") -> Markup:
    """Put values one after another as HTML."""
    return Markup(separator.join(escape(part) for part in parts))


def element(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """Make an element; `class_` is `class`, other underscores are hyphens; None leaves an attribute out, True bare.

    >>> str(element("p", "1 < 2", class_="note", data_reason="x"))
    '<p class="note" data-reason="x">1 &lt; 2</p>'
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{join(children)}</{name}>")


def whole(value: float) -> str:
    """Write a count with a comma a thousand."""
    return f"{round(value):,}"


def share(part: float, of: float) -> str:
    """Write a share in percent with what digits it needs; a dash where there is nothing to share.

    >>> share(1, 3), share(1, 30_000), share(0, 5), share(1, 0)
    ('33.3 %', '0.0033 %', '0 %', '-')
    """
    if not of:
        return "-"
    percent = 100 * part / of
    if percent in (0, 100):
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2g} %"


def short(value: float) -> str:
    """Write a number for an axis: 1200 as 1.2k.

    >>> [short(value) for value in (0.25, 950, 1200, 3_000_000)]
    ['0.25', '950', '1.2k', '3M']
    """
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def size(count: float) -> str:
    """Write bytes in the decimal unit that fits.

    >>> size(40_000_000_000), size(512)
    ('40.0 GB', '512 B')
    """
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:.0f} B"


def bar(part: float, of: float, kind: str = "") -> Markup:
    """Draw a share as a bar that is as wide as its cell."""
    width = 100 * part / of if of else 0
    rect = element("rect", width=f"{width:.2f}", height="1")
    return element(
        "svg", rect, class_=f"bar {kind}".strip(), viewBox="0 0 100 1", preserveAspectRatio="none", aria_hidden="true"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, words: int = 1, class_: str | None = None) -> Markup:
    """Lay rows out as a table that scrolls in its own box; the first `words` columns are text, the others numbers.

    A cell of a table of class "listed" knows its head, which a narrow window shows beside it.
    """
    kinds = [None if place < words else "number" for place in range(len(heads))]
    top = element(
        "tr", *(element("th", text, scope="col", class_=kind) for text, kind in zip(heads, kinds, strict=True))
    )
    body = join(
        element(
            "tr",
            *(
                element("td", cell, class_=_kind(cell, kind), data_head=head if class_ == "listed" else None)
                for cell, kind, head in zip(row, kinds, heads, strict=True)
            ),
        )
        for row in rows
    )
    return element(
        "div",
        element("table", element("thead", top), element("tbody", body), class_=class_),
        class_="scroll",
        tabindex="0",
    )


def _kind(cell: Any, kind: str | None) -> str | None:
    return "bars" if isinstance(cell, Markup) and cell.startswith("<svg") else kind


def folded(summary: Any, *content: Any, opened: bool = False, class_: str | None = None) -> Markup:
    """Make content that opens on demand, without script."""
    return element("details", element("summary", summary), *content, open=opened, class_=class_)


def link(url: str) -> Markup:
    """Show a URL; those of the web can be followed, and tell nobody where from."""
    if not url.startswith(("http://", "https://")):
        return element("span", url, class_="url")
    return element("a", url, class_="url", href=url, rel="noreferrer nofollow noopener")


def note(*content: Any) -> Markup:
    """Make a line of explanation."""
    return element("p", *content, class_="note")


def section(identity: str, title: str, *content: Markup) -> Markup:
    """Make a section with its heading."""
    return element("section", element("h2", title), *content, id=identity)


def figure(title: str, drawing: Markup, said: str, *more: Markup) -> Markup:
    """Put a chart with its title, what to see in it, and its numbers."""
    return element("figure", element("h3", title), drawing, element("figcaption", said), *more)
