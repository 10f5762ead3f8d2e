"""All that the report tells, gathered from the finished stages of an output before any of it is drawn."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.report.fidelity import Cost, Fidelity, by_site, compare_domains, costs
from pipelines.report.samples import Cluster, RejectionTally, choose_clusters, draw_kept, read_clusters
from pipelines.report.tallies import CorpusTally, LinkTally, ranked
from pipelines.stages.ledger import Funnel, count_rows
from pipelines.stages.output import KINDS, Output
from webtext import storage
from webtext.errors import UsageError

TOP_HOSTS = 40
LARGEST_CLUSTERS, DRAWN_CLUSTERS = 6, 10


@dataclass(frozen=True)
class Likeness:
    """Fidelity to WebText, of what went in and of what came out, and what each reason costs."""

    given: Fidelity
    corpus: Fidelity | None
    costs: tuple[Cost, ...]


@dataclass(frozen=True)
class Facts:
    """What is known of an output; None or empty where a stage has not run."""

    output: str
    funnel: Funnel
    start: str  # the first stage that is there: links, pages or documents
    given: LinkTally  # the rows of that stage
    corpus: CorpusTally | None
    rejections: RejectionTally
    kept: tuple[dict[str, Any], ...]  # documents drawn
    clusters: tuple[Cluster, ...]
    likeness: Likeness | None
    alarms: tuple[str, ...]  # what de-duplication wants a person to look at
    problems: tuple[str, ...]  # differences between the files and what the manifests say

    def has(self, stage: str) -> bool:
        """Tell whether a stage is finished."""
        return any(name == stage for name, _ in self.funnel.stages)


def gather(output: str, reference: Mapping[str, int] | None = None, samples: int = 5) -> Facts:
    """Read all of an output once, in bounded memory.

    Args:
        output: what `webtext corpus` or `webtext build` wrote.
        reference: the domains of WebText, where the user has them.
        samples: rows drawn of each reason; twice as many documents.

    Raises:
        UsageError: it holds no finished stage.
    """
    funnel = Funnel.of(output)
    if not funnel.stages:
        raise UsageError(f"{output} holds no finished stage: give the output of `webtext corpus`")
    place, stages = Output(output), {name for name, _ in funnel.stages}
    start = next((name for name in ("links", "pages", "documents", "corpus") if name in stages), "")
    given = LinkTally.of(place.directory(start), KINDS[start].kept) if start else LinkTally()
    corpus = CorpusTally.of_corpus(place.corpus) if "corpus" in stages else None
    shown = {
        host for host, _ in [*ranked(given.hosts, TOP_HOSTS), *ranked(corpus.hosts if corpus else Counter(), TOP_HOSTS)]
    }
    rejections = RejectionTally.of(output, shown_hosts=shown, listed_sites=reference or (), samples=samples)
    clusters = choose_clusters(rejections.clusters, LARGEST_CLUSTERS, DRAWN_CLUSTERS)
    return Facts(
        output=output,
        funnel=funnel,
        start=start,
        given=given,
        corpus=corpus,
        rejections=rejections,
        kept=tuple(draw_kept(place.corpus, 2 * samples)) if corpus else (),
        clusters=tuple(read_clusters(output, clusters)) if clusters and "documents" in stages else (),
        likeness=_likeness(given, corpus, rejections, reference) if reference else None,
        alarms=tuple((read_json(place.duplicates, "summary.json") or {}).get("alarms", ())),
        problems=tuple(_problems(output, funnel, rejections)),
    )


def read_json(directory: str, name: str) -> dict[str, Any] | None:
    """Read a JSON object that a stage wrote; None where it has not."""
    path = storage.join(directory, name)
    if not storage.exists(path):
        return None
    with storage.open_file(path) as stream:
        found: dict[str, Any] = json.load(stream)
    return found


def _likeness(
    given: LinkTally, corpus: CorpusTally | None, rejections: RejectionTally, reference: Mapping[str, int]
) -> Likeness:
    kept = by_site(corpus.hosts) if corpus else Counter()
    return Likeness(
        compare_domains(by_site(given.hosts), reference),
        compare_domains(kept, reference) if corpus else None,
        tuple(costs(kept, rejections.sites, reference)),
    )


def _problems(output: str, funnel: Funnel, rejections: RejectionTally) -> list[str]:
    """Count the files again, and name each count that is not its manifest's; then each stage beside the next."""
    problems = []
    for name, manifest in funnel.stages:
        said = {reason: number for reason, number in manifest.counts.rejected.items() if number}
        found = {reason: number for (stage, reason), number in rejections.reasons.items() if stage == name}
        problems += [
            f"{name}: {found.get(reason, 0):,} rows rejected as {reason}, but its manifest says {said.get(reason, 0):,}"
            for reason in sorted({*said, *found})
            if said.get(reason, 0) != found.get(reason, 0)
        ]
        if KINDS[name].rows_are_kept:
            rows = count_rows(Output(output).directory(name), KINDS[name].kept)
            if rows != manifest.counts.kept:
                problems.append(f"{name}: {rows:,} rows are there, but its manifest says {manifest.counts.kept:,}")
    for (name, manifest), (following, later) in zip(funnel.stages, funnel.stages[1:], strict=False):
        if manifest.counts.kept != later.counts.given:
            problems.append(f"{name} kept {manifest.counts.kept:,}, but {following} was given {later.counts.given:,}")
    return problems
