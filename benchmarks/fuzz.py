"""Fuzz whatever reads what others wrote, guided by coverage: nothing may come of it but counted rejections.

    pip install atheris                                     # Linux; CPython 3.11 to 3.14
    python benchmarks/fuzz.py build/fuzz                    # every reader, ten minutes each
    python benchmarks/fuzz.py build/fuzz --only robots warc --seconds 60

Readers: HTTP heads with what a crawl does next, robots.txt, WARC files, dumps, opt-outs. Each runs in a process of its
own, which ends with what it counted; an input that raises, takes more than 10 s or more than 2 GB ends it with the
input in OUTPUT/READER/crash-*, and this script with status 1. Inputs that found new ways are kept in OUTPUT/READER, and
the next run begins with them.
"""

import argparse
import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import atheris
import zstandard

with atheris.instrument_imports(include=["webtext", "pipelines.stages.archives.archived_pages", "http_sf", "idna"]):
    from pipelines.stages.archives.archived_pages import body_keys, capture_of, redirect_of
    from webtext.crawl.cookies import Cookies
    from webtext.crawl.exchange import Exchange
    from webtext.crawl.outcomes import is_outcome, judge_answer
    from webtext.crawl.redirects import location_target, refresh_target
    from webtext.errors import UsageError
    from webtext.permissions.archived import signal_of_archived
    from webtext.permissions.licence import parse_licence
    from webtext.permissions.optout import ai_txt_signal, parse_tdmrep, read_page, tdmrep_signal
    from webtext.permissions.robots import parse_robots
    from webtext.permissions.signals import DEFAULT_SIGNALS, SIGNALS
    from webtext.permissions.site import Permissions
    from webtext.permissions.usage import signal_forbids_training, usage_forbids_training
    from webtext.reddit.dumps import Dump, Posted, Refused, read_dump
    from webtext.reddit.layout import Layout
    from webtext.reddit.links import SelectConfig
    from webtext.urls import canonicalize_url
    from webtext.warc.frames import Damage
    from webtext.warc.http_head import HeadError, read_head
    from webtext.warc.warc_reader import read_archive, read_record
    from webtext.warc.warc_records import WarcRecord, decode_response, parse_response

LIMIT = 1 << 20  # bytes that a body may decode to here
URL, AGENT = "https://a.example/b/c?d", "webtext"
_PAGE = b"<!doctype html><html><head><meta name=robots content=noai></head><body><p>Herons.</p></body></html>"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
_SUBMISSION = b'{"id": "a1", "url": "http://b.example/%d", "score": 5, "created_utc": 1500000000, "is_self": false}\n'


def _record(kind: bytes, block: bytes, *fields: bytes) -> bytes:
    lines = [b"WARC/1.0", b"WARC-Type: " + kind, b"WARC-Target-URI: http://a.example/", *fields]
    lines += [b"WARC-Date: 2020-01-01T00:00:00Z", b"Content-Length: %d" % len(block), b"", b""]
    return b"\r\n".join(lines) + block + b"\r\n\r\n"


_REVISIT = b"WARC-Refers-To-Target-URI: http://b.example/"
_RECORDS = [_record(b"response", _HEAD + _PAGE), _record(b"revisit", _HEAD, _REVISIT), _record(b"resource", _PAGE)]

_LICENCE = (
    b'<rsl><content url="/b/*"><license><permits type="usage">search</permits><payment type="crawl"/></license>'
    b"</content></rsl>"
)

# ---- What an input may be packed as: its first byte says so, since no chance mutation writes a checksum.


def unpacked(data: bytes) -> bytes:
    """Make a file of an input: as it is, or packed in one of the ways that files come in."""
    kind, rest = data[:1], data[1:]
    match kind:
        case b"g":
            return gzip.compress(rest, 1, mtime=0)
        case b"z":
            return zstandard.compress(rest, 1)
        case b"m":  # a member for each record, or line
            mark = b"WARC/" if b"WARC/" in rest else b"\n"
            first, *others = rest.split(mark)
            return b"".join(gzip.compress(piece, 1, mtime=0) for piece in (first, *(mark + each for each in others)))
        case b"w":
            return rest.decode("latin-1").encode("utf-16")
    return rest


