"""The figures of the GPT-2 paper, so that ours stand beside them in one table.

Table 3 of "Language Models are Unsupervised Multitask Learners" (zero-shot; perplexity unless the name says otherwise),
and section 3 for Winograd and the generative tasks of the largest model.
"""

from collections.abc import Mapping, Sequence

from model.scores.protocols import Scored

COLUMNS = (
    "lambada_perplexity",
    "lambada_accuracy",
    "cbt_cn_accuracy",
    "cbt_ne_accuracy",
    "wikitext2_perplexity",
    "ptb_perplexity",
    "enwik8_bits_per_byte",
    "text8_bits_per_character",
    "wikitext103_perplexity",
    "1bw_perplexity",
)
TABLE_3 = {
    "best before": (99.8, 59.23, 85.7, 82.3, 39.14, 46.54, 0.99, 1.08, 18.3, 21.8),
    "117M": (35.13, 45.99, 87.65, 83.4, 29.41, 65.85, 1.16, 1.17, 37.50, 75.20),
    "345M": (15.60, 55.48, 92.35, 87.1, 22.76, 47.33, 1.01, 1.06, 26.37, 55.72),
    "762M": (10.87, 60.12, 93.45, 88.0, 19.93, 40.31, 0.97, 1.02, 22.05, 44.575),
    "1542M": (8.63, 63.24, 93.30, 89.05, 18.34, 35.76, 0.93, 0.98, 17.48, 42.16),
}
# Sections 3.4 to 3.8, the 1542M model.
TASKS_1542M = {
    "winograd_partial_accuracy": 70.70,
    "coqa_f1": 55.0,
    "cnn_dm_rouge_1": 29.34,
    "cnn_dm_rouge_2": 8.27,
    "cnn_dm_rouge_l": 26.58,
    "wmt14_en_fr_bleu": 5.0,
    "wmt14_fr_en_bleu": 11.5,
    "cnn_dm_lead_3_rouge_1": 40.38,
    "cnn_dm_lead_3_rouge_2": 17.66,
    "cnn_dm_lead_3_rouge_l": 36.62,
    "cnn_dm_random_3_rouge_1": 28.78,
    "cnn_dm_random_3_rouge_2": 8.63,
    "cnn_dm_random_3_rouge_l": 25.52,
    "cnn_dm_rouge_average": 21.40,
    "cnn_dm_no_hint_rouge_average": 15.03,
    "natural_questions_accuracy": 4.1,
    "natural_questions_accuracy_of_surest_1": 63.1,
}

# Section 4: what the paper says of its samples and of the text that it held out, and figure 4 of training against
# held-out loss. Shares are of a text's 8-grams that stand in the training text.
SECTION_4 = {
    ("samples", "median"): "most below 1 %",
    ("samples", "share_without"): "over 30 %",
    ("held-out documents", "median"): "2.6 %",
}
FIGURE_4 = "fall together with size: no gap to be seen"


def table(results: Mapping[str, float]) -> str:
    """Markdown: the paper's Table 3 with a row of ours, then the other results beside the paper's.

    Accuracies are per cent, as there. What was not measured is a dash.
    """
    names = [name.replace("_", " ") for name in COLUMNS]
    lines = ["| model | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [
        f"| {model}, paper | " + " | ".join(f"{value:g}" for value in row) + " |" for model, row in TABLE_3.items()
    ]
    lines.append("| ours | " + " | ".join(_shown(results.get(name)) for name in COLUMNS) + " |")
    others = sorted({*results, *TASKS_1542M} - set(COLUMNS))
    lines += ["", "| task | ours | 1542M, paper |", "|---|---|---|"]
    lines += [
        f"| {name.replace('_', ' ')} | {_shown(results.get(name))} | {_shown(TASKS_1542M.get(name))} |"
        for name in others
    ]
    return "\n".join(lines) + "\n"


def shots_table(name: str, by_shots: Mapping[int, Scored]) -> str:
    """Markdown: the figures of a set over the number of examples before each item, of all, clean and dirty items."""
    counts = sorted(by_shots)
    lines = [f"| {name}, shots | " + " | ".join(map(str, counts)) + " |", "|---" * (len(counts) + 1) + "|"]
    parts = by_shots[counts[0]].parts
    lines.append(_row("examples that fitted, mean", [by_shots[count].details["shots"] for count in counts]))
    for figure in by_shots[counts[0]].figures:
        for part in parts if "dirty" in parts else ("all",):
            label = figure.replace("_", " ") + (f", {part}" if part != "all" else "")
            lines.append(_row(label, [by_shots[count].parts[part][figure] for count in counts]))
    return "\n".join(lines) + "\n"


def _row(label: str, values: Sequence[float]) -> str:
    return f"| {label} | " + " | ".join(map(_shown, values)) + " |"


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
