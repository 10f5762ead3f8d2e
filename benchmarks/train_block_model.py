"""Train the model of text blocks that `webtext.extract.main_text` uses, on pages whose text is known.

    python benchmarks/train_block_model.py [--wcxb ../shared/wcxb] [--realweb ../shared/realweb] [--cache FILE]
                                           [--half 0|1] [OUTPUT]

Pages and gold text are WCXB's development set (Murrough Foley, 2026, CC-BY-4.0). A block's label is the share of its
words that stand in the gold text, found by aligning the page's words with it; a block weighs as much as its words are
of what the page's F1 counts. To them come the news pages and blogs in many languages of trafilatura's evaluation set
(Apache-2.0): the gold text is what trafilatura takes, but for blocks of which the set says that they are text or not.
Features are those that gain most in a first training with all of them. With `--half`,
only pages of that half of the hosts are used, as the set's own `score.py` halves them: what was trained on one half is
measured on the other (benchmarks/extraction.py). Needs lightgbm, which nothing else does.
"""

import argparse
import json
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lightgbm
import numpy as np
import trafilatura
from fastwarc.warc import ArchiveIterator, WarcRecordType
from numba import njit
from numpy.typing import NDArray
from wcxb import half_of, read_set

from filters.rules.lib.model_files import write_arrays
from webtext.extract.block_features import measure
from webtext.extract.blocks import BlockReader
from webtext.extract.declared import Declared
from webtext.extract.decode import decode_html
from webtext.extract.tree import parse_html, without_controls
from webtext.extract.trees import SCALE

