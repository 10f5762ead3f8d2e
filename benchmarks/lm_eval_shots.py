"""Does lm-eval, with examples before each item, find item by item what `webtext evaluate --shots` finds?

    pip install lm_eval accelerate
    python benchmarks/lm_eval_shots.py RUN --on piqa=test.jsonl --examples piqa=train.jsonl --shots 0 1 5 [--limit 40]

Tasks are local JSON lines; nothing is downloaded. lm-eval builds its prompts from the rows with its own template; only
which examples an item has is told to it, for its own choice is another one. Log-likelihoods of every option (choices,
`lambada`, `winograd`) or the text of greedy decoding (`natural_questions`, `wmt14_...`) are compared. Exits with
1 where any differs by more than rounding. End of text stands before every prompt, as in training.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.samplers import ContextSampler
from lm_eval_check import TOLERANCE, by_lm_eval, network_of_lm_eval, write_lines

from model.gpt2.checkpoint import RUN_FILE, load_model
from model.gpt2.export import export_huggingface
from model.gpt2.generate import Sampling
from model.gpt2.network import GPT
from model.gpt2.tokenizer import END_OF_TEXT, Tokenizer
from model.scores.generative_protocols import GENERATIVE
from model.scores.generative_tasks import Completer
from model.scores.likelihood import score_continuations
from model.scores.protocols import Settings, choices, questions, told
from webtext.items import read_choice

_TOKENS = 16  # greedy decoding writes so many for each prompt
Row = dict[str, Any]

_FORMS: dict[str, Row] = {
    "natural_questions": {"doc_to_text": "Q: {{question}}\nA:", "doc_to_target": "{{answers[0]}}"},
    "wmt14": {"doc_to_text": "{{source}} =", "doc_to_target": "{{target}}", "fewshot_delimiter": "\n"},
    "query": {"doc_to_text": "{{query}}", "doc_to_target": "gold", "doc_to_choice": "choices"},
    "context_options": {"doc_to_text": "gold", "doc_to_target": "continuation", "doc_to_choice": "context_options"},
    "context": {"doc_to_text": "{{context}}", "doc_to_target": " {{continuation}}", "target_delimiter": ""},
}


def form_of(name: str, row: Mapping[str, Any]) -> Row:
    """The template of lm-eval for a row, and what is asked of the model."""
    if name in GENERATIVE:
        decoding = {"until": [END_OF_TEXT], "max_gen_toks": _TOKENS, "do_sample": False}
        asked = {"output_type": "generate_until", "generation_kwargs": decoding, "metric_list": [{"metric": "bypass"}]}
        return asked | _FORMS[name.partition("_")[0] if name.startswith("wmt14") else name]
    spelling = next(field for field in ("query", "context_options", "context") if field in row)
    kind = "loglikelihood" if spelling == "context" else "multiple_choice"
    return {"output_type": kind, "metric_list": [{"metric": "acc"}]} | _FORMS[spelling]


def task(name: str, path: Path, rows: Sequence[Row], drawn: Mapping[str, list[Row]], shots: int) -> Row:
    """A task of lm-eval over the rows of a file, with the examples that an item is to have."""

    class Told(ContextSampler):
        def sample(self, n: int, eval_doc: Any = None, df: Any = None, **_: Any) -> list[Row]:
            del n, df
            return drawn[json.dumps({key: eval_doc[key] for key in rows[0]}, sort_keys=True)]

    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(path)}},
        "test_split": "test",
        "fewshot_split": "test",
        "fewshot_config": {"sampler": Told},
        "num_fewshot": shots,
        "description": END_OF_TEXT,
        **form_of(name, rows[0]),
    }


def read_rows(path: Path) -> list[Row]:
    """JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def shown(name: str, row: Row) -> tuple[str, str]:
    """The text that tells an item, and the item as an example shows it."""
    if name in GENERATIVE:
        return GENERATIVE[name].item(row), GENERATIVE[name].example(row).shown
    item = told(read_choice(name, row))
    return item, item


