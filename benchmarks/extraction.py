"""Extractors on pages whose text is known: F1 by set and by kind of page, and pages a CPU second.

    make bench-extract   (python benchmarks/extraction.py [--realweb ../shared/realweb] [--wcxb ../shared/wcxb]
                                                          [--models build] [--engines ...])

Two sets, each in halves of its hosts (by hash, as WCXB's own `score.py` halves them). `news`: realweb's 953 pages,
segments of the text counted as trafilatura's evaluation counts them. WCXB's 1,497 development pages: F1 over words a
page, averaged, by kind of page. In brackets, 95 % of a bootstrap over pages. `relative` is the time of trafilatura's
default over the engine's, over all pages of both sets, in a process of its own, one after the other.

The model of `webtext` was trained on all of these pages, so its own row flatters it. What is true of pages not seen is
`webtext (other half)`: each page extracted by a model that was trained on the other half, made before by
`python benchmarks/train_block_model.py --half 0 build/block_model_0.npz`, and 1; the row is left out without them.

A second table says on how many pages an engine loses more than half of what trafilatura's default finds: of its words,
whatever they are; of these pages, on how many with a lower F1 than the default's; and of the default's words that the
gold has, too (of news: of the gold's segments that it has), which is what would be missed.

A third table says of how many of WCXB's pages title, author and day are equal to the gold, but for case and spaces:
with our reader of what pages declare, and with trafilatura's.
"""

import argparse
import functools
import gc
import importlib
import json
import logging
import multiprocessing
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastwarc.warc import ArchiveIterator, WarcRecordType
from wcxb import half_of, read_set

from webtext.errors import UsageError
from webtext.extract.config import ExtractConfig, Extracted
from webtext.extract.decode import decode_html
from webtext.extract.extractors import ENGINES, load_engine, second_opinion
from webtext.extract.language_detector import detect
from webtext.extract.main_text import main_text
from webtext.extract.pages import clean_text, extract_text
from webtext.extract.tree import parse_html, without_controls
from webtext.metadata.metadata import read_metadata

BASELINE = "trafilatura"
PRODUCT = "webtext (all)"  # metadata and clean-up included; the others are the bare extractors
OTHER_HALF = "webtext (other half)"
KINDS = ("article", "documentation", "service", "forum", "collection", "listing", "product")
_WORD = re.compile(r"\w+")
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """A page whose text is known: by segments that must be in it or not (news), or as a whole."""

    kind: str
    half: int
    url: str
    html: str
    gold: dict[str, Any]


