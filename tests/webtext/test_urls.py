"""URLs: one name for one page, never one name for two, and no address that is not public."""

import gzip
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webtext.hosts import is_private_host, is_public_address, normalize_host, parse_address, registered_domain
from webtext.outbound import link_problem
from webtext.urls import canonicalize_url, fetch_url, host_of, name_link

SAME_PAGE = [
    "https://example.org/a/b?x=1&y=2",
    "http://example.org/a/b?x=1&y=2",
    "HTTP://WWW.Example.ORG:80/a/b?x=1&y=2",
    "https://www.example.org:443/a/b/?x=1&y=2",
    "http://example.org./a/./c/../b?x=1&amp;y=2",
    "http://example.org/a/b?x=1&amp;amp;y=2#comments",
    "http:/example.org/a/b?x=1&y=2",
    "http:\\\\example.org\\a\\b?x=1&y=2",
    "//example.org/a/b?x=1&y=2",
    "www.example.org/a/b?x=1&y=2",
    "example.org/a/b?x=1&y=2",
    " http://example.org/a/\nb?x=1&y=2 ",
    "http://user:secret@example.org/a/b?x=1&y=2",
    "http://example.org/%61/b?x=1&y=2",
    "http://example.org/a/%2e/b;jsessionid=0A1B?x=1&y=2&utm_source=rss&utm_medium=feed&fbclid=abc",
    "http://ex%61mple.org/a/b?&x=1&&y=2&PHPSESSID=5",
]

DIFFERENT_PAGES = [
    "http://example.org/",
    "http://example.org/index.html",
    "http://example.org/A",
    "http://example.org/a",
    "http://example.org/a//b",
    "http://example.org/a/b",
    "http://example.org/a%2Fb",
    "http://example.org:8080/a/b",
    "http://m.example.org/a/b",
    "http://example.org/p?a=1&b=2",
    "http://example.org/p?b=2&a=1",
    "http://example.org/p?a=1&a=2",
    "http://example.org/p?a=",
    "http://example.org/p?a",
    "http://example.org/p?/news-3/1180.xml&coll=1",
    "http://example.org/p?source=7",
    "http://example.org/p?ref=7",
    "http://example.org/p?uid=7",
    "http://example.org/p?id=7",
    "http://example.org/#!/4thandLongwell",
    "http://example.org/#!/BillCosby",
    "https://web.archive.org/web/2010/http://example.org/a",
    "http://translate.example.com/?u=http://example.org/a",
]


@pytest.mark.parametrize("url", SAME_PAGE)
def test_variants_of_a_url_have_one_canonical_form(url):
    assert canonicalize_url(url) == "https://example.org/a/b?x=1&y=2"


def test_different_pages_have_different_canonical_forms():
    assert len({canonicalize_url(url) for url in DIFFERENT_PAGES}) == len(DIFFERENT_PAGES)


def test_www_stays_where_it_is_the_registered_name():
    assert canonicalize_url("http://www.gov.uk/a") == "https://www.gov.uk/a"
    assert canonicalize_url("http://www.www.example.org/") == "https://example.org/"


def test_international_names_and_paths_become_ascii():
    assert (
        canonicalize_url("http://Bücher.example.org/ü?q=ß |x")
        == "https://xn--bcher-kva.example.org/%C3%BC?q=%C3%9F%20%7Cx"
    )
    assert canonicalize_url("http://example.org/100%/%zz%41") == "https://example.org/100%25/%25zzA"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.org", "http://example.org/"),
        (
            "https://www.Example.org/two words?q='x'&amp;utm_source=y#z",
            "https://www.example.org/two%20words?q=%27x%27&utm_source=y",
        ),
        ("http://example.org:80/a%2fb/../ü", "http://example.org/%C3%BC"),
        ("http://example.org:8080/a|b", "http://example.org:8080/a|b"),
        ("http://me:secret@example.org/", "http://example.org/"),
        ("example.org/a/", "http://example.org/a/"),
        ("https://twitter.com/#!/a", "https://twitter.com/"),
    ],
)
def test_the_fetch_url_is_as_posted_and_repaired(url, expected):
    assert fetch_url(url) == expected
    assert name_link(url) == (canonicalize_url(url), expected)


