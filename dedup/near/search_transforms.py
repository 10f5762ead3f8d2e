"""The steps of the search for near-duplicates, one after another as `dedup.near.transforms` connects them.

Each step is a task that reads one *run*, some neighbouring parts, or one *range*, a share of the key space, and its
memory is bounded by the size of that. It sends blocks of numbers, each to the run or range that is to read it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics.metric import Metrics
from apache_beam.utils.shared import Shared

from dedup.kernels.hashes import Floats, Indices, mix64
from dedup.kernels.numba_or_numpy import compile_from_now_on
from dedup.near.alarms import Tally, add_up, summarize, tally
from dedup.near.bands import GIANT_BUCKET, SMALL_BUCKET, Buckets, buckets
from dedup.near.choose import FACTS, MEMBERS, STAGE, VERDICTS, cluster_rows, judge, kept_rows, rank, rejection_rows
from dedup.near.clusters import common_pairs, connected_components, distinct_pairs
from dedup.near.keys import KEY_COLUMNS, KINDS, SECOND, document_keys, keys_a_document
from dedup.near.linking import Links
from dedup.near.minhash import MinHashConfig
from dedup.near.packed import divide, pack, pack_keys, pack_table, unpack, unpack_keys, unpack_tables
from dedup.near.parts import ROW_BITS, Catalog, PartReader
from dedup.near.verify import similarities
from webtext import storage
from webtext.tables import write_table

DOCUMENTS_A_RUN = 1 << 15
WORTH_COMPILING = (
    30_000  # documents from which compiled kernels save more than they take to load (dedup.kernels.numba_or_numpy)
)
KEYS_A_RANGE = 1 << 20  # 12 MiB as a block; sorting takes some four times that
SUMMARY = "summary.json"
# On the left place of a pair; one without a flag shares a band and is to be compared.
_EQUAL = np.int64(1 << 62)  # it shares the first half of an exact key
_EQUAL_TOO = np.int64(1 << 61)  # it shares the second half
_VERIFIED = np.int64(1 << 60)  # it was compared, in a giant bucket
# On a place beside the number of a large bucket that it is in, to be explored where the others of its cluster are.
_MEMBER = np.int64(1 << 59)
_FLAGS = _EQUAL | _EQUAL_TOO | _VERIFIED

Packed = tuple[int, bytes]
Grouped = tuple[int, Iterable[bytes]]


@dataclass(frozen=True)
class Plan:
    """How the work is cut. It decides who does what, and nothing of what comes out."""

    catalog: Catalog
    documents: int  # in all sources
    config: MinHashConfig
    documents_a_run: int = DOCUMENTS_A_RUN
    keys_a_range: int = KEYS_A_RANGE
    earlier: int = 0  # of the documents: those of earlier corpora
    reader: Shared = field(default_factory=Shared, compare=False)  # one for all steps that a process runs

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


class Step(beam.DoFn):
    """A step of a plan; reads the plan's parts."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def setup(self) -> None:
        if self.plan.documents >= WORTH_COMPILING:
            compile_from_now_on()
        self.reader: PartReader = self.plan.reader.acquire(lambda: PartReader(self.plan.catalog, storage.open_file))

    def process(self, element: Any) -> Iterator[Any]:
        raise NotImplementedError

    def similarities(self, pairs: Indices, at_least: float = 0.0) -> Floats:
        """Compute the true Jaccard similarity of pairs of places."""
        Metrics.counter(STAGE, "compared").inc(len(pairs))
        return similarities(pairs, self.reader, at_least)

    def links(self, places: Indices) -> Links:
        """Number documents, to find what connects them."""
        return Links(places, self.reader, self.plan.config.threshold)

    def found(self, links: Links) -> Indices:
        """Give what was found to be connected, and count the comparisons."""
        Metrics.counter(STAGE, "compared").inc(links.compared)
        return links.forest()


class ReadKeys(Step):
    """A run → the keys of its documents, divided by range."""

    def process(self, run: int) -> Iterator[Packed]:
        parts = self.plan.parts_of(run)
        by_url = any(source.earlier for source in self.plan.catalog.sources)
        names = [*KEY_COLUMNS, "url"] if by_url else KEY_COLUMNS
        tables = [self.reader.columns(part, names) for part in parts]
        rows = [(part, len(table)) for part, table in zip(parts, tables, strict=True)]
        if not any(count for _, count in rows):
            return
        keys, numbers = document_keys(pa.concat_tables(tables), self.plan.config, by_url=by_url)
        owners = (keys >> np.uint64(32)).astype(np.int64) * self.plan.ranges >> 32
        for owner, positions in divide(owners):
            yield owner, pack_keys(rows, keys[positions], numbers[positions])


