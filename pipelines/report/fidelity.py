"""How much a corpus is like the real WebText: its domains beside the 1,000 that OpenAI published.

WebText was never released, but the number of its pages by domain was, for the top 1,000 domains (`domains.txt` in the
repository openai/gpt-2, with its model card). The list is not part of webtext; whoever has it names its file. Its names
are the registered part of a domain without the public suffix, so `bbc` is bbc.co.uk and bbc.com together. Its counts
end at rank 1,000, so shares are compared among those domains alone.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from webtext.errors import UsageError
from webtext.hosts import parse_address, registered_domain

WHERE = "domains.txt of github.com/openai/gpt-2 (the top 1,000 domains of WebText)"
MOST_COST = 0.01  # a share of WebText's mass: a reason that takes whole domains of more is warned of
_WHOLE = 0.95  # a reason takes a domain whole from this share of its links on
_LEAST_LINKS = 3  # fewer say nothing of a whole domain
# What the GPT-2 paper (section 2.1) says of WebText: links scraped, documents after de-duplication and cleaning, text.
WEBTEXT_LINKS, WEBTEXT_DOCUMENTS, WEBTEXT_BYTES = 45_000_000, 8_000_000, 40_000_000_000


@dataclass(frozen=True)
class Fidelity:
    """A set of pages beside the domains of WebText."""

    pages: int
    domains: int  # those of the list that have at least one page here
    listed: int
    rank_correlation: float | None  # Spearman's rho over the list, -1 to 1; None where one side is constant
    coverage: float  # share of the list's pages whose domain has a page here
    within: float  # share of the pages here whose domain is on the list
    divergence: float | None  # Jensen-Shannon, in bits, 0 (equal shares) to 1; None without a shared domain


@dataclass(frozen=True)
class Cost:
    """What one reason costs of WebText's mass."""

    reason: str
    mass: float  # share of the list's pages, by the share of each domain's links rejected for the reason
    whole: float  # the same from domains that the reason takes (nearly) whole
    domains: tuple[str, ...]  # these domains, heaviest first

    @property
    def is_warned(self) -> bool:
        """Whether whole domains of more than `MOST_COST` of the mass are lost."""
        return self.whole > MOST_COST


def read_domains(path: Path) -> dict[str, int]:
    """Read the list: a line a domain, its count and its name (one is empty: pages of hosts that are addresses).

    Raises:
        UsageError: the file is not there, or not such a list.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: give --reference-domains {WHERE}") from error
    counts = {}
    for line in lines:
        count, _, name = line.strip().partition(" ")
        if not count.isdecimal() or name in counts:
            raise UsageError(f"{path} is not a list of counts and domains ({line!r}): it is {WHERE}")
        counts[name] = int(count)
    if not counts:
        raise UsageError(f"{path} is empty: it is {WHERE}")
    return counts


def site_of(host: str) -> str:
    """Name a host as the list does: its registered domain without the public suffix; "" for an address.

    A name that nobody can register (`localhost`, `a.example`) stays as it is, so it is never on the list.

    >>> site_of("news.bbc.co.uk"), site_of("someone.blogspot.com"), site_of("127.0.0.1"), site_of("a.example")
    ('bbc', 'blogspot', '', 'a.example')
    """
    registered = registered_domain(host)
    if registered:
        return registered.partition(".")[0]
    return "" if parse_address(host) else host


def by_site(hosts: Mapping[str, int]) -> Counter[str]:
    """Add up counts by host to counts by site."""
    sites: Counter[str] = Counter()
    for host, count in hosts.items():
        sites[site_of(host)] += count
    return sites


def compare_domains(sites: Mapping[str, int], reference: Mapping[str, int]) -> Fidelity:
    """Measure pages by site against the list."""
    names = sorted(reference)
    ours, theirs = [sites.get(name, 0) for name in names], [reference[name] for name in names]
    pages = sum(sites.values())
    shared = sum(1 for count in ours if count)
    covered = sum(count for count, own in zip(theirs, ours, strict=True) if own)
    return Fidelity(
        pages,
        shared,
        len(names),
        spearman(ours, theirs),
        covered / sum(theirs),
        sum(ours) / pages if pages else 0.0,
        jensen_shannon(ours, theirs) if shared else None,
    )


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Correlate ranks (Spearman, 1904), equal values sharing their mean rank; None where a side is constant."""
    ranks, other_ranks = _ranks(one), _ranks(other)
    mean = (len(one) + 1) / 2
    top = sum((a - mean) * (b - mean) for a, b in zip(ranks, other_ranks, strict=True))
    bottom = math.sqrt(sum((a - mean) ** 2 for a in ranks) * sum((b - mean) ** 2 for b in other_ranks))
    return top / bottom if bottom else None


def _ranks(values: Sequence[float]) -> list[float]:
    """Rank from 1; equal values get the mean of their places."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values), 1):
        places.setdefault(value, []).append(place)
    return [(places[value][0] + places[value][-1]) / 2 for value in values]


def jensen_shannon(one: Sequence[float], other: Sequence[float]) -> float:
    """Diverge two sets of counts as shares, in bits (Lin, 1991): 0 for equal shares, 1 for disjoint ones."""
    total, other_total = sum(one), sum(other)
    shares = [(a / total, b / other_total) for a, b in zip(one, other, strict=True)]
    return math.fsum((_against_mean(a, b) + _against_mean(b, a)) / 2 for a, b in shares)


def _against_mean(own: float, other: float) -> float:
    return own * math.log2(2 * own / (own + other)) if own else 0.0


def costs(kept: Mapping[str, int], rejected: Mapping[tuple[str, str], int], reference: Mapping[str, int]) -> list[Cost]:
    """Tell what each reason costs of the list's mass, dearest first.

    Args:
        kept: pages of the corpus by site.
        rejected: rejections by (reason, site).
        reference: the list.
    """
    given = Counter({name: kept.get(name, 0) for name in reference})
    for (_, site), count in rejected.items():
        if site in reference:
            given[site] += count
    mass = sum(reference.values())
    found = []
    for reason in sorted({reason for reason, _ in rejected}):
        lost = {site: rejected.get((reason, site), 0) / given[site] for site in reference if given[site]}
        whole = [site for site, share in lost.items() if share >= _WHOLE and given[site] >= _LEAST_LINKS]
        whole.sort(key=lambda site: (-reference[site], site))
        cost = math.fsum(share * reference[site] for site, share in lost.items()) / mass
        found.append(Cost(reason, cost, _mass(whole, reference) / mass, tuple(whole)))
    return sorted(found, key=lambda cost: (-cost.mass, cost.reason))


def _mass(sites: Iterable[str], reference: Mapping[str, int]) -> int:
    return sum(reference[site] for site in sites)