def test_there_is_no_fetch_url_without_a_host():
    with pytest.raises(ValueError, match="not an http"):
        fetch_url("mailto:a@example.org")
    assert name_link("mailto:a@example.org") is None
    assert host_of("mailto:a@example.org") == ""
    assert host_of("http://Example.org:81/") == "example.org"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://www.nytimes.com/2012/08/15/opinion/a.html", None),
        ("http://bit.ly/abc", None),
        ("https://docs.test/a", None),
        ("ftp://example.org/a", "not_http"),
        ("mailto:a@example.org", "not_http"),
        ("javascript:alert(1)", "not_http"),
        ("magnet:?xt=urn:btih:1", "not_http"),
        ("file:///etc/passwd", "not_http"),
        ("", "malformed_url"),
        ("[deleted]", "malformed_url"),
        ("http://", "malformed_url"),
        ("http://[Imgur](http://i.imgur.com/kYBLK.jpg)", "malformed_url"),
        ("http://a..b/", "malformed_url"),
        ("http://example.org:99999/", "malformed_url"),
        ("http://example.org/" + "a" * 8000, "malformed_url"),
        ("/r/books/comments/1/x/", "reddit_internal"),
        ("http://np.reddit.com/r/books", "reddit_internal"),
        ("https://redd.it/abc", "reddit_internal"),
        ("https://i.redd.it/abc", "media"),
        ("https://m.youtube.com/watch?v=1", "media"),
        ("http://imgur.com/gallery/1", "media"),
        ("http://example.org/a.JPG?x=1", "media"),
        ("http://example.org/wiki/File:A.jpg", None),
        ("http://example.org/view?file=a.jpg", None),
        ("http://example.org/paper.pdf", "download"),
        ("http://example.org/readme.txt", None),
        ("http://de.m.wikipedia.org/wiki/A", "wikipedia"),
        ("http://notwikipedia.org/wiki/A", None),
        ("http://localhost/a.jpg", "private_address"),
    ],
)
def test_the_reasons_why_a_url_is_no_link(url, reason):
    assert link_problem(url) == reason


def test_wikipedia_is_a_link_when_asked_for():
    assert link_problem("https://en.wikipedia.org/wiki/A", wikipedia=False) is None


