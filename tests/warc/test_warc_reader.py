"""Archives as crawlers and accidents leave them: what is whole comes out, what is cut says so, the rest is told."""

import gzip
import io
from functools import partial

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from webtext.errors import UsageError
from webtext.warc.frames import Damage
from webtext.warc.record_finder import MAX_BLOCK
from webtext.warc.warc_reader import read_archive, read_record, read_response
from webtext.warc.warc_records import WarcRecord

packed = partial(gzip.compress, mtime=0)
BODIES = {f"http://{name}.example/": f"<p>{name} ".encode() * 400 for name in ("one", "two", "three")}


def plain(url, body, kind="response", **headers):
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body if kind == "response" else body
    fields = {"WARC-Type": kind, "WARC-Target-URI": url, "WARC-Date": "2020-01-01T00:00:00Z", **headers}
    fields.setdefault("Content-Length", str(len(block)))
    return (
        ("WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode()
        + block
        + b"\r\n\r\n"
    )


RECORDS = [plain(url, body) for url, body in BODIES.items()]
MEMBERS = [packed(each) for each in RECORDS]
EMPTY = packed(b"")


def pages(data):
    """Give the whole pages of an archive by URL, each read back by its place, and how often damage was told."""
    stream = io.BytesIO(data)
    found = list(read_archive(stream))
    records = [each for each in found if isinstance(each, WarcRecord)]
    whole = [record for record in records if record.is_page and record.is_whole]
    places = [(record.url, record.offset, record.length, record.payload_digest) for record in whole]
    read = {url: read_response(stream, *place).body for url, *place in places}
    assert read == {record.url: record.http().body for record in whole}
    return list(read), len(found) - len(records)


ALL = list(BODIES)
CASES = {
    "gzip": (b"".join(MEMBERS), ALL, 0),
    "plain": (b"".join(RECORDS), ALL, 0),
    "an empty member between and last": (MEMBERS[0] + EMPTY + MEMBERS[1] + MEMBERS[2] + EMPTY, ALL, 0),
    "a member of line ends": (MEMBERS[0] + packed(b"\r\n\r\n") + MEMBERS[1] + MEMBERS[2], ALL, 0),
    "zeros between and behind": (bytes(9).join(MEMBERS) + bytes(5000), ALL, 0),
    "an error page behind": (b"".join(MEMBERS) + b"<html>502 Bad Gateway" * 9, ALL, 1),
    "rubbish between": (MEMBERS[0] + b"rubbish" * 999 + MEMBERS[1] + MEMBERS[2], ALL, 1),
    "all records in one member": (packed(b"".join(RECORDS)), ALL, 0),
    "a record in two members": (
        MEMBERS[0] + packed(RECORDS[1][:700]) + packed(RECORDS[1][700:]) + MEMBERS[2],
        ALL,
        0,
    ),
    "a header in two members": (
        MEMBERS[0] + packed(RECORDS[1][:30]) + packed(RECORDS[1][30:]) + MEMBERS[2],
        ALL,
        0,
    ),
    "the last member cut": (b"".join(MEMBERS)[:-50], ALL[:2], 1),
    "the last trailer cut": (b"".join(MEMBERS)[:-3], ALL, 1),
    "a wrong checksum": (MEMBERS[0] + MEMBERS[1][:-8] + b"12345678" + MEMBERS[2], [ALL[0], ALL[2]], 1),
    "the last plain record cut": (b"".join(RECORDS)[:-500], ALL[:2], 1),
    "no line end behind a record": (b"".join(each[:-4] for each in RECORDS), ALL, 0),
    "many line ends behind a record": (b"\n\n\n".join(RECORDS), ALL, 0),
    "one line end behind a record": (b"".join(each[:-2] for each in RECORDS), ALL, 0),
    "zstd": (b"".join(map(zstandard.compress, RECORDS)), ALL, 0),
    "zstd in one frame": (zstandard.compress(b"".join(RECORDS)), ALL, 0),
}


@pytest.mark.parametrize(("data", "urls", "damaged"), CASES.values(), ids=CASES)
def test_what_is_whole_is_read_and_what_is_not_is_told(data, urls, damaged):
    assert pages(data) == (urls, damaged)


@pytest.mark.parametrize("wrong", [-8, 8])
@pytest.mark.parametrize("pack", [packed, bytes])
def test_a_record_with_a_wrong_length_is_not_whole(wrong, pack):
    length = str(int(RECORDS[1].split(b"Content-Length: ")[1].split(b"\r")[0]) + wrong)
    bad = plain(ALL[1], BODIES[ALL[1]], **{"Content-Length": length})
    urls, damaged = pages(pack(RECORDS[0]) + pack(bad) + pack(RECORDS[2]))
    assert ALL[1] not in urls and ALL[0] in urls and damaged == 1
    assert ALL[2] in urls or pack is bytes  # a plain record that is too long takes the beginning of the next


@pytest.mark.parametrize("length", ["", "-5", "many", "1e3", "9" * 20, "٣"])
def test_a_record_without_a_length_costs_itself(length):
    bad = plain("http://bad.example/", b"x", **{"Content-Length": length})
    for pack in (packed, bytes):
        assert pages(pack(RECORDS[0]) + pack(bad) + pack(RECORDS[2])) == ([ALL[0], ALL[2]], 1)


def test_a_dictionary_in_the_first_frame_is_used():
    dictionary = zstandard.train_dictionary(
        2000, [plain(f"http://{n}.example/", b"<p>some page %d" % n) for n in range(999)]
    )
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    for content in (dictionary.as_bytes(), zstandard.compress(dictionary.as_bytes())):
        head = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
        assert pages(head + b"".join(map(compressor.compress, RECORDS))) == (ALL, 0)


def test_a_damaged_dictionary_is_one_clear_line():
    for content in (b"\x28\xb5\x2f\xfd" + b"x" * 50, b"\x37\xa4\x30\xec" + b"x" * 50):
        head = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
        with pytest.raises(UsageError, match="dictionary at the archive's beginning is damaged"):
            list(read_archive(io.BytesIO(head + zstandard.compress(RECORDS[0]))))


@pytest.mark.parametrize("compress", [packed, zstandard.compress, bytes])
def test_a_record_too_large_to_keep_is_skipped_and_says_so(compress):
    large = plain("http://large.example/", bytes(MAX_BLOCK + 1))
    found = list(read_archive(io.BytesIO(compress(large) + compress(RECORDS[0]))))
    assert [(record.url, record.problem) for record in found] == [("http://large.example/", "too_large"), (ALL[0], "")]
    assert len(found[0].block) < MAX_BLOCK // 100
    assert found[0].response().status == 200  # its head is kept


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            packed(b"filedesc://a.arc 0.0.0.0 20000101 text/plain 76\n1 0 IA\n"),
            "an ARC file, .* `warcio recompress",
        ),
        (b"PK\x03\x04rest of a WACZ", "a zip or a WACZ: unpack it"),
        (b" CDX N b a m s k r M S V g\n", r"an index \(CDX\)"),
        (b"hello", "holds no WARC record"),
        (packed(b"hello"), "holds no WARC record"),
        (b"\x1f\x8b\x08broken", "holds no WARC record"),
    ],
)
def test_what_is_no_warc_is_refused_by_its_name(data, message):
    with pytest.raises(UsageError, match=message):
        list(read_archive(io.BytesIO(data), "it"))


