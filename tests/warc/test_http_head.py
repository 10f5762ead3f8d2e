"""Heads of answers: whatever is wrong with one line of a head, the others are read, by the crawl and from archives."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.warc.http_head import MAX_BYTES, HeadError, read_head

BEHIND = b"Content-Type: text/html\r\nX-Robots-Tag: noai\r\n\r\nbody"
FOUND = (("Content-Type", "text/html"), ("X-Robots-Tag", "noai"))


def read(data, limit=MAX_BYTES):
    stream = io.BytesIO(data)
    head = read_head(stream.readline, limit)
    return head, stream.read()


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b"no colon\r\n", ()),
        (b"no colon\r\n\tcontinued: yes\r\n", ()),
        (b": no name\r\n", ()),
        (b"X Powered By: me\r\n", ()),
        ("Ä: 1\r\n".encode(), ()),
        (b"HTTP/1.1 200 OK\r\n", ()),
        (b"<br />Warning: headers were sent\r\n", ()),
        (b" begins: with a blank\r\n", ()),
        (b"P3P : CP=x\r\n", (("P3P", "CP=x"),)),
        (b"A: b\r\n c\r\n\td\n", (("A", "b c d"),)),
        (b"A: b\rc\x00d\x0be\r\n", (("A", "b c d\x0be"),)),
        (b"A: caf\xc3\xa0\r\n", (("A", "caf\xc3\xa0"),)),
        (b"A:\r\nA: 2\n", (("A", ""), ("A", "2"))),
        (b"".join(b"Link: %d\r\n" % number for number in range(300)), tuple(("Link", str(n)) for n in range(300))),
        (b"Link: " + b"x" * 70_000 + b"\r\n", (("Link", "x" * 70_000),)),
    ],
)
def test_an_odd_line_hides_nothing_behind_it(line, fields):
    head, body = read(b"HTTP/1.1 200 OK\r\n" + line + BEHIND)
    assert (head.headers, body) == ((*fields, *FOUND), b"body")


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"HTTP/1.1 200 OK", 200, "OK"),
        (b"HTTP/1.0 404", 404, ""),
        (b"http/1.1\t200  ", 200, ""),
        (b"HTTP/2 301 Moved \xc3\xa0", 301, "Moved \xc3\xa0"),
        (b"\r\n\n\r\nHTTP/1.1 200 OK", 200, "OK"),
        (b"\xef\xbb\xbfHTTP/1.1 200 OK", 200, "OK"),
        (b"HTTP/1.1 200OK", 200, "OK"),
        (b"HTTP/1.1 103 Early Hints\r\nX-Robots-Tag: hint\r\n\r\nHTTP/1.1 100\r\n\r\nHTTP/1.1 200 OK", 200, "OK"),
        (b"HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"),
    ],
)
def test_status_lines(line, status, reason):
    head, body = read(line + b"\r\n" + BEHIND)
    assert (head.status, head.reason, head.headers, body) == (status, reason, FOUND, b"body")


@pytest.mark.parametrize(
    "data", [b"ICY 200 OK\r\n", b"<html>", b"HTTP/1.1\r\n", b"HTTP/1.1 2000\r\n", b"HTTP/1.1 20", b"12345HTTP/1.1 200"]
)
def test_what_begins_otherwise_is_no_head(data):
    with pytest.raises(HeadError, match="no status line"):
        read(data)


def test_what_is_cut_is_read_as_far_as_it_goes():
    assert read(b"")[0] is None
    assert read(b"\r\n\r\n")[0] is None
    assert read(b"HTTP/1.1 200 OK\r\nA: b\r\nC")[0].headers == (("A", "b"),)
    assert read(b"HTTP/1.1 103 Hint\r\n\r\n")[0].status == 103


@pytest.mark.parametrize(
    "piece",
    [b"HTTP/1.1 100 Go on\r\n\r\n", b"\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300, b"HTTP/1.1 200 " + b"x" * 500],
)
def test_a_head_is_bounded_by_its_size_hints_among_it(piece):
    with pytest.raises(HeadError, match="more than 1,000 bytes"):
        read(piece * 600, limit=1000)


def test_hints_are_counted():
    hint = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    assert read(hint * 99 + b"HTTP/1.1 200 OK\r\n\r\n")[0].status == 200
    with pytest.raises(HeadError, match="more than 100 hints"):
        read(hint * 101)


@given(st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b" ", b"A: b", b"\x00", b"\xa0", b":", b"HTTP/1.1 200 OK"])))
def test_any_bytes_are_a_head_or_none(pieces):
    data = b"HTTP/1.1 200\r\n" + b"".join(pieces)
    head, body = read(data)
    assert data.endswith(body)
    assert all(name == name.strip() and "\n" not in value and "\r" not in value for name, value in head.headers)
