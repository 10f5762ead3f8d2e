"""Train the model of text blocks that `webtext.extract.main_text` uses, on pages whose text is known.

    python benchmarks/train_block_model.py [--wcxb ../shared/wcxb] [--realweb ../shared/realweb] [--cache FILE]
                                           [--half 0|1] [OUTPUT]

Pages and gold text are WCXB's development set (Murrough Foley, 2026, CC-BY-4.0). A block's label is the share of its
words that stand in the gold text, found by aligning the page's words with it; a block weighs as much as its words are
of what the page's F1 counts. To them come the news pages and blogs in many languages of trafilatura's evaluation set
(Apache-2.0): the gold text is what trafilatura takes, but for blocks of which the set says that they are text or not.
With `--half`, only pages of that half of the hosts are used, as the set's own `score.py` halves them: what was trained
on one half is measured on the other (benchmarks/extraction.py). Needs catboost, which nothing else does.
"""

import argparse
import json
import pickle
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import trafilatura
from catboost import CatBoost, Pool
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
_MAX_WEIGHT = 30  # the most that a block weighs, in mean weights
_LEVELS = 6
PARAMETERS: dict[str, Any] = {
    "loss_function": "CrossEntropy",
    "iterations": 800,
    "learning_rate": 0.1,
    "depth": _LEVELS,
    "l2_leaf_reg": 5,
    "rsm": 0.3,
    "bootstrap_type": "Bernoulli",
    "subsample": 0.8,
    "boosting_type": "Plain",
    "border_count": 64,
    "random_seed": 1,
    "thread_count": 1,
    "allow_writing_files": False,
    "logging_level": "Silent",
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


def read_pages(wcxb: Path) -> tuple[tuple[str, ...], list[Page]]:
    """Measure and label the blocks of each page that has any; the features' names, and the pages."""
    names: tuple[str, ...] = ()
    pages = []
    for entry, html in read_set(wcxb):
        tree = parse_html(without_controls(html)[1])
        if tree is None or not (reader := BlockReader().read(tree)).blocks:
            continue
        counts, found = label_blocks([block.text for block in reader.blocks], entry["text"])
        gold = len(_WORD.findall(entry["text"]))
        weight = counts / (gold + min(int(counts.sum()), 2 * gold) + 30)
        columns = measure(reader.blocks, reader.places, Declared.read(tree))
        names = columns.names()
        features = columns.table(names).T
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
            body, content_type = record.reader.read(), record.http_headers.get("Content-Type") or ""
            _, encoded = without_controls(decode_html(body, content_type))
            tree = parse_html(encoded)
            if tree is not None and (reader := BlockReader().read(tree)).blocks:
                taken = trafilatura.extract(parse_html(encoded), include_comments=False) or ""
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
    columns = measure(reader.blocks, reader.places, declared)
    return Page(urlsplit(entry["url"]).hostname or "", columns.table(tuple(columns.names())).T, label, weight)


def fit(pages: list[Page]) -> CatBoost:
    """Train trees."""
    x = np.concatenate([page.features for page in pages])
    y, weight = (np.concatenate([getattr(page, name) for page in pages]) for name in ("label", "weight"))
    kept = weight > 0
    weight = np.minimum(weight[kept] / weight[kept].mean(), _MAX_WEIGHT)
    model = CatBoost(PARAMETERS)
    model.fit(Pool(x[kept], np.clip(y[kept], 0, 1), weight=weight))
    return model


def export(model: CatBoost, names: list[str]) -> dict[str, NDArray[Any]]:
    """Write trees as arrays (`webtext.extract.trees.Trees`)."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        model.save_model(file.name, format="json")
        stored = json.loads(Path(file.name).read_bytes())
    features = [entry["flat_feature_index"] for entry in stored["features_info"]["float_features"]]
    numbers: dict[tuple[int, np.float32], int] = {}
    questions, values = [], []
    for tree in stored["oblivious_trees"]:
        splits, value = tree["splits"] or [], np.array(tree["leaf_values"])
        asked = [(features[split["float_feature_index"]], np.float32(split["border"])) for split in splits]
        asked += [(features[0], np.float32(0))] * (_LEVELS - len(asked))  # its answer changes nothing
        questions.append([numbers.setdefault(one, len(numbers)) for one in asked])
        values.append(np.tile(value, (1 << _LEVELS) // len(value)))
    scale, (bias,) = stored["scale_and_bias"]
    value = np.rint(np.array(values) * scale * SCALE).astype(np.int32)
    value[0] += round(bias * SCALE)
    feature, limit = map(np.array, zip(*numbers, strict=True))
    used, feature = np.unique(feature, return_inverse=True)
    return {
        "names": np.array([names[number] for number in used]),
        "feature": feature.astype(np.uint16),
        "limit": limit.astype(np.float32),
        "questions": np.array(questions).T.astype(np.uint16),
        "value": value,
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
    write_arrays(str(arguments.output), export(fit(used), names))


if __name__ == "__main__":
    main()
