"""Which rows a person is shown: drawn by hash, so the draw is fair, repeatable, and the same on every machine.

A row is drawn if the hash of its URL (or id) is among the smallest. Another salt draws other rows.
"""

import heapq
from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.report.fidelity import site_of
from pipelines.report.tallies import batches, batches_of, count_into, hosts_of
from pipelines.stages.output import FUNNEL, Output
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.hashing import bucket_of, hash64
from webtext.shards import SPLITS, list_shards, split_of_shard
from webtext.tables import REJECTIONS, read_matching

SALT = "sample"
REPEATED = "repeated_submission"  # harvest's one reason whose URL may be a link all the same
_KEPT_COLUMNS = ("id", "url", "title", "date", "language", "n_words", "karma", "subreddits", "text")
_MOST_MEMBERS = 20  # the members of a cluster that are listed
_BATCH_ROWS = 1 << 13  # a rejection holds up to 2,000 characters of its text


class Draw:
    """The `most` rows with the smallest hashes of those offered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: list[tuple[int, str, dict[str, Any]]] = []

    def admits(self, rank: int) -> bool:
        """Tell whether a row of this hash would be drawn; only then need it be read."""
        return len(self._rows) < self._most or (self._most > 0 and rank < self._rows[-1][0])

    def add(self, rank: int, identity: str, row: dict[str, Any]) -> None:
        """Draw a row, and let go of the one that it displaces."""
        insort(self._rows, (rank, identity, row), key=lambda entry: entry[:2])
        del self._rows[self._most :]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows drawn, by hash."""
        return [row for _, _, row in self._rows]


@dataclass
class RejectionTally:
    """What the rejections of all stages are, in one pass, with some of each reason drawn."""

    shown_hosts: Collection[str] = ()  # those whose reasons are counted
    listed_sites: Collection[str] = ()  # likewise, of `pipelines.report.fidelity`
    samples: int = 5  # drawn of each reason
    salt: str = SALT
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)  # (stage directory, reason)
    hosts: Counter[tuple[str, str]] = field(default_factory=Counter)  # (host, reason), of links: none of harvest
    sites: Counter[tuple[str, str]] = field(default_factory=Counter)  # (reason, site)
    languages: Counter[str] = field(default_factory=Counter)  # languages that documents were rejected for
    similarity: Counter[int] = field(default_factory=Counter)  # near-duplicates by similarity, in hundredths
    clusters: dict[str, int] = field(default_factory=dict)  # size of each cluster of duplicates
    dropped: Counter[int] = field(default_factory=Counter)  # documents dropped, by the size of their cluster
    dropped_words: Counter[int] = field(default_factory=Counter)  # words of these, likewise
    drawn: dict[tuple[str, str], Draw] = field(default_factory=dict)

    @classmethod
    def of(cls, output: str, **settings: Any) -> "RejectionTally":
        """Count the rejections of an output's finished stages."""
        tally = cls(**settings)
        for stage in (kind.name for kind in FUNNEL):
            directory = Output(output).directory(stage)
            if find_manifest(directory) is not None:
                for batch in batches(directory, "rejections-*.parquet", REJECTIONS.names, _BATCH_ROWS):
                    tally.add(stage, batch)
        if tally.clusters:
            tally.dropped_words = count_dropped_words(output, "cluster_size", set(tally.clusters.values()))
        return tally

    def add(self, stage: str, batch: pa.RecordBatch) -> None:
        """Count a batch of the rejections of a stage directory."""
        reasons = batch.column("reason").to_pylist()
        self.reasons.update((stage, reason) for reason in reasons)
        self._count_hosts(stage, batch, reasons)
        self._count_evidence(batch)
        for row, (url, reason) in enumerate(zip(batch.column("url").to_pylist(), reasons, strict=True)):
            draw = self.drawn.setdefault((stage, reason), Draw(self.samples))
            rank = hash64(url.encode(), salt=self.salt.encode())
            if draw.admits(rank):
                draw.add(rank, url, batch.slice(row, 1).to_pylist()[0])

    def _count_hosts(self, stage: str, batch: pa.RecordBatch, reasons: list[str]) -> None:
        pairs: Counter[tuple[str, str]] = Counter(zip(hosts_of(batch.column("url")).to_pylist(), reasons, strict=True))
        for (host, reason), count in pairs.items():
            if host in self.shown_hosts and stage != "links":
                self.hosts[host, reason] += count
            if self.listed_sites and reason != REPEATED and (site := site_of(host)) in self.listed_sites:
                self.sites[reason, site] += count

    def _count_evidence(self, batch: pa.RecordBatch) -> None:
        foreign = batch.filter(pc.equal(batch.column("reason"), "language"))
        self.languages.update(detail.partition(" ")[0] for detail in foreign.column("detail").to_pylist())
        near = batch.filter(pc.starts_with(batch.column("reason"), "near_duplicate"))
        count_into(self.similarity, pc.cast(pc.floor(pc.multiply(near.column("similarity"), 100.0)), pa.int32()))
        clustered = batch.filter(pc.is_valid(batch.column("cluster")))
        sizes = clustered.column("cluster_size").to_pylist()
        self.clusters.update(zip(clustered.column("cluster").to_pylist(), sizes, strict=True))
        self.dropped.update(sizes)

    def count(self, reason: str) -> int:
        """Count the rejections for a reason, at whichever stage."""
        return sum(count for (_, own), count in self.reasons.items() if own == reason)


