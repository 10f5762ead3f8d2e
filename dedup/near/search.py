"""The search for near-duplicates as functions of arrays: keys → pairs to compare → edges → clusters → verdicts.

They know of no engine. Beam (`dedup.near.transforms`) and one task (`at_once`) only say who does what when: a *run* is
some neighbouring parts of the documents, a *range* a share of the key space. What comes out does not depend on either.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedup.kernels.hashes import Floats, Hashes, Indices, mix64
from dedup.near.alarms import Tally, tally
from dedup.near.bands import GIANT_BUCKET, SMALL_BUCKET, Buckets, buckets
from dedup.near.choose import FACTS, MEMBERS, judge, kept_rows, rank
from dedup.near.clusters import common_pairs, connected_components, distinct_pairs
from dedup.near.keys import KEY_COLUMNS, KINDS, SECOND, document_keys, keys_a_document
from dedup.near.linking import Links
from dedup.near.minhash import MinHashConfig
from dedup.near.packed import divide
from dedup.near.parts import ROW_BITS, Catalog, PartReader, places_of
from dedup.near.verify import similarities

DOCUMENTS_A_RUN = 1 << 15
KEYS_A_RANGE = 1 << 20  # 12 MiB as a block; sorting takes some four times that
# Flags on the left number of a row. A pair without a flag shares a band: it is to be compared.
_EQUAL = np.int64(1 << 62)  # the pair shares the first half of an exact key
_EQUAL_TOO = np.int64(1 << 61)  # the pair shares the second half
_VERIFIED = np.int64(1 << 60)  # the pair was compared, in a giant bucket
_MEMBER = np.int64(1 << 59)  # the row is no pair: a document, and the number of the large bucket that it is in
_FLAGS = _EQUAL | _EQUAL_TOO | _VERIFIED


@dataclass(frozen=True)
class Plan:
    """How the work is cut. It decides who does what, and nothing of what comes out."""

    catalog: Catalog
    documents: int  # those of all sources
    config: MinHashConfig
    documents_a_run: int = DOCUMENTS_A_RUN
    keys_a_range: int = KEYS_A_RANGE
    earlier: int = 0  # the number of documents that are of earlier corpora

    @property
    def runs(self) -> int:
        """How many runs of parts there are."""
        return min(self.catalog.parts, max(1, -(-self.documents // self.documents_a_run)))

    @property
    def ranges(self) -> int:
        """How many ranges the key space is cut into."""
        return max(1, -(-self.documents * keys_a_document(self.config) // self.keys_a_range))

    def parts_of(self, run: int) -> range:
        """Number the parts of a run."""
        return range(run * self.catalog.parts // self.runs, (run + 1) * self.catalog.parts // self.runs)

    def runs_of(self, places: Indices) -> Indices:
        """Tell the run of each place."""
        return ((places >> ROW_BITS) * self.runs + self.runs - 1) // self.catalog.parts

    def ranges_of(self, keys: Hashes) -> Indices:
        """Tell the range of each key."""
        return (keys >> np.uint64(32)).astype(np.int64) * self.ranges >> 32

    def runs_by_hash(self, numbers: Indices) -> Indices:
        """Tell by which run what has a number is to be looked at, whatever run it is from."""
        return (mix64(numbers.view(np.uint64)) % np.uint64(self.runs)).astype(np.int64)


class RunKeys(NamedTuple):
    """The keys of the documents of a run."""

    parts: list[tuple[int, int]]  # number and rows of each part
    keys: Hashes
    numbers: Indices  # the document of each key, counted through the parts

    def places(self) -> Indices:
        """Name the place of the document of each key."""
        own = [places_of(part, rows) for part, rows in self.parts]
        return np.concatenate([np.empty(0, np.int64), *own])[self.numbers]


class Proposed(NamedTuple):
    """What is to be verified: pairs of places and members of large buckets, and the run that looks at each."""

    rows: Indices  # pairs with flags; shape (n, 2)
    runs: Indices  # shape (n,)


class Search:
    """The steps of a plan. Each depends on its arguments and on the documents, and on no step before it."""

    def __init__(self, plan: Plan, reader: PartReader) -> None:
        self.plan, self._reader = plan, reader
        self.counts: Counter[str] = Counter()  # pairs proposed, compared and verified so far

    def keys(self, run: int) -> RunKeys:
        """Make the keys of the documents of a run."""
        parts = self.plan.parts_of(run)
        by_url = any(source.earlier for source in self.plan.catalog.sources)
        names = [*KEY_COLUMNS, "url"] if by_url else KEY_COLUMNS
        tables = [self._reader.columns(part, names) for part in parts]
        rows = [(part, len(table)) for part, table in zip(parts, tables, strict=True)]
        if not any(count for _, count in rows):
            return RunKeys(rows, np.empty(0, np.uint64), np.empty(0, np.int64))
        return RunKeys(rows, *document_keys(pa.concat_tables(tables), self.plan.config, by_url=by_url))

    def propose(self, keys: Hashes, places: Indices, key_range: int) -> Proposed:
        """Find the pairs of documents that share keys, given all keys of a range.

        A small bucket (`dedup.near.bands`) gives its pairs, a large one its members, and of a giant one it is found out
        here what connects it.
        """
        kinds = keys & KINDS
        banded = buckets(keys[kinds == 0], places[kinds == 0])
        halves = (kinds != 0) & (kinds < SECOND), kinds >= SECOND
        equal, equal_too = (buckets(keys[half], places[half]).stars() for half in halves)
        equal[:, 0] |= _EQUAL
        equal_too[:, 0] |= _EQUAL_TOO
        verified = self._connected(list(banded.large(GIANT_BUCKET)))
        verified[:, 0] |= _VERIFIED
        pairs = distinct_pairs(np.concatenate([banded.small_pairs(), equal, equal_too, verified]))
        self.counts["proposed"] += len(pairs)
        # A large bucket goes to the run that the hash of its first document names: so do others of its cluster.
        numbers, members = banded.between(SMALL_BUCKET, GIANT_BUCKET)
        crowded = np.stack([members | _MEMBER, (np.int64(key_range) << np.int64(32)) + numbers], axis=1)
        first = banded.places[banded.starts[numbers]]
        runs = np.concatenate([self.plan.runs_of(pairs[:, 0] & ~_FLAGS), self.plan.runs_by_hash(first)])
        return Proposed(np.concatenate([pairs, crowded]), runs)

    def verify(self, proposed: Sequence[Indices]) -> Indices:
        """Find the pairs that are duplicates, as few as connect them.

        Args:
            proposed: the rows that each of some runs is to look at, in the order of the runs. Large buckets are
                explored run by run: of the largest, what is compared depends on what a run knows by then. The pairs
                of all runs are compared together, so what they have in common is read once.

        Returns:
            Pairs of places, shape (edges, 2).
        """
        explored, asked = [np.empty((0, 2), np.int64)], [np.empty((0, 2), np.int64)]
        for rows in proposed:
            is_member = (rows[:, 0] & _MEMBER) != 0
            large = buckets(rows[is_member, 1].view(np.uint64), rows[is_member, 0] & ~_MEMBER)
            pairs = distinct_pairs(rows[~is_member])
            flags, pairs = pairs[:, 0] & _FLAGS, pairs & ~_FLAGS
            near, equal, equal_too, known = (pairs[flags == flag] for flag in (0, _EQUAL, _EQUAL_TOO, _VERIFIED))
            explored.append(self._explored(large, np.concatenate([common_pairs(equal, equal_too), known])))
            asked.append(near)
        together = np.concatenate(explored), np.concatenate(asked)
        links = self._links(np.concatenate([pairs.ravel() for pairs in together]))
        joined, wanted = np.split(links.numbers, [together[0].size])
        links.join(joined.reshape(-1, 2))
        links.connect(wanted.reshape(-1, 2))
        edges = self._found(links)
        self.counts["verified"] += len(edges)
        return edges

    def describe(self, nodes: Indices, roots: Indices) -> pa.Table:
        """Read what the choice needs to know of members of clusters: a table of `dedup.near.choose.MEMBERS`."""
        order = np.argsort(nodes)
        places, roots = nodes[order], roots[order]
        if not len(places):
            return MEMBERS.empty_table()
        parts = (places >> ROW_BITS).tolist()
        is_earlier = {part: self.plan.catalog.locate(part)[0].earlier for part in set(parts)}
        facts = self._reader.rows(places, FACTS)
        earlier = pa.array([is_earlier[part] for part in parts], pa.bool_())
        known = {"place": pa.array(places), "root": pa.array(roots), "earlier": earlier}
        return pa.Table.from_pydict(known | {name: facts.column(name) for name in FACTS}, schema=MEMBERS)

    def judge(self, members: pa.Table) -> tuple[pa.Table, Tally]:
        """Say which members of whole clusters stay and why the others do not: verdicts on this run's, and a tally."""
        ranked = rank(members)
        kept = kept_rows(ranked)
        verdicts = judge(ranked, kept, self._similarity_to_kept(ranked, kept), self.plan.config.threshold)
        later = ~ranked.column("earlier").to_numpy()
        # What only documents of an earlier corpus have in common is not told of.
        concerned = np.bincount(kept, weights=later, minlength=len(kept))[kept] > 0
        return verdicts.filter(pa.array(later)), tally(verdicts.filter(pa.array(concerned)))

    def _similarity_to_kept(self, ranked: pa.Table, kept: Indices) -> Floats:
        digests = np.array(ranked.column("text_digest").to_pylist(), dtype=np.str_)
        places = ranked.column("place").to_numpy()
        found = np.ones(len(ranked))
        differ = np.flatnonzero(digests != digests[kept])
        found[differ] = similarities(np.stack([places[kept[differ]], places[differ]], axis=1), self._reader)
        self.counts["compared"] += len(differ)
        return found

    def _connected(self, giants: list[Indices]) -> Indices:
        """Find what connects giant buckets."""
        links = self._links(np.concatenate([np.empty(0, np.int64), *giants]))
        links.explore(np.split(links.numbers, np.cumsum([len(bucket) for bucket in giants])[:-1]) if giants else [])
        return self._found(links)

    def _explored(self, large: Buckets, known: Indices) -> Indices:
        """Connect what is known to belong together, and what is similar in large buckets."""
        links = self._links(np.concatenate([large.places, known.ravel()]))
        crowded, joined = np.split(links.numbers, [len(large.places)])
        links.join(joined.reshape(-1, 2))
        links.explore(replace(large, places=crowded).large())
        return self._found(links)

    def _links(self, places: Indices) -> Links:
        return Links(places, self._reader, self.plan.config.threshold)

    def _found(self, links: Links) -> Indices:
        self.counts["compared"] += links.compared
        return links.forest()


def at_once(search: Search) -> tuple[pa.Table, Tally]:
    """Do the whole search in one task: the verdicts on all members of clusters, and a tally."""
    plan = search.plan
    by_range: defaultdict[int, list[tuple[Hashes, Indices]]] = defaultdict(list)
    for run in range(plan.runs):
        made = search.keys(run)
        places = made.places()
        for owner, own in divide(plan.ranges_of(made.keys)):
            by_range[owner].append((made.keys[own], places[own]))
    by_run: defaultdict[int, list[Indices]] = defaultdict(list)
    for owner in sorted(by_range):
        keys, places = map(np.concatenate, zip(*by_range.pop(owner), strict=True))
        proposed = search.propose(keys, places, owner)
        for run, own in divide(proposed.runs):
            by_run[run].append(proposed.rows[own])
    edges = search.verify([np.concatenate(by_run.pop(run)) for run in sorted(by_run)])
    return search.judge(search.describe(*connected_components(edges)))
