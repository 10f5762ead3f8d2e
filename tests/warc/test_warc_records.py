"""The archive: what is written is read back, by place and by walking, by others' tools, torn or whole."""

import gzip
import io
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.checker import Checker

from webtext.errors import UsageError
from webtext.warc import warc_reader, warc_records
from webtext.warc.http_body import BodyEncodingError, BodyTooLargeError, ContentDecoder, dechunk, decode_content
from webtext.warc.warc_records import HttpResponse

DATE = "2024-05-06T07:08:09Z"


def record(url, body=b"<p>x</p>", headers=(("Content-Type", "text/html"),), status=200):
    block = warc_records.encode_response(HttpResponse(status, tuple(headers), body, "OK"))
    return warc_records.encode_record("response", url, DATE, "application/http; msgtype=response", block)


def raw_deflate(data):
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compress.compress(data) + compress.flush()


def test_records_are_read_back_by_walking_and_by_place():
    first, second = record("http://a.test/", b"one"), record("http://b.test/ü", b"two" * 1000, status=404)
    stream = io.BytesIO(first + second)
    found = list(warc_reader.iter_warc(stream))
    assert [(r.type, r.url, r.date, r.offset, r.length, r.is_whole) for r in found] == [
        ("response", "http://a.test/", DATE, 0, len(first), True),
        ("response", "http://b.test/ü", DATE, len(first), len(second), True),
    ]
    page = warc_reader.read_response(stream, found[1].offset, found[1].length)
    assert (page.status, page.reason, page.header("content-type"), page.body) == (404, "OK", "text/html", b"two" * 1000)


@pytest.mark.parametrize("pack", [lambda plain: plain, zstandard.compress], ids=["plain", "zstd"])
def test_archives_without_gzip_are_walked(pack):
    plain = b"".join(gzip.decompress(record(f"http://{i}.test/", b"x" * i)) for i in range(3))
    assert [r.url for r in warc_reader.iter_warc(io.BytesIO(pack(plain)))] == [f"http://{i}.test/" for i in range(3)]


def test_plain_archive_is_read_by_place():
    plain = b"".join(gzip.decompress(record(f"http://{i}.test/", b"x" * i)) for i in range(3))
    stream = io.BytesIO(plain)
    bodies = [warc_reader.read_response(stream, r.offset, r.length).body for r in list(warc_reader.iter_warc(stream))]
    assert bodies == [b"", b"x", b"xx"]


def test_archive_in_one_gzip_stream_is_refused_with_a_remedy():
    plain = b"".join(gzip.decompress(record(f"http://{i}.test/", bytes(1 << 20))) for i in range(20))
    with pytest.raises(UsageError, match="warcio recompress"):
        list(warc_reader.iter_warc(io.BytesIO(gzip.compress(plain))))


@pytest.mark.parametrize("junk", [b"hello, no archive" * 50, gzip.compress(b"hello" * 50, mtime=0), b"\x1f\x8bbroken"])
def test_what_is_no_archive_is_refused(junk):
    with pytest.raises(UsageError):
        list(warc_reader.iter_warc(io.BytesIO(junk)))


def test_damage_in_the_middle_is_one_clear_line():
    whole = record("http://a.test/")
    with pytest.raises(UsageError, match="my archive is damaged"):
        list(warc_reader.iter_warc(io.BytesIO(whole + b"garbage" * 9 + whole), "my archive"))


def test_cut_record_says_so():
    data = gzip.decompress(record("http://a.test/", b"x" * 5000))
    assert [r.is_whole for r in warc_reader.iter_warc(io.BytesIO(data[:-1000]))] == [False]


def test_empty_archive_has_no_records():
    assert list(warc_reader.iter_warc(io.BytesIO(b""))) == []


def test_record_read_at_a_wrong_place_is_refused():
    with pytest.raises(UsageError, match="byte 7"):
        warc_reader.read_response(io.BytesIO(record("http://a.test/")), 7, 50)
    info = warc_records.encode_record("warcinfo", "", DATE, "application/warc-fields", b"software: x\r\n")
    with pytest.raises(UsageError, match="'warcinfo'"):
        warc_reader.read_response(io.BytesIO(info), 0, len(info))


def test_members_end_where_the_file_was_torn():
    first, second = record("http://a.test/"), record("http://b.test/", b"y" * 3_000_000)
    whole = list(warc_records.iter_members(io.BytesIO(first + second)))
    assert [(offset, length) for offset, length, _ in whole] == [(0, len(first)), (len(first), len(second))]
    for cut in range(len(first) + 1, len(first) + len(second), 97):
        torn = list(warc_records.iter_members(io.BytesIO((first + second)[:cut])))
        assert [(offset, length) for offset, length, _ in torn] == [(0, len(first))]
    assert [length for _, length, _ in warc_records.iter_members(io.BytesIO(first + b"\0" * 999))] == [len(first)]


