"""`webtext stats`: how much there is of what, in a table for a terminal or in JSON for a script."""

import argparse
import json
from typing import Any

from pipelines.commands.named_output import OUTPUT, add_output_argument
from pipelines.report.tallies import CorpusTally, Spread, ranked
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import Output
from webtext.errors import UsageError
from webtext.shards import SPLITS, list_shards

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TOP = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext stats`."""
    add_output_argument(parser, f"{OUTPUT}, or a corpus directory")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print the statistics of a corpus, after the funnel where the output has more stages."""
    del beam_arguments
    directory = corpus_directory(arguments.output)
    found = statistics(CorpusTally.of_corpus(directory))
    funnel = Funnel.of(arguments.output)
    if arguments.json:
        print(json.dumps({"funnel": _funnel(funnel), **found}, indent=1, sort_keys=True, ensure_ascii=False))
    else:
        print("\n".join([*funnel.lines(), *([""] if funnel.stages else []), *_lines(found)]))
    return 0


def corpus_directory(output: str) -> str:
    """Find the shards of an output, or of a corpus directory itself.

    Raises:
        UsageError: there are none.
    """
    for directory in (Output(output).corpus, output):
        if any(list_shards(directory, split) for split in SPLITS):
            return directory
    raise UsageError(f"{output} holds no corpus (no data/train-*.parquet): give an output of `webtext corpus`")


def statistics(tally: CorpusTally) -> dict[str, Any]:
    """Lay out what a tally found as JSON values."""
    return {
        "splits": {name: vars(split) for name, split in tally.splits.items()},
        "total": vars(tally.all),
        "hosts": len(tally.hosts),
        "top_hosts": dict(ranked(tally.hosts, _TOP)),
        "languages": dict(ranked(tally.languages)),
        "words_a_document": _spread(tally.words),
        "karma": _spread(tally.karma),
    }


def _spread(spread: Spread) -> dict[str, Any]:
    quantiles = {f"{share:.0%}": spread.quantile(share) for share in _QUANTILES}
    mean = spread.total / spread.known if spread.known else None
    return {"known": spread.known, "unknown": spread.unknown, "mean": mean, "quantiles": quantiles}


def _funnel(funnel: Funnel) -> dict[str, Any]:
    return {
        name: {"given": manifest.counts.given, "kept": manifest.counts.kept, "rejected": dict(manifest.counts.rejected)}
        for name, manifest in funnel.stages
    }


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{'':<12}{'documents':>14}{'words':>16}{'characters':>18}{'bytes of text':>18}"]
    for name, split in [*found["splits"].items(), ("total", found["total"])]:
        lines.append(
            f"{name:<12}{split['documents']:>14,}{split['words']:>16,}{split['characters']:>18,}{split['bytes']:>18,}"
        )
    lines += ["", f"{'':<18}{'mean':>12}" + "".join(f"{share:>10.0%}" for share in _QUANTILES)]
    for name in ("words_a_document", "karma"):
        spread = found[name]
        mean = "-" if spread["mean"] is None else f"{spread['mean']:,.1f}"
        values = ("-" if value is None else f"{value:,}" for value in spread["quantiles"].values())
        lines.append(f"{name.replace('_', ' '):<18}{mean:>12}" + "".join(f"{value:>10}" for value in values))
    lines += ["", f"languages    {_listed(found['languages'])}"]
    return [*lines, f"hosts        {found['hosts']:,}: {_listed(found['top_hosts'])}"]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or '(none)'} {count:,}" for name, count in list(counts.items())[:_TOP])