def test_files_and_texts_are_read_as_answers():
    file = plain("http://a.example/", b"<p>file", "resource", **{"Content-Type": "text/html"})
    text = plain("http://b.example/", b"A text.", "conversion", **{"Content-Type": "text/plain"})
    stream = io.BytesIO(file + text)
    first, second = read_archive(stream)
    assert (first.is_page, first.http().status, first.http().body) == (True, 200, b"<p>file")
    assert (
        read_record(stream, second.offset, second.length).response().header("Content-Type") == "text/x-warc-conversion"
    )
    assert not next(read_archive(io.BytesIO(plain("urn:x", b"x", "resource")))).is_page


@given(st.data())
def test_no_damage_raises_anything_but_what_a_user_can_mend(data):
    whole = data.draw(st.sampled_from([each for each, *_ in CASES.values()]))
    hurt = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(hurt) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip":
                hurt[place] ^= data.draw(st.integers(1, 255))
            case "cut":
                del hurt[place : place + data.draw(st.integers(1, 500))]
            case "insert":
                hurt[place:place] = data.draw(
                    st.sampled_from([b"\0" * 9, b"WARC/1.0\r\n", b"\x1f\x8b\x08", b"\r\n\r\n", bytes(range(256))])
                )
            case _:
                hurt[place:place] = hurt[max(0, place - 300) : place]
        if not hurt:
            return
    try:
        found = list(read_archive(io.BytesIO(bytes(hurt))))
    except UsageError:
        return
    for each in found:
        assert isinstance(each, Damage) or each.problem in {"", "incomplete", "too_large"}
        if isinstance(each, WarcRecord) and each.is_page:
            assert isinstance(each.http().body, bytes)
