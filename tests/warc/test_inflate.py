"""zlib-ng decompresses as zlib does, call by call: what is whole, cut, changed, or followed by rubbish."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.warc.inflate import InflateError, inflater

GZIP, ZLIB, RAW = 31, 15, -15
WORDS = [b"<p>", b"the ", b"ferry ", b"\xc3\xa9", b"0" * 300, bytes(range(256))]


def calls(decompressobj, error, data, window_bits, bite, most):
    """Tell what each call gives and leaves."""
    told, inflate = [], decompressobj(window_bits)
    try:
        for start in range(0, len(data), bite):
            given_in = data[start : start + bite]
            while given_in and not inflate.eof:
                told.append((inflate.decompress(given_in, most), inflate.unconsumed_tail, inflate.unused_data))
                given_in = inflate.unconsumed_tail
    except error as problem:
        told.append(str(problem))
    return [*told, inflate.eof]


@given(data=st.data())
def test_each_call_gives_what_zlib_gives(data):
    pytest.importorskip("zlib_ng", reason="the stand-in is not installed: pip install 'webtext[fast]'")
    text = b"".join(data.draw(st.lists(st.sampled_from(WORDS), max_size=300)))
    window_bits = data.draw(st.sampled_from([GZIP, ZLIB, RAW]))
    compress = zlib.compressobj(data.draw(st.sampled_from([0, 1, 6, 9])), zlib.DEFLATED, window_bits)
    packed = bytearray(compress.compress(text) + compress.flush())
    place = data.draw(st.integers(0, len(packed) - 1))
    if data.draw(st.booleans()):
        packed[place] = data.draw(st.integers(0, 255))
    elif data.draw(st.booleans()):
        del packed[place : place + data.draw(st.sampled_from([1, 100, len(packed)]))]
    packed += data.draw(st.binary(max_size=20))
    shape = data.draw(st.sampled_from([GZIP, ZLIB, RAW])), data.draw(st.sampled_from([1, 7, 1 << 15])), 1 << 10
    for bits, bite, most in ((window_bits, *shape[1:]), shape):
        of_zlib = calls(zlib.decompressobj, zlib.error, bytes(packed), bits, bite, most)
        assert calls(inflater, InflateError, bytes(packed), bits, bite, most) == of_zlib
