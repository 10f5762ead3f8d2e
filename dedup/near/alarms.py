"""What a person should look at before trusting a run: the largest clusters, templates, an unusual share removed.

Other pipelines lost whole sources to such clusters without a word (one went from 859,092 documents to 2). The figures
are in `duplicates/summary.json` for every run; an alarm is a sentence that the report shows in red.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.near.choose import EXACT, NEAR, RECURRING

LARGEST = 20  # clusters shown
# Shares removed as near-duplicates that are published for web text run from 0.4 % (Wiki-40B) over 3 % (C4) and 14 %
# (RealNews; all Lee et al., ACL 2022, table 2) to about 40 % (RedPajama-v2, one dump).
USUAL_SHARE = (0.002, 0.5)
ENOUGH_TO_JUDGE = 1000  # documents; below, a share says little
_LARGE_SHARE = 0.01  # A cluster with more than so much of all documents is told of.
_TEMPLATE_SIZE = 20  # members from which a cluster can look like a template
_TEMPLATE_HOST_SHARE = 0.9
_CHAINED_SHARE = 0.1


@dataclass(frozen=True)
class Cluster:
    """What the summary shows of a cluster."""

    cluster: str
    size: int
    kept_url: str | None  # None: none stays
    exact: int  # members with the words or the body of the one that stays
    chained: int  # members that are linked to it only through others
    lowest_similarity: float
    median_similarity: float
    hosts: int
    main_host_share: float

    @property
    def template(self) -> bool:
        """Whether it looks like pages made from one template: many, not equal, of one host; or held by chains."""
        near = self.size - 1 - self.exact
        if self.size < _TEMPLATE_SIZE or near < self.size / 2:
            return False
        return self.main_host_share >= _TEMPLATE_HOST_SHARE or self.chained > _CHAINED_SHARE * self.size


@dataclass(frozen=True)
class Tally:
    """What some clusters amount to; tallies of disjoint clusters add up."""

    clusters: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    chained: int = 0
    largest: tuple[Cluster, ...] = ()


def tally(verdicts: pa.Table) -> Tally:
    """Tally whole clusters, given as verdicts with the members of a cluster side by side."""
    names = np.array(verdicts.column("cluster").to_pylist(), dtype=np.str_)
    cuts = np.flatnonzero(names[1:] != names[:-1]) + 1
    bounds = [0, *cuts.tolist(), len(names)] if len(names) else [0]
    sizes = np.diff(bounds)
    chained = pc.match_substring(verdicts.column("detail"), "only through others").to_numpy()
    enough = np.sort(sizes)[-LARGEST:][:1]  # the size of the last one shown
    large = np.flatnonzero(sizes >= enough).tolist()
    order = sorted(large, key=lambda number: (-sizes[number], names[bounds[number]]))[:LARGEST]
    shown = (verdicts.slice(bounds[number], int(sizes[number])) for number in order)
    reasons = Counter(reason for reason in verdicts.column("reason").to_pylist() if reason)
    return Tally(len(sizes), reasons, int(chained.sum()), tuple(_describe(members) for members in shown))


def _describe(members: pa.Table) -> Cluster:
    similarity = members.column("similarity").to_numpy().astype(np.float64)
    hosts = Counter(urlsplit(url).hostname or "" for url in members.column("url").to_pylist())
    details = members.column("detail").to_pylist()
    return Cluster(
        cluster=members.column("cluster")[0].as_py(),
        size=len(members),
        kept_url=members.column("kept_url")[0].as_py(),
        exact=members.column("reason").to_pylist().count(EXACT),
        chained=sum("only through others" in detail for detail in details),
        lowest_similarity=round(float(similarity.min()), 4),
        median_similarity=round(float(np.median(similarity)), 4),
        hosts=len(hosts),
        main_host_share=round(max(hosts.values()) / len(members), 4),
    )


def add_up(tallies: Iterable[Tally]) -> Tally:
    """Add tallies of disjoint clusters, in any order."""
    total = Tally()
    for found in tallies:
        largest = sorted(total.largest + found.largest, key=lambda cluster: (-cluster.size, cluster.cluster))
        total = Tally(
            total.clusters + found.clusters,
            total.reasons + found.reasons,
            total.chained + found.chained,
            tuple(largest[:LARGEST]),
        )
    return total


def summarize(total: Tally, documents: int, earlier: int = 0) -> dict[str, Any]:
    """Lay out `summary.json`: counts, the largest clusters, and the alarms.

    Args:
        total: of all clusters.
        documents: of this run; the share removed is of these.
        earlier: documents of earlier corpora, which may be in clusters and are never removed.
    """
    removed = sum(total.reasons.values())
    return {
        "documents": documents,
        "earlier_documents": earlier,
        "clusters": total.clusters,
        EXACT: total.reasons[EXACT],
        NEAR: total.reasons[NEAR],
        RECURRING: total.reasons[RECURRING],
        "chained": total.chained,
        "removal_share": round(removed / documents, 6) if documents else 0.0,
        "alarms": alarms(total, documents, earlier),
        "largest_clusters": [
            {name: getattr(cluster, name) for name in Cluster.__dataclass_fields__} | {"template": cluster.template}
            for cluster in total.largest
        ],
    }


def alarms(total: Tally, documents: int, earlier: int = 0) -> list[str]:
    """Say in sentences what looks wrong; an empty list where nothing does."""
    removed, said = sum(total.reasons.values()), []
    low, high = USUAL_SHARE
    if documents >= ENOUGH_TO_JUDGE and not low <= removed / documents <= high:
        said.append(
            f"{removed / documents:.1%} of {documents:,} documents removed as duplicates; "
            f"{low:.1%} to {high:.0%} is usual for web text"
        )
    for cluster in total.largest:
        name = f"cluster {cluster.cluster} ({cluster.size:,} documents, kept {cluster.kept_url or 'none'})"
        if documents >= ENOUGH_TO_JUDGE and cluster.size > max(_TEMPLATE_SIZE, _LARGE_SHARE * (documents + earlier)):
            said.append(f"{name} holds {cluster.size / (documents + earlier):.1%} of all documents")
        if cluster.template:
            said.append(
                f"{name} looks like pages of one template: {cluster.main_host_share:.0%} on one host, "
                f"median similarity {cluster.median_similarity:.2f}, {cluster.chained:,} linked through others only"
            )
    return said