# ---- The readers. Each yields what became of its input, a word a thing, and raises where that is no expected value.


def read_heads(data: bytes) -> Iterator[str]:
    """An answer as it comes from a socket, and what a crawl asks of it."""
    try:
        yield "no head" if read_head(io.BytesIO(data).readline) is None else "head"
    except HeadError:
        yield "rejected: no head"
    stored = parse_response(data)
    answer = decode_response(stored, LIMIT)
    assert len(answer.body) <= max(LIMIT, len(data))
    outcome = judge_answer(answer.status, answer.header("Content-Type"), answer.body)
    assert is_outcome(outcome), outcome
    yield outcome
    exchange = Exchange(URL, 0, b"", stored, answer.body, "", "", "")
    cookies = Cookies()
    cookies.hear(URL, answer.headers)
    for word, said in {
        "location": location_target(URL, stored),
        "refresh": refresh_target(exchange),
        "cookies": cookies.header(URL),
    }.items():
        if said:
            said.encode("latin-1" if word == "cookies" else "ascii")
            yield word
    yield _signal(signal_of_archived(stored, URL, AGENT, DEFAULT_SIGNALS))


def read_robots(data: bytes) -> Iterator[str]:
    """A robots.txt, asked about for one agent and for all, about several URLs."""
    ours, everybody = parse_robots(data, {AGENT}), parse_robots(data)
    assert ours.judge(URL, AGENT) == everybody.judge(URL, AGENT)
    for url in (URL, "https://a.example", f"https://a.example/{data[:99].hex('%')}", "https://a.example/index.html?*$"):
        yield everybody.judge(url, AGENT)
        for signal in Permissions(AGENT, robots=everybody, ai_txt=ours).signals(url):
            yield _signal(signal)
    assert 0 <= everybody.crawl_delay(AGENT) < float("inf")


def read_warc(data: bytes) -> Iterator[str]:
    """An archive, its records described as rows of an index, each read again at its place."""
    stream = io.BytesIO(unpacked(data))
    try:
        found = list(read_archive(stream))
    except UsageError as error:
        _plain(str(error))
        yield "rejected: no WARC"
        return
    for each in found:
        if isinstance(each, Damage):
            yield "damage"
            continue
        yield each.problem or "record"
        if (url := canonicalize_url(each.url)) and (each.is_page or each.type == "revisit"):
            page = capture_of("a.warc.gz", url, each)
            assert is_outcome(page.outcome) or page.outcome in {"revisit", "incomplete", "too_large"}, page.outcome
            _plain(page.url, page.final_url, page.host, page.detail, page.content_type, page.digest)
            body_keys(page), redirect_of(page)
            yield page.outcome
            if each.is_whole and each.is_page:
                _again(stream, each)


def _again(stream: io.BytesIO, record: WarcRecord) -> None:
    again = read_record(stream, record.offset, record.length, record.payload_digest)
    same_digest = again.payload_digest == record.payload_digest
    assert same_digest, f"byte {record.offset}, {record.length} bytes: another record is there"


def read_dumps(data: bytes) -> Iterator[str]:
    """A file of submissions, or of comments."""
    content = unpacked(data)
    dumps = Dump("RS.zst", "RS.zst", 0, 1, "submissions"), Dump("RC", "RC", 0, 1, "comments")
    for dump, self_posts in zip(dumps, (True, False), strict=True):
        try:
            stream = io.BytesIO(content)
            for each in read_dump(stream, dump, SelectConfig(), self_posts=self_posts):
                match each:
                    case Posted():
                        says = each.postings
                        _plain(each.url, each.source, each.identity, says.source[2], *says.subreddits)
                        assert all(abs(number) < 1 << 62 for number in (says.total, says.first_posted or 0)), says
                        yield "link"
                    case Refused():
                        _plain(each.rejection.url, each.rejection.detail)
                        yield each.rejection.reason
                    case Layout():
                        yield each.kind
        except UsageError as error:
            _plain(str(error))
            yield "rejected: no dump"


