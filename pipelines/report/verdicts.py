"""The section on what a corpus is good for: the verdict of training on it, with the losses that it rests on."""

import json
import math
from typing import Any

from pipelines.report.charts import Line, lines
from pipelines.report.facts import read_json
from pipelines.report.markup import Markup, element, figure, folded, join, note, section, table, whole
from pipelines.report.recitation import overlap_figure
from pipelines.report.staleness import stale_note
from pipelines.stages.output import Output
from webtext import storage

MOST_LINES = 6


def validation_section(output: str) -> Markup:
    """Show the verdict of `webtext validate` with the loss curves, where it has run into OUTPUT/validation."""
    title, directory = "Verdict by training", Output(output).validation
    verdict = read_json(directory, "verdict.json")
    if verdict is None:
        command = element("code", "webtext validate OUTPUT/corpus --output OUTPUT/validation")
        return section("validation", title, note("Not here: ", command, " has not run."))
    comparisons = sorted(verdict["comparisons"].items())
    return section(
        "validation",
        title,
        stale_note(output, "validation"),
        note("Who judged: ", verdict["judge"], "."),
        *(_comparison(name, found, verdict.get("efficiencies", {}).get(name)) for name, found in comparisons),
        _checks(verdict),
        element(
            "div",
            _losses(read_lines(directory, "log.jsonl"), verdict["training"]),
            _recitation(verdict.get("memorization", {})),
            class_="charts",
        ),
        *_written(directory),
    )


def read_lines(directory: str, name: str) -> list[dict[str, Any]]:
    """Read the JSON objects of a file of lines; none where it is not there."""
    path = storage.join(directory, name)
    if not storage.exists(path):
        return []
    with storage.open_file(path) as stream:
        return [json.loads(line) for line in stream.read().decode().splitlines()]


def _comparison(name: str, found: dict[str, Any], worth: dict[str, Any] | None) -> Markup:
    """Put a verdict in a line, and its figures by text set below."""
    against = "the other corpus" if name == "other" else f"its copy with {name}"
    sentence = element("strong", f"Against {against}: {found['verdict']}. ")
    overall, detail = found["overall"], f"{found['reason'][:1].upper()}{found['reason'][1:]}. "
    if overall is not None:
        low, high = overall["interval"]
        detail += (
            f"The difference is {overall['estimate']:+.4f} bits per byte, 95 % interval {low:+.4f} to {high:+.4f}; "
            f"positive speaks for the corpus. A difference of {overall['smallest_visible']:.4f} would have been seen."
        )
    rows = []
    for panel, scored in sorted(found["panels"].items()):
        own, other = found["bits_per_byte"][panel]
        low, high = scored["interval"]
        scores = (f"{own:.4f}", f"{other:.4f}", f"{scored['estimate']:+.4f}", f"{low:+.4f} to {high:+.4f}")
        rows.append((panel, scored["verdict"], *scores))
    heads = ("text", "verdict", "corpus, bits per byte", "other", "difference", "95 % interval")
    by_text = folded("By text", table(heads, rows, words=2))
    drawn = [] if worth is None else [folded("What its tokens are worth", _worth(worth))]
    return element("div", element("p", sentence, detail), by_text, *drawn, class_="verdict")


def _worth(found: dict[str, Any]) -> Markup:
    """Draw the losses of both corpora by tokens: how far one lies to the right of the other is the ratio."""
    names = ("corpus", "other")
    series = [
        Line(name, tuple(zip(map(math.log2, found["budgets"]), losses, strict=True)))
        for name, losses in zip(names, found["losses"], strict=True)
    ]
    (low, high), bound = found["interval"], "at least" if found["ratio"] > 1.0 else "at most"
    interval = f"{bound} that" if found["is_bound"] else f"95 % interval {low:.2f} to {high:.2f}"
    said = f"A million tokens of the other are worth {found['ratio']:.2f} million of the corpus ({interval})."
    rows = [
        (whole(tokens), f"{own:.4f}", f"{other:.4f}")
        for tokens, own, other in zip(map(int, found["budgets"]), *found["losses"], strict=True)
    ]
    drawing = lines(series, "tokens, logarithm to base 2", "bits per byte")
    return figure("Loss by tokens", drawing, said, table(("tokens", *names), rows, words=0))


def _checks(verdict: dict[str, Any]) -> Markup:
    rows = [(check["name"], "passed" if check["passed"] else "FAILED", check["detail"]) for check in verdict["checks"]]
    tier = verdict["tier"]["name"]
    return join(
        [element("h3", f"Checks of training (tier {tier})"), table(("check", "result", "measured"), rows, words=3)]
    )


def _losses(log: list[dict[str, Any]], training: dict[str, Any]) -> Markup:
    """Draw training and held-out loss over steps, a line a run."""
    series = []
    runs = sorted({(record["corpus"], record["seed"]) for record in log})
    for corpus, seed in runs:
        own = [record for record in log if (record["corpus"], record["seed"]) == (corpus, seed)]
        called = corpus if len(runs) == 1 else f"{corpus}, seed {seed}"
        for key, what in (("loss", "training"), ("heldout_loss", "held-out")):
            points = tuple((record["step"], record[key]) for record in own if record.get(key) is not None)
            if points:
                series.append(Line(f"{called}, {what}", points))
    if not series:
        return note("There is no log of losses.")
    said = f"{len(runs)} run{'s' if len(runs) > 1 else ''}, {len(log):,} steps in all."
    if "unigram_entropy" in training:
        said += f" On held-out text unigrams reach {training['unigram_entropy']:.3f} nats a token"
        said += f", bigrams {training['bigram_entropy']:.3f}."
    rows = [
        (line.name, whole(len(line.points)), f"{line.points[0][1]:.4f}", f"{line.points[-1][1]:.4f}") for line in series
    ]
    drawing = lines(series[:MOST_LINES], "step", "loss, nats a token")
    return figure("Loss", drawing, said, table(("line", "points", "first", "last"), rows))


def _recitation(found: dict[str, Any]) -> Markup:
    """Draw how much of what the model writes, and of each text set, stands in the training text."""
    if not any(one["texts"] for one in found.values()):
        return Markup("")
    return overlap_figure(found)


def _written(directory: str) -> list[Markup]:
    path = storage.join(directory, "samples.txt")
    if not storage.exists(path):
        return []
    with storage.open_file(path) as stream:
        samples = stream.read().decode().split("\n\n--------\n\n")
    quotes = (element("blockquote", sample.strip(), dir="auto") for sample in samples)
    return [folded("What the model writes, after the first words of held-out documents", *quotes)]
