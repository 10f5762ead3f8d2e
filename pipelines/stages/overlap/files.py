"""The files of an overlap report: what each holds, and in which columns (docs/overlap.md describes them)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import pyarrow as pa

from dedup.overlap.bloom import NgramFilter
from dedup.overlap.clean_subsets import Subsets
from dedup.overlap.measure import Evidence, ItemOverlap, Measured, SetOverlap
from dedup.overlap.probes import Probed, Recalled
from dedup.overlap.scan import Scan
from pipelines.stages.overlap.tables import distribution_points, markdown, picture
from webtext import storage
from webtext.tables import to_table, write_table

_TYPES = {
    str: pa.string(),
    int: pa.int64(),
    int | None: pa.int64(),
    float: pa.float64(),
    float | None: pa.float64(),
    bool | None: pa.bool_(),
}


def _schema(kind: type) -> pa.Schema:
    return pa.schema([(field.name, _TYPES[field.type]) for field in fields(kind)])  # type: ignore[index]


SETS, ITEMS, EVIDENCE = (_schema(kind) for kind in (SetOverlap, ItemOverlap, Evidence))
DISTRIBUTION = pa.schema(
    [("name", pa.string()), ("share", pa.float64()), ("items", pa.int64()), ("cumulative", pa.float64())]
)


def write_report(
    directory: str,
    measured: Sequence[Measured],
    found: Sequence[Evidence],
    ngram_filter: NgramFilter,
    trust: tuple[Probed, Sequence[Recalled]],
    subsets: Mapping[str, Subsets],
    scan: Scan | None,
) -> None:
    """Write the report's files: Markdown, JSON, the picture, four tables of Parquet, and the lists of items."""
    probed, recalled = trust
    summary = {
        "filter": {**asdict(ngram_filter.info), "bytes": ngram_filter.table.nbytes},
        "documents_with_hits": None if scan is None else scan.touched,
        "hash_collisions": None if scan is None else scan.collisions,
        "sets": [asdict(one.row) for one in measured],
        "probes": asdict(probed),
        "recall": [asdict(one) for one in recalled],
        "subsets": {
            name: {"n": parts.n, "clean": len(parts.clean), "dirty": len(parts.dirty)}
            for name, parts in subsets.items()
        },
    }
    texts = {
        "overlap.json": json.dumps(summary, indent=1, sort_keys=True) + "\n",
        "overlap.md": markdown(measured, found, ngram_filter, probed, recalled, subsets),
        "distribution.svg": picture(measured),
        "dirty.json": json.dumps({name: list(parts.dirty) for name, parts in subsets.items()}) + "\n",
    }
    for name, text in texts.items():
        with storage.create_file(storage.join(directory, name)) as stream:
            stream.write(text.encode())
    tables = {
        "sets.parquet": to_table([one.row for one in measured], SETS),
        "items.parquet": to_table([item for one in measured for item in one.items], ITEMS),
        "evidence.parquet": to_table(found, EVIDENCE),
        "distribution.parquet": pa.Table.from_pylist(distribution_points(measured), schema=DISTRIBUTION),
    }
    for name, table in tables.items():
        with storage.create_file(storage.join(directory, name)) as stream:
            write_table(stream, table)
