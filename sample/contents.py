"""What an answer may hold instead of a tidy page: other formats, nothing, far too much, or markup in ruins."""

from collections.abc import Iterator

from sample.articles import HERE, Article
from sample.cases import HTML, Answer, Case, Header, canonical, kept, lost
from sample.markup import choose
from sample.ordinary import page_of, post_of
from sample.sites import site_of

_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000050001"
    "0d0a2db40000000049454e44ae426082"
)
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
_FEED = b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Plain Margin</title></feed>'
_DOWNLOAD = (("Content-Type", "application/octet-stream"),)


def contents(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of content that is no tidy page."""
    yield from _other_formats()
    url = "http://blank.example/manifesto"
    yield lost(url, "fetch", "empty_body", "an answer without content", Answer(url))
    url = "http://datahoard.example/everything"
    yield lost(url, "fetch", "too_large", "more than 10 MiB", Answer(url, _filler(12)))
    url = "http://datahoard.example/almost-everything"
    why = "small enough to fetch, too large to extract"
    yield lost(url, "extract", "too_large", why, Answer(url, _filler(6)))
    article = articles["the-stone-that-turns-wrong"]
    yield _kept(article, page_of(article, articles), "HTML that the server calls a download", _DOWNLOAD)
    yield _broken(articles)
    yield _heavy(articles)


def _other_formats() -> Iterator[Case]:
    notes = (HERE / "pages" / "notes.txt").read_bytes()
    for url, kind, body, why in (
        ("http://papers.northmere.example/download?id=42", "application/pdf", _PDF, "a PDF, though its name hides it"),
        ("http://papers.northmere.example/preprint/77", "text/html", _PDF, "a PDF that is called HTML"),
        ("http://pictures.example/7731", "image/png", _PNG, "a picture, though its name hides it"),
        ("http://standards.example/notes/1149", "text/plain", notes, "plain text"),
        ("http://plainmargin.example/atom.xml", "application/atom+xml", _FEED, "a feed"),
    ):
        yield lost(url, "fetch", "not_html", why, Answer(url, body, headers=(("Content-Type", kind),)))


def _filler(megabytes: int) -> bytes:
    """Make a table of rainfall that nobody will read."""
    row = "<tr><td>{0:08d}</td><td>station {1}</td><td>{2}.{3} mm</td></tr>\n"
    rows = "".join(row.format(n, choose(f"station {n}", 97), n % 31, n % 10) for n in range(4096)).encode()
    head = b"<!DOCTYPE html><html><head><title>Rainfall</title></head><body><table>\n"
    return head + rows * (megabytes * (1 << 20) // len(rows)) + b"</table></body></html>"


def _kept(article: Article, html: str, why: str, headers: tuple[Header, ...] = HTML, karma: int = 0) -> Case:
    site = site_of(article.slug)
    url = site.url(article)
    answer = Answer(url, html.encode(), headers=headers)
    return Case((post_of(article, site, karma),), (answer,), (kept(canonical(url), why, article.slug),))


def _broken(articles: dict[str, Article]) -> Case:
    """Markup as hands, plug-ins and cut connections leave it."""
    article = articles["how-to-choose-a-used-car"]
    html = page_of(article, articles)
    for whole, ruined in (
        ("</dl>", ""),
        ("</strong>", ""),
        ("</ul>", "</li></ul></div-->"),
        ('<div class="content">', '<div class="content" data-x="1"><b></i><font color=>'),
    ):
        html = html.replace(whole, ruined, 1)
    return _kept(article, html.partition('<div id="page-footer">')[0], "broken markup, cut off before its end")


def _heavy(articles: dict[str, Article]) -> Case:
    """The longest article under megabytes of markup, as single-page applications send it."""
    article = articles["a-harbour-town-in-twelve-chapters"]
    state = ",".join(f'{{"id":{n},"hash":"{choose(str(n), 1 << 62):016x}","seen":false}}' for n in range(24_000))
    icon = "".join(f'<path d="M{choose(f"x{n}", 512)} {choose(f"y{n}", 512)}h8v8z"/>' for n in range(6_000))
    html = page_of(article, articles)
    html = html.replace("</head>", f"<script>window.__STATE__=[{state}]</script></head>")
    html = html.replace("<header", f'<svg width="0" height="0" aria-hidden="true">{icon}</svg><header', 1)
    return _kept(article, html, f"6,000 words in {len(html) / 1e6:.1f} MB of markup", karma=1_871)
