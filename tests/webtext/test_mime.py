"""Media types as browsers read them, and what is usable HTML: one judgement for the crawl, the index and the build."""

import pytest

from webtext.crawl.outcomes import judge_answer
from webtext.extract.pages import ExtractConfig, Extracted, extract_page
from webtext.mime import CONVERSION_TYPE, DOUBTFUL_TYPES, HTML_TYPES, extract_mime_type, is_html, may_be_html
from webtext.reasons import Reason

MARKUP, WORDS = b"<!doctype html><p>words", b"words without any markup"

# Each type with what is HTML under it: "all" (but what is plainly binary), "markup" (what begins as HTML), or "none".
VERDICTS = {
    "text/html": "all",
    "application/xhtml+xml": "all",
    "application/vnd.wap.xhtml+xml": "all",
    "": "markup",
    "html": "markup",
    "text": "markup",
    "text/": "markup",
    "*/*": "markup",
    "text/html charset=utf-8": "markup",
    "unknown/unknown": "markup",
    "application/unknown": "markup",
    "content/unknown": "markup",
    "application/octet-stream": "markup",
    "binary/octet-stream": "markup",
    "text/plain": "markup",
    "content/html": "markup",
    "text/xhtml": "markup",
    "application/xhtml": "markup",
    "application/html": "markup",
    "text/htm": "markup",
    "text/xml": "markup",
    "application/xml": "markup",
    "text/vnd.wap.wml": "markup",
    "application/json": "none",
    "application/rss+xml": "none",
    "application/pdf": "none",
    "image/png": "none",
    "image/svg+xml": "none",
    "text/css": "none",
    "text/javascript": "none",
    "text/markdown": "none",
    "message/rfc822": "none",
    "multipart/related": "none",
    CONVERSION_TYPE: "none",
}


def test_the_table_has_every_type_of_the_lists():
    told = {verdict: {name for name in VERDICTS if VERDICTS[name] == verdict} for verdict in ("all", "markup")}
    assert told["all"] == HTML_TYPES
    assert {extract_mime_type(name).essence for name in told["markup"]} | {"*/*"} == DOUBTFUL_TYPES


@pytest.mark.parametrize(("content_type", "verdict"), VERDICTS.items())
@pytest.mark.parametrize("wrap", [str, str.upper, "{}; charset=utf-8".format, " {} ;q=1".format])
def test_each_type_has_its_verdict_and_all_who_ask_hear_the_same(content_type, verdict, wrap):
    header = wrap(content_type)
    for body, html in ((MARKUP, verdict != "none"), (WORDS, verdict == "all")):
        assert is_html(header, body) is html
        assert judge_answer(200, header, body) == judge_answer(203, header, body) == ("ok" if html else "not_html")
        assert may_be_html(header) is (verdict != "none")
        extracted = extract_page(body, header, "", config=ExtractConfig())
        if header == CONVERSION_TYPE:  # a reader of records of texts writes this, and no HTML: it is taken as it is
            assert extracted == Extracted(body.decode())
            continue
        assert (extracted == "not_html") is (not html or body == WORDS)
        if isinstance(extracted, Reason) and not html:
            assert extracted.detail == extract_mime_type(header).essence


@pytest.mark.parametrize(
    ("header", "essence", "charset"),
    [
        ("text/html; charset=utf-8", "text/html", "utf-8"),
        ("text/html, text/html; charset=utf-8", "text/html", "utf-8"),
        ("text/html;charset=koi8-r, text/html", "text/html", "koi8-r"),
        ("text/html;charset=koi8-r, application/xhtml+xml", "application/xhtml+xml", "koi8-r"),  # a lenient hint
        ("text/html;charset=koi8-r, text/html;charset=latin1", "text/html", "latin1"),
        ("text/html;charset=utf-8, */*", "text/html", "utf-8"),
        ("text/html, html", "text/html", ""),
        ("application/json, text/html", "text/html", ""),
        ("text/html, application/json", "application/json", ""),
        ("text/html,charset=utf-8", "text/html", "utf-8"),
        ("text/html charset=utf-8", "unknown/unknown", "utf-8"),
        ('text/html; x="a,b;charset=no"; charset="utf-8"', "text/html", "utf-8"),
        ('text/html; charset="utf-8', "text/html", "utf-8"),
        ('text/html; charset="a\\"b"', "text/html", 'a"b'),
        ("text/html;boundary=x;CharSet = 'latin1'", "text/html", "'latin1'"),
        ("TEXT/HTML\t;", "text/html", ""),
    ],
)
def test_headers_are_read_as_fetch_says(header, essence, charset):
    found = extract_mime_type(header)
    assert (found.essence, found.charset) == (essence, charset)


@pytest.mark.parametrize(
    ("content_type", "body", "html"),
    [
        ("application/xhtml+xml", b"<?xml version='1.0'?><html>", True),
        ("", b"\xef\xbb\xbf  <!-- a --> <!DOCTYPE HTML>", True),
        ("", b"<!-- " + b"a long licence " * 500 + b"--><html>", True),
        ("text/xml", b"<?xml version='1.0'?><?xml-stylesheet href='a'?><html xmlns='...'>", True),
        ("application/xml", b"<?xml version='1.0'?><rss>", False),
        ("text/plain", b"The <html> element", False),
        ("text/html", b"\x89PNG\r\n\x1a\n" + bytes(50), False),
        ("text/html", b"GIF89a", False),
        ("text/html", b"PK\x03\x04 <html>", False),
        ("text/html; charset=utf-16", "<p>wide</p>".encode("utf-16-le"), True),
        ("text/html", "<html><p>wide</p>".encode("utf-16-be"), True),
        ("text/html", b"<p>one \x00 nul in a page" + b"x" * 1000, True),
        ("text/html", b"\x01\x02" * 10 + b"x" * 980, True),  # two bytes in a hundred
        ("text/html", b"\x01\x02" * 10 + b"\x01" + b"x" * 979, False),
    ],
)
def test_html_is_told_by_first_bytes(content_type, body, html):
    assert is_html(content_type, body) is html


def test_comments_that_could_be_grouped_in_many_ways_are_read_in_one():
    assert not is_html("", b"<!---->" * 290 + b"x")  # backtracking would take longer than the universe


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "ok"), (203, "ok"), (204, "http_204"), (404, "http_404"), (0, "bad_response")]
)
def test_which_statuses_have_a_page(status, outcome):
    assert judge_answer(status, "text/html", MARKUP) == outcome
