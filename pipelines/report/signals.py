"""The section on what sites said: how many links each "no" took."""

from pipelines.report.facts import Facts
from pipelines.report.markup import Markup, bar, element, note, section, share, table, whole
from webtext.permissions.signals import PREFIX


def signals_section(facts: Facts) -> Markup:
    """Tell for each signal, and for robots.txt, what share of the links it took."""
    counts = next((manifest.counts for name, manifest in facts.funnel.stages if name == "pages"), None)
    said = {
        reason: number
        for reason, number in (counts.rejected.items() if counts else ())
        if reason.startswith((PREFIX, "robots_")) and number
    }
    if counts is None or not said:
        return section("signals", "What sites said", note("No link was left alone because its site said so."))
    total = sum(said.values())
    rows = [
        (
            element("a", element("code", reason), href=f"#sample-pages-{reason}"),
            whole(number),
            share(number, counts.given),
            bar(number, max(facts.rejections.reasons.values()), "lost"),
        )
        for reason, number in sorted(said.items(), key=lambda item: (-item[1], item[0]))
    ]
    told = (
        f"{total:,} of {counts.given:,} links ({share(total, counts.given)}) were left alone, for their sites say no."
    )
    return section("signals", "What sites said", note(told), table(("reason", "links", "of links", ""), rows))