class ProposePairs(Step):
    """All keys of a range → the pairs of documents to compare, divided by the run of the first."""

    def process(self, grouped: Grouped) -> Iterator[Packed]:
        keys, places = unpack_keys(grouped[1])
        kinds = keys & KINDS
        banded = buckets(keys[kinds == 0], places[kinds == 0])
        halves = (kinds != 0) & (kinds < SECOND), kinds >= SECOND
        equal, equal_too = (buckets(keys[half], places[half]).stars() for half in halves)
        equal[:, 0] |= _EQUAL
        equal_too[:, 0] |= _EQUAL_TOO
        verified = self._explore(list(banded.large(GIANT_BUCKET)))
        verified[:, 0] |= _VERIFIED
        pairs = distinct_pairs(np.concatenate([banded.small_pairs(), equal, equal_too, verified]))
        Metrics.counter(STAGE, "proposed").inc(len(pairs))
        for owner, positions in divide(self.plan.runs_of(pairs[:, 0] & ~_FLAGS)):
            yield owner, pack(pairs[positions])
        yield from self._large(banded, grouped[0])

    def _explore(self, giants: list[Indices]) -> Indices:
        """Find what connects giant buckets."""
        links = self.links(np.concatenate([np.empty(0, np.int64), *giants]))
        links.explore(np.split(links.numbers, np.cumsum([len(bucket) for bucket in giants])[:-1]) if giants else [])
        return self.found(links)

    def _large(self, banded: Buckets, key_range: int) -> Iterator[Packed]:
        """Send each large bucket to the run that the hash of its first document names: so do others of its cluster."""
        numbers, members = banded.between(SMALL_BUCKET, GIANT_BUCKET)
        rows = np.stack([members | _MEMBER, (np.int64(key_range) << np.int64(32)) + numbers], axis=1)
        first = banded.places[banded.starts[numbers]].view(np.uint64)
        for owner, positions in divide((mix64(first) % np.uint64(self.plan.runs)).astype(np.int64)):
            yield owner, pack(rows[positions])


class VerifyPairs(Step):
    """Pairs and large buckets → the pairs that are duplicates, as few as connect them."""

    def process(self, grouped: Grouped) -> Iterator[Packed]:
        edges = self.verify([unpack(grouped[1])])
        if len(edges):
            yield 0, pack(edges)

    def verify(self, runs: list[Indices]) -> Indices:
        """Verify what was sent to some runs, given in their order; shape (edges, 2).

        Large buckets are explored run by run: of the largest, what is compared depends on what a run knows by then. The
        pairs of all runs are compared together, so what they have in common is read once.
        """
        explored, asked = [np.empty((0, 2), np.int64)], [np.empty((0, 2), np.int64)]
        for rows in runs:
            is_member = (rows[:, 0] & _MEMBER) != 0
            large = buckets(rows[is_member, 1].view(np.uint64), rows[is_member, 0] & ~_MEMBER)
            pairs = distinct_pairs(rows[~is_member])
            flags, pairs = pairs[:, 0] & _FLAGS, pairs & ~_FLAGS
            near, equal, equal_too, known = (pairs[flags == flag] for flag in (0, _EQUAL, _EQUAL_TOO, _VERIFIED))
            explored.append(self._explore(large, np.concatenate([common_pairs(equal, equal_too), known])))
            asked.append(near)
        together = np.concatenate(explored), np.concatenate(asked)
        links = self.links(np.concatenate([pairs.ravel() for pairs in together]))
        joined, wanted = np.split(links.numbers, [together[0].size])
        links.join(joined.reshape(-1, 2))
        links.connect(wanted.reshape(-1, 2))
        edges = self.found(links)
        Metrics.counter(STAGE, "verified").inc(len(edges))
        return edges

    def _explore(self, large: Buckets, known: Indices) -> Indices:
        """Connect what is known to belong together, and what is similar in large buckets."""
        links = self.links(np.concatenate([large.places, known.ravel()]))
        crowded, joined = np.split(links.numbers, [len(large.places)])
        links.join(joined.reshape(-1, 2))
        links.explore(replace(large, places=crowded).large())
        return self.found(links)


