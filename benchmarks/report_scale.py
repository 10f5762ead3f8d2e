"""Measure the report of a synthetic output with a million links: seconds, and the most memory it took.

    python benchmarks/report_scale.py [LINKS] [FOLDER]

Rows are made by numpy, so that making them is not what is measured; the report runs in a process of its own. What is
made has the shape of a real run: hosts with a heavy tail, half of the links fetched, one in twenty-six in the corpus.
"""

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.stages.ledger import count_rejections
from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.hashing import document_id
from webtext.manifest import Counts
from webtext.tables import DOCUMENTS, LINKS, PAGES, REJECTIONS, write_table

FILES = 16
REASONS = ("http_404", "http_403", "timeout", "robots_disallowed", "not_html", "too_large", "connection_refused")
WORDS = np.array(
    ["the", "of", "and", "a", "to", "in", "is", "was", "river", "stone", "light", "house", "morning", "word"]
)


def make(folder: Path, links: int) -> None:
    """Write finished stages of so many links under a folder."""
    draw = np.random.default_rng(0)
    hosts = draw.zipf(1.4, links) % 300_000
    urls = [f"https://site{host}.example/page/{number}" for number, host in enumerate(hosts)]
    karma = np.minimum(3 + draw.pareto(0.8, links) * 3, 2**31 - 1).astype(np.int32)
    posted = 1_120_000_000 + draw.integers(0, 400_000_000, links)
    facts: dict[str, Any] = {"karma": karma, "submissions": np.ones(links, np.int32), "first_posted": posted}
    fetched, stays = np.arange(links) % 2 == 0, np.arange(links) % 26 == 0
    (folder / "source.txt").write_text(str(links))
    given = _files("links", LINKS, urls, facts)
    refused = _rejections(
        np.array([f"https://low{number}.example/" for number in range(links // 4)]), "harvest", ("low_karma",)
    )
    _stage(folder, "links", "source.txt", [*given, *refused], links + links // 4, links)
    array = np.array(urls)
    pages = _files("index", PAGES, urls, {**facts, "outcome": np.where(fetched, "ok", "http_404")})
    _stage(
        folder, "pages", "links", [*pages, *_rejections(array[~fetched], "fetch", REASONS)], links, int(fetched.sum())
    )
    kept, filtered = array[stays], array[fetched & ~stays]
    texts = [" ".join(WORDS[draw.integers(0, len(WORDS), 300)]) for _ in range(len(kept))]
    columns: dict[str, Any] = {
        "id": [document_id(url) for url in kept],
        "text": texts,
        "n_words": np.full(len(kept), 300, np.int32),
        "language": np.full(len(kept), "en"),
        **{name: values[stays] for name, values in facts.items()},
    }
    written = _files("part", DOCUMENTS, list(kept), columns)
    _stage(
        folder,
        "documents",
        "pages",
        [*written, *_rejections(filtered, "filter", ("language", "too_short", "gopher"))],
        int(fetched.sum()),
        len(kept),
    )
    _stage(folder, "duplicates", "documents", [], len(kept), len(kept))
    shards = [(name.replace("part", "train"), table.drop_columns(["body_digest"])) for name, table in written]
    _stage(folder, "corpus", "duplicates", shards, len(kept), len(kept))


def _files(kind: str, schema: pa.Schema, urls: list[str], columns: dict[str, Any]) -> list[tuple[str, pa.Table]]:
    """Lay columns out in files; a column that is not given is empty."""
    arrays = []
    for field in schema:
        if field.name == "url":
            arrays.append(pa.array(urls, field.type))
        elif field.name in columns:
            arrays.append(_array(columns[field.name], field.type))
        else:
            empty = "" if pa.types.is_string(field.type) and field.name not in {"kept_url", "cluster"} else None
            arrays.append(pa.array([empty] * len(urls), field.type))
    table = pa.Table.from_arrays(arrays, schema=schema)
    bounds = [number * len(table) // FILES for number in range(FILES + 1)]
    return [
        (f"{kind}-{n:05d}-of-{FILES:05d}.parquet", table.slice(bounds[n], bounds[n + 1] - bounds[n]))
        for n in range(FILES)
    ]


def _array(values: NDArray[Any] | list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(np.asarray(values) * 1000, pa.int64()).cast(pa.timestamp("ms", "UTC")).cast(kind)
    return pa.array(values, kind)


def _rejections(urls: NDArray[Any], stage: str, reasons: tuple[str, ...]) -> list[tuple[str, pa.Table]]:
    chosen = np.array(reasons)[np.arange(len(urls)) % len(reasons)]
    columns = {
        "stage": np.full(len(urls), stage),
        "reason": chosen,
        "detail": np.where(chosen == "language", "de 0.99", ""),
        "excerpt": np.full(len(urls), "some characters of a text " * 10 if stage == "filter" else ""),
    }
    return _files("rejections", REJECTIONS, list(urls), columns)


def _stage(folder: Path, name: str, source: str, tables: list[tuple[str, pa.Table]], given: int, kept: int) -> None:
    def work(directory: str) -> None:
        for file, table in tables:
            with storage.create_file(storage.join(directory, file)) as stream:
                write_table(stream, table)

    stage = Stage(name, str(folder / name), {}, (str(folder / source),))
    run_stage(stage, work, lambda directory: Counts(given, kept, count_rejections(directory)))


def main() -> None:
    """Make the output and measure its report, each in a process of its own: a child's peak begins at its parent's."""
    links = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    maker = multiprocessing.get_context("spawn").Process(target=make, args=(folder, links))
    maker.start()
    maker.join()
    program = "import sys\nfrom pipelines.report.page import write_report\nwrite_report(sys.argv[1])\n"
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if maker.exitcode or status:
        sys.exit("the output could not be made, or the report failed")
    rows = links + links // 4 + links + links // 2 + links // 2
    size = (folder / "report" / "index.html").stat().st_size
    memory = f"{usage.ru_maxrss / 1024:.0f} MiB at most"
    print(f"{links:,} links, {rows:,} rows: {seconds:.1f} s, {memory}, page of {size:,} bytes")
    if len(sys.argv) <= 2:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