def test_warcio_reads_and_verifies_what_is_written(tmp_path):
    body = b"<html>" + bytes(range(256))
    block = warc_records.encode_response(HttpResponse(200, (("Content-Type", "text/html"),), body, "OK"))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(
        warc_records.encode_record("warcinfo", "", DATE, "application/warc-fields", b"software: webtext\r\n")
        + warc_records.encode_record(
            "response",
            "http://a.test/",
            DATE,
            "application/http; msgtype=response",
            block,
            headers=[("WARC-Payload-Digest", warc_records.payload_digest(body))],
        )
    )
    with path.open("rb") as stream:
        assert [r.content_stream().read() for r in WarcioIterator(stream) if r.rec_type == "response"] == [body]
    checker = Checker(_CheckerArguments([str(path)]))
    checker.process_all()
    assert checker.exit_value == 0


class _CheckerArguments:
    verbose = False

    def __init__(self, inputs):
        self.inputs = inputs


@given(st.binary(max_size=3000), st.sampled_from(["gzip", "deflate", "raw", "br", "zstd", "two", "none"]))
def test_content_encodings_round_trip_in_any_pieces(body, encoding):
    packed, header = {
        "gzip": (gzip.compress(body), "gzip"),
        "deflate": (zlib.compress(body), "deflate"),
        "raw": (raw_deflate(body), "deflate"),
        "br": (brotli.compress(body), "BR"),
        "zstd": (zstandard.compress(body), "zstd"),
        "two": (gzip.compress(zlib.compress(body)), "deflate, gzip"),
        "none": (body, "identity"),
    }[encoding]
    if encoding == "raw" and _looks_like_zlib(packed):
        return
    decoder = ContentDecoder(header, 5000)
    assert b"".join(decoder.feed(packed[i : i + 7]) for i in range(0, len(packed), 7)) == body
    decoder.finish()
    assert decode_content(packed, header) == body


def _looks_like_zlib(packed):
    try:
        zlib.decompressobj().decompress(packed)
    except zlib.error:
        return False
    return True


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, brotli.compress, zstandard.compress])
def test_bombs_stop_at_the_limit(pack):
    name = {gzip.compress: "gzip", zlib.compress: "deflate", brotli.compress: "br", zstandard.compress: "zstd"}[pack]
    bomb = pack(bytes(30_000_000))
    decoder = ContentDecoder(name, 1_000_000)
    with pytest.raises(BodyTooLargeError):
        decoder.feed(bomb)
    assert len(decode_content(bomb, name, 1_000_000)) <= 1_000_000


def test_what_is_encoded_otherwise_than_said():
    for header in ("gzip", "br", "zstd", "compress", "gzip, gzip, gzip, gzip"):
        with pytest.raises(BodyEncodingError):
            ContentDecoder(header, 100).feed(b"<html>plain text that is not compressed at all")
    cut = gzip.compress(b"x" * 1000)[:-12]
    decoder = ContentDecoder("gzip", 5000)
    decoder.feed(cut)
    with pytest.raises(BodyEncodingError, match="too early"):
        decoder.finish()
    assert decode_content(b"<p>stored decoded</p>", "gzip") == b"<p>stored decoded</p>"
    assert decode_content(gzip.compress(b"body") + b"trailing", "gzip") == b"body"
    assert decode_content(gzip.compress(b"one") + gzip.compress(b"two"), "gzip") == b"onetwo"


@given(st.lists(st.binary(min_size=1, max_size=50)))
def test_dechunk_undoes_chunks(parts):
    chunked = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert dechunk(chunked) == b"".join(parts)


def test_dechunk_leaves_what_is_not_chunked():
    assert dechunk(b"<html>stored dechunked</html>") == b"<html>stored dechunked</html>"
    assert dechunk(b"4\r\nwikiXX") == b"4\r\nwikiXX"
    assert dechunk(b"5\r\nhel") == b"hel"


def test_stored_response_is_decoded_from_both_encodings():
    packed = gzip.compress(b"text")
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    headers = (("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip"))
    data = record("http://a.test/", body, headers)
    assert warc_reader.read_response(io.BytesIO(data), 0, len(data)).body == b"text"


def test_odd_responses_are_parsed():
    assert warc_records.parse_response(b"HTTP/1.1 200\r\nA: 1\r\n folded\r\nbad line\r\n\r\nx").headers == (
        ("A", "1 folded"),
    )
    hinted = b"\r\nHTTP/1.1 103 Hint\r\n\r\nHTTP/1.1 200 OK\r\nA : 1\r\n\r\nx"
    assert warc_records.parse_response(hinted).headers == (("A", "1"),)
    assert warc_records.parse_response(b"ICY nonsense").status == 0
    assert warc_records.parse_response(b"").body == b""


def test_real_archive_is_walked_whole(realweb):
    with (realweb / "web.warc.gz").open("rb") as stream:
        records = list(warc_reader.iter_warc(stream))
        assert len(records) == 2179
        assert all(r.is_http_response and r.is_whole for r in records)
        size = stream.seek(0, io.SEEK_END)
        assert sum(r.length for r in records) == size
        middle = records[1000]
        assert warc_reader.read_response(stream, middle.offset, middle.length) == middle.http()