@dataclass(frozen=True)
class Side:
    """What `webtext evaluate` asks of the rows of a set: prompts to write after, or pairs to score."""

    name: str
    rows: list[Row]
    used: list[int]
    drawn: dict[str, list[Row]]
    prompts: list[str]
    pairs: list[tuple[str, str]]


def ours(model: GPT, tokenizer: Tokenizer, name: str, path: Path, settings: Settings) -> Side:
    """Read a set with its examples, as the command does."""
    rows = read_rows(path)[: settings.limit]
    examples = read_rows((settings.examples or {})[name]) if settings.shots else []
    by_shown = {shown(name, row)[1]: row for row in examples}
    prompts, pairs = [], []
    if name in GENERATIVE:
        given, shots, before = questions(Completer(model, tokenizer), name, path, settings)
        prompts = [text + GENERATIVE[name].prompt(item) for text, item in zip(before, given.items, strict=True)]
    else:
        given, shots = choices(model, tokenizer, name, path, settings)
        pairs = [pair for item in given.items for pair in item.options]
    drawn = {
        json.dumps(row, sort_keys=True): [by_shown[text] for text in shots.drawn(shown(name, row)[0])[:used]]
        for row, used in zip(rows, shots.used, strict=True)
    }
    return Side(name, rows, shots.used, drawn, prompts, pairs)


def difference(model: GPT, tokenizer: Tokenizer, side: Side, samples: Sequence[Row]) -> float:
    """The largest difference of a log-likelihood; where text is written, 0 or, for any other text, infinity."""
    found = [sample["filtered_resps"] for sample in sorted(samples, key=lambda sample: sample["doc_id"])]
    if side.prompts:
        complete = Completer(model, tokenizer)
        written = [complete(prompt, Sampling(max_tokens=_TOKENS, top_k=1)) for prompt in side.prompts]
        return 0.0 if written == [texts[0] for texts in found] else float("inf")
    logs = [float(log) for options in found for log, _ in options]
    scores = score_continuations(model, tokenizer, side.pairs)
    return max(abs(log + score.nats) for log, score in zip(logs, scores, strict=True))


def main() -> int:
    """Export, score twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path, help="a run of `webtext train`, or a GPT-2 in Hugging Face's layout")
    parser.add_argument("--on", action="append", required=True, metavar="NAME=FILE", help="may be repeated")
    parser.add_argument("--examples", action="append", default=[], metavar="NAME=FILE", help="may be repeated")
    parser.add_argument("--shots", type=int, nargs="+", default=[0, 1, 5], help="(default 0 1 5)")
    parser.add_argument("--limit", type=int, default=40, help="items of each set (default 40)")
    arguments = parser.parse_args()
    examples = {name: Path(path) for name, _, path in (spec.partition("=") for spec in arguments.examples)}
    sets = {name: Path(path) for name, _, path in (spec.partition("=") for spec in arguments.on)}
    model, tokenizer = load_model(arguments.checkpoint, torch.device("cpu"))
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.checkpoint
        if (folder / RUN_FILE).is_file():
            folder = Path(scratch) / "exported"
            export_huggingface(model, tokenizer, folder)
        network = network_of_lm_eval(folder, 4)
        for shots in arguments.shots:
            settings = Settings(limit=arguments.limit, examples=examples, shots=shots)
            sides = [ours(model, tokenizer, name, path, settings) for name, path in sets.items()]
            tasks = []
            for side in sides:
                lines = write_lines(Path(scratch) / f"{side.name}.jsonl", side.rows)
                tasks.append(task(side.name, lines, side.rows, side.drawn, shots))
            theirs = by_lm_eval(network, tasks)
            for side in sides:
                own = difference(model, tokenizer, side, theirs["samples"][side.name])
                mean = sum(side.used) / len(side.used)
                said = f"{side.name}, {shots} shots: {len(side.rows)} items, {mean:.2f} examples each"
                print(f"{said}; largest difference {own:.1e}", flush=True)
                worst = max(worst, own)
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    raise SystemExit(main())
