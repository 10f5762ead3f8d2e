"""Compressed dumps: every codec, joined and padded files, and damage that loses only itself."""

import bz2
import gzip
import io
import lzma
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from webtext.reddit.compressed import MOST_LINE, Torn, read_lines, read_text, split_objects

CODECS = {
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "gz": lambda data: gzip.compress(data, mtime=0),
}
SKIPPABLE = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"


def body(tag, lines=20_000):
    rng = random.Random(tag)
    return [b"%s %d %d\n" % (tag.encode(), number, rng.getrandbits(64)) for number in range(lines)]


def read(data, name="RS.zst"):
    found = list(read_lines(io.BytesIO(data), name))
    lines = [line for batch in found if not isinstance(batch, Torn) for line in batch]
    return lines, [damage for damage in found if isinstance(damage, Torn)]


def test_a_plain_file_is_read_whatever_its_name():
    assert read(b"{a}\r\n\n{b}", "x.zst") == ([b"{a}\r\n", b"\n", b"{b}"], [])
    assert read(b"") == ([], [])


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("padding", [b"", b"\0" * 8])
def test_frames_in_a_row_are_read_as_one_file_even_within_a_line(codec, padding):
    lines = body("a") + body("b")
    data = b"".join(lines)
    joined = CODECS[codec](data[:777_777]) + padding + CODECS[codec](data[777_777:]) + padding
    assert read(joined, "no-suffix") == (lines, [])


def test_a_long_window_and_skippable_frames_are_read():
    lines = body("a")
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=31)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = compressor.compress(b"".join(lines)) + compressor.flush()
    assert read(SKIPPABLE + data + SKIPPABLE) == (lines, [])


@pytest.mark.parametrize("codec", CODECS)
def test_a_flipped_bit_loses_only_its_frame(codec):
    frames = [bytearray(CODECS[codec](b"".join(body(tag)))) for tag in "abc"]
    frames[1][len(frames[1]) // 2] ^= 0xFF
    lines, damage = read(b"".join(frames))
    assert [item.offset for item in damage] == [len(frames[0])]
    assert lines[:20_000] == body("a")
    assert lines[-20_000:] == body("c")


@pytest.mark.parametrize("codec", CODECS)
def test_a_cut_off_file_gives_what_stands_before_the_cut(codec):
    frames = [CODECS[codec](b"".join(body(tag))) for tag in "ab"]
    lines, damage = read(frames[0] + frames[1][: len(frames[1]) // 2])
    assert [(item.offset, item.detail) for item in damage] == [(len(frames[0]), "the file ends inside this frame")]
    assert lines == (body("a") + body("b"))[: len(lines)]
    assert damage[0].line == (body("a") + body("b"))[len(lines)][: len(damage[0].line)]


@pytest.mark.parametrize("codec", CODECS)
def test_a_damaged_first_header_is_told_by_the_name(codec):
    frames = [bytearray(CODECS[codec](b"".join(body(tag)))) for tag in "ab"]
    frames[0][2] ^= 0xFF
    lines, damage = read(b"".join(frames), f"RS_2017-11.{codec}")
    assert [item.offset for item in damage] == [0]
    assert lines[-20_000:] == body("b")


def test_rubbish_between_frames_is_one_damage():
    rubbish = random.Random(1).randbytes(600_000)
    frame = CODECS["zst"](b"".join(body("a")))
    lines, damage = read(frame + rubbish + frame)
    assert [item.offset for item in damage] == [len(frame)]
    assert lines == body("a") * 2


@given(
    st.lists(st.binary(max_size=300).map(lambda line: line.replace(b"\n", b" ")), max_size=50),
    st.sampled_from(["", *CODECS]),
)
def test_lines_come_out_as_they_went_in(lines, codec):
    data = b"".join(line + b"\n" for line in [b"{}", *lines])  # not UTF-16, nor compressed twice
    assert read(CODECS[codec](data) if codec else data, "RS_plain") == (
        [b"{}\n", *(line + b"\n" for line in lines)],
        [],
    )


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_compressed_twice_is_read_and_damage_in_either_layer_is_told(codec):
    lines = body("a") + body("b")
    inner = gzip.compress(b"".join(lines), mtime=0)
    assert read(CODECS[codec](inner), "x") == (lines, [])
    some, damage = read(CODECS[codec](inner)[: len(inner) // 2], "x")
    assert some == lines[: len(some)] and damage
    assert read(CODECS[codec](inner[: len(inner) // 2]), "x")[1]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_as_utf_8(encoding):
    lines = ["http://a.org/\u00e9\n"] * 100_000
    assert read("".join(lines).encode(encoding), "list.txt") == ([line.encode() for line in lines], [])


@pytest.mark.parametrize("codec", ["", *CODECS])
def test_a_line_that_swells_is_cut_and_the_next_is_read(codec):
    data = b"first\n" + b"x" * (3 * MOST_LINE) + b"\nlast\n"
    lines, damage = read(CODECS[codec](data) if codec else data, "plain")
    assert (lines[0], lines[2:], damage) == (b"first\n", [b"last\n"], [])
    assert len(lines[1]) < MOST_LINE // 100


def objects(data, piece=7):
    blocks = [data[start : start + piece] for start in range(0, len(data), piece)]
    return [each for batch in split_objects(blocks) for each in batch]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_objects_of_a_document_are_found_wherever_they_stand(piece):
    found = [b'{"a": "}\\"{"}', b'{\n "b": [{"c": {}}]\n}', b"{}"]
    assert objects(b"[\n" + b",\n".join(found) + b"]\n", piece) == found
    assert objects(b"".join(found), piece) == found
    assert objects(b"} ] " + b" junk \x00".join(found), piece) == found
    assert objects(b"[" + found[0] + b',{"cut": "of', piece) == [found[0], b'{"cut": "of']


def test_an_object_that_swells_is_cut_and_the_next_is_read():
    found = objects(b'[{"a":"' + b"x" * (2 * MOST_LINE) + b'"},{"b":1}]', 1 << 18)
    assert len(found[0]) < MOST_LINE // 100 and found[1:] == [b'{"b":1}']


def test_rubbish_is_read_to_its_end():
    assert b"".join(read_text(io.BytesIO(b"\0\1\2" * 100_000))) == b"\0\1\2" * 100_000
