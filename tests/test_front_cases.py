"""Cases after public bug reports, where they lie beside the clone: what a standard decides is as it says.

Each case has a note; notes that begin with `soft` are opinions. Those that are not followed stand here with a reason.
"""

import base64
import json

from webtext.extract.decode import decode_html
from webtext.urls import canonicalize_url, link_problem, name_link

# Where the right outcome is not the case's: the URL, and why.
URLS_LEFT = {
    "http://r3---sn-bücher.de/": "RFC 3492 gives xn--r3---sn-bcher-4ob; so do browsers",
    "http://-bücher.de/": "RFC 3492 gives xn---bcher-4ya; so do browsers",
    "https://www.google.com/amp/s/www.example.com/story": "soft: a viewer's address and the page's are two",
    "https://www-example-com.cdn.ampproject.org/c/s/www.example.com/story": "soft: likewise",
}


def test_urls(front):
    wrong = []
    for case in json.loads((front / "urls.json").read_text("utf-8")):
        match case["kind"]:
            case "asked":
                names = name_link(case["url"])
                got = names[1] if names else None
            case "verdict":
                got = link_problem(case["url"])
            case _:
                got = canonicalize_url(case["urls"][0]) == canonicalize_url(case["urls"][1])
        if got != case["want"] and (case.get("url") or case["urls"][0]) not in URLS_LEFT:
            wrong.append((case, got))
    assert wrong == []


def test_charsets(front):
    cases = json.loads((front / "charsets.json").read_text("utf-8"))
    assert [
        case["note"]
        for case in cases
        if case["must_hold"] not in decode_html(base64.b64decode(case["body"]), case["content_type"])
    ] == []
