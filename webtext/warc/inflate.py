"""The decompressor of gzip, zlib and deflate: zlib's, or zlib-ng's where it is installed, in half the time.

zlib-ng gives the same bytes at the same calls, and stops at the same damage with the same words. What it compresses is
not the same bytes, so it is only read with.
"""

try:
    from zlib_ng import zlib_ng as _zlib
except ImportError:
    import zlib as _zlib  # type: ignore[no-redef]

inflater = _zlib.decompressobj
InflateError: type[Exception] = _zlib.error  # type: ignore[assignment]
