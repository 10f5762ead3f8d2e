"""Which document of a cluster stays, and what is written of the others.

The rule is a function of the documents alone: most karma, then longest text (in words), then earliest post, then
smallest id. A document of an earlier corpus goes before all of this run's, because it cannot be taken back. Of a short
text that stands at many URLs, no document stays.
"""

from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.kernels.hashes import Floats, Indices
from webtext.tables import REJECTIONS, read_columns

STAGE = "dedup"
EXACT = "exact_duplicate"
NEAR = "near_duplicate"
CHAINED = "near_duplicate_chain"  # like others of its cluster, and by a chain of them like the one that stays
RECURRING = "recurring_text"
# A short text word for word at many URLs is no page that many copied: it is a wall, a "not found" sent with a status of
# 200, or a notice, in words that no list of patterns has. Ours: the shortest kind of article that is copied that often,
# an agency's brief, has some 100 words.
RECURRING_URLS = 5
RECURRING_WORDS = 80
FACTS = ["id", "url", "karma", "n_words", "first_posted", "text_digest", "body_digest"]

MEMBERS = pa.schema(
    [
        ("place", pa.int64()),
        ("root", pa.int64()),  # smallest place of the cluster: its name until the smallest id is known
        ("earlier", pa.bool_()),
        ("id", pa.string()),
        ("url", pa.string()),
        ("karma", pa.int32()),
        ("n_words", pa.int32()),
        ("first_posted", pa.timestamp("s", tz="UTC")),
        ("text_digest", pa.string()),
        ("body_digest", pa.string()),
    ]
)
CLUSTERS = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("cluster", pa.string()),  # smallest id of the cluster
        ("cluster_size", pa.int32()),
        ("kept", pa.bool_()),
        ("similarity", pa.float32()),  # true Jaccard similarity to the one kept; 1 for itself
        ("n_words", pa.int32()),
    ]
)
VERDICTS = pa.schema(
    [
        ("place", pa.int64()),
        *CLUSTERS,
        ("reason", pa.string()),  # "" for one that stays
        ("detail", pa.string()),
        ("kept_url", pa.string()),
    ]
)
_NEVER = np.iinfo(np.int64).max


def rank(members: pa.Table) -> pa.Table:
    """Sort members by cluster, and within it by the rule: the first of each cluster is the one that stays."""
    karma = members.column("karma").fill_null(np.iinfo(np.int32).min).to_numpy().astype(np.int64)
    posted = members.column("first_posted").cast(pa.int64()).fill_null(_NEVER).to_numpy()
    words = members.column("n_words").to_numpy().astype(np.int64)
    identities = np.array(members.column("id").to_pylist(), dtype=np.str_)
    later = ~members.column("earlier").to_numpy()
    roots = members.column("root").to_numpy()
    return members.take(pa.array(np.lexsort((identities, posted, -words, -karma, later, roots))))


def kept_rows(ranked: pa.Table) -> Indices:
    """Tell for each ranked member the row of the one that stays in its cluster, shape (members,)."""
    roots = ranked.column("root").to_numpy()
    first = np.ones(len(roots), np.bool_)
    first[1:] = roots[1:] != roots[:-1]
    rows: Indices = np.flatnonzero(first)[np.cumsum(first) - 1]
    return rows


def same_content(ranked: pa.Table, kept: Indices) -> np.typing.NDArray[np.bool_]:
    """Tell which members have the words, the body or the URL of the one that stays."""
    same = np.zeros(len(ranked), np.bool_)
    for name in ("text_digest", "body_digest", "url"):
        digests = np.array(ranked.column(name).fill_null("").to_pylist(), dtype=np.str_)
        same |= (digests == digests[kept]) & (digests != "")
    return same


