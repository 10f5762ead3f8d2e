"""`webtext report`: one page that shows what became of every link, and what the corpus is like."""

import argparse
from pathlib import Path

from pipelines.commands.named_output import add_output_argument
from pipelines.report.fidelity import WHERE
from pipelines.report.page import write_report
from webtext.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext report`."""
    add_output_argument(parser)
    parser.add_argument(
        "--reference-domains", type=Path, metavar="FILE", help=f"file to measure likeness by: {WHERE} (default: none)"
    )
    parser.add_argument("--samples", type=int, default=5, help="rejections shown of each reason (default: %(default)s)")


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Write the report, and say where it is."""
    del beam_arguments
    if arguments.samples < 0:
        raise UsageError(f"--samples {arguments.samples}: 0 shows none")
    print(write_report(arguments.output, arguments.reference_domains, arguments.samples))
    return 0
