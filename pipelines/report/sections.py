"""The sections that account for every link: the figures at the top, the funnel, and the hosts."""

from collections import Counter
from collections.abc import Mapping

from pipelines.report.facts import TOP_HOSTS, Facts
from pipelines.report.markup import Markup, bar, element, join, note, section, share, size, table, whole
from pipelines.report.tallies import ranked
from pipelines.stages.output import KINDS
from webtext.hosts import registered_domain
from webtext.manifest import Counts

# What a person is told of the counts that enter no sum; others are told by their names.
_NOTES = {
    "submissions": "{} submissions were read",
    "merged": "{} of them repeat the URL of another, and count as its link",
    "train": "{} documents to train on",
    "validation": "{} held out",
    "heldout": "{} held out",  # what manifests of releases before call it
}


def summary(facts: Facts) -> Markup:
    """Tell the corpus in a line of figures, and whether the sums balance."""
    first = facts.funnel.stages[0][1].counts
    figures = [(whole(first.given), f"{first.unit} given")]
    if facts.corpus is not None:
        total = facts.corpus.all
        figures += [
            (
                whole(total.documents),
                f"documents in the corpus, {share(total.documents, first.given)} of what was given",
            ),
            (whole(total.words), "words"),
            (size(total.bytes), "of text"),
            (whole(len(facts.corpus.hosts)), "hosts"),
        ]
    tiles = join(element("div", element("dt", label), element("dd", value)) for value, label in figures)
    warned = [element("div", alarm, class_="alarm") for alarm in facts.alarms]
    return join([element("dl", tiles, class_="figures"), _balance(facts), *warned])


def _balance(facts: Facts) -> Markup:
    if facts.problems:
        lines = element("ul", *(element("li", problem) for problem in facts.problems))
        return element("div", element("strong", "The sums do not balance."), lines, class_="alarm")
    rejected = facts.rejections.reasons.total()
    kept = facts.funnel.stages[-1][1].counts.kept
    given = facts.funnel.stages[0][1].counts.given
    sums = f"{given:,} given = {kept:,} kept + {rejected:,} rejected, each for one reason."
    return element("p", element("strong", "The sums balance. "), sums, class_="balance")


def funnel_section(facts: Facts) -> Markup:
    """Draw what each stage was given, kept, and took away for which reason."""
    top = facts.funnel.stages[0][1].counts.given
    most = max(facts.rejections.reasons.values(), default=0)
    stages = join(_stage(name, manifest.counts, top, most) for name, manifest in facts.funnel.stages)
    said = note(
        "A bar is as wide as what the stage was given, where the whole width is what the first was given. The first "
        "part of a bar was kept, the second rejected. The bars of all reasons are on one scale."
    )
    return section("funnel", "Where every link went", said, stages)


def _stage(name: str, counts: Counts, top: int, most: int) -> Markup:
    kept = 100 * counts.kept / top if top else 0
    given = 100 * counts.given / top if top else 0
    drawing = element(
        "svg",
        element("rect", class_="lost", width=f"{given:.3f}", height="1"),
        element("rect", class_="kept", width=f"{kept:.3f}", height="1"),
        class_="stage-bar", viewBox="0 0 100 1", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip
    reasons = sorted(
        ((reason, number) for reason, number in counts.rejected.items() if number), key=lambda item: (-item[1], item[0])
    )
    rows = [
        (
            element("a", element("code", reason), href=f"#sample-{name}-{reason}"),
            whole(number),
            share(number, counts.given),
            bar(number, most, "lost"),
        )
        for reason, number in reasons
    ]
    told = f"{counts.given:,} {counts.unit} given, {counts.kept:,} kept ({share(counts.kept, counts.given)})"
    notes = [_NOTES.get(what, "{} " + what.replace("_", " ")).format(f"{n:,}") for what, n in _in_order(counts.notes)]
    return element(
        "div",
        element("h3", KINDS[name].title, " ", element("small", told)),
        drawing,
        note(f"{'; '.join(notes)}.") if notes else "",
        table(("reason", "rejected", "of given", ""), rows) if rows else note("It rejects nothing."),
        class_="stage",
        data_stage=name,
    )


def _in_order(notes: Mapping[str, int]) -> list[tuple[str, int]]:
    order = {what: place for place, what in enumerate(_NOTES)}
    return sorted(notes.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))


def hosts_section(facts: Facts) -> Markup:
    """Tell the most frequent hosts of what was given: how many stay, and why the others do not."""
    given, corpus = facts.given.hosts, facts.corpus.hosts if facts.corpus else Counter()
    rows = []
    for host, count in ranked(given, TOP_HOSTS):
        reasons = Counter({reason: number for (own, reason), number in facts.rejections.hosts.items() if own == host})
        reason, number = ranked(reasons, 1)[0] if reasons else ("", 0)
        why = join([element("code", reason), f" {number:,}"]) if reason else ""
        rows.append((host or "(no host)", why, whole(count), whole(corpus[host]), share(corpus[host], count)))
    top = [
        (host, whole(count), share(count, corpus.total()), bar(count, corpus.total()))
        for host, count in ranked(corpus, TOP_HOSTS)
    ]
    domains = Counter[str]()
    for host, count in corpus.items():
        domains[registered_domain(host) or host] += count
    most, of_all = ranked(corpus, 10), corpus.total()
    said = (
        f"{len(given):,} hosts were given, {len(corpus):,} are in the corpus. Its {len(most)} most frequent hosts hold "
        f"{share(sum(count for _, count in most), of_all)} of its documents, and its most frequent registered domain "
        f"{share(max(domains.values(), default=0), of_all)}."
    )
    heads = ("host", "most frequent reason", facts.start, "in the corpus", "share that stays")
    nothing = note("There is no corpus yet.")
    return section(
        "hosts",
        "Hosts",
        note(said),
        element("h3", f"Most frequent in {facts.start}"),
        table(heads, rows, words=2, class_="sortable given"),
        element("h3", "Most frequent in the corpus"),
        table(("host", "documents", "share", ""), top, class_="sortable kept") if top else nothing,
    )