FORBIDDEN = """
127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0X7F.0X0.0X0.0X1 0 0.0.0.0 127.255.255.254
10.0.0.1 10.1 012.0.0.1 167772161 172.16.0.1 172.31.255.255 192.168.1.1 192.168.257 3232235777 0xc0a80101
169.254.169.254 169.254.43518 0xa9fea9fe 2852039166 100.64.0.1 192.0.0.1 198.18.0.1 224.0.0.1 239.1.2.3 240.0.0.1
255.255.255.255 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [fe80::1] [fe80::1%25eth0]
[fc00::1] [fd00:ec2::254] [ff02::1] [2002:7f00:1::] [64:ff9b::7f00:1] [2001:db8::1] [2001:0:0:0:0:0:80ff:fffe]
localhost LOCALHOST localhost. foo.localhost router printer.local metadata.google.internal a.home.arpa x.lan x.intranet
127.0.0.1.nip.io 10-0-0-1.sslip.io localtest.me abc.onion %31%32%37.0.0.1 127。0。0。1 ①②⑦.0.0.1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_notation_of_a_private_host_is_a_link(host):
    assert len(FORBIDDEN) >= 40
    assert link_problem(f"http://{host}/latest/meta-data/") == "private_address"
    assert link_problem(f"http://user@{host}:8080/") == "private_address"


@pytest.mark.parametrize("host", ["8.8.8.8", "134744072", "[2606:4700::1111]", "example.org", "1.example.org"])
def test_public_hosts_are_links(host):
    assert link_problem(f"http://{host}/") is None


@pytest.mark.parametrize(
    "host", ["256.1.1.1", "1.2.3.4.5", "08.1.1.1", "a.0x", "[::1", "[1.2.3.4]", "a b", "-." * 127 + "a"]
)
def test_what_only_looks_like_a_host_is_none(host):
    assert normalize_host(host) is None


def test_an_address_is_recognised_only_as_one():
    address = parse_address("8.8.8.8")
    assert address is not None and is_public_address(address)
    assert parse_address("example.org") is None
    assert parse_address("h3") is None
    assert is_private_host("h3")


@pytest.mark.parametrize(
    ("host", "domain"),
    [("news.bbc.co.uk", "bbc.co.uk"), ("a.github.io", "github.io"), ("co.uk", ""), ("10.0.0.1", ""), ("localhost", "")],
)
def test_registered_domains_come_from_the_bundled_list(host, domain):
    assert registered_domain(host) == domain


url_text = st.text(alphabet="htps:/\\.?#%&=;@[]!'()|<>+-_~ \t\nwWaAeEgjmu0127ü。①\x00\ud800", max_size=40)
urls = st.one_of(
    st.text(),
    url_text,
    st.builds("http://{}".format, url_text),
    st.builds("http://www.example.org/{}".format, url_text),
    st.builds("http://example.org/a?{}".format, url_text),
    st.builds("https://example.org/#!{}".format, url_text),
)


@given(urls)
@example("http://example.org/&%61mp;b")
@example("http://example.org/?&%61mp;utm_source=1")
@example("http://www.www.example.org/%2e%2e/..;jsessionid=1/a/.")
@example("http://example.org/%%32%35")
def test_canonicalisation_is_idempotent(url):
    canonical = canonicalize_url(url)
    if canonical is None:
        assert link_problem(url) in {"not_http", "malformed_url", "reddit_internal"}
        return
    assert canonicalize_url(canonical) == canonical
    assert canonical.isascii() and canonical.startswith("https://") and not set(canonical) & set(' \t\n<>"')
    assert link_problem(canonical) == link_problem(url)


@given(urls)
def test_the_fetch_url_names_the_same_page(url):
    names = name_link(url)
    if names is None:
        return
    canonical, address = names
    assert address.isascii() and "#" not in address
    assert fetch_url(address) == address
    assert canonicalize_url(address) == canonical.partition("#")[0]


def test_ports_of_any_length_are_read():
    assert canonicalize_url(f"http://example.org:{'0' * 5000}81/") == "https://example.org:81/"
    assert canonicalize_url(f"http://example.org:{'9' * 5000}/") is None
    assert canonicalize_url("http://example.org:0/") is canonicalize_url("http://example.org:65536/") is None


def the_long_way(url):
    """Name a link as if it were not in order."""
    with mock.patch("webtext.urls._names_in_order", return_value=None):
        return name_link(url), canonicalize_url(url)


@given(urls)
@example("http://example.org")
@example("https://www.example.org/a/?")
@example("http://www.co.uk/a?b=c&d")
@example("http://0x7f.1/a")
@example("http://a..b/c")
@example("http://www.example.org/" + "a" * 3990)
@example("http://youtube.com/watch?feature=share&v=1")
@example("http://example.org/a/(S(0123456789abcdefghijklmn))/b?c=/(d)")
@example("http://example.org/a(b)?c=/(S(0123456789abcdefghijklmn))/")
@example("http://example.org/a/(b")
def test_a_url_in_order_is_named_as_any_other(url):
    assert (name_link(url), canonicalize_url(url)) == the_long_way(url)


def test_an_address_that_stays_as_it_was_posted_is_not_written_anew():
    url = "http://www.example.org/a?b=c"
    names = name_link(url)
    assert names is not None
    assert names[1] is url


def test_canonicalisation_is_idempotent_on_real_links(realweb):
    count = 0
    with gzip.open(realweb / "reddit_links_200k.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            url = line.split("\t")[0]
            names = name_link(url)
            if count % 7 == 0:
                assert (names, canonicalize_url(url)) == the_long_way(url)
            if names is None:
                continue
            canonical, address = names
            assert canonicalize_url(canonical) == canonical
            assert canonicalize_url(address) == canonical.partition("#")[0]
            count += 1
    assert count == 198_549 - 2  # an empty one, and Markdown


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://☃.net/", "http://xn--n3h.net/"),
        ("http://x_y.bücher.example/", "http://x_y.xn--bcher-kva.example/"),
        ("http://-ü.example/", "http://xn----eha.example/"),
        ("http://b\u00adü\u200bcher.example/", "http://xn--bcher-kva.example/"),
        ("http://b\u200cü.example/", None),  # a joiner where none may be
        ("http://\u0301ü.example/", None),  # begins with an accent
        ("http://אa.example/", None),  # two directions in one label
        ("http://a\u2024b.example/", None),
        ("http://\u0000\u200dא.example/", None),
        ("http://%e2%98%83.net", "http://xn--n3h.net/"),
        ("https://тест.example:33/", "https://xn--e1aybc.example:33/"),
        ("https://тест:п@тест.example...:33/", "https://xn--e1aybc.example:33/"),
        ("http://www.exampl？e.com/", None),
        ("http://example.org/?a=1&#38;b=2", "http://example.org/?a=1&b=2"),
        ("http://example.org/?a=1&amp;#038;b=2", "http://example.org/?a=1&b=2"),
        ("http://example.org/&#x2f;b", "http://example.org//b"),
        ("http://example.org/?a&#10;&#xd800;&#9999999;", "http://example.org/?a&"),  # these stay, as a fragment
        ("\ufeff\u200b http://example.org/a", "http://example.org/a"),
        ("http://https://example.org/a", "https://example.org/a"),
        ("http://example.org/http://https://example.com", "http://example.org/http://https://example.com"),
    ],
)
def test_hosts_and_repairs_are_those_of_browsers(url, asked):
    names = name_link(url)
    assert (names[1] if names else None) == asked


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.org/company/c3.ai", None),
        ("https://web.archive.org/web/2017/https://example.mobi", None),
        ("https://github.com/someone/player.mp4", None),
        ("https://gitlab.com/someone/archive.zip", None),
        ("https://github.com/someone/player/raw/master/a.mp4", "media"),
        ("https://raw.githubusercontent.com/a.pdf", "download"),
        ("https://example.org/someone/player.mp4", "media"),
    ],
)
def test_names_that_look_like_extensions_are_told_from_files(url, reason):
    assert link_problem(url) == reason


@pytest.mark.parametrize(
    "session", ["?a=1&sid=0123456789abcdef0123456789ABCDEF", "?aspsessionidabcdefgh=XYZ&a=1", "?a=1&PHPSESSID=4"]
)
def test_sessions_name_no_page(session):
    assert canonicalize_url(f"http://example.org/v.php{session}") == "https://example.org/v.php?a=1"
    assert canonicalize_url("http://example.org/(S(4hqa0555fwsecu455xqckv45))/a") == "https://example.org/a"
    assert canonicalize_url("http://example.org/v?sid=7") == "https://example.org/v?sid=7"


def test_what_is_far_too_long_is_no_url_and_takes_no_time():
    for piece in ("&amp;", "amp;&", "http:/", "\u200b", "%61"):
        assert name_link("http://example.org/" + piece * 3_000_000) is None