class ConnectPairs(Step):
    """All verified edges, contracted → each member with the root of its cluster, divided by run.

    The one step that is a single task: 16 bytes an edge, and at most one edge for each member and each run.
    """

    def process(self, grouped: Grouped) -> Iterator[Packed]:
        nodes, roots = connected_components(unpack(grouped[1]))
        for owner, positions in divide(self.plan.runs_of(nodes)):
            yield owner, pack(np.stack([nodes[positions], roots[positions]], axis=1))


class DescribeMembers(Step):
    """The members of a run → what the choice needs to know of them, divided by cluster."""

    def process(self, grouped: Grouped) -> Iterator[Packed]:
        rows = np.sort(unpack(grouped[1]).view([("place", "<i8"), ("root", "<i8")]).ravel(), order="place")
        places, roots = rows["place"].copy(), rows["root"].copy()
        parts = (places >> ROW_BITS).tolist()
        is_earlier = {part: self.plan.catalog.locate(part)[0].earlier for part in set(parts)}
        earlier = [is_earlier[part] for part in parts]
        facts = self.reader.rows(places, FACTS)
        known = {"place": pa.array(places), "root": pa.array(roots), "earlier": pa.array(earlier, pa.bool_())}
        columns = known | {name: facts.column(name) for name in FACTS}
        members = pa.Table.from_pydict(columns, schema=MEMBERS)
        owners = mix64(roots.view(np.uint64)) % np.uint64(self.plan.runs)
        for owner, positions in divide(owners.astype(np.int64)):
            yield owner, pack_table(members.take(pa.array(positions)))


class JudgeClusters(Step):
    """Whole clusters → which member stays and why the others do not, divided by run; and a tally."""

    def process(self, grouped: Grouped) -> Iterator[Any]:
        ranked = rank(unpack_tables(grouped[1], MEMBERS))
        kept = kept_rows(ranked)
        verdicts = judge(ranked, kept, self._similarity_to_kept(ranked, kept), self.plan.config.threshold)
        later = ~ranked.column("earlier").to_numpy()
        concerned = (
            np.bincount(kept, weights=later, minlength=len(kept))[kept] > 0
        )  # not what an earlier corpus repeats
        yield beam.pvalue.TaggedOutput("tallies", tally(verdicts.filter(pa.array(concerned))))
        ours = verdicts.filter(pa.array(later))
        for owner, positions in divide(self.plan.runs_of(ours.column("place").to_numpy())):
            yield owner, pack_table(ours.take(pa.array(positions)))

    def _similarity_to_kept(self, ranked: pa.Table, kept: Indices) -> Floats:
        digests = np.array(ranked.column("text_digest").to_pylist(), dtype=np.str_)
        places = ranked.column("place").to_numpy()
        found = np.ones(len(ranked))
        differ = np.flatnonzero(digests != digests[kept])
        found[differ] = self.similarities(np.stack([places[kept[differ]], places[differ]], axis=1))
        return found


class WriteVerdicts(Step):
    """The verdicts of a run → two files for each of its parts that is not of an earlier corpus."""

    def __init__(self, plan: Plan, output: str) -> None:
        super().__init__(plan)
        self.output = output

    def process(self, grouped: Grouped) -> Iterator[str]:
        verdicts = unpack_tables(filter(None, grouped[1]), VERDICTS).sort_by("place")
        parts = verdicts.column("place").to_numpy() >> ROW_BITS  # ascending
        for part in self.plan.parts_of(grouped[0]):
            source, suffix = self.plan.catalog.locate(part)
            if source.earlier:
                continue
            first, last = np.searchsorted(parts, (part, part + 1)).tolist()
            own = verdicts.slice(first, last - first)
            for reason, number in Counter(own.column("reason").to_pylist()).items():
                if reason:  # "" stays
                    Metrics.counter(STAGE, reason).inc(number)
            for kind, table in (("clusters", cluster_rows(own)), ("rejections", rejection_rows(own))):
                name = f"{kind}-{suffix}.parquet"
                with storage.create_file(storage.join(self.output, name)) as stream:
                    write_table(stream, table)
                yield name


def write_summary(grouped: tuple[int, Iterable[Tally]], plan: Plan, output: str) -> str:
    """Write what all tallies together say; gives the name of the file."""
    summary = summarize(add_up(grouped[1]), plan.documents - plan.earlier, plan.earlier)
    with storage.create_file(storage.join(output, SUMMARY)) as stream:
        stream.write((json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode())
    return SUMMARY