def draw_kept(corpus: str, most: int, salt: str = SALT) -> list[dict[str, Any]]:
    """Draw documents of a corpus directory: those whose ids have the smallest hashes, with split and text."""
    smallest = heapq.nsmallest(most, _ranked_ids(corpus, salt))
    rows = []
    for _, identity, name in smallest:
        with storage.open_file(storage.join(corpus, name)) as stream:
            found = read_matching(stream, _KEPT_COLUMNS, "id", [identity]).to_pylist()
        rows += [{**row, "split": split_of_shard(name)} for row in found[:1]]
    return rows


def _ranked_ids(corpus: str, salt: str) -> Iterator[tuple[int, str, str]]:
    for split in SPLITS:
        for name in list_shards(corpus, split):
            for batch in batches_of(storage.join(corpus, name), ("id",)):
                for identity in batch.column("id").to_pylist():
                    yield hash64(identity.encode(), salt=salt.encode()), identity, name


def read_texts(documents: str, urls: Collection[str]) -> dict[str, str]:
    """Read the texts of some URLs out of a documents directory; its parts are buckets, so only theirs are opened."""
    parts = storage.list_files(documents, "part-*.parquet")
    wanted: dict[str, list[str]] = {}
    for url in sorted(urls):
        wanted.setdefault(parts[bucket_of(url, len(parts))], []).append(url)
    texts: dict[str, str] = {}
    for part, members in wanted.items():
        with storage.open_file(storage.join(documents, part)) as stream:
            table = read_matching(stream, ["url", "text"], "url", members)
        texts.update(zip(table.column("url").to_pylist(), table.column("text").to_pylist(), strict=True))
    return texts


def count_dropped_words(output: str, column: str, values: Collection[Any]) -> Counter[Any]:
    """Count the words dropped with duplicates, by a column of `clusters-*.parquet`, for some of its values.

    Files of an earlier webtext, which have no `n_words`, count as nothing.
    """
    words: Counter[Any] = Counter()
    for batch in batches(Output(output).duplicates, "clusters-*.parquet", (column, "kept", "n_words")):
        if "n_words" in batch.schema.names:
            wanted = pc.is_in(batch.column(column), value_set=pa.array(sorted(values), batch.column(column).type))
            gone = batch.filter(pc.and_(wanted, pc.invert(batch.column("kept"))))
            for value, number in zip(gone.column(column).to_pylist(), gone.column("n_words").to_pylist(), strict=True):
                words[value] += number
    return words


@dataclass(frozen=True)
class Cluster:
    """A cluster of duplicates: what was kept, what was dropped (most alike first, at most 20), and two texts."""

    identity: str
    size: int
    kept_url: str
    dropped: tuple[dict[str, Any], ...]
    kept_text: str
    dropped_text: str  # the text of the last of `dropped`: the least alike
    dropped_words: int = 0  # words of all documents dropped; 0 where an earlier webtext did not write them


def choose_clusters(clusters: Mapping[str, int], largest: int, drawn: int) -> list[str]:
    """Choose the largest clusters, and others by hash."""
    by_size = sorted(clusters, key=lambda name: (-clusters[name], name))[:largest]
    left = set(clusters).difference(by_size)
    by_hash = heapq.nsmallest(drawn, ((hash64(name.encode(), salt=SALT.encode()), name) for name in left))
    return by_size + [name for _, name in by_hash]


def read_clusters(output: str, names: list[str]) -> list[Cluster]:
    """Read clusters with their evidence and the two texts that are compared."""
    members: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    wanted = pa.array(names, pa.string())
    for batch in batches(Output(output).duplicates, "rejections-*.parquet", REJECTIONS.names):
        for row in batch.filter(pc.is_in(batch.column("cluster"), value_set=wanted)).to_pylist():
            if row["kept_url"]:  # else it is of a text that recurs, of which none was kept
                members[row["cluster"]].append(row)
    dropped = {name: _most_telling(rows) for name, rows in members.items() if rows}
    urls = {url for rows in dropped.values() for url in (rows[-1]["url"], rows[-1]["kept_url"])}
    words = count_dropped_words(output, "cluster", names)
    texts = read_texts(Output(output).documents, urls)
    return [
        Cluster(
            name, rows[0]["cluster_size"], rows[0]["kept_url"], rows,
            texts.get(rows[-1]["kept_url"], ""), texts.get(rows[-1]["url"], ""), words[name],
        )
        for name, rows in dropped.items()
    ]  # fmt: skip


def _most_telling(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Order by similarity, most alike first; of many, leave out from the middle on, but never the least alike."""
    ordered = sorted(rows, key=lambda row: (-(row["similarity"] or 0.0), row["url"]))
    return tuple(ordered[: _MOST_MEMBERS - 1] + ordered[-1:]) if len(ordered) > _MOST_MEMBERS else tuple(ordered)
