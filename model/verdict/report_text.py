"""A verdict for a person: what was found, how sure that is, and what it rests on, in Markdown."""

from model.verdict.compare import BETTER, CONFIDENCE, POWER, WORSE, Comparison, Difference
from model.verdict.validate import Verdict

_PREAMBLE = (
    "Judge: {judge}; {tokens:,} tokens of each corpus. Differences are the other's bits per byte minus the corpus's: "
    "positive speaks for the corpus. "
    f"Intervals are {CONFIDENCE:.0%}, over texts scored and documents or seeds trained on; "
    f"'would have been seen' is with {POWER:.0%} probability."
)
_WORDS = {BETTER: "better than", WORSE: "worse than"}


def headline(name: str, comparison: Comparison) -> str:
    """One sentence on a comparison."""
    if comparison.verdict in _WORDS:
        sentence = f"The corpus is {_WORDS[comparison.verdict]} {_called(name)}"
    else:
        sentence = f"The corpus cannot be told from {_called(name)}"
    difference = comparison.overall
    if difference is None:
        return f"{sentence} ({comparison.reason})."
    low, high = difference.interval
    return (
        f"{sentence}: {difference.estimate:+.4f} bits per byte [{low:+.4f}, {high:+.4f}]; "
        f"a difference of {difference.smallest_visible:.4f} would have been seen."
    )


def _called(name: str) -> str:
    return "the other corpus" if name == "other" else f"its copy with {name}"


def render(verdict: Verdict) -> str:
    """The report as Markdown."""
    tokens = verdict.training.get("ngram_tokens", verdict.training["tokens"])
    judge = "n-grams with Kneser-Ney smoothing" if verdict.judge == "ngram" else f"GPT-2, {verdict.tier.seeds} seeds"
    lines = [
        f"# Verdict: tier {verdict.tier.name}",
        "",
        *(f"- {headline(name, comparison)}" for name, comparison in verdict.comparisons.items()),
        "",
        _PREAMBLE.format(judge=judge, tokens=tokens),
        "",
    ]
    for name, comparison in verdict.comparisons.items():
        lines += [
            f"## Against {_called(name)}: {comparison.verdict}",
            "",
            f"{comparison.reason[0].upper()}{comparison.reason[1:]}.",
            "",
        ]
        lines += ["| text | corpus | other | difference | interval | verdict |", "|---|---|---|---|---|---|"]
        lines += [_row(panel, comparison.bits_per_byte[panel], found) for panel, found in comparison.panels.items()]
        lines.append("")
    lines += ["## GPT-2 trained on the corpus", ""]
    lines += [f"- {'passed' if check.passed else 'FAILED'}: {check.name} ({check.detail})" for check in verdict.checks]
    lines += [f"- held-out text: {verdict.training['heldout_bits_per_byte']:.3f} bits per byte", ""]
    lines += [
        "## 8-gram overlap with the training text",
        "",
        "| text | texts | median | mean | without any |",
        "|---|---|---|---|---|",
    ]
    for name, found in verdict.memorization.items():
        if found["texts"]:
            shares = " | ".join(f"{found[key]:.2%}" for key in ("median", "mean", "share_without"))
            lines.append(f"| {name} | {found['texts']} | {shares} |")
    return "\n".join(lines) + "\n"


def _row(name: str, scores: tuple[float, float], found: Difference) -> str:
    interval = f"[{found.interval[0]:+.4f}, {found.interval[1]:+.4f}]"
    return f"| {name} | {scores[0]:.4f} | {scores[1]:.4f} | {found.estimate:+.4f} | {interval} | {found.verdict} |"
