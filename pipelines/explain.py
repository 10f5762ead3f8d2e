"""`webtext explain URL`: what became of a link, stage by stage, and why."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from pipelines.ledger import BESIDE, STAGES
from pipelines.stage import find_manifest
from webtext import storage
from webtext.errors import UsageError
from webtext.urls import canonicalize_url

# Where a stage keeps what stays, and the columns that tell a person something.
_KEPT = {
    "links": ("links-*.parquet", ("karma", "submissions", "subreddits", "first_posted", "fetch_url")),
    "pages": ("index-*.parquet", ("outcome", "status", "final_url", "content_type", "robots", "opt_out", "detail")),
    "documents": ("part-*.parquet", ("id", "title", "language", "language_probability", "n_words")),
    "duplicates": ("", ()),
    "removed": ("", ()),
    "corpus": ("[th]*-of-*.parquet", ("id", "title", "n_words")),
    "earlier": ("part-*.parquet", ("id", "n_words")),
    "decontaminated": ("[th]*-of-*.parquet", ("id", "title", "n_words")),
}
_REJECTED = ("url", "reason", "detail", "kept_url", "similarity", "cluster", "cluster_size")
_HEADINGS = {"url", "stage", "verdict", "outcome"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext explain`."""
    parser.add_argument("url", help="a URL, as posted or canonical, or a document's id (16 hexadecimal digits)")
    parser.add_argument("--output", "-o", default="out/sample", help="the output to ask (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print what became of a URL; the exit status is 1 if no stage has seen it."""
    del beam_arguments
    findings = explain(arguments.output, arguments.url)
    if arguments.json:
        print(json.dumps(findings, indent=1, default=str))
    else:
        print("\n".join(_sentences(arguments.url, findings)))
    return 0 if findings else 1


def explain(output: str, url: str) -> list[dict[str, Any]]:
    """Find what each finished stage says of a URL or id, in order: `stage`, `verdict` ("kept" or a reason), and facts.

    Raises:
        UsageError: the output holds no finished stage.
    """
    directories = {name: storage.join(output, name) for name in (*STAGES, *BESIDE)}
    finished = {name: path for name, path in directories.items() if find_manifest(path) is not None}
    if not finished:
        raise UsageError(f"{output} holds no finished stage: give the output of `webtext corpus` with --output")
    names = {url, canonicalize_url(url) or url} | _url_of_id(finished, url)
    return [finding for stage, path in finished.items() for finding in _findings(stage, path, names)]


def _url_of_id(finished: dict[str, str], identity: str) -> set[str]:
    documents = finished.get("documents")
    if documents is None or len(identity) != 16:
        return set()
    return {row["url"] for row in _rows(documents, "part-*.parquet", "id", {identity}, ("url",))}


def _findings(stage: str, directory: str, urls: set[str]) -> Iterator[dict[str, Any]]:
    for row in _rows(directory, "rejections-*.parquet", "url", urls, _REJECTED):
        reason = row.pop("reason")
        yield {**row, "stage": stage, "verdict": reason}
    pattern, columns = _KEPT[stage]
    for row in _rows(directory, pattern, "url", urls, ("url", *columns)) if pattern else ():
        if row.get("outcome", "ok") == "ok":  # of a failed exchange, its rejection has just told
            yield {**row, "stage": stage, "verdict": "kept"}


def _rows(
    directory: str, pattern: str, key: str, values: set[str], columns: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a directory's files whose `key` is one of `values`, without their empty fields."""
    for name in storage.list_files(directory, pattern):
        with storage.open_file(storage.join(directory, name)) as stream:
            table = pq.read_table(stream, columns=list(columns), filters=[(key, "in", values)])
        for row in table.to_pylist():
            yield {**{field: value for field, value in row.items() if value not in (None, "", [])}, "file": name}


def _sentences(asked: str, findings: list[dict[str, Any]]) -> Iterator[str]:
    if not findings:
        yield f"{asked}: no stage has seen it; it was not posted in the submissions harvested"
        return
    yield findings[0].get("url", asked)
    for finding in findings:
        facts = [f"{name} {_plain(value)}" for name, value in finding.items() if name not in _HEADINGS]
        yield f"  {finding['stage']:<16}{finding['verdict']:<20}{'; '.join(facts)}"


def _plain(value: Any) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:.3g}"
        if isinstance(value, float)
        else str(value)
    )
