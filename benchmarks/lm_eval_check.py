"""Does lm-eval load what `webtext export` writes, and does it find the log-likelihoods that `webtext evaluate` finds?

    pip install lm_eval transformers
    python benchmarks/lm_eval_check.py RUN --items piqa.jsonl --text ptb.test.txt [--limit 100]

Exports a run (or takes a GPT-2 in Hugging Face's layout), lets lm-eval score a multiple-choice set and a plain text
from local files, scores the same items here, and prints the largest difference of each kind. Exits with 1 where a
log-likelihood differs by more than rounding, or an answer counts otherwise. Our protocol puts end of text before every
context, as training did; lm-eval does not by itself, so its prompts here begin with it. How much that word matters is
printed too.
"""

import argparse
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

os.environ |= {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
import lm_eval
from lm_eval.models.huggingface import HFLM

from model.gpt2.checkpoint import RUN_FILE, load_model
from model.gpt2.export import export_huggingface
from model.gpt2.network import GPT
from model.gpt2.tokenizer import END_OF_TEXT, Tokenizer
from model.scores.likelihood import Continuation, score_continuations, token_nats
from model.scores.tasks import read_items

TOLERANCE = 2e-3  # nats, of a sum over hundreds of tokens in float32
_DOCUMENT_LINES = 50  # lines of a plain text that are scored as one document


def choice_task(name: str, path: Path, before: str) -> dict[str, Any]:
    """A task of lm-eval over JSON lines with `query`, `choices`, `gold`; `before` stands before each prompt."""
    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(path)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": f"{before}{{{{query}}}}",
        "doc_to_target": "gold",
        "doc_to_choice": "choices",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }


def rolling_task(path: Path) -> dict[str, Any]:
    """A task of lm-eval that sums log-likelihoods of whole documents, JSON lines with `text`."""
    return {
        "task": "documents",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(path)}},
        "test_split": "test",
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}}",
        "metric_list": [{"metric": "bits_per_byte"}],
    }


def write_lines(path: Path, items: list[dict[str, Any]]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(item) + "\n" for item in items), "utf-8")
    return path


def documents_of(path: Path, limit: int) -> list[str]:
    """Consecutive pieces of a plain text."""
    lines = path.read_text("utf-8").splitlines()
    pieces = ["\n".join(lines[at : at + _DOCUMENT_LINES]) for at in range(0, len(lines), _DOCUMENT_LINES)]
    return [piece for piece in pieces if piece.strip()][:limit]


def network_of_lm_eval(folder: Path, batch_size: int) -> HFLM:
    """A model in a folder, as lm-eval runs it."""
    return HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=batch_size)


def by_lm_eval(network: HFLM, tasks: list[dict[str, Any]]) -> Any:
    """What `lm_eval.simple_evaluate` returns."""
    return lm_eval.simple_evaluate(network, tasks=tasks, bootstrap_iters=0, log_samples=True)


def compare_choices(theirs: Any, name: str, ours: list[list[Continuation]], gold: list[int]) -> tuple[float, bool]:
    """The largest difference of a log-likelihood, and whether accuracies (plain and per character) are the same."""
    samples = sorted(theirs["samples"][name], key=lambda sample: sample["doc_id"])
    worst = 0.0
    for sample, own in zip(samples, ours, strict=True):
        for (their_log, _), score in zip(sample["filtered_resps"], own, strict=True):
            worst = max(worst, abs(float(their_log) + score.nats))
    picks = {
        "acc": [int(np.argmin([one.nats for one in own])) for own in ours],
        "acc_norm": [int(np.argmin([one.nats / one.characters for one in own])) for own in ours],
    }
    found = theirs["results"][name]
    same = True
    for metric, chosen in picks.items():
        mine = sum(pick == right for pick, right in zip(chosen, gold, strict=True)) / len(gold)
        print(f"  {name:16} {metric:9} ours {mine:.4f}  lm-eval {found[f'{metric},none']:.4f}")
        same = same and math.isclose(mine, found[f"{metric},none"])
    return worst, same


def compare_documents(theirs: Any, model: GPT, tokenizer: Tokenizer, texts: list[str]) -> float:
    """The largest difference of a document's log-likelihood, in nats."""
    samples = sorted(theirs["samples"]["documents"], key=lambda sample: sample["doc_id"])
    nats = token_nats(model, tokenizer.encode_batch(texts), tokenizer.end_of_text)
    theirs_by_document = [float(sample["resps"][0][0]) for sample in samples]
    total = sum(float(part.sum()) for part in nats)
    n_bytes = sum(len(text.encode()) for text in texts)
    found = theirs["results"]["documents"]["bits_per_byte,none"]
    print(f"  {'documents':16} bits/byte ours {total / math.log(2) / n_bytes:.6f}  lm-eval {found:.6f}")
    return max(abs(log + float(part.sum())) for log, part in zip(theirs_by_document, nats, strict=True))


def main() -> int:
    """Export, score twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path, help="a run of `webtext train`, or a GPT-2 in Hugging Face's layout")
    parser.add_argument("--items", type=Path, required=True, help="JSON lines with query, choices, gold")
    parser.add_argument("--text", type=Path, required=True, help="a plain text")
    parser.add_argument("--limit", type=int, default=100, help="items, and documents of 50 lines (default 100)")
    parser.add_argument("--batch-size", type=int, default=8, help="of lm-eval (default 8)")
    arguments = parser.parse_args()
    model, tokenizer = load_model(arguments.checkpoint, torch.device("cpu"))
    lines = arguments.items.read_text("utf-8").splitlines()[: arguments.limit]
    texts = documents_of(arguments.text, arguments.limit)
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.checkpoint
        if (folder / RUN_FILE).is_file():
            folder = Path(name) / "exported"
            export_huggingface(model, tokenizer, folder)
        path = write_lines(Path(name) / "items.jsonl", [json.loads(line) for line in lines])
        items = read_items(path)
        tasks = [choice_task("after_eot", path, END_OF_TEXT), choice_task("bare_context", path, "")]
        tasks.append(rolling_task(write_lines(Path(name) / "texts.jsonl", [{"text": text} for text in texts])))
        theirs = by_lm_eval(network_of_lm_eval(folder, arguments.batch_size), tasks)
    scores = iter(score_continuations(model, tokenizer, [pair for item in items for pair in item.options]))
    ours, gold = [[next(scores) for _ in item.options] for item in items], [item.gold for item in items]
    print(f"lm-eval {lm_eval.__version__}, {len(items)} items, {len(texts)} documents")
    worst, same = compare_choices(theirs, "after_eot", ours, gold)
    rolled = compare_documents(theirs, model, tokenizer, texts)
    print(f"largest difference of a log-likelihood: options {worst:.2e}, documents {rolled:.2e} nats")
    without, _ = compare_choices(theirs, "bare_context", ours, gold)
    print(f"without end of text before the context, lm-eval's default, it is {without:.2f} nats")
    return 0 if same and max(worst, rolled) <= TOLERANCE else 1


if __name__ == "__main__":
    raise SystemExit(main())