def read_opt_outs(data: bytes) -> Iterator[str]:
    """A page's head, and the files by which a site speaks of learning from it."""
    first, _, rest = data.partition(b"\n\n")
    names = ("X-Robots-Tag", "Content-Usage", "Content-Signal", "TDM-Reservation", "tdm-policy", "Link")
    value = first.decode("latin-1")
    says = read_page([(name, value) for name in names], rest, URL, AGENT)
    licence, embedded = parse_licence(URL, rest), parse_licence(URL, data, URL)
    rules, ai_txt = parse_tdmrep(rest), parse_robots(rest, {AGENT})
    permissions = Permissions(AGENT, parse_robots(data), ai_txt, rules, dict.fromkeys(says.licences, licence))
    for signal in (*says.signals, tdmrep_signal(rules, URL), ai_txt_signal(ai_txt, URL, AGENT)):
        yield _signal(signal)
    for signal in permissions.signals(URL, says.licences):
        yield _signal(signal)
    _plain(licence.refusal(URL), embedded.refusal(URL), *says.licences)
    yield f"usage {usage_forbids_training(value)} {signal_forbids_training(value)}"


def _signal(signal: Any) -> str:
    if signal is None:
        return "no signal"
    assert signal.name in SIGNALS, signal
    _plain(signal.evidence)
    return str(signal.name)


def _plain(*texts: str) -> None:
    """See that text can be written to a table, which half a surrogate pair cannot."""
    for text in texts:
        text.encode()


Reader = Callable[[bytes], Iterator[str]]
READERS: dict[str, tuple[Reader, list[bytes]]] = {  # each has the inputs to begin with
    "heads": (
        read_heads,
        [
            _HEAD + _PAGE,
            b"HTTP/1.0 302 Found\nLocation: //c.example/\xe9\nSet-Cookie: a=b; Path=/; Expires=Mon, 01-Jan-29 0:00\n",
            b"HTTP/1.1 103\r\n\r\nHTTP/1.1 200\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(_PAGE, mtime=0),
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nRefresh: 0;url=/x\r\n\r\n5\r\n<p>ab\r\n0\r\n\r\n",
            _HEAD + b"<base href='/d/'><noscript><meta http-equiv=refresh content=\"1; URL='e'\"></noscript>",
            b"HTTP/1.1 200 OK\nContent-Encoding: zstd, br\n\n" + zstandard.compress(_PAGE),
        ],
    ),
    "robots": (
        read_robots,
        [
            b"User-agent: *\nDisallow: /b/*$\nAllow: /b/c\nCrawl-delay: 3\nLicense: /l.xml\nDisallowAITraining: /\n",
            b"\xef\xbb\xbfuser-agent: GPTBot\nuser-agent:webtext\rdisallow:/%62\nContent-Usage: /b train-ai=n\n",
        ],
    ),
    "warc": (
        read_warc,
        [
            *(kind + b"".join(_RECORDS) for kind in (b"-", b"g", b"m", b"z")),
            b"-" + gzip.compress(b"".join(_RECORDS), mtime=0),
            b"-" + zstandard.compress(_RECORDS[0]),
        ],
    ),
    "dumps": (
        read_dumps,
        [
            *(kind + _SUBMISSION % 1 + _SUBMISSION % 2 for kind in (b"-", b"g", b"m", b"z", b"w")),
            b"-[" + _SUBMISSION % 1 + b"," + _SUBMISSION % 2 + b"]",
            b"-url,score\nhttp://a.example/,5\n" * 3,
            b"-http://a.example/\t5\n" * 3,
            b'-{"kind": "Listing", "data": {"children": [{"kind": "t3", "data": ' + _SUBMISSION % 1 + b"}]}}",
            b'-{"id": "c1", "link_id": "t3_a", "body": "see [it](http://b.example/(1)) &amp; http://c.example/"}\n',
            b"-" + zstandard.compress(_SUBMISSION % 1) + gzip.compress(_SUBMISSION % 2, mtime=0),
        ],
    ),
    "opt-outs": (
        read_opt_outs,
        [
            b"noai\n\n<meta name=robots content='noai'><link rel=license type='application/rsl+xml' href='/l.xml'>",
            b'<https://a.example/l>; rel="license"; type="application/rsl+xml"\n\n' + _LICENCE,
            b'1\n\n[{"location": "/b/*", "tdm-reservation": 1, "tdm-policy": "https://a.example/p"}]',
            b"x\n\nuser-agent: *\ndisallow: /*.html$\n<script type='application/rsl+xml'><rsl></script>",
        ],
    ),
}
# What mutations put in, a line a reader.
WORDS = r"""
HTTP/1.1 200|HTTP/1.0 302|Content-Type: |Content-Encoding: |Transfer-Encoding: chunked|Location: |Set-Cookie: |
Refresh: |; Path=|; Domain=|; Expires=|; Max-Age=|http-equiv=refresh |content=|<meta |<base href=|<noscript>|gzip|

User-agent: |Disallow: |Allow: |Crawl-delay: |License: |Content-Usage: |Content-Signal: |DisallowAITraining: |webtext|
AllowAITraining: |GPTBot|*|$|%2A|%2f|/index.html|train-ai=n|ai-train=no|use=reference|#|\n|1e9|nan|

WARC/1.0|WARC-Type: |response|revisit|resource|conversion|metadata|WARC-Target-URI: |WARC-Date: |Content-Length: |
WARC-Payload-Digest: sha1:|WARC-Refers-To-Target-URI: |application/http|text/html|text/plain|\r\n\r\n|filedesc:|br|zstd|

"id": |"url": |"score": |"ups": |"created_utc": |"is_self": |"selftext": |"body": |"subreddit": |"permalink": |
"domain": |"data": |"children": |null|true|1e99|-1|http://|\\u0000|\\ud800|{|}|[|]|,|\t|\0|&amp;|xn--|//[|

<meta name=|<link rel=license |type=|href=|application/rsl+xml|<script |</script>|<!--|-->|robots|noai|noimageai|
tdm-reservation|<rsl>|<content url=|<license>|<permits type=|<prohibits type=|<payment type=|usage|ai-train|all|
{"location": |"tdm-reservation": 1|webtext: |?0|;|=(|:YQ==:|@1|%"|rel=|&#x
"""


