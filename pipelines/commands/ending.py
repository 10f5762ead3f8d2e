"""How a command that read other people's files ends: damage, or nothing found, is its last line and its exit status."""

import argparse

from pipelines.commands.exits import EXIT_DAMAGED, EXIT_FAILURE, EXIT_OK
from pipelines.engine.terminal import tell
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import Output
from webtext.inputs import read_inputs

_MOST_SAID = 20  # files of which it is said how they were understood
_MOST_REASONS = 4


def add_damage_argument(parser: argparse._ActionsContainer) -> None:
    """Declare --on-damage."""
    parser.add_argument("--on-damage", choices=("tell", "skip"), default="tell", help=_ON_DAMAGE)


_ON_DAMAGE = (
    "a damaged input: `tell` reads what can be read and ends with exit status 3, and a file of which nothing can be "
    "read ends the run; `skip` leaves out what cannot be read and counts it (default: %(default)s)"
)


def drawn(output: str, before: Funnel, after: Funnel) -> list[str]:
    """Draw the funnel of a run; where all stood there already, say that in one line."""
    if before.stages != after.stages:
        return after.lines()
    return [f"nothing to do: {output} has it already, from these inputs and settings; `webtext status` shows what"]


def end(arguments: argparse.Namespace, funnel: Funnel) -> int:
    """Say how lists and tables were understood, what was damaged, and why nothing was found; give the exit status."""
    status = EXIT_OK
    for name, manifest in funnel.stages:
        counts = manifest.counts
        inputs = list(read_inputs(Output(arguments.output).directory(name)))
        for read in [read for read in inputs if read.read_as][:_MOST_SAID]:
            _say(arguments, f"{read.name} was read as {read.read_as}")
        places = [place for read in inputs for place in read.damage]
        if counts.notes.get("damaged"):
            accepted = arguments.on_damage == "skip"
            more = f" and {counts.notes['damaged'] - 1:,} more places" if counts.notes["damaged"] > 1 else ""
            hint = "" if accepted else "; what is left was used, `--on-damage skip` accepts that"
            _say(arguments, f"DAMAGED: {places[0]}{more}{hint}")
            status = status if accepted else EXIT_DAMAGED
    for name, manifest in funnel.stages:
        if not manifest.counts.kept:
            _say(arguments, f"{name} holds nothing: {_why(funnel, name)}")
            return EXIT_FAILURE
    return status


def _say(arguments: argparse.Namespace, line: str) -> None:
    tell(f"webtext {arguments.command}: {line}")


def _why(funnel: Funnel, name: str) -> str:
    counts = dict(funnel.stages)[name].counts
    reasons = sorted(counts.rejected.items(), key=lambda item: (-item[1], item[0]))[:_MOST_REASONS]
    records = [(what.removeprefix("records_"), number) for what, number in counts.notes.items() if "records_" in what]
    said = ", ".join(f"{number:,} {what}" for what, number in (reasons or records))
    if counts.given or not records:
        return f"of {counts.given:,} {counts.unit} given, {said or 'none was kept'}"
    return f"the archives hold no page, only records of these kinds: {said}"
