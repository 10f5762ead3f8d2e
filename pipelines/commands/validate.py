"""`webtext validate`: say whether a corpus is better than another, or than damaged copies of itself."""

import argparse
from pathlib import Path

from pipelines.commands.training_flags import add_device, need_training, show_progress, writing
from pipelines.stages.stale import note_corpus
from webtext.errors import UsageError
from webtext.local import local_corpus, write_whole

_EPILOG = """tiers: smoke (CPU, a minute or two), quick (2 CPU cores, up to 15 minutes), gpu (about 10 minutes on one
data-centre GPU), full (GPT-2 124M, 8 GPUs overnight: torchrun --nproc-per-node 8 --no-python webtext validate ...).
exit status: 0 the corpus passed, 1 a check failed or a damaged copy came out better, 2 something to mend."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "corpus", type=local_corpus, help="an output, its corpus folder, or Parquet files with a column `text`"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--against", type=local_corpus, help="another corpus to compare it with (default: damaged copies of itself)"
    )
    other.add_argument(
        "--baseline",
        choices=["damaged"],
        default="damaged",
        help="compare it with damaged copies of itself, as without --against (default: %(default)s)",
    )
    parser.add_argument("--damage", action="append", help="only this damage, by name; may be repeated (default: all)")
    parser.add_argument(
        "--neutral",
        type=local_corpus,
        action="append",
        default=[],
        help="text that is neither's own, to judge on: .txt, .jsonl or Parquet; may be repeated (default: none)",
    )
    parser.add_argument(
        "--tier",
        choices=["smoke", "quick", "gpu", "full"],
        default="quick",
        help="what the verdict may cost (default: %(default)s)",
    )
    parser.add_argument(
        "--output", "-o", type=Path, required=True, help="folder of verdict.json, report.md, log and samples"
    )
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Judge; print the report; return 1 where the corpus did not pass."""
    with need_training():
        from model.verdict.question import Question  # noqa: PLC0415
        from model.verdict.report_text import render  # noqa: PLC0415  (torch, only when it is used)
        from model.verdict.tiers import TIERS  # noqa: PLC0415
        from model.verdict.validate import validate  # noqa: PLC0415
    if arguments.damage and arguments.against:
        raise UsageError("--damage is for damaged copies; leave out --against")
    show_progress()
    extra = {"damages": tuple(arguments.damage)} if arguments.damage else {}
    question = Question(arguments.corpus, arguments.against, tuple(arguments.neutral), **extra)
    with writing(arguments.output, "validate", "report.md", "verdict.json", "samples.txt", "log.jsonl"):
        verdict = validate(question, TIERS[arguments.tier], arguments.output, arguments.device)
        if verdict is None:  # one of several processes, and not the one that reports
            return 0
        report = render(verdict)
        write_whole(arguments.output / "report.md", report)
        note_corpus(str(arguments.output), str(arguments.corpus))
    print(report, end="")
    return 0 if verdict.is_good else 1
