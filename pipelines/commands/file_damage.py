"""Which errors of the libraries under us mean a damaged file: the user's to mend, so they are told in a line."""

import re

# What pyarrow says of a Parquet file that was cut, overwritten, or never was one.
_SIGNS = re.compile(
    "Parquet magic bytes not found|Parquet file size is|Couldn't deserialize thrift|Unexpected end of stream|"
    "ZSTD decompression failed|Corrupt snappy compressed data"
)


def damage(error: BaseException) -> str | None:
    """Say in a line what an error tells of a damaged file, if it does: as itself, or in a worker's traceback.

    >>> damage(ValueError("Parquet magic bytes not found in footer."))
    'a Parquet file is damaged (Parquet magic bytes not found): `webtext verify` names it; run its stage again'
    >>> damage(ValueError("something else"))
    """
    found = _SIGNS.search(str(error))
    if found is None:
        return None
    return f"a Parquet file is damaged ({found[0]}): `webtext verify` names it; run its stage again"
