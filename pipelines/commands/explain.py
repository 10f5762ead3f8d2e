"""`webtext explain URL`: what became of a link, stage by stage, and why, with near-duplicates side by side."""

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pyarrow.parquet as pq

from pipelines.commands import config_file
from pipelines.commands.side_by_side import printable, side_by_side
from pipelines.report.difference import Difference, compare_texts
from pipelines.stages.earlier import text_in_earlier
from pipelines.stages.output import BESIDE, FUNNEL, KINDS, Output
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.errors import UsageError
from webtext.urls import canonicalize_url

_REJECTED = ("url", "reason", "detail", "kept_url", "similarity", "cluster", "cluster_size")
_HEADINGS = {"url", "stage", "verdict", "outcome", "comparison"}
_NARROWEST = 60  # columns; a terminal that tells none is taken for 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext explain`."""
    parser.add_argument("url", help="a URL, as posted or canonical, or a document's id (16 hexadecimal digits)")
    parser.add_argument("--output", "-o", default="out/sample", help="the output to ask (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print what became of a URL; the exit status is 1 if no stage has seen it."""
    del beam_arguments
    findings = explain(arguments.output, arguments.url)
    for finding in findings:
        if finding["verdict"].startswith("near_duplicate"):
            finding["comparison"] = compare(arguments.output, finding["kept_url"], finding["url"])
    if arguments.json:
        print(json.dumps(findings, indent=1, default=_as_json, ensure_ascii=False))
    else:
        print("\n".join(_sentences(arguments.url, findings)))
    return 0 if findings else 1


def explain(output: str, url: str) -> list[dict[str, Any]]:
    """Find what each finished stage says of a URL or id, in order: `stage`, `verdict` ("kept" or a reason), and facts.

    Raises:
        UsageError: the output holds no finished stage.
    """
    directories = {kind.name: Output(output).directory(kind.name) for kind in (*FUNNEL, *BESIDE)}
    finished = {name: path for name, path in directories.items() if find_manifest(path) is not None}
    if not finished:
        raise UsageError(f"{output} holds no finished stage: give the output of `webtext corpus` with --output")
    names = {url, canonicalize_url(url) or url} | _url_of_id(finished, url)
    return [finding for stage, path in finished.items() for finding in _findings(stage, path, names)]


def compare(output: str, kept_url: str, dropped_url: str) -> Difference | None:
    """Compare the texts of a near-duplicate and of the one that stayed; None where the latter is not to be found.

    An earlier corpus lies where the output's saved configuration says, and may have been moved since.
    """
    place = Output(output)
    rows = _rows(place.documents, KINDS["documents"].kept, "url", {kept_url, dropped_url}, ("url", "text"))
    texts = {row["url"]: row.get("text", "") for row in rows}
    kept = texts.get(kept_url)
    if kept is None and storage.exists(place.settings):
        build = config_file.read(place.settings).get("build", {})
        kept = text_in_earlier(
            kept_url, build.get("against", ()), build.get("against-text-field"), build.get("against-url-field")
        )
    return None if kept is None or dropped_url not in texts else compare_texts(kept, texts[dropped_url])


def _url_of_id(finished: dict[str, str], identity: str) -> set[str]:
    documents = finished.get("documents")
    if documents is None or len(identity) != 16:
        return set()
    return {row["url"] for row in _rows(documents, KINDS["documents"].kept, "id", {identity}, ("url",))}


def _findings(stage: str, directory: str, urls: set[str]) -> Iterator[dict[str, Any]]:
    for row in _rows(directory, "rejections-*.parquet", "url", urls, _REJECTED):
        reason = row.pop("reason")
        yield {**row, "stage": stage, "verdict": reason}
    kind = KINDS[stage]
    for row in _rows(directory, kind.kept, "url", urls, ("url", *kind.columns)) if kind.kept else ():
        if row.get("outcome", "ok") == "ok":  # a failed exchange has just been told by its rejection
            yield {**row, "stage": stage, "verdict": kind.verdict}


def _rows(
    directory: str, pattern: str, key: str, values: set[str], columns: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a directory's files whose `key` is one of `values`, without their empty fields."""
    for name in storage.list_tree(directory, pattern):
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
        facts = [f"{name} {printable(_plain(value))}" for name, value in finding.items() if name not in _HEADINGS]
        yield f"  {finding['stage']:<16}{finding['verdict']:<20}{'; '.join(facts)}"
        if "comparison" in finding:
            yield from _comparison(finding)


def _comparison(finding: dict[str, Any]) -> Iterator[str]:
    if finding["comparison"] is None:
        yield "  the text of the one that stays is not in this output: it lies in the earlier corpus"
        return
    width = max(_NARROWEST, shutil.get_terminal_size((100, 24)).columns)
    yield from side_by_side(finding["comparison"], (finding["kept_url"], finding["url"]), width)


def _as_json(value: Any) -> Any:
    return asdict(value) if isinstance(value, Difference) else str(value)


def _plain(value: Any) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:.3g}"
        if isinstance(value, float)
        else str(value)
    )
