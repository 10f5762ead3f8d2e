"""WCXB's development pages (Murrough Foley, 2026, CC-BY-4.0), which lie beside the clone, and its halves."""

import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard


def read_set(wcxb: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield (gold entry, HTML) of the development pages."""
    with gzip.open(wcxb / "gold.jsonl.gz", "rt", encoding="utf-8") as stream:
        gold = {entry["id"]: entry for entry in map(json.loads, stream)}
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    with (wcxb / "dev.jsonl.zst").open("rb") as packed:
        for line in io.TextIOWrapper(reader.stream_reader(packed), "utf-8"):
            page = json.loads(line)
            yield gold[page["id"]], page["html"]


def half_of(host: str) -> int:
    """Tell the half that a host belongs to, as the set's `score.py` does."""
    return hashlib.sha256(host.encode()).digest()[0] & 1