_WORD = re.compile(r"\w+")
_OPENING = 1.5  # words that a run of aligned words must be worth: a single one by chance is none
_SHINGLE = 4  # words that are enough to align what stands elsewhere than the gold has it
_TAKEN_WEIGHT, _SAID_WEIGHT, _SAID_LEAST = 0.6, 1.5, 0.02  # weights of what trafilatura takes and of what the set says
_FEATURES = 140
_ROUNDS = 220
PARAMETERS: dict[str, Any] = {
    "objective": "cross_entropy",
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "max_depth": 7,
    "verbose": -1,
    "num_threads": 1,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the set, with its blocks measured and labelled."""

    host: str
    features: NDArray[np.float32]  # shape (blocks, features)
    label: NDArray[np.float64]
    weight: NDArray[np.float64]


@njit(cache=True)
def align(page: NDArray[np.int32], gold: NDArray[np.int32], opening: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mark words of two sequences that are aligned in order, where a run of them is worth its length less `opening`."""
    best_row, run_row = np.zeros(len(gold) + 1, np.float32), np.full(len(gold) + 1, -1e9, np.float32)
    steps = np.zeros((len(page) + 1, len(gold) + 1), np.uint8)
    for i in range(1, len(page) + 1):
        best, run = np.zeros(len(gold) + 1, np.float32), np.full(len(gold) + 1, -1e9, np.float32)
        for j in range(1, len(gold) + 1):
            goes_on = 0
            if page[i - 1] == gold[j - 1]:
                goes_on = 4 if run_row[j - 1] >= best_row[j - 1] - opening else 0
                run[j] = max(run_row[j - 1], best_row[j - 1] - opening) + 1
            best[j], step = best_row[j], 1
            if best[j - 1] > best[j]:
                best[j], step = best[j - 1], 2
            if run[j] > best[j]:
                best[j], step = run[j], 3
            steps[i, j] = step | goes_on
        best_row, run_row = best, run
    in_page, in_gold = np.zeros(len(page), np.bool_), np.zeros(len(gold), np.bool_)
    i, j, in_run = len(page), len(gold), False
    while i > 0 and j > 0:
        step = steps[i, j]
        if in_run or step & 3 == 3:
            in_page[i - 1] = in_gold[j - 1] = True
            in_run = step & 4 != 0
            i, j = i - 1, j - 1
        elif step & 3 == 1:
            i -= 1
        else:
            j -= 1
    return in_page, in_gold


def label_blocks(texts: list[str], gold: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the words of each block, and those of them that stand in the gold text."""
    words = [_WORD.findall(text.lower()) for text in texts]
    gold_words = _WORD.findall(gold.lower())
    numbers = {word: number for number, word in enumerate(dict.fromkeys(gold_words))}
    page_ids = np.array([numbers.get(word, -1) for block in words for word in block], np.int32)
    gold_ids = np.array([numbers[word] for word in gold_words], np.int32)
    found, used = align(page_ids, gold_ids, _OPENING)
    places: dict[tuple[int, ...], list[int]] = {}
    for start in range(len(gold_ids) - _SHINGLE + 1):
        if not used[start : start + _SHINGLE].any():
            places.setdefault(tuple(gold_ids[start : start + _SHINGLE].tolist()), []).append(start)
    for start in range(len(page_ids) - _SHINGLE + 1):
        if found[start]:
            continue
        for place in places.get(tuple(page_ids[start : start + _SHINGLE].tolist()), ()):
            if not used[place : place + _SHINGLE].all():
                found[start : start + _SHINGLE] = used[place : place + _SHINGLE] = True
                break
    counts = np.array([len(block) for block in words], np.int64)
    sums = np.concatenate(([0], np.cumsum(found)))
    ends = np.cumsum(counts)
    return counts, sums[ends] - sums[ends - counts]


def read_pages(wcxb: Path) -> tuple[list[str], list[Page]]:
    """Measure and label the blocks of each page that has any; the features' names, and the pages."""
    names: list[str] = []
    pages = []
    for entry, html in read_set(wcxb):
        tree = parse_html(without_controls(html))
        if tree is None or not (reader := BlockReader().read(tree)).blocks:
            continue
        counts, found = label_blocks([block.text for block in reader.blocks], entry["text"])
        gold = len(_WORD.findall(entry["text"]))
        weight = counts / (gold + min(int(counts.sum()), 2 * gold) + 30)
        measured = measure(reader.blocks, reader.places, Declared.read(tree))
        names = list(measured.names)
        features = np.ascontiguousarray(measured.table.T)
        pages.append(Page(urlsplit(entry["url"]).hostname or "", features, found / np.maximum(counts, 1), weight))
    return names, pages


def read_articles(realweb: Path) -> Iterator[Page]:
    """Measure and label the blocks of the pages of trafilatura's evaluation set."""
    entries = map(json.loads, (realweb / "gold.jsonl").read_text("utf-8").splitlines())
    gold = {entry["url"].strip(): entry for entry in entries}
    with (realweb / "web.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
            entry = gold.get(record.headers["WARC-Target-URI"])
            if entry is None:
                continue
            body, content_type = record.reader.read(), record.http_headers.get("Content-Type", "")
            html = without_controls(decode_html(body, content_type))
            tree = parse_html(html)
            if tree is not None and (reader := BlockReader().read(tree)).blocks:
                taken = trafilatura.extract(parse_html(html), include_comments=False) or ""
                yield _label_article(reader, Declared.read(tree), taken, entry)


def _label_article(reader: BlockReader, declared: Declared, taken: str, entry: dict[str, Any]) -> Page:
    texts = [" ".join(block.text.split()) for block in reader.blocks]
    counts, found = label_blocks(texts, taken)
    label, length = found / np.maximum(counts, 1), len(_WORD.findall(taken))
    weight = counts / (length + min(int(counts.sum()), 2 * length) + 30)
    says = np.array([any(part in text for part in entry["with"]) for text in texts])
    denies = np.array([any(part in text for part in entry["without"]) for text in texts])
    label[says & ~denies], label[denies & ~says] = 1, 0
    weight[says == denies] *= _TAKEN_WEIGHT
    weight[says != denies] = np.maximum(weight[says != denies] * _SAID_WEIGHT, _SAID_LEAST)
    features = np.ascontiguousarray(measure(reader.blocks, reader.places, declared).table.T)
    return Page(urlsplit(entry["url"]).hostname or "", features, label, weight)


def fit(pages: list[Page], features: NDArray[np.intp], rounds: int) -> lightgbm.Booster:
    """Train trees on some of the features."""
    x = np.concatenate([page.features[:, features] for page in pages])
    y, weight = (np.concatenate([getattr(page, name) for page in pages]) for name in ("label", "weight"))
    kept = weight > 0
    weight = np.minimum(weight[kept] / weight[kept].mean(), 30)
    return lightgbm.train(PARAMETERS, lightgbm.Dataset(x[kept], y[kept], weight=weight), rounds)


def train(names: list[str], pages: list[Page]) -> dict[str, NDArray[Any]]:
    """Train the model with the features that gain most in a first training with all of them."""
    gains = fit(pages, np.arange(len(names)), _ROUNDS // 2).feature_importance("gain")
    best = np.sort(np.argsort(-gains, kind="stable")[:_FEATURES])
    return export(fit(pages, best, _ROUNDS), [names[number] for number in best])


def export(model: lightgbm.Booster, names: list[str]) -> dict[str, NDArray[Any]]:
    """Write trees as arrays (`webtext.extract.trees.Trees`)."""
    trees = [entry["tree_structure"] for entry in model.dump_model()["tree_info"]]
    nodes: list[list[float]] = []  # feature, threshold, left, right, value
    depth = 0

    def add(node: dict[str, Any], level: int) -> int:
        nonlocal depth
        depth = max(depth, level)
        number = len(nodes)
        nodes.append([0, 0, number, number, node.get("leaf_value", 0)])
        if "split_feature" in node:
            threshold = np.float32(node["threshold"])
            if float(threshold) > node["threshold"]:
                threshold = np.nextafter(threshold, np.float32(-np.inf))
            children = (add(node["left_child"], level + 1), add(node["right_child"], level + 1))
            nodes[number] = [node["split_feature"], threshold, *children, 0]
        return number

    roots = [add(tree, 0) for tree in trees]
    table = np.array(nodes, np.float64)
    inner = table[:, 2] != np.arange(len(table))
    used = np.unique(table[inner, 0]).astype(int)
    limits = [np.unique(table[inner & (table[:, 0] == number), 1].astype(np.float32)) for number in used]
    feature = np.zeros(len(table), np.int64)
    code = np.zeros(len(table), np.int64)
    for place, (number, limit) in enumerate(zip(used, limits, strict=True)):
        own = inner & (table[:, 0] == number)
        feature[own] = place
        code[own] = np.searchsorted(limit, table[own, 1].astype(np.float32))
    return {
        "names": np.array([names[number] for number in used]),
        "counts": np.array([len(limit) for limit in limits]),
        "thresholds": np.concatenate(limits),
        "nodes": np.stack([feature, code, table[:, 2], table[:, 3]]).astype(np.uint16),
        "value": np.rint(table[:, 4] * SCALE).astype(np.int32),
        "roots": np.array(roots, np.uint16),
        "depth": np.array(depth),
    }


def main() -> None:
    """Train and write a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wcxb", type=Path, default=Path("../shared/wcxb"))
    parser.add_argument("--realweb", type=Path, default=Path("../shared/realweb"))
    parser.add_argument("--cache", type=Path, help="keep the measured pages in this file")
    parser.add_argument("--half", type=int, choices=(0, 1))
    parser.add_argument("output", type=Path, nargs="?", default=Path("webtext/extract/block_model.npz"))
    arguments = parser.parse_args()
    if arguments.cache and arguments.cache.exists():
        names, pages = pickle.loads(arguments.cache.read_bytes())  # noqa: S301  (it was written by this script)
    else:
        names, pages = read_pages(arguments.wcxb)
        pages += read_articles(arguments.realweb)
        if arguments.cache:
            arguments.cache.write_bytes(pickle.dumps((names, pages), protocol=5))
    used = [page for page in pages if arguments.half in {None, half_of(page.host)}]
    write_arrays(str(arguments.output), train(names, used))


if __name__ == "__main__":
    main()
