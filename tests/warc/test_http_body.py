"""Bodies: what servers call a coding, and bombs of every kind, in layers, members and frames."""

import gzip
import itertools
import zlib

import brotli
import pytest
import zstandard

from webtext.warc.http_body import (
    DEFAULT_LIMIT,
    BodyEncodingError,
    BodyTooLargeError,
    ContentDecoder,
    dechunk,
    decode_content,
)

PAGE = b"<p>Words of a page.</p>" * 20
PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize(
    "name",
    ["iso-8859-1", "UTF-8", "text/html", "binary", "8bit", "none", "identity", "chunked", "windows-1251", "amz-1.0"],
)
def test_a_coding_that_is_none_is_passed_over(name):
    assert decode_content(PAGE, name) == PAGE
    assert decode_content(gzip.compress(PAGE), f"{name}, GZIP") == PAGE
    assert decode_content(gzip.compress(PAGE), f"x-gzip,{name}") == PAGE


@pytest.mark.parametrize("name", ['"gzip"', "gzip;q=1", " GZip ", ",gzip,", "identity, gzip; x", "'x-gzip'"])
def test_a_coding_is_known_however_it_is_written(name):
    assert decode_content(gzip.compress(PAGE), name) == PAGE


@pytest.mark.parametrize(
    "name",
    [
        *("compress", "x-compress", "exi", "pack200-gzip", "aes128gcm", "dcb", "dcz", "bzip2", "x-bzip2", "xz", "lzma"),
        *("gzip, compress", "XZ"),
    ],
)
def test_a_coding_that_exists_and_is_not_known_is_an_error(name):
    with pytest.raises(BodyEncodingError, match="cannot be undone"):
        ContentDecoder(name, 100)


def test_three_layers_are_undone_and_no_more():
    assert decode_content(gzip.compress(gzip.compress(gzip.compress(PAGE))), "gzip, gzip, gzip") == PAGE
    with pytest.raises(BodyEncodingError, match="4 content encodings, at most 3"):
        ContentDecoder("gzip, gzip, gzip, gzip", DEFAULT_LIMIT)


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("step", [1000, 1 << 16])
def test_a_large_page_comes_whole(name, step):
    """With brotli 1.2.1 what a read gave ended at 98,272 bytes, and the page was called cut."""
    words = "".join(f"<p>{number} {number * number}" for number in range(30_000)).encode()
    packed, decoder = PACK[name](words), ContentDecoder(name, len(words))
    assert b"".join(decoder.feed(packed[start : start + step]) for start in range(0, len(packed), step)) == words
    decoder.finish()


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_members_and_frames_are_one_body(name, size):
    packed = b"".join(PACK[name](PAGE[start : start + 100]) for start in range(0, len(PAGE), 100))
    decoder = ContentDecoder(name, len(PAGE))
    assert b"".join(decoder.feed(packed[start : start + size]) for start in range(0, len(packed), size)) == PAGE
    decoder.finish()
    assert decode_content(packed + b"\0" * 40, name) == PAGE


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_members_are_counted(name):
    """A million empty ones fit in a kilobyte that was compressed twice, and took a minute."""
    member = PACK[name](b"")
    assert decode_content(member * 999 + PACK[name](b"x"), name) == b"x"
    for data, header in ((member * 2000, name), (gzip.compress(member * 2000), f"{name}, gzip")):
        with pytest.raises(BodyTooLargeError, match="1,000 members"):
            ContentDecoder(header, 1 << 20).feed(data)


@pytest.mark.parametrize("inner", ["gzip", "deflate", "zstd"])  # brotli takes bytes behind the end for an error
@pytest.mark.parametrize("outer", PACK)
def test_what_passes_between_layers_is_bounded_as_what_comes_out(inner, outer):
    """The inner layer ends at once, so that nothing comes out, however much goes in."""
    data = PACK[outer](PACK[inner](b"") + bytes(3_000_000))
    with pytest.raises(BodyTooLargeError, match="1,000,000 bytes"):
        ContentDecoder(f"{inner}, {outer}", 1_000_000).feed(data)


@pytest.mark.parametrize("name", PACK)
def test_the_clock_is_looked_at_between_two_pieces(name):
    """No piece is so large that a limit of time could be missed by much."""
    looks = []
    decoder = ContentDecoder(f"{name}, gzip", DEFAULT_LIMIT, lambda: looks.append(1))
    came = [(len(piece), len(looks)) for piece in decoder.pieces(gzip.compress(PACK[name](bytes(30_000_000))))]
    assert sum(size for size, _ in came) == 30_000_000
    assert max(size for size, _ in came) <= 2 << 20
    assert all(later > before for (_, before), (_, later) in itertools.pairwise(came))


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("size", [b"%x", b"0000000000%x", b"%x  ", b"%x;name=value"])
def test_chunks_as_servers_write_them(end, size):
    body = b"".join((size % 10) + end + PAGE[start : start + 10] + end for start in range(0, len(PAGE), 10))
    assert dechunk(body + b"0" + end + end) == PAGE
    assert dechunk(body) == PAGE
