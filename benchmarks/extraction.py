"""Extractors on the gold set: F1, precision, recall, and pages a CPU second, each engine in a process of its own.

    make bench-extract        (python benchmarks/extraction.py [--realweb ../shared/realweb] [--engines ...])

Segments of the gold set are counted as trafilatura's evaluation counts them. `F1 halves` are of halves of the sites,
by hash: what was chosen on one must hold on the other. An engine that is not installed is left out and named. Times are
CPU times of one process; `relative` is the time of trafilatura's default over the engine's, both measured on this
machine, one after the other.
"""

import argparse
import functools
import gc
import json
import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType

from webtext.errors import UsageError
from webtext.extract.decode import decode_html
from webtext.extract.extractors import ENGINES, load_engine, parse_html, without_controls
from webtext.extract.language_detector import detect
from webtext.extract.pages import ExtractConfig, Extracted, extract_page
from webtext.hashing import bucket_of
from webtext.hosts import registered_domain

BASELINE = "trafilatura"
PRODUCT = "webtext (all)"  # decoding, metadata and clean-up included; the others are the bare extractors


def read_pages(realweb: Path) -> Iterator[tuple[dict[str, list[str]], bytes, str]]:
    """Yield (gold entry, body, content type)."""
    lines = (realweb / "gold.jsonl").read_text("utf-8").splitlines()
    gold = {entry["url"].strip(): entry for entry in map(json.loads, lines)}
    with (realweb / "web.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
            entry = gold.get(record.headers["WARC-Target-URI"])
            if entry is not None:
                yield entry, record.reader.read(), record.http_headers.get("Content-Type", "")


def run_product(body: bytes, content_type: str) -> str:
    """Extract as the build stage does, sandbox apart."""
    found = extract_page(body, content_type, "", config=ExtractConfig())
    return found.text if isinstance(found, Extracted) else ""


def run_engine(name: str, body: bytes, content_type: str) -> str:
    """Extract with a bare engine: parsing counts for those that use our tree."""
    html = without_controls(decode_html(body, content_type))
    tree = parse_html(html)
    return "" if tree is None else load_engine(name)(html, tree)


def measure(name: str, realweb: Path) -> dict[str, Any]:
    """Run one engine over the gold set, after a few pages to warm up."""
    pages = list(read_pages(realweb))
    extract = run_product if name == PRODUCT else functools.partial(run_engine, name)
    try:
        for _, body, content_type in pages[:20]:
            extract(body, content_type)
    except UsageError as error:
        return {"name": name, "missing": str(error)}
    gc.collect()
    gc.freeze()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    times, texts = [], []
    for _, body, content_type in pages:
        start = time.process_time()
        texts.append(extract(body, content_type))
        times.append(time.process_time() - start)
    for (entry, _, _), text in zip(pages, texts, strict=True):
        half = "AB"[bucket_of(registered_domain(entry["url"].strip()), 2)]
        for group in ("all", half, language_of(entry)):
            counts[group].update(segments(text, entry))
    times.sort()
    found = counts["all"]
    return {
        "name": name,
        "F1": f1(found),
        "precision": found["hit"] / (found["hit"] + found["wrong"]),
        "recall": found["hit"] / found["wanted"],
        "English F1": f1(counts["en"]),
        "F1 halves": [f1(counts["A"]), f1(counts["B"])],
        "seconds": sum(times),
        "pages": len(pages),
        "p99 ms": times[int(len(times) * 0.99)] * 1000,
    }


def language_of(entry: dict[str, Any]) -> str:
    """Tell the language of a gold entry."""
    return detect(" ".join(entry["with"] + entry["without"]))[0]


def segments(text: str, entry: dict[str, Any]) -> Counter[str]:
    """Count the segments of a gold entry: `hit` and `wrong` in a text, and those `wanted`."""
    hit, wrong = (sum(segment in text for segment in entry[key]) for key in ("with", "without"))
    return Counter(hit=hit, wrong=wrong, wanted=len(entry["with"]))


def f1(counts: Counter[str]) -> float:
    """Give the harmonic mean of precision and recall over segments."""
    return 2 * counts["hit"] / (counts["hit"] + counts["wrong"] + counts["wanted"])


def main() -> None:
    """Measure each engine and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--realweb", type=Path, default=Path("../shared/realweb"))
    parser.add_argument(
        "--engines", nargs="*", default=[BASELINE, PRODUCT, *(name for name in ENGINES if name != BASELINE)]
    )
    arguments = parser.parse_args()
    context, default = multiprocessing.get_context("spawn"), 0.0
    print("| engine | F1 | precision | recall | English F1 | F1 halves | pages / CPU s | relative | p99 ms |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.engines:
        with context.Pool(1) as pool:
            row = pool.apply(measure, (name, arguments.realweb))
        default = row["seconds"] if name == BASELINE else default
        print(format_row(row, default), flush=True)


def format_row(row: dict[str, Any], default: float) -> str:
    """Write one engine's line of the table; `default` is the baseline's time in seconds, 0 where it did not run."""
    if "missing" in row:
        return f"| {row['name']} | {row['missing']} | | | | | | | |"
    scores = " | ".join(f"{row[key]:.4f}" for key in ("F1", "precision", "recall", "English F1"))
    scores += " | " + ", ".join(f"{half:.4f}" for half in row["F1 halves"])
    relative = f"{default / row['seconds']:.2f}"
    return f"| {row['name']} | {scores} | {row['pages'] / row['seconds']:.1f} | {relative} | {row['p99 ms']:.0f} |"


if __name__ == "__main__":
    main()
