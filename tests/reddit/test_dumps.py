"""A file of submissions, line by line: what comes out accounts for every line that went in."""

import gzip
import io
import json
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from webtext.errors import UsageError
from webtext.records import Rejection
from webtext.reddit.dumps import Dump, Posted, Refused, merge_submissions, plan_dumps, read_dump
from webtext.reddit.layout import Layout
from webtext.reddit.links import SelectConfig, posting
from webtext.reddit.submissions import Submission


def line(**fields):
    return json.dumps(fields).encode() + b"\n"


def read(data, *, kind="submissions", name="RS.jsonl", **options):
    config = options.pop("config", SelectConfig())
    found = list(read_dump(io.BytesIO(data), Dump(f"/in/{name}", name, 0, 1, kind), config, **options))
    assert isinstance(found[0], Layout)
    return found[1:]


def refusals(found):
    return [
        (item.rejection.reason, item.rejection.url, item.rejection.detail)
        for item in found
        if isinstance(item, Refused)
    ]


def test_every_line_comes_out_once_with_its_place():
    found = read(
        line(id="1", url="http://www.a.org/x?utm_source=y", score=3, subreddit="books", created_utc=7)
        + b"\n"
        + line(id="2", url="https://www.reddit.com/r/x/comments/2/y/", is_self=True, score=9)
        + b"{cut off\n"
        + line(id="4", url="/r/x/comments/4", score=9)
        + line(id="5", url="ftp://a.org/", score=9)
        + line(id="6", url="http://a.org/")
        + line(id="7", score=4)
    )
    submission = Submission("http://www.a.org/x?utm_source=y", 3, "books", 7, "1")
    assert found[0] == Posted("https://a.org/x", "RS.jsonl:1", "1", posting(submission, submission.url))
    assert refusals(found) == [
        ("self_post", "https://reddit.com/r/x/comments/2/y", "RS.jsonl:3"),
        ("malformed_line", "", "RS.jsonl:4"),
        ("reddit_internal", "/r/x/comments/4", "RS.jsonl:5"),
        ("not_http", "ftp://a.org/", "RS.jsonl:6"),
        ("no_score", "https://a.org/", "RS.jsonl:7"),
        ("no_url", "", "RS.jsonl:8"),
    ]
    assert [item.line for item in found if isinstance(item, Refused) and item.line] == [b"{cut off"]
    assert [item.rejection.excerpt for item in found if isinstance(item, Refused)] == [None, "{cut off", *[None] * 4]


@pytest.mark.parametrize(
    ("bad", "shown"),
    [(b"{cut", "{cut"), (b"\xff\0{", "\ufffd\0{"), (b"{" + "é".encode() * 9999, "{" + "é" * 1999)],
)
def test_of_a_line_that_cannot_be_read_the_ledger_has_the_beginning(bad, shown):
    (found,) = [item for item in read(POSTS[0] + bad + b"\n") if isinstance(item, Refused)]
    assert (found.line, found.rejection.excerpt) == (bad, shown)


@given(st.lists(st.binary(max_size=60).map(lambda each: each.replace(b"\n", b"")), max_size=20))
def test_kept_and_refused_are_the_lines_that_are_not_blank(lines):
    data = line(url="http://a.org/", score=1) + b"".join(each + b"\n" for each in lines)
    assert len(read(data)) == 1 + sum(bool(each.strip()) for each in lines)


def test_a_table_with_a_header_and_a_list_are_read():
    assert [item.postings.best for item in read(b"url\tscore\nhttp://a.org\t5\nhttp://b.org\t6\n", name="t.tsv")] == [
        5,
        6,
    ]
    found = read(b"http://a.org\nhttps://b.org/x\n", name="RS_2011-01.bz2.deduped.txt")
    assert [(item.url, item.postings.vouched) for item in found] == [
        ("https://a.org/", True),
        ("https://b.org/x", True),
    ]


def test_comments_without_links_are_passed_over():
    data = line(id="1", body="no link", score=5) + line(id="2", body="http://a.org http://b.org", score=4)
    assert [(item.url, item.source, item.identity) for item in read(data, kind="comments", name="RC")] == [
        ("https://a.org/", "RC:2", "t1_2 https://a.org/"),
        ("https://b.org/", "RC:2", "t1_2 https://b.org/"),
    ]


def test_self_posts_give_their_links_when_asked_for():
    data = line(id="1", is_self=True, url="u", selftext="http://a.org", score=5)
    assert [item.url for item in read(data, self_posts=True)] == ["https://a.org/"]
    assert refusals(read(data)) == [("self_post", "u", "RS.jsonl:1")]


def test_submissions_that_do_not_count_are_refused_one_by_one():
    data = line(id="1", url="http://a.org", score=5, over_18=True)
    assert refusals(read(data, config=SelectConfig(over_18=False))) == [("over_18", "https://a.org/", "RS.jsonl:1")]


