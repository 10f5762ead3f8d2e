"""`webtext explain URL`: what became of a link, stage by stage, and why, with near-duplicates side by side."""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.commands import config_file
from pipelines.commands.named_output import add_output_argument
from pipelines.commands.side_by_side import printable, side_by_side
from pipelines.report.difference import Difference, compare_texts
from pipelines.report.samples import REPEATED
from pipelines.stages.earlier import text_in_earlier
from pipelines.stages.output import BESIDE, FUNNEL, KINDS, Output
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.errors import UsageError
from webtext.foreign import list_lines, read_bytes
from webtext.tables import read_matching
from webtext.urls import canonicalize_url

_REJECTED = ("url", "reason", "detail", "kept_url", "similarity", "cluster", "cluster_size")
_HEADINGS = {"url", "stage", "verdict", "outcome", "comparison"}
_ASKED = (
    "URLs, as posted or canonical, ids of documents (16 hexadecimal digits), files of them, or - for standard input"
)
_ID_LENGTH = 16  # hexadecimal digits
_NARROWEST = 60  # columns; a terminal that tells none is taken for 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext explain`."""
    parser.add_argument("url", nargs="+", metavar="URL|FILE", help=_ASKED)
    add_output_argument(parser, bare=False)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print what became of URLs; the exit status is 1 if no stage has seen one of them."""
    del beam_arguments
    urls = list(dict.fromkeys(url for word in arguments.url for url in named_urls(word)))
    if not urls:
        raise UsageError(f"{' '.join(arguments.url)}: no URL is named there")
    is_list = arguments.url != urls
    found = explain_all(arguments.output, urls)
    if len(urls) == 1 and not is_list:
        for finding in found[urls[0]]:
            if finding["verdict"].startswith("near_duplicate"):
                finding["comparison"] = compare(arguments.output, finding["kept_url"], finding["url"])
    is_list = is_list or len(urls) > 1
    if arguments.json:
        told = [{"url": url, "answer": answer(url, findings), "findings": findings} for url, findings in found.items()]
        print(json.dumps(told if is_list else found[urls[0]], indent=1, default=_as_json, ensure_ascii=False))
    elif is_list:
        print("\n".join(answer(url, findings) for url, findings in found.items()))
    else:
        print("\n".join(_sentences(urls[0], found[urls[0]])))
    return 0 if all(found.values()) else 1


def named_urls(word: str) -> list[str]:
    """Give the URLs that a word of a command names: the lines of standard input (-) or of a file, or the word itself.

    Blank lines and those that begin with # are passed over.
    """
    if word == "-":
        data = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read().encode()
    elif "://" not in word and Path(word).is_file():
        data = read_bytes(Path(word))
    else:
        return [word]
    return [line for _, line in list_lines(data)]


def answer(asked: str, findings: list[dict[str, Any]]) -> str:
    """Say in a sentence what became of a URL.

    >>> answer("u", [{"url": "u", "stage": "pages", "verdict": "http_404", "detail": "gone"}])
    'u is not in the corpus: Fetch left it out as http_404 (gone)'
    """
    if not findings:
        return f"{asked}: no stage has seen it; it was not posted in the submissions harvested"
    url = printable(findings[0].get("url", asked))
    if any((finding["stage"], finding["verdict"]) == ("corpus", "kept") for finding in findings):
        return f"{url} is in the corpus"
    gone = [
        one for one in findings if one["verdict"] not in {"kept", KINDS["repeats"].verdict, KINDS["earlier"].verdict}
    ]
    last = next((one for one in gone if one["verdict"] != REPEATED), (gone or findings)[-1])
    title = KINDS[last["stage"]].title
    if not gone:
        return f"{url} has stayed so far: {title} kept it"
    why = printable(f"for {last['kept_url']}" if "kept_url" in last else last.get("detail", ""))
    return f"{url} is not in the corpus: {title} left it out as {last['verdict']}" + (f" ({why})" if why else "")


def explain(output: str, url: str) -> list[dict[str, Any]]:
    """Find what each finished stage says of a URL or id, in order: `stage`, `verdict` ("kept" or a reason), and facts.

    Raises:
        UsageError: the output holds no finished stage.
    """
    return explain_all(output, [url])[url]


def explain_all(output: str, asked: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Find what `explain` finds of many URLs or ids; each file of the output is read once, however many are asked for.

    Raises:
        UsageError: the output holds no finished stage.
    """
    directories = {kind.name: Output(output).directory(kind.name) for kind in (*FUNNEL, *BESIDE)}
    finished = {name: path for name, path in directories.items() if find_manifest(path) is not None}
    if not finished:
        raise UsageError(f"{output} holds no finished stage: give the output of `webtext corpus` with --output")
    of_id = _urls_of_ids(finished, {each for each in asked if len(each) == _ID_LENGTH})
    asked_as: dict[str, set[str]] = {}  # what was asked for, by each name that a file may have for it
    for each in asked:
        for name in (each, canonicalize_url(each) or each, *of_id.get(each, ())):
            asked_as.setdefault(name, set()).add(each)
    found: dict[str, list[dict[str, Any]]] = {each: [] for each in asked}
    for stage, path in finished.items():
        for finding in _findings(stage, path, set(asked_as)):
            for each in asked_as[finding.get("url", "")]:
                found[each].append(finding.copy())
    return found


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


def _urls_of_ids(finished: dict[str, str], identities: set[str]) -> dict[str, list[str]]:
    urls: dict[str, list[str]] = {}
    if identities and "documents" in finished:
        for row in _rows(finished["documents"], KINDS["documents"].kept, "id", identities, ("id", "url")):
            urls.setdefault(row["id"], []).append(row["url"])
    return urls


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
            table = read_matching(stream, columns, key, values)
        for row in table.to_pylist():
            yield {**{field: value for field, value in row.items() if value not in (None, "", [])}, "file": name}


def _sentences(asked: str, findings: list[dict[str, Any]]) -> Iterator[str]:
    yield answer(asked, findings)
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
