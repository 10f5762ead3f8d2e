"""A verdict for a person: what was found, how sure that is, and what it rests on, in Markdown."""

from collections.abc import Iterator

from model.scores.tasks import Accuracy
from model.verdict.compare import BETTER, CONFIDENCE, POWER, WORSE, Comparison, Difference
from model.verdict.efficiency import Efficiency
from model.verdict.order import OrderProbe
from model.verdict.validate import Verdict

_PREAMBLE = (
    "Judge: {judge}, {tokens:,} tokens of each corpus. Differences are the other's bits per byte minus the corpus's: "
    "positive speaks for the corpus. "
    f"Intervals are {CONFIDENCE:.0%}, over texts scored and documents or seeds trained on; "
    f"'would have been seen' is with {POWER:.0%} probability."
)
_WORDS = {BETTER: "better than", WORSE: "worse than"}


def headline(name: str, comparison: Comparison, judge: str) -> str:
    """One sentence on a comparison, and who judged."""
    if comparison.verdict in _WORDS:
        sentence = f"The corpus is {_WORDS[comparison.verdict]} {called(name)}, say {judge}"
    else:
        sentence = f"The corpus cannot be told from {called(name)} by {judge}"
    difference = comparison.overall
    if difference is None:
        return f"{sentence} ({comparison.reason})."
    low, high = difference.interval
    return (
        f"{sentence}: {difference.estimate:+.4f} bits per byte [{low:+.4f}, {high:+.4f}]; "
        f"a difference of {difference.smallest_visible:.4f} would have been seen."
    )


def worth_of(name: str, found: Efficiency) -> str:
    """The data-efficiency ratio in words.

    >>> worth_of("other", Efficiency(0.64, (0.44, 0.84), False, (1e6, 2e6), ((2.0, 1.9), (2.1, 2.0))))
    'A million tokens of the other corpus are worth 0.64 million of the corpus [0.44, 0.84].'
    """
    worth, (low, high) = f"{found.ratio:.2f} million of the corpus", found.interval
    if found.is_bound:
        worth = f"{'less' if found.ratio < 1.0 else 'more'} than {worth}"
    else:
        worth += f" [{low:.2f}, {high:.2f}]"
    return f"A million tokens of {called(name)} are worth {worth}."


def called(name: str) -> str:
    """A corpus that is compared, in a sentence."""
    return "the other corpus" if name == "other" else f"its copy with {name}"


def render(verdict: Verdict) -> str:
    """The report as Markdown."""
    lines = [f"# Verdict: tier {verdict.tier.name}, judge {verdict.judge}", ""]
    for name, comparison in verdict.comparisons.items():
        lines.append(f"- {headline(name, comparison, verdict.judge)}")
        if name in verdict.efficiencies:
            lines.append(f"  {worth_of(name, verdict.efficiencies[name])}")
    lines += ["", _PREAMBLE.format(judge=verdict.judge, tokens=verdict.training["judge_tokens"]), ""]
    for name, comparison in verdict.comparisons.items():
        lines += _comparison(name, comparison, verdict.efficiencies.get(name))
    if verdict.order is not None:
        lines += _order(verdict.order, verdict.judge)
    return "\n".join([*lines, *_training(verdict), *_memorization(verdict)]) + "\n"


def _comparison(name: str, comparison: Comparison, found: Efficiency | None) -> Iterator[str]:
    reason = f"{comparison.reason[0].upper()}{comparison.reason[1:]}."
    yield from (f"## Against {called(name)}: {comparison.verdict}", "", reason, "")
    yield from ("| text | corpus | other | difference | interval | verdict |", "|---|---|---|---|---|---|")
    yield from (_row(panel, comparison.bits_per_byte[panel], one) for panel, one in comparison.panels.items())
    yield ""
    if found is not None:
        yield from ("| tokens | " + " | ".join(f"{tokens:,.0f}" for tokens in found.budgets) + " |",)
        yield "|---|" + "---|" * len(found.budgets)
        for whose, losses in zip(("corpus", "other"), found.losses, strict=True):
            yield f"| {whose}, bits per byte | " + " | ".join(f"{loss:.4f}" for loss in losses) + " |"
        yield ""


def _row(name: str, scores: tuple[float, float], found: Difference) -> str:
    interval = f"[{found.interval[0]:+.4f}, {found.interval[1]:+.4f}]"
    return f"| {name} | {scores[0]:.4f} | {scores[1]:.4f} | {found.estimate:+.4f} | {interval} | {found.verdict} |"


def _order(found: OrderProbe, judge: str) -> Iterator[str]:
    yield from ("## Do paragraphs belong together?", "")
    yield f"{judge} of the corpus prefer {_share(found.corpus)} of {found.pages} held-out pages as they stand to the"
    yield "same pages with their halves swapped; one half is chance."
    if found.shuffled is not None:
        yield f"The positive control, a copy with shuffled paragraphs: {_share(found.shuffled)}."
    yield ""


def _share(found: Accuracy) -> str:
    return f"{found.percent:.0f} % [{found.low:.0f}, {found.high:.0f}]"


def _training(verdict: Verdict) -> Iterator[str]:
    """What a GPT-2 did on the corpus; where it does not judge, beside counts of the very same tokens."""
    figures, tier = verdict.training, verdict.tier
    yield from (f"## GPT-2 {tier.size} trained on the corpus", "")
    for check in verdict.checks:
        yield f"- {'passed' if check.passed else 'FAILED'}: {check.name} ({check.detail})"
    yield f"- held-out text: {figures['heldout_bits_per_byte']:.3f} bits per byte"
    if "bigram_bits" in figures:
        names = {"unigrams": "unigram_bits", "bigrams": "bigram_bits", "Kneser-Ney 5-grams": "fivegram_bits"}
        beaten = [name for name, key in names.items() if figures["heldout_bits_per_byte"] < figures[key]]
        yield "- counts of the same tokens: " + ", ".join(f"{name} {figures[key]:.3f}" for name, key in names.items())
        yield (
            f"- so this GPT-2, {figures['tokens_read']:,} tokens read of {figures['tokens']:,}, beats "
            f"{' and '.join(beaten) or 'none of them'}; it shows that the shards can be trained on, and does not judge"
        )
    yield ""


def _memorization(verdict: Verdict) -> Iterator[str]:
    yield from ("## 8-gram overlap with the training text", "")
    yield from ("| text | texts | median | mean | without any |", "|---|---|---|---|---|")
    for name, found in verdict.memorization.items():
        if found["texts"]:
            shares = " | ".join(f"{found[key]:.2%}" for key in ("median", "mean", "share_without"))
            yield f"| {name} | {found['texts']} | {shares} |"
