"""What trafilatura and justext are spared for each element, and that what they find is the same."""

import re
import subprocess
import sys
from collections import Counter
from importlib import import_module

import justext.paragraph
from lxml.etree import XPath
from trafilatura import extract, xpaths

from webtext.extract import quicker
from webtext.extract.quicker import quicken
from webtext.extract.tree import parse_html

NAMESPACES = {"re": "http://exslt.org/regular-expressions"}
PAGE = """<html><body class="page"><div id="cookie-banner" class="box">We use cookies.</div><div>Plain.</div>
<p id="share">Share</p><p class="byline">By us</p><div class="post-content entry" id="main-content"><p>Text.</p>
<span style="x" class="hidden">Not shown</span></div><section class="post-list"><p>More</p></section></body></html>"""


def quick_expressions():
    quicken()
    lists = [value for value in vars(xpaths).values() if isinstance(value, list)]
    return [import_module("trafilatura.baseline").BASIC_CLEAN_XPATH, *(one for value in lists for one in value)]


def test_expressions_that_test_only_attributes_which_are_there_find_what_the_others_find():
    tree, found, tests = parse_html(PAGE), 0, 0
    for quick in quick_expressions():
        plain = XPath(re.sub(r"\([@|\w-]+ and (re:test\(@.*?['\"]\))\)", r"\1", quick.path), namespaces=NAMESPACES)
        assert plain.path.count("re:test") == len(re.findall(r"\((@\S+) and re:test\(\1,", quick.path))
        assert quick(tree) == plain(tree)
        found, tests = found + len(quick(tree)), tests + plain.path.count("re:test")
    assert found > 5 and tests > 20


def test_a_paragraph_is_put_together_once(monkeypatch):
    quicken()
    calls, normalize = Counter(), justext.paragraph.normalize_whitespace

    def counted(text):
        calls[text] += 1
        return normalize(text)

    monkeypatch.setattr(justext.paragraph, "normalize_whitespace", counted)
    items = "".join(f"<li>Reply {number} to <a href='/x'>this</a></li>" for number in range(9))
    assert extract(parse_html(f"<ul>{items}</ul>"), include_comments=False)
    assert {f"Reply {number} to this" for number in range(9)} <= calls.keys()
    assert all(calls[f"Reply {number} to this"] == 1 for number in range(9))


def test_what_finds_empty_attributes_too_and_what_is_no_expression_stays():
    told = '//div[re:test(@class, "^$|menu")]', '//p[re:test(@id, "a", "i") or re:test(@id|@class, "b")]'
    expressions = [XPath(path, namespaces=NAMESPACES) for path in told]
    assert quicker._guarded("//p") == "//p"
    assert quicker._guarded(expressions[0]) is expressions[0]
    guarded = '//p[(@id and re:test(@id, "a", "i")) or (@id|@class and re:test(@id|@class, "b"))]'
    assert quicker._guarded(expressions[1]).path == guarded


def test_releases_that_lack_what_is_made_quicker_are_used_as_they_come():
    program = (
        "import importlib, justext.core\n"
        "del importlib.import_module('trafilatura.baseline').BASIC_CLEAN_XPATH, justext.core.PathInfo.xpath\n"
        "justext.core.Paragraph.text = ''\n"
        "from webtext.extract.quicker import quicken\n"
        "quicken()\n"
        "assert justext.core.Paragraph.text == ''\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
