"""The head of the page: what the report is of, and the answers that a reader comes for, each with its section."""

from collections.abc import Iterator

from pipelines.report.facts import Facts, read_json
from pipelines.report.markup import Markup, element, join, share
from pipelines.report.tallies import ranked
from pipelines.stages.output import Output
from webtext import __version__

_MOST_REASONS = 3
_MOST_NAMED = 3


def subject(facts: Facts) -> str:
    """Name what the report is of by what went in: equal outputs have equal names, wherever they lie."""
    first, manifest = facts.funnel.stages[0]
    names = [file.name for file in manifest.inputs]
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more if names else first


def of_what(facts: Facts) -> Markup:
    """Tell dump, dates, rules and versions in a line."""
    months = sorted(month for month in facts.given.posted if month is not None)
    parts = [f"from {subject(facts)}"]
    if months:
        low, high = (f"{month // 100}-{month % 100:02d}" for month in (months[0], months[-1]))
        parts.append(f"first posted {low}" if low == high else f"first posted {low} to {high}")
    settings = {name: manifest.config for name, manifest in facts.funnel.stages}
    least = settings.get("links", {}).get("select", {}).get("min_karma")
    rules = [rule["name"] for rule in settings.get("documents", {}).get("rules", ()) if rule.get("enabled")]
    parts += [f"karma from {least}"] if least is not None else []
    parts += [f"rules {', '.join(rules)}"] if rules else []
    near = settings.get("duplicates", {}).get("threshold")
    parts += [f"near-duplicates from a similarity of {near}"] if near is not None else []
    versions = facts.funnel.stages[-1][1].versions
    parts.append(f"made by webtext {versions.get('webtext', '?')}, reported by {__version__}")
    return element("p", "; ".join(parts) + ".", class_="of-what")


def answers(facts: Facts) -> Markup:
    """Answer whether the corpus is good, whether it is like WebText, what was left out and what was honoured."""
    asked = (
        ("Is it any good?", "validation", _good(facts)),
        ("Is it like WebText?", "fidelity", _faithful(facts)),
        ("Why do links not stay?", "funnel", _reasons(facts)),
        ("What was honoured?", "signals", _honoured(facts)),
    )
    return element(
        "dl",
        *(
            element("div", element("dt", element("a", question, href=f"#{place}")), element("dd", join(said, " ")))
            for question, place, said in asked
        ),
        class_="answers",
    )


def _good(facts: Facts) -> Iterator[Markup | str]:
    verdict = read_json(Output(facts.output).validation, "verdict.json")
    if verdict is None:
        yield join(["No model has judged it: ", element("code", "webtext validate"), " does."])
    else:
        for name, found in sorted(verdict["comparisons"].items()):
            against = "the other corpus" if name == "other" else f"its copy with {name}"
            worth = verdict.get("efficiencies", {}).get(name)
            ratio = f"; one of its tokens is worth {worth['ratio']:.2f} of the corpus's" if worth else ""
            yield f"Against {against}: {found['verdict']}{ratio}."
        yield f"Who judged: {verdict['judge']}."
    if facts.corpus is not None and facts.corpus.all.words:
        (language, _), *_ = ranked(facts.corpus.words_by_language)
        foreign = facts.corpus.all.words - facts.corpus.words_by_language[language]
        yield f"{share(foreign, facts.corpus.all.words)} of the words are in documents of other languages than"
        yield f"{language or 'none'}; {share(facts.corpus.in_tables, facts.corpus.all.characters)} of the text is in"
        yield "rows of tables."


def _faithful(facts: Facts) -> Iterator[Markup | str]:
    found = facts.likeness and facts.likeness.corpus
    if not found:
        flag = element("code", "--reference-domains FILE")
        yield join(["Not compared with WebText's top 1,000 domains: ", flag, " was not given."])
        return
    rank = "" if found.rank_correlation is None else f"; their ranks correlate at {found.rank_correlation:.2f}"
    yield f"{found.domains:,} of WebText's {found.listed:,} listed domains are here, which had"
    yield f"{share(found.coverage, 1)} of its listed pages{rank}."


def _reasons(facts: Facts) -> Iterator[Markup | str]:
    given = facts.funnel.stages[0][1].counts.given
    for (stage, reason), number in ranked(facts.rejections.reasons, _MOST_REASONS):
        linked = element("a", element("code", reason), href=f"#sample-{stage}-{reason}")
        yield join([linked, f" {number:,} ({share(number, given)});"])
    yield f"{facts.rejections.reasons.total():,} of {given:,} in all."


def _honoured(facts: Facts) -> Iterator[str]:
    config = next((manifest.config for name, manifest in facts.funnel.stages if name == "pages"), None)
    if config is None:
        yield "It is not known by which signals sites could say no."
        return
    names = [*(["robots.txt"] if config.get("robots") else []), *config.get("opt_outs", ())]
    yield f"Sites could say no by {', '.join(names)}." if names else "No signal of a site was asked for."
