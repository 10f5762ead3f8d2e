"""`webtext memorization`: does a GPT-2 recite its training text, and does held-out text leak (the paper's section 4).

Writes `memorization.json` and a page, `memorization.html`, with the pictures: training against held-out loss, over the
steps of a run and over the sizes of several (Figure 4), and the cumulative distributions of 8-gram overlap of what the
model writes and of what it has not seen (Figure 5).
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

from pipelines.commands.training_flags import add_device, need_training, writing
from pipelines.report.markup import element, join, note, table, whole
from pipelines.report.recitation import loss_figure, overlap_figure, size_figure
from webtext.errors import UsageError
from webtext.local import local_corpus, only_here, write_whole

_HELDOUT_BYTES = 2_000_000  # the amount of held-out text that is read and scored
_SCORED_BYTES = 400_000  # the amount of training text, and of held-out text, whose losses are compared
_LOSSES = ("nats_per_token", "bits_per_byte")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Memorisation</title>
<style>$style</style>
</head>
<body>
<header><h1>Memorisation</h1></header>
<main>$content</main>
</body>
</html>
"""


_CHECKPOINT = (
    "a run of `webtext train`, or a GPT-2 in Hugging Face's layout; of several, the losses stand side by side by size, "
    "and the largest is asked to recite"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.add_argument("checkpoint", type=only_here, nargs="+", help=_CHECKPOINT)
    parser.add_argument(
        "--corpus",
        type=local_corpus,
        required=True,
        help="the output or corpus that it was trained on, with a held-out split",
    )
    parser.add_argument(
        "--output", "-o", type=Path, required=True, help="folder of memorization.json and memorization.html"
    )
    parser.add_argument(
        "--ngrams",
        type=local_corpus,
        help="corpus.ngrams of `webtext overlap`, for a corpus of any size (default: look in the texts)",
    )
    parser.add_argument(
        "--train-mb",
        type=int,
        default=100,
        help="MB of training text in which to look, without --ngrams (default: %(default)s)",
    )
    parser.add_argument("--samples", type=int, default=200, help="prompts to go on after (default: %(default)s)")
    parser.add_argument(
        "--prompt-tokens",
        type=int,
        default=32,
        help="tokens of a held-out text that are a prompt (default: %(default)s)",
    )
    parser.add_argument(
        "--sample-tokens", type=int, default=96, help="tokens to write after a prompt (default: %(default)s)"
    )
    parser.add_argument(
        "--top-k", type=int, default=40, help="likeliest tokens to draw from (default: %(default)s, as in the paper)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the draws (default: %(default)s)")
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Measure, write, and print the summary."""
    with writing(arguments.output, "memorization", "memorization.*"):
        found = _measured(arguments)
        _write(found, arguments.output)
    print("\n".join([*_summary(found), "", *_beside_the_paper(found)]))
    return 0


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    with need_training():
        from model.gpt2.checkpoint import load_model  # noqa: PLC0415  (torch, only when it is used)
        from model.gpt2.corpora import Corpus, take  # noqa: PLC0415
        from model.gpt2.device import select_device  # noqa: PLC0415
        from model.gpt2.progress import read_log  # noqa: PLC0415
        from model.verdict.memorization import Recital, gap, loss_curve, losses, overlap_with, overlaps, recite  # noqa: PLC0415
    try:
        recital = Recital(
            arguments.samples, arguments.prompt_tokens, arguments.sample_tokens, arguments.top_k, arguments.seed
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    corpus = Corpus("corpus", arguments.corpus)
    heldout = take(corpus.heldout(), _HELDOUT_BYTES)
    scored = take(iter(heldout), _SCORED_BYTES)
    if not heldout:
        raise UsageError(f"{arguments.corpus} has no held-out text: what a model has not seen is what it is asked for")
    device = select_device(arguments.device)
    sizes: list[dict[str, Any]] = []
    training = take(corpus.train(), _SCORED_BYTES)
    for path in arguments.checkpoint:
        model, tokenizer = load_model(path, device)
        parts = {name: losses(model, tokenizer, part) for name, part in (("training", training), ("held-out", scored))}
        own = {"run": str(path), "parameters": model.parameter_count(), "losses": parts}
        sizes.append({**own, "gap": asdict(gap(parts["training"], parts["held-out"]))})
    sizes.sort(key=lambda size: size["parameters"])
    largest = Path(sizes[-1]["run"])
    model, tokenizer = load_model(largest, device)
    recited = recite(model, tokenizer, heldout, recital)
    if not recited.written:
        length = recital.prompt_tokens + recital.sample_tokens
        raise UsageError(f"no held-out text has {length} tokens: ask for fewer with --prompt-tokens, --sample-tokens")
    if arguments.ngrams is None:
        overlap = overlap_with(take(corpus.train(), arguments.train_mb * 1_000_000))
    else:
        overlap = _filter_overlap(arguments.ngrams)
    texts = {"samples": recited.written, "what really follows": recited.real, "held-out documents": heldout}
    return {
        "recital": asdict(recital),
        "looked_in": str(arguments.ngrams or f"{arguments.train_mb} MB of training text at most"),
        "losses": sizes[-1]["losses"],
        "gap": sizes[-1]["gap"],
        "sizes": sizes,
        "curve": loss_curve(read_log(largest)),
        "overlap": overlaps(texts, overlap),
    }


_ASKED = {"median": "8-gram overlap, median", "share_without": "texts without any"}


def _beside_the_paper(found: dict[str, Any]) -> Iterator[str]:
    """Lay our figures beside those of the paper's section 4, as Markdown."""
    from model.scores.published import FIGURE_4, SECTION_4  # noqa: PLC0415  (torch is loaded by then)

    yield from ("| section 4 | ours | 1542M, paper |", "|---|---|---|")
    for size in found["sizes"]:
        named = f"held-out minus training loss, {size['parameters']:,} parameters"
        yield f"| {named} | {size['gap']['value']:+.4f} nats a token | {FIGURE_4} |"
    for (name, key), paper in SECTION_4.items():
        if found["overlap"][name]["texts"]:
            yield f"| {name}: {_ASKED[key]} | {found['overlap'][name][key]:.1%} | {paper} |"


def _filter_overlap(path: Path) -> Any:
    """Measure overlap with the n-gram filter of a corpus. Raises UsageError for a file that is none."""
    from dedup.overlap.bloom import read_filter  # noqa: PLC0415  (only where it is asked for)
    from dedup.overlap.measure import ngram_overlap  # noqa: PLC0415

    if not path.is_file():
        raise UsageError(f"{path} does not exist: `webtext overlap` writes corpus.ngrams")
    with path.open("rb") as stream:
        return partial(ngram_overlap, ngram_filter=read_filter(stream, path.name))


def _write(found: dict[str, Any], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    write_whole(output / "memorization.json", json.dumps(found, indent=1) + "\n")
    style = (Path(__file__).parents[1] / "report" / "page.css").read_text("utf-8")
    figures = [loss_figure(found["curve"])] if len(found["curve"]) > 1 else []
    if len(found["sizes"]) > 1:
        figures.append(size_figure(found["sizes"]))
    figures.append(overlap_figure(found["overlap"]))
    rows = [
        (name, whole(one["documents"]), whole(one["tokens"]), *(f"{one[key]:.4f}" for key in _LOSSES))
        for name, one in found["losses"].items()
    ]
    content = join(
        [
            *(note(line) for line in list(_summary(found))[: len(found["sizes"])]),
            table(("text", "documents", "tokens", "nats a token", "bits a byte"), rows),
            element("div", *figures, class_="charts"),
        ]
    )
    write_whole(output / "memorization.html", Template(_PAGE).substitute(style=style, content=content))


def _summary(found: dict[str, Any]) -> Iterator[str]:
    """Say what was found, a line a thing."""
    for size in found["sizes"]:
        train, heldout = (size["losses"][name] for name in ("training", "held-out"))
        interval = "" if size["gap"]["low"] is None else f" [{size['gap']['low']:+.4f}, {size['gap']['high']:+.4f}]"
        yield (
            f"{size['parameters']:,} parameters: loss on training text {train['nats_per_token']:.4f}, on held-out text "
            f"{heldout['nats_per_token']:.4f} nats a token; gap {size['gap']['value']:+.4f}{interval} over "
            f"{train['documents']} and {heldout['documents']} documents"
        )
    for name, one in found["overlap"].items():
        if one["texts"]:
            yield (
                f"{name}: median {one['median']:.2%} of a text's 8-grams stand in the training text, "
                f"mean {one['mean']:.2%}; {one['share_without']:.0%} of {one['texts']} texts have none"
            )