def read_news(realweb: Path) -> Iterator[Known]:
    """Yield the pages of trafilatura's evaluation set."""
    lines = (realweb / "gold.jsonl").read_text("utf-8").splitlines()
    gold = {entry["url"].strip(): entry for entry in map(json.loads, lines)}
    with (realweb / "web.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
            url = record.headers["WARC-Target-URI"]
            if url in gold:
                html = decode_html(record.reader.read(), record.http_headers.get("Content-Type") or "")
                yield Known("news", half_of(urlsplit(url).hostname or ""), url, html, gold[url])


def read_pages(realweb: Path, wcxb: Path) -> Iterator[Known]:
    """Yield the pages of both sets."""
    yield from read_news(realweb)
    for entry, html in read_set(wcxb):
        yield Known(entry["type"], half_of(urlsplit(entry["url"]).hostname or ""), entry["url"], html, entry)


def run_product(page: Known) -> str:
    """Extract as the build stage does, sandbox apart."""
    found = extract_text(page.html, page.url, ExtractConfig())
    return found.text if isinstance(found, Extracted) else ""


def run_engine(name: str, page: Known) -> str:
    """Extract with a bare engine: parsing counts for those that use our tree."""
    html, encoded = without_controls(page.html)
    tree = parse_html(encoded)
    return "" if tree is None else load_engine(name)(html, tree)


def run_other_half(models: Path, page: Known) -> str:
    """Extract with the model that was trained on the half in which the page is not."""
    tree = parse_html(without_controls(page.html)[1])
    model = models / f"block_model_{1 - page.half}.npz"
    return "" if tree is None else clean_text(main_text(tree, model, lambda: second_opinion(tree)))


@functools.cache
def peer(name: str) -> Any:
    """Import an extractor that only this benchmark knows, without its remarks on each odd page.

    Raises:
        UsageError: it is not installed.
    """
    logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(f"pip install {name}") from error


@functools.cache
def frequent_words() -> frozenset[str]:
    """Give the frequent words of all languages that jusText knows."""
    lists = map(peer("justext").get_stoplist, peer("justext").get_stoplists())
    return frozenset(word for words in lists for word in words)


def run_justext(page: Known) -> str:
    """Extract with jusText, in whatever language the page is."""
    paragraphs = peer("justext").justext(page.html.encode(), frequent_words(), encoding="utf-8")
    return "\n".join(one.text for one in paragraphs if not one.is_boilerplate)


def run_boilerpy(page: Known) -> str:
    """Extract with boilerpy3, the Python port of boilerpipe's article extractor."""
    found: str = peer("boilerpy3").extractors.ArticleExtractor(raise_on_failure=False).get_content(page.html)
    return found


PEERS: dict[str, Callable[[Known], str]] = {"justext": run_justext, "boilerpy3": run_boilerpy}


def extractor(name: str, models: Path) -> Callable[[Known], str]:
    """Give what is measured under a name."""
    if name == PRODUCT or name in PEERS:
        return PEERS.get(name, run_product)
    return functools.partial(run_other_half, models) if name == OTHER_HALF else functools.partial(run_engine, name)


def measure(name: str, realweb: Path, wcxb: Path, models: Path) -> dict[str, Any]:
    """Run one engine over all pages, after a few to warm up."""
    extract = extractor(name, models)
    try:
        for _, page in zip(range(20), read_pages(realweb, wcxb), strict=False):
            extract(page)
    except UsageError as error:
        return {"name": name, "missing": str(error)}
    gc.collect()
    gc.freeze()
    counts: defaultdict[tuple[str, int], list[Any]] = defaultdict(list)
    texts, seconds = [], 0.0
    for page in read_pages(realweb, wcxb):
        start = time.process_time()
        text = extract(page)
        seconds += time.process_time() - start
        score = segments(text, page.gold) if page.kind == "news" else word_f1(text, page.gold["text"])
        counts[page.kind, page.half].append(score)
        texts.append(text)
    return {"name": name, "counts": dict(counts), "seconds": seconds, "texts": texts}


def language_of(gold: dict[str, Any]) -> str:
    """Tell the language of a gold entry of news."""
    return detect(" ".join(gold["with"] + gold["without"]))[0]


def segments(text: str, gold: dict[str, Any]) -> Counter[str]:
    """Count the segments of a gold entry: `hit` and `wrong` in a text, and those `wanted`."""
    hit, wrong = (sum(segment in text for segment in gold[key]) for key in ("with", "without"))
    return Counter(hit=hit, wrong=wrong, wanted=len(gold["with"]))


def f1(counts: Counter[str]) -> float:
    """Give the harmonic mean of precision and recall over segments."""
    return 2 * counts["hit"] / (counts["hit"] + counts["wrong"] + counts["wanted"])


def words_of(text: str) -> Counter[str]:
    """Give the bag of words of a text."""
    return Counter(_WORD.findall(text.lower()))


def word_f1(text: str, gold: str) -> float:
    """Give F1 over bags of words; a page without text is right only if nothing was found."""
    found, wanted = words_of(text), words_of(gold)
    if not wanted:
        return float(not found)
    return 2 * sum((found & wanted).values()) / (sum(found.values()) + sum(wanted.values()))


def losses(text: str, default: str, page: Known) -> tuple[bool, bool, bool]:
    """Tell whether over half of the default's words are lost; with a lower F1, too; over half of those in the gold."""
    found, others = words_of(text), words_of(default)
    lost = 2 * (found & others).total() < others.total()
    if page.kind == "news":
        wanted = Counter(segment for segment in page.gold["with"] if segment in default)
        kept = sum(segment in text for segment in wanted)
        worse = f1(segments(text, page.gold)) < f1(segments(default, page.gold))
    else:
        wanted = others & words_of(page.gold["text"])
        kept = (found & wanted).total()
        worse = word_f1(text, page.gold["text"]) < word_f1(default, page.gold["text"])
    return lost, lost and worse, 2 * kept < wanted.total()


def print_losses(pages: Iterator[Known], texts: dict[str, list[str]]) -> None:
    """Print on how many pages each engine loses more than half of what the default finds."""
    counts: defaultdict[tuple[str, str, int], list[tuple[bool, ...]]] = defaultdict(list)
    for page, *found in zip(pages, *texts.values(), strict=True):
        for name, text in zip(texts, found, strict=True):
            default = found[list(texts).index(BASELINE)]
            counts[name, "news" if page.kind == "news" else "WCXB", page.half].append(losses(text, default, page))
    heads = [f"{kind}, half {half}" for kind in ("news", "WCXB") for half in (0, 1)]
    print("\n| more than half lost: words, these with a lower F1, words of the gold | " + " | ".join(heads) + " |")
    print("|---" * (len(heads) + 1) + "|")
    for name in texts:
        groups = [counts[name, kind, half] for kind in ("news", "WCXB") for half in (0, 1)]
        cells = [f"{', '.join(str(sum(one)) for one in zip(*group, strict=True))} of {len(group)}" for group in groups]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def segment_f1(counts: Sequence[Counter[str]]) -> float:
    """Give F1 over the segments of several pages."""
    return f1(Counter({key: sum(one[key] for one in counts) for key in ("hit", "wrong", "wanted")}))


def mean(values: Sequence[float]) -> float:
    """Give the mean."""
    return sum(values) / len(values)


def interval(values: Sequence[Any], total: Callable[[Sequence[Any]], float]) -> str:
    """Write a figure and 95 % of a bootstrap over pages."""
    draw = random.Random(0)
    drawn = sorted(total(draw.choices(values, k=len(values))) for _ in range(_DRAWS))
    return f"{total(values):.3f} [{drawn[_DRAWS // 40]:.3f}, {drawn[-_DRAWS // 40]:.3f}]"


def format_row(row: dict[str, Any], default: float) -> str:
    """Write one engine's line of the table; `default` is the baseline's time in seconds, 0 where it did not run."""
    if "missing" in row:
        return f"| {row['name']} | {row['missing']} |" + " |" * (len(KINDS) + 5)
    counts = row["counts"]
    cells = [interval(counts["news", half], segment_f1) for half in (0, 1)]
    cells += [interval([one for kind in KINDS for one in counts.get((kind, half), ())], mean) for half in (0, 1)]
    cells += [interval(counts.get((kind, 0), []) + counts.get((kind, 1), []), mean) for kind in KINDS]
    pages = sum(map(len, counts.values()))
    speed = [f"{pages / row['seconds']:.1f}", f"{default / row['seconds']:.2f}"]
    return f"| {row['name']} | " + " | ".join(cells + speed) + " |"


def read_ours(page: Known) -> tuple[str, str, str]:
    """Read title, author and day of a page."""
    tree = parse_html(without_controls(page.html)[1])
    if tree is None:
        return "", "", ""
    found = read_metadata(tree, page.url)
    return found.title, found.author, found.date


def read_theirs(page: Known) -> tuple[str, str, str]:
    """Read title, author and day of a page with trafilatura."""
    found = peer("trafilatura").extract_metadata(page.html, default_url=page.url)
    return (found.title or "", found.author or "", found.date or "") if found else ("", "", "")


def print_declared(pages: Iterator[Known]) -> None:
    """Print how many titles, authors and days are equal to the gold."""
    equal: Counter[tuple[str, str]] = Counter()
    wanted: Counter[str] = Counter()
    for page in pages:
        for reader, read in (("webtext", read_ours), ("trafilatura", read_theirs)):
            for field, value in zip(("title", "author", "date"), read(page), strict=True):
                gold = " ".join((page.gold[field] or "").lower().split())
                equal[reader, field] += gold != "" and gold == " ".join(value.lower().split())
                wanted[field] += gold != ""
    print("\n| WCXB, both halves | titles | authors | days |\n|---|---|---|---|")
    for reader in ("webtext", "trafilatura"):
        cells = [f"{equal[reader, field]} of {wanted[field] // 2}" for field in ("title", "author", "date")]
        print(f"| {reader} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Measure each engine and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--realweb", type=Path, default=Path("../shared/realweb"))
    parser.add_argument("--wcxb", type=Path, default=Path("../shared/wcxb"))
    parser.add_argument("--models", type=Path, default=Path("build"), help="where the models of halves are")
    parser.add_argument("--engines", nargs="*", default=[BASELINE, OTHER_HALF, PRODUCT, *ENGINES, *PEERS])
    arguments = parser.parse_args()
    context, default = multiprocessing.get_context("spawn"), 0.0
    texts: dict[str, list[str]] = {}
    heads = [
        "engine",
        "news, half 0",
        "news, half 1",
        "WCXB, half 0",
        "WCXB, half 1",
        *KINDS,
        "pages / CPU s",
        "relative",
    ]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|", flush=True)
    for name in dict.fromkeys(arguments.engines):
        if name == OTHER_HALF and not (arguments.models / "block_model_1.npz").exists():
            continue
        with context.Pool(1) as pool:
            row = pool.apply(measure, (name, arguments.realweb, arguments.wcxb, arguments.models))
        default = row["seconds"] if name == BASELINE else default
        if "texts" in row:
            texts[name] = row["texts"]
        print(format_row(row, default), flush=True)
    if BASELINE in texts:
        print_losses(read_pages(arguments.realweb, arguments.wcxb), texts)
    print_declared(page for page in read_pages(arguments.realweb, arguments.wcxb) if page.kind != "news")


if __name__ == "__main__":
    main()