def test_a_damaged_frame_is_one_refusal_and_the_rest_is_read():
    rng = random.Random(3)
    frames = []
    for tag in "abc":
        lines = [line(id=f"{tag}{n}", url=f"http://{tag}.org/{rng.getrandbits(128):x}", score=3) for n in range(5000)]
        frames.append(bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(lines))))
    frames[1][len(frames[1]) // 2] ^= 0xFF
    found = read(b"".join(frames), name="RS.zst")
    told = refusals(found)
    assert [reason for reason, _, _ in told] == ["damaged_frame"]
    assert told[0][2].startswith(f"RS.zst: frame at byte {len(frames[0])}: ")
    urls = [item.url for item in found if isinstance(item, Posted)]
    assert sum(url.startswith("https://a.org/") for url in urls) == 5000
    assert sum(url.startswith("https://c.org/") for url in urls) == 5000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "/in/RS.zst is empty"),
        (b"\n \n", "/in/RS.zst is empty"),
        (b"\x28\xb5\x2f\xfd\xff\xff", "/in/RS.zst cannot be read: "),
    ],
)
def test_a_file_without_lines_is_the_users_problem(data, message):
    with pytest.raises(UsageError, match=message):
        read(data, name="RS.zst")


def test_files_are_named_below_what_they_share_and_numbered_by_name():
    dumps = plan_dumps(["/d/2006/RS_1.zst", "/d/2005/RS_1.zst"], ["/d/RC.zst"])
    assert [(dump.name, dump.suffix, dump.kind) for dump in dumps] == [
        ("2005/RS_1.zst", "00000-of-00003", "submissions"),
        ("2006/RS_1.zst", "00001-of-00003", "submissions"),
        ("RC.zst", "00002-of-00003", "comments"),
    ]
    assert [dump.name for dump in plan_dumps(["gs://bucket/a/RS.zst", "gs://bucket/b/RS.zst"])] == [
        "a/RS.zst",
        "b/RS.zst",
    ]
    assert [dump.name for dump in plan_dumps(["/d/RS.zst", "d/RS.zst"])] == ["/d/RS.zst", "d/RS.zst"]
    assert [dump.name for dump in plan_dumps(["RS.zst"])] == ["RS.zst"]
    with pytest.raises(UsageError, match="given twice"):
        plan_dumps(["RS.zst"], ["RS.zst"])


def test_a_submission_read_twice_counts_once_with_its_best_reading():
    readings = [
        Posted(
            "https://a.org/",
            source,
            "1",
            posting(Submission("http://a.org/", karma, created=5, id="1"), "http://a.org/"),
        )
        for source, karma in (("x:1", 1), ("y:7", 40), ("y:9", 40))
    ]
    other = Posted("https://a.org/", "z:1", "", posting(Submission("http://a.org/", 2, created=9), "http://a.org/"))
    for order in ([*readings, other], [other, *readings[::-1]]):
        merged, repeated = merge_submissions(order)
        assert (merged.best, merged.total, merged.submissions) == (40, 42, 2)
        assert repeated == [
            Rejection("https://a.org/", "harvest", "repeated_submission", source) for source in ("y:9", "x:1")
        ]


POSTS = [line(id=str(number), url=f"http://a{number}.org/", score=9) for number in range(20)]


@pytest.mark.parametrize(
    ("data", "links", "refused"),
    [
        (b"\xef\xbb\xbf" + b"".join(POSTS), 20, []),
        (POSTS[0][20:] + b"".join(POSTS), 20, ["malformed_line"]),
        (b"Downloading http://files.org/RS.zst ... done\n" + b"".join(POSTS), 20, ["malformed_line"]),
        (b"\0" * 999 + b"".join(POSTS), 19, ["malformed_line"]),
        (b"http://list.org/\n" * 3 + b"".join(POSTS), 20, ["malformed_line"] * 3),
        (b"[" + b",".join(POSTS) + b"]", 20, []),
        (b'{"data": [' + b",".join(post.strip() for post in POSTS) + b"]}\n", 20, []),
        (json.dumps([json.loads(post) for post in POSTS], indent=2).encode(), 20, []),
        (b"".join(json.dumps(json.loads(post), indent=2).encode() for post in POSTS), 20, []),
        (b"".join(POSTS).decode().encode("utf-16"), 20, []),
        (b"".join(POSTS)[:-9], 19, ["damaged_frame"]),
        (json.dumps([json.loads(post) for post in POSTS], indent=2).encode()[:-20], 19, ["damaged_frame"]),
        (b"".join(post[:-1] + b",\r\n" for post in POSTS), 20, []),
        (b"".join(post.strip() for post in POSTS) * 500, 10_000, []),
        (b"\\N\n" + b"".join(POSTS), 20, ["malformed_line"]),
    ],
)
def test_the_many_lines_decide_how_a_file_is_read_and_each_line_for_itself(data, links, refused):
    found = read(data)
    assert sum(isinstance(item, Posted) for item in found) == links
    assert [reason for reason, _, _ in refusals(found)] == refused