def recurring(ranked: pa.Table, kept: Indices) -> np.typing.NDArray[np.bool_]:
    """Tell which members are of a cluster of which none stays, since its short text stands at `RECURRING_URLS`.

    Not so a cluster with a document of an earlier corpus, which cannot be taken back.
    """
    digests = np.array(ranked.column("text_digest").fill_null("").to_pylist(), dtype=np.str_)
    copies = np.bincount(kept, weights=(digests == digests[kept]) & (digests != ""), minlength=len(kept))
    is_short = ranked.column("n_words").to_numpy() <= RECURRING_WORDS
    found = (copies >= RECURRING_URLS) & is_short & ~ranked.column("earlier").to_numpy()
    members: np.typing.NDArray[np.bool_] = found[kept]
    return members


def judge(ranked: pa.Table, kept: Indices, similarity: Floats, threshold: float) -> pa.Table:
    """Say of each ranked member whether it stays, and why not: rows as in `ranked`, columns as in `VERDICTS`."""
    earlier = ranked.column("earlier").to_numpy()
    same = same_content(ranked, kept)
    recurs = recurring(ranked, kept)
    stays = (earlier | (kept == np.arange(len(kept)))) & ~recurs
    chained = ~same & ~recurs & (similarity < threshold)
    reasons = np.where(recurs, RECURRING, np.where(same, EXACT, np.where(chained, CHAINED, NEAR)))
    _, numbers, sizes = np.unique(kept, return_inverse=True, return_counts=True)
    told = np.stack([stays, chained, earlier[kept]], axis=1) @ (4, 2, 1)  # one of eight details
    details = [_detail(*map(bool, (code & 4, code & 2, code & 1))) for code in range(8)]
    columns = {
        "place": ranked.column("place"),
        "id": ranked.column("id"),
        "url": ranked.column("url"),
        "cluster": pa.array(_smallest_ids(ranked.column("id").to_pylist(), kept), pa.string()),
        "cluster_size": pa.array(sizes[numbers].astype(np.int32)),
        "kept": pa.array(stays),
        "similarity": pa.array(similarity.astype(np.float32)),
        "n_words": ranked.column("n_words"),
        "reason": pa.array(np.where(stays, "", reasons), pa.string()),
        "detail": pa.array(details, pa.string()).take(pa.array(told)),
        "kept_url": pc.if_else(pa.array(recurs), None, ranked.column("url").take(pa.array(kept))),
    }
    return pa.Table.from_pydict(columns, schema=VERDICTS)


def _smallest_ids(identities: list[str], kept: Indices) -> list[str]:
    names: dict[int, str] = {}
    for row, identity in zip(kept.tolist(), identities, strict=True):
        names[row] = min(names.get(row, identity), identity)
    return [names[row] for row in kept.tolist()]


def _detail(stays: bool, chained: bool, earlier: bool) -> str:
    if stays:
        return ""
    told = ["linked to the kept one only through others of its cluster"] if chained else []
    return "; ".join([*told, *(["kept in the earlier corpus"] if earlier else [])])


def cluster_rows(verdicts: pa.Table) -> pa.Table:
    """Take what is known of clusters from verdicts, as it is written to `clusters-*.parquet`."""
    return verdicts.select(CLUSTERS.names)


def rejection_rows(verdicts: pa.Table) -> pa.Table:
    """Take the rejections from verdicts, as they are written to `rejections-*.parquet`."""
    dropped = verdicts.filter(pc.not_equal(verdicts.column("reason"), ""))
    known = {name: dropped.column(name) for name in REJECTIONS.names if name in VERDICTS.names}
    filled = {"stage": pa.array([STAGE] * len(dropped), pa.string()), "excerpt": pa.nulls(len(dropped), pa.string())}
    return pa.Table.from_pydict(known | filled, schema=REJECTIONS)


def read_clusters(stream: BinaryIO) -> dict[str, tuple[str, bool]]:
    """Read a `clusters-*.parquet`: by id of a member, its cluster and whether it stays.

    Whatever document is not named is alone: its own id is its cluster, and it stays.
    """
    table = read_columns(stream, ["id", "cluster", "kept"])
    names, clusters, kept = (column.to_pylist() for column in table.columns)
    return dict(zip(names, zip(clusters, kept, strict=True), strict=True))
