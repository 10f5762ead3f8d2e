"""What happens between asking for a page and having it: redirects, errors, rules for robots, opt-outs, other content."""

from collections.abc import Iterator
from dataclasses import replace

from sample.articles import Article
from sample.cases import HTML, Answer, Case, Fate, Post, canonical, kept, lost, page, redirect
from sample.markup import choose
from sample.ordinary import page_of, post_of
from sample.sites import site_of
from sample.standins import HALT

_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000050001"
    "0d0a2db40000000049454e44ae426082"
)
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_TEXT = (("Content-Type", "text/plain"),)


def network(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of the network."""
    yield from _good_redirects(articles)
    yield from _bad_redirects()
    yield from _errors()
    yield from _robots()
    yield from _opt_outs(articles)
    yield from _other_content(articles)


def _arrives(article: Article, articles: dict[str, Article], posted: str, why: str, *redirects: Answer) -> Case:
    """A posted URL that leads to an article by redirects; the document keeps the posted URL as its name."""
    url = site_of(article.slug).url(article, "https" if redirects[-1].headers[0][1].startswith("https") else "http")
    post = post_of(article, site_of(article.slug), 0, posted)
    return Case(
        (post,), (*redirects, page(url, page_of(article, articles))), (kept(canonical(posted), why, article.slug),)
    )


def _good_redirects(articles: dict[str, Article]) -> Iterator[Case]:
    article = articles["last-box-on-tannery-road"]
    posted, middle = "http://gazette.oldharbour.example/archive/1123", "http://www.harbour-gazette.example/go/1123"
    hops = (
        redirect(posted, middle),
        redirect(middle, site_of(article.slug).url(article).partition(".example")[2], 302),
    )
    yield _arrives(article, articles, posted, "a site that moved twice: 301, then 302, then the page", *hops)
    article = articles["the-taste-of-water"]
    posted = "http://qk.example/3fT"
    yield _arrives(article, articles, posted, "a shortened link", redirect(posted, site_of(article.slug).url(article)))
    article = articles["under-the-lawn"]
    secure = site_of(article.slug).url(article, "https")
    posted = secure.replace("https:", "http:").rstrip("/")
    yield _arrives(
        article, articles, posted, "a site that moved to https and likes a final slash", redirect(posted, secure)
    )
    article = articles["case-for-boring-technology"]
    target, short = site_of(article.slug).url(article), "http://teeny.example/boring"
    post = post_of(article, site_of(article.slug), 3, short)
    why = "a shortened link to a page that is posted itself, with more karma"
    yield Case(
        (post,),
        (redirect(short, target, 302),),
        (Fate(canonical(short), "dedup", "exact_duplicate", why, canonical(target)),),
    )


def _bad_redirects() -> Iterator[Case]:
    there, back = "http://carousel.example/there", "http://carousel.example/back"
    yield lost(
        there, "fetch", "redirect_loop", "there and back again", redirect(there, back, 302), redirect(back, there, 302)
    )
    floors = [f"http://stairs.example/floor/{number}" for number in range(15)]
    steps = [redirect(here, above, 302) for here, above in zip(floors, floors[1:], strict=False)]
    yield lost(floors[0], "fetch", "too_many_redirects", "redirects without an end", *steps)
    url = "http://qk.example/9aB"
    yield lost(
        url,
        "fetch",
        "robots_disallowed",
        "a shortened link to a site that lets no robot in",
        redirect(url, "http://quiet-garden.example/moss"),
    )
    url = "http://qk.example/meta"
    yield lost(
        url,
        "fetch",
        "private_address",
        "a shortened link to a cloud's metadata service",
        redirect(url, "http://169.254.169.254/latest/meta-data/"),
    )
    url = "http://qk.example/halt"
    yield lost(
        url,
        "filter",
        "wikipedia",
        "a shortened link to Wikipedia",
        redirect(url, "http://en.wikipedia.org/wiki/Pellow_Halt_railway_station"),
    )
    url = "http://nowhere.example/out"
    yield lost(url, "fetch", "bad_redirect", "a redirect that does not say where to", Answer(url, status=302))
    url = "http://qk.example/pic"
    yield lost(url, "fetch", "not_html", "a shortened link to a picture", redirect(url, "http://pictures.example/7731"))


def _errors() -> Iterator[Case]:
    sorry = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>There is nothing more to say.</p></body></html>"
    for status, slug, why in (
        (404, "the-duck-that-lived-twice", "not found"),
        (410, "a-tour-of-our-old-offices", "gone for good"),
        (403, "minutes-of-the-allotment-society", "forbidden"),
        (451, "what-the-judge-said", "withheld for legal reasons"),
        (500, "index-of-all-indexes", "the server breaks each time"),
        (503, "live-results", "the server is overloaded each time"),
    ):
        url = f"http://errors{status}.mishap.example/{slug}"
        yield lost(url, "fetch", f"http_{status}", why, page(url, sorry.format(why), status=status))
    yield lost("http://never-archived.example/lost-post", "fetch", "http_404", "nobody ever archived it")


def _robots() -> Iterator[Case]:
    moss = page("http://quiet-garden.example/moss", _essay("Moss, an appreciation"))
    closed = Answer("http://quiet-garden.example/robots.txt", b"User-agent: *\nDisallow: /\n", headers=_TEXT)
    url = "http://quiet-garden.example/lichen"
    yield lost(
        url, "fetch", "robots_disallowed", "robots.txt lets nobody in", closed, moss, page(url, _essay("Lichen"))
    )
    rules = b"# Our press is old\nUser-agent: *\nDisallow: /private/\nDisallow: /*?draft=\nAllow: /private/catalogue\n\nUser-agent: BadBot\nDisallow: /\n"
    url = "http://thornbury-press.example/private/letters"
    yield lost(
        url,
        "fetch",
        "robots_disallowed",
        "robots.txt disallows this path",
        Answer("http://thornbury-press.example/robots.txt", rules, headers=_TEXT),
        page(url, _essay("Letters")),
    )
    url = "http://thornbury-press.example/private/catalogue-of-type"
    yield Case(
        (Post(url, 14, 1_386_000_000, "A catalogue of type"),),
        (page(url, _essay("A catalogue of type", HALT[::-1])),),
        (kept(canonical(url), "robots.txt allows this path within a disallowed one"),),
    )
    url = "http://out-of-order.example/essay"
    broken = Answer("http://out-of-order.example/robots.txt", b"oops", 503, _TEXT)
    yield lost(
        url,
        "fetch",
        "robots_unreachable",
        "robots.txt cannot be had, so nothing may be asked",
        broken,
        page(url, _essay("An essay")),
    )


def _essay(title: str, paragraphs: tuple[str, ...] = ("Nobody who obeys the rules will ever read this.",)) -> str:
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return f'<!DOCTYPE html><html lang="en"><head><title>{title}</title></head><body><article><h1>{title}</h1>{body}</article></body></html>'


def _opt_outs(articles: dict[str, Article]) -> Iterator[Case]:
    url = "http://inkandwater.example/process"
    yield lost(
        url,
        "fetch",
        "opt_out",
        "X-Robots-Tag says noai",
        page(url, _essay("How I paint"), ("X-Robots-Tag", "noai, noimageai")),
    )
    url = "http://inkandwater.example/materials"
    html = _essay("What I paint with").replace("<head>", '<head><meta name="robots" content="noai">')
    yield lost(url, "fetch", "opt_out", "the page says noai", page(url, html))
    url = "http://rights-reserved.example/column"
    yield lost(
        url,
        "fetch",
        "opt_out",
        "the answer reserves text and data mining",
        page(url, _essay("A column"), ("TDM-Reservation", "1")),
    )
    url = "http://reserved-by-file.example/stories/one"
    rules = b'[{"location": "/stories/*", "tdm-reservation": 1}]'
    file = Answer(
        "http://reserved-by-file.example/.well-known/tdmrep.json",
        rules,
        headers=(("Content-Type", "application/json"),),
    )
    yield lost(
        url,
        "fetch",
        "opt_out",
        "the site reserves text and data mining for its stories",
        file,
        page(url, _essay("One")),
    )
    url = "http://no-training.example/notes/on-glue"
    file = Answer("http://no-training.example/ai.txt", b"User-Agent: *\nDisallow: /\n", headers=_TEXT)
    yield lost(url, "fetch", "opt_out", "ai.txt lets nobody learn from the site", file, page(url, _essay("On glue")))
    article = articles["the-swallows-leave-the-wire"]
    url = site_of(article.slug).url(article)
    answer = page(url, page_of(article, articles), ("X-Robots-Tag", "noindex"))
    yield Case(
        (post_of(article, site_of(article.slug)),),
        (answer,),
        (kept(canonical(url), "asks search engines not to list it, which is no opt-out of learning", article.slug),),
    )


def _other_content(articles: dict[str, Article]) -> Iterator[Case]:
    for url, kind, body, why in (
        (
            "http://papers.northmere.example/download?id=42",
            "application/pdf",
            _PDF,
            "a PDF under an address that does not say so",
        ),
        ("http://papers.northmere.example/preprint/77", "text/html", _PDF, "a PDF that is called HTML"),
        ("http://pictures.example/7731", "image/png", _PNG, "a picture under an address that does not say so"),
        ("http://standards.example/notes/1149", "text/plain", "\n\n".join(HALT).encode(), "plain text"),
        (
            "http://plainmargin.example/atom.xml",
            "application/atom+xml",
            b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>',
            "a feed",
        ),
    ):
        yield lost(url, "fetch", "not_html", why, Answer(url, body, headers=(("Content-Type", kind),)))
    url = "http://blank.example/manifesto"
    yield lost(url, "fetch", "empty_body", "an answer without content", Answer(url))
    url = "http://datahoard.example/everything"
    yield lost(url, "fetch", "too_large", "more than 10 MiB", Answer(url, _filler(12)))
    url = "http://datahoard.example/almost-everything"
    yield lost(url, "extract", "too_large", "small enough to fetch, too large to extract", Answer(url, _filler(6)))
    article = articles["the-stone-that-turns-wrong"]
    url = site_of(article.slug).url(article)
    answer = replace(page(url, page_of(article, articles)), headers=(("Content-Type", "application/octet-stream"),))
    yield Case(
        (post_of(article, site_of(article.slug)),),
        (answer,),
        (kept(canonical(url), "HTML that the server calls a download", article.slug),),
    )
    yield _broken(articles)
    yield _heavy(articles)


def _filler(megabytes: int) -> bytes:
    row = "<tr><td>{0:08d}</td><td>station {1}</td><td>{2}.{3} mm</td></tr>\n"
    rows = "".join(row.format(n, choose(f"s{n}", 97), n % 31, n % 10) for n in range(4096)).encode()
    head = b"<!DOCTYPE html><html><head><title>Rainfall</title></head><body><table>\n"
    return head + rows * (megabytes * (1 << 20) // len(rows)) + b"</table></body></html>"


def _broken(articles: dict[str, Article]) -> Case:
    """Markup as hands, plug-ins and cut connections leave it."""
    article = articles["how-to-choose-a-used-car"]
    url = site_of(article.slug).url(article)
    html = page_of(article, articles).replace("</dl>", "").replace("</ul>", "</li></ul></div-->", 1)
    html = html.replace('<div class="content">', '<div class="content" data-x="1><b></i><font color=>', 1)
    html = html.replace('data-x="1>', 'data-x="1">').replace("</strong>", "").partition('<div id="page-footer">')[0]
    return Case(
        (post_of(article, site_of(article.slug)),),
        (page(url, html),),
        (kept(canonical(url), "broken markup, cut off before its end", article.slug),),
    )


def _heavy(articles: dict[str, Article]) -> Case:
    """The longest article under megabytes of markup, as single-page applications send it."""
    article = articles["a-harbour-town-in-twelve-chapters"]
    url = site_of(article.slug).url(article)
    state = ",".join(f'{{"id":{n},"hash":"{choose(str(n), 1 << 62):016x}","seen":false}}' for n in range(24_000))
    html = page_of(article, articles).replace("</head>", f"<script>window.__STATE__=[{state}]</script></head>")
    icon = "".join(f'<path d="M{choose(f"x{n}", 512)} {choose(f"y{n}", 512)}h8v8z"/>' for n in range(6_000))
    html = html.replace("<header", f'<svg width="0" height="0" aria-hidden="true">{icon}</svg><header', 1)
    post = post_of(article, site_of(article.slug), 1_871)
    return Case(
        (post,),
        (Answer(url, html.encode(), headers=HTML),),
        (kept(canonical(url), "6,000 words in two megabytes of markup", article.slug),),
    )
