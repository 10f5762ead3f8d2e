"""`webtext fetch --check URL…`: what would be done with URLs and why, without taking the pages."""

import argparse
import contextlib
from collections.abc import Iterator
from dataclasses import asdict

from pipelines.commands.answer import tell
from pipelines.commands.side_by_side import printable
from pipelines.stages.fetch import answering, check_contact
from webtext.crawl.check import Checked, Checker
from webtext.crawl.config import FetchConfig
from webtext.crawl.exchange import Requester


def run_check(arguments: argparse.Namespace, config: FetchConfig) -> int:
    """Check the URLs, and print a paragraph for each.

    Raises:
        UsageError: whoever is asked cannot reach who asks.
    """
    if not arguments.replay:
        check_contact(config.contact)
    with answering(config, arguments.replay) as answered:
        requester = Requester(answered.agent, answered.limits, replay=answered.replay)
        with contextlib.closing(requester):
            checker = Checker(answered, requester)
            checked = [checker.check(url) for url in arguments.check]
    found = {"checked": [asdict(each) for each in checked]}
    tell(found, [line for each in checked for line in _paragraph(each)], as_json=arguments.json)
    return 0


def _paragraph(checked: Checked) -> Iterator[str]:
    yield printable(checked.url)
    verdict = "would be taken" if checked.outcome == "ok" else f"would not be taken: {checked.outcome}"
    yield f"  {verdict}{printable(f' ({checked.detail})') if checked.detail else ''}"
    if checked.final_url != checked.url:
        yield f"  asked as    {printable(checked.final_url)}"
    if checked.robots:
        yield f"  robots.txt  {checked.robots}"
    for told, signals in (("obeyed", checked.obeyed), ("recorded", checked.recorded)):
        for signal in signals:
            yield f"  {told:<11} {signal.name}: {printable(signal.evidence)}"
    if not checked.obeyed and not checked.recorded:
        yield "  signals     none found"