SWELLS = b"x" * (20 << 20)


@pytest.mark.parametrize(
    "data",
    [
        b'{"url":"http://b.org/","score":5,"t":"' + SWELLS + b'"}\n{"url":"http://a.org/","score":5}\n',
        b'[{"url":"http://b.org/","score":5,"t":"' + SWELLS + b'"},\n{"url":"http://a.org/","score":5}]\n',
        b'url,score\n"http://b.org/' + SWELLS + b'",5\nhttp://a.org/,5\n',
        b"http://b.org/" + SWELLS + b"\nhttp://a.org/\n",
    ],
    ids=["dump", "document", "table", "list"],
)
def test_a_line_that_swells_costs_itself(data):
    found = read(zstandard.compress(data), name="download")
    assert [item.url for item in found if isinstance(item, Posted)] == ["https://a.org/"]
    assert len(refusals(found)) == 1


@given(st.data())
def test_no_damage_of_a_dump_raises_anything_but_what_a_user_can_mend(data):
    files = [b"".join(POSTS), b"[" + b",".join(POSTS) + b"]", b"url,score\nhttp://a.org,5\n" * 9]
    whole = data.draw(st.sampled_from(files))
    hurt = bytearray(data.draw(st.sampled_from([bytes, zstandard.compress, gzip.compress]))(whole))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(hurt)))
        hurt[place : place + data.draw(st.integers(0, 99))] = data.draw(st.binary(max_size=20) | st.sampled_from(JUNK))
    try:
        found = read(bytes(hurt), name="RS")
    except UsageError:
        return
    assert all(isinstance(item, Posted | Refused) for item in found)


JUNK = [
    b"\xef\xbb\xbf",
    b'{"',
    b'"',
    b"\\",
    b"{" * 99,
    b"[" * 9999,
    b"\0" * 99,
    b"\n",
    b"http://",
    b"\xff\xfe",
    b"PK\x03\x04",
]
COLUMNS = [f"{name} in column {place}" for place, name in enumerate(("url", "karma", "id", "created"), 1)]


@pytest.mark.parametrize(
    ("data", "meaning", "karma"),
    [
        (b"http://a.org/\nhttp://b.org/x,5\n", "a list of URLs without karma: who made it vouches for each", None),
        (b"a.org/x\nb.org\n", "a list of URLs without karma: who made it vouches for each", None),
        (
            b"http://a.org/\t5\n",
            f"a table of tab-separated columns: {', '.join(COLUMNS)} (by its rows)",
            5,
        ),
        (
            b"\xef\xbb\xbfScore,Title,URL\n5,x,http://a.org/\n",
            "a table of comma-separated columns: karma in column 1, url in column 3 (by its header)",
            5,
        ),
        (
            b'"http://a.org/,b";"5"\n"http://a.org/,c";"5"\n',
            "a table of semicolon-separated columns: url in column 1, karma in column 2 (by its rows)",
            5,
        ),
        (
            b"5.0|x|http://a.org/\n",
            "a table of bar-separated columns: karma in column 1, url in column 3 (by its rows)",
            5,
        ),
        (
            b"link\nhttp://a.org/\n",
            "a table of tab-separated columns: url in column 1 (by its header); no karma: who made it vouches for each",
            None,
        ),
    ],
)
def test_lists_and_tables_say_how_they_were_understood(data, meaning, karma):
    dump = Dump("/in/x", "x", 0, 1)
    layout, *found = read_dump(io.BytesIO(data), dump, SelectConfig())
    assert isinstance(layout, Layout) and layout.meaning == meaning
    assert {item.postings.best for item in found} == {karma}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04" + bytes(99), "is a zip, not a dump: unpack it"),
        (bytes(257) + b"ustar" + b"http://a.org\n", r"is a tar, not a dump: unpack it \(`tar xf`\)"),
        (zstandard.compress(b"RS".ljust(257, b"\0") + b"ustar" + bytes(99)), "is a tar"),
        (b"WARC/1.0\r\n", "build from it with `webtext build --warc`"),
        (b"<!DOCTYPE html><a href=http://a.org>", "is a web page, not a dump: the download failed"),
        (b"What the river said,\nnobody heard\n", "holds no submission and no URL in its first 2 lines"),
    ],
)
def test_what_is_no_dump_is_refused_by_its_name(data, message):
    if data.startswith(b"<"):
        data = data.replace(b"http://", b"/")
    with pytest.raises(UsageError, match=message):
        read(data, name="download")