def fuzz(name: str, seconds: float, folder: Path) -> None:
    """Fuzz a reader in this process, which ends here, with what it counted as the last line of its output."""
    reader, _ = READERS[name]
    counts: Counter[str] = Counter()
    end, slowest = time.monotonic() + seconds, 0.0

    def once(data: bytes) -> None:
        nonlocal slowest
        begin = time.process_time()
        counts.update(reader(data))
        counts["inputs"] += 1
        slowest = max(slowest, time.process_time() - begin)
        if time.monotonic() > end:
            print(json.dumps({"slowest, s": round(slowest, 2), **counts}), flush=True)
            os._exit(0)

    options = [
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-max_len=20000",
        f"-dict={folder.with_name('words')}",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(folder)], once)
    atheris.Fuzz()


def prepare(name: str, output: Path) -> None:
    """Write a reader's first inputs, and the words."""
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(READERS[name][1]):
        (folder / f"seed-{number}").write_bytes(seed)
    words = [word.encode().decode("unicode_escape") for word in WORDS.replace("\n", "").split("|")]
    lines = ["".join(f"\\x{ord(letter):02x}" for letter in word) for word in words if word]
    (output / "words").write_text("".join(f'"{line}"\n' for line in lines), "ascii")


def main() -> int:
    """Fuzz each reader in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--seconds", type=float, default=600, help="for each reader")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        fuzz(arguments.only[0], arguments.seconds, arguments.output / arguments.only[0])
    failed = []
    for name in arguments.only:
        prepare(name, arguments.output)
        again = [sys.executable, __file__, str(arguments.output), "--here", "--seconds", str(arguments.seconds)]
        ended = subprocess.run([*again, "--only", name], stdout=subprocess.PIPE, text=True, check=False)
        counted = "" if ended.returncode else ended.stdout.splitlines()[-1]
        print(f"{name}: {counted or ended.stdout}", flush=True)  # a failure leaves its exception there
        if not counted:
            failed.append(name)
    for name in failed:
        print(f"{name} FAILED: see {arguments.output / name}/crash-* and what is above")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
