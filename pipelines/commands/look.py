"""`webtext look URL|FILE`: what would be made of a page: its text, what it declares, and what each rule says of it.

A file is read as a server's answer would be. URLs go the whole way: harvested as links, fetched as `webtext fetch` does
(robots.txt, opt-outs, the same limits), in a directory that is thrown away.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from filters import Filter, load_preset
from pipelines.commands.answer import add_json_argument, tell
from pipelines.commands.build_flags import add_documents_arguments, page_config
from pipelines.commands.explain import explain_all, named_urls
from pipelines.commands.fetch import add_fetch_arguments, fetch_config
from pipelines.commands.side_by_side import printable
from pipelines.engine.runner import Engine
from pipelines.pages.page_index import PageIndex
from pipelines.pages.page_pool import PageConfig
from pipelines.pages.page_work import NO_PAGE, judge_page
from pipelines.stages.documents import plan_buckets, read_responses
from pipelines.stages.fetch import run_fetch
from pipelines.stages.harvest import HarvestConfig, run_harvest
from pipelines.stages.output import Output
from webtext import storage
from webtext.errors import UsageError
from webtext.extract.config import Extracted
from webtext.extract.pages import ExtractionPool
from webtext.reasons import Reason
from webtext.records import Document, Page, Rejection

_DECLARED = ("title", "author", "date", "site_name", "language", "n_words")
_LINES = 12  # the part of the text that is shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext look`."""
    parser.add_argument("pages", nargs="+", metavar="URL|FILE", help="URLs, files of HTML, or - for URLs on stdin")
    parser.add_argument("--whole", action="store_true", help=f"show the whole text, not only {_LINES} lines of it")
    parser.add_argument("--content-type", default="text/html", help="content type of files (default: %(default)s)")
    add_fetch_arguments(parser)
    add_documents_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Show what would be made of pages; the exit status is 1 if a rule or a stage would reject one of them."""
    del beam_arguments
    config = page_config(arguments)
    files = [name for name in arguments.pages if "://" not in name and name != "-"]
    words = [name for name in arguments.pages if "://" in name or name == "-"]
    urls = list(dict.fromkeys(url for word in words for url in named_urls(word)))
    if not files and not urls:
        raise UsageError("standard input names no URL: give one a line")
    found = [
        *(look_at(*page, config) for page in _from_files(files, arguments.content_type)),
        *_from_the_web(urls, arguments, config),
    ]
    lines = [line for page in found for line in _lines(page, whole=arguments.whole)]
    tell({"pages": found}, lines, as_json=arguments.json)
    return 1 if any(page["verdict"] != "kept" for page in found) else 0


def _from_files(paths: Sequence[str], content_type: str) -> Iterator[tuple[Page, bytes, str]]:
    for path in paths:
        if not storage.exists(path):
            raise UsageError(f"{path} is not there: give a URL with http:// or https://, or a file of HTML")
        with storage.open_file(path) as stream:
            url = Path(path).resolve().as_uri() if storage.is_local(path) else path
            yield replace(NO_PAGE, url=url, final_url=url), stream.read(), content_type


def _from_the_web(urls: Sequence[str], arguments: argparse.Namespace, config: PageConfig) -> Iterator[dict[str, Any]]:
    """Harvest and fetch URLs into a directory for the time being; what does not come is told as `explain` tells it."""
    if not urls:
        return
    with tempfile.TemporaryDirectory(prefix="webtext-look-") as folder:
        asked, output, engine = Path(folder, "urls.txt"), Output(folder), Engine(1)
        asked.write_text("".join(f"{url}\n" for url in urls), "utf-8")
        run_harvest(HarvestConfig((str(asked),)), output.links, engine)
        run_fetch(output.links, output.pages, fetch_config(arguments), engine, replay=arguments.replay)
        names = storage.list_files(output.pages, "index-*.parquet")
        came = [
            look_at(page, response.body, response.header("Content-Type"), config)
            for bucket in plan_buckets([storage.join(output.pages, name) for name in names], 1)
            for page, response in read_responses(bucket, PageIndex())
        ]
        yield from came
        for url, findings in explain_all(folder, urls).items():
            ends = [finding for finding in findings if finding["verdict"] != "kept"]
            yield from ({"url": url, **finding} for finding in ends[:1])


def look_at(page: Page, body: bytes, content_type: str, config: PageConfig) -> dict[str, Any]:
    """Extract a page and ask every rule, those after the first that rejects it among them."""
    extract = replace(config.extract, languages=())  # what is in another language is wanted here, too
    with ExtractionPool(extract) as extracted:
        result = extracted(body, content_type, page.final_url)
    judged = judge_page(page, result, ())
    if isinstance(judged, Rejection):
        return {"url": page.url, "stage": "documents", "verdict": judged.reason, "detail": judged.detail}
    assert isinstance(result, Extracted)
    rules = list(_ask(judged, load_preset(config.preset, **dict(config.overrides))))
    first = next((rule["verdict"] for rule in rules if rule["verdict"] not in {"kept", "changed"}), "kept")
    declared = {name: getattr(judged, name) for name in _DECLARED}
    return {"url": page.url, "stage": "documents", "verdict": first, **declared, "rules": rules, "text": judged.text}


def _ask(document: Document, rules: Sequence[Filter]) -> Iterator[dict[str, str]]:
    for rule in rules:
        name, outcome = type(rule).__name__, rule(document)
        if isinstance(outcome, Reason):
            yield {"rule": name, "verdict": str(outcome), "detail": outcome.detail}
        elif outcome is None or outcome == document:
            yield {"rule": name, "verdict": "kept", "detail": ""}
        else:
            yield {"rule": name, "verdict": "changed", "detail": f"{document.n_words} to {outcome.n_words} words"}
            document = outcome


def _lines(page: dict[str, Any], *, whole: bool) -> Iterator[str]:
    yield printable(page["url"])
    yield f"  {page['verdict']}" + (f": {printable(page['detail'])}" if page.get("detail") else "")
    if "text" not in page:
        return
    for name in _DECLARED:
        if page[name]:
            yield f"  {name:<12}{printable(str(page[name]))}"
    for rule in page["rules"]:
        yield f"    {rule['rule']:<20}{rule['verdict']:<24}{printable(rule['detail'])}".rstrip()
    lines = page["text"].split("\n")
    shown = lines if whole else lines[:_LINES]
    yield from (f"  | {printable(line)}" for line in shown)
    if len(lines) > len(shown):
        yield f"  | … {len(lines) - len(shown)} lines more: --whole shows them"
