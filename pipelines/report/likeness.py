"""The section that sets the corpus beside the real WebText: published figures, and its top domains where given."""

from collections.abc import Sequence

from pipelines.report.facts import Facts
from pipelines.report.fidelity import MOST_COST, WEBTEXT_BYTES, WEBTEXT_DOCUMENTS, WEBTEXT_LINKS, WHERE, Fidelity
from pipelines.report.markup import Markup, element, note, section, share, table, whole
from webtext.hosts import registered_domain


def fidelity_section(facts: Facts) -> Markup:
    """Set the corpus beside the real WebText: published figures, and its top domains where the list was given."""
    parts = [_beside_webtext(facts)]
    likeness = facts.likeness
    if likeness is None:
        parts.append(
            note(
                "Not compared with WebText's top 1,000 domains: ",
                element("code", "--reference-domains FILE"),
                f" was not given. The file is {WHERE}.",
            )
        )
        return section("fidelity", "Beside the real WebText", *parts)
    measured = [(facts.start, likeness.given)] + ([("corpus", likeness.corpus)] if likeness.corpus else [])
    parts.append(
        table(
            ("over WebText's listed domains", *(name for name, _ in measured)), _measures([one for _, one in measured])
        )
    )
    parts.append(
        note(
            "Rank correlation is Spearman's, over all listed domains; coverage is the share of WebText's listed pages "
            "whose domain has a page here; divergence is Jensen-Shannon's between the shares of the listed domains, "
            "0 for equal and 1 bit for disjoint."
        )
    )
    for cost in likeness.costs:
        if cost.is_warned:
            named = ", ".join(cost.domains[:8]) + (" …" if len(cost.domains) > 8 else "")
            said = (
                f" takes whole domains that were {share(cost.whole, 1)} of WebText's listed pages "
                f"(more than {share(MOST_COST, 1)}): {named}."
            )
            parts.append(element("div", element("strong", element("code", cost.reason)), said, class_="alarm"))
    rows = [
        (element("code", cost.reason), share(cost.mass, 1), share(cost.whole, 1))
        for cost in likeness.costs
        if cost.mass
    ]
    parts.append(element("h3", "What each reason costs of WebText's mass"))
    parts.append(
        table(("reason", "of the listed pages", "from domains lost whole"), rows)
        if rows
        else note("No link of a listed domain was rejected.")
    )
    return section("fidelity", "Beside the real WebText", *parts)


def _measures(measured: Sequence[Fidelity]) -> list[tuple[str, ...]]:
    return [
        ("pages", *(whole(one.pages) for one in measured)),
        ("listed domains found", *(f"{one.domains:,} of {one.listed:,}" for one in measured)),
        ("rank correlation", *(_decimal(one.rank_correlation) for one in measured)),
        ("coverage", *(share(one.coverage, 1) for one in measured)),
        ("pages within the list", *(share(one.within, 1) for one in measured)),
        ("divergence, bits", *(_decimal(one.divergence) for one in measured)),
    ]


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _beside_webtext(facts: Facts) -> Markup:
    if facts.corpus is None:
        return note("There is no corpus yet.")
    total = facts.corpus.all
    wikipedia = sum(count for host, count in facts.corpus.hosts.items() if registered_domain(host) == "wikipedia.org")
    rows = [
        ("documents a link", share(total.documents, facts.given.rows), share(WEBTEXT_DOCUMENTS, WEBTEXT_LINKS)),
        (
            "text a document, bytes",
            whole(total.bytes / total.documents) if total.documents else "-",
            whole(WEBTEXT_BYTES / WEBTEXT_DOCUMENTS),
        ),
        ("documents of Wikipedia", whole(wikipedia), "0"),
    ]
    return table(("", "here", "WebText, as published"), rows)
