"""Cases after public bug reports, where they lie beside the clone: what a standard decides is as it says.

Each case has a note; notes that begin with `soft` are opinions. Those that are not followed stand here with a reason.
"""

import base64
import json

from pipelines.stages.archives.archived_pages import REVISIT, best_capture, body_keys, has_body, revisited
from pipelines.stages.archives.index import read_captures
from webtext.errors import UsageError
from webtext.extract.decode import decode_html
from webtext.inputs import InputTally
from webtext.outbound import link_problem
from webtext.permissions.signals import DEFAULT_SIGNALS
from webtext.records import Link
from webtext.reddit.dumps import Dump, Posted, read_dump
from webtext.reddit.links import SelectConfig, select_link
from webtext.urls import canonicalize_url, name_link
from webtext.warc.warc_reader import read_response

# Where the right outcome is not the case's: the URL, and why.
URLS_LEFT = {
    "http://r3---sn-bücher.de/": "RFC 3492 gives xn--r3---sn-bcher-4ob; so do browsers",
    "http://-bücher.de/": "RFC 3492 gives xn---bcher-4ya; so do browsers",
    "https://www.google.com/amp/s/www.example.com/story": "soft: a viewer's address and the page's are two",
    "https://www-example-com.cdn.ampproject.org/c/s/www.example.com/story": "soft: likewise",
}


DUMPS_LEFT = {
    "RS_tar.tar": "soft: refused by its name, with what to do",
    "RS_f_promoted.jsonl": "soft: an advertisement that was voted for is a link",
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


def test_dumps(front):
    folder, wrong = front / "dumps", []
    for name, (want, note) in json.loads((folder / "want.json").read_text("utf-8")).items():
        with (folder / name).open("rb") as stream:
            try:
                found = list(read_dump(stream, Dump(str(folder / name), name, 0, 1), SelectConfig()))
            except UsageError as error:
                found = [error]
        posted = [item for item in found if isinstance(item, Posted)]
        got = sum(isinstance(select_link(item.url, item.postings, SelectConfig()), Link) for item in posted)
        if got != want and name not in DUMPS_LEFT:
            wrong.append((name, note, want, got))
    assert wrong == []


# Pages that are not as the case has it: a WET's texts are taken as they are, without extraction; and "200OK" is status
# 200 to Chromium, and to the crawl.
WARC_LEFT = {"conversion.warc.gz": 3, "status-text.warc.gz": 3}


def indexed(path):
    """Index an archive as the stage does, without Beam: the pages by URL."""
    rows = list(read_captures(str(path), DEFAULT_SIGNALS, InputTally(path.name)))
    captures = [row for row in rows if row.outcome != REVISIT]
    for revisit in (row for row in rows if row.outcome == REVISIT):
        bodies = [row for row in captures if has_body(row) and set(body_keys(row)) & set(body_keys(revisit))]
        captures += revisited(bodies, [revisit])
    urls = {row.url for row in captures}
    return [best_capture([row for row in captures if row.url == url]) for url in sorted(urls)]


def test_warc(front):
    folder, wrong, refused = front / "warc", [], []
    for name, (want, note) in json.loads((folder / "want.json").read_text("utf-8")).items():
        try:
            pages = [page for page in indexed(folder / name) if page.outcome == "ok"]
        except UsageError as error:
            pages = []
            refused.append((name, str(error)))
        with (folder / name).open("rb") as stream:
            for page in pages:
                place = page.warc_offset, page.warc_length, page.digest
                response = read_response(stream, *place)
                assert len(response.body) > 900 and response.header("Content-Type") == page.content_type
        if len(pages) != WARC_LEFT.get(name, want):
            wrong.append((name, note, want, len(pages)))
    assert wrong == []
    assert [name for name, _ in refused] == ["arc.arc.gz"]
    assert "`warcio recompress" in refused[0][1]
