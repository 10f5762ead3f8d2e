"""What a person asks of a finished output: a host, a reason, a cluster, words in texts.

Nothing is written and nothing held: each question streams through the files that hold its answer, so an output of any
size can be asked. Answers are cut at `MOST_ROWS` rows and say how many there are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipelines.stages.output import FUNNEL, KINDS, Output
from webtext.hosts import normalize_host

MOST_ROWS = 200  # shown of an answer
SEARCHED_DOCUMENTS = 20_000  # the sample of a corpus whose texts are searched: ids are hashes, and shards hold ranges
_EXCERPT = 160  # characters on each side of what was found
_REJECTED = ("url", "reason", "detail", "kept_url", "similarity", "excerpt")

Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Rows, how many there are in all, and how many documents were looked at where texts were searched."""

    rows: list[Row]
    total: int
    looked_at: int = 0


class Questions:
    """Asks one output on this machine."""

    def __init__(self, output: str) -> None:
        """Name the output; what is not there answers with nothing."""
        self._output = Output(output)

    def of_host(self, host: str) -> Answer:
        """Tell what became of the links of a host: one row a link that a stage rejected, or that was kept."""
        host = host.lower().strip().rstrip(".")
        host = normalize_host(host) or host
        of_url = pc.match_substring_regex(pc.field("url"), f"(?i)^[a-z]+://{re.escape(host)}(?:[:/?#]|$)")
        rows, total = [], 0
        for kind in FUNNEL:
            found = self._rejected(kind.name, of_url)
            rows += [{"stage": kind.name, **row} for row in found.rows]
            total += found.total
        kept = _asked(self._files("corpus", KINDS["corpus"].kept), pc.field("host") == host, ("url", "title"))
        rows += [{"stage": "corpus", "url": row["url"], "reason": "kept", "detail": row["title"]} for row in kept.rows]
        return Answer(sorted(rows, key=lambda row: (row["url"], row["stage"]))[:MOST_ROWS], total + kept.total)

    def of_reason(self, stage: str, reason: str, offset: int = 0) -> Answer:
        """List the links that a stage rejected for a reason."""
        return self._rejected(stage, pc.field("reason") == reason, offset)

    def of_cluster(self, cluster: str) -> Answer:
        """List the documents of a cluster of near-duplicates, the one kept first."""
        columns = ("id", "url", "kept", "similarity", "n_words")
        found = _asked(self._files("duplicates", "clusters-*.parquet"), pc.field("cluster") == cluster, columns)
        return Answer(sorted(found.rows, key=lambda row: (not row["kept"], row["id"])), found.total)

    def of_words(self, words: str) -> Answer:
        """Find words in the texts of a sample of the corpus, without regard to case, with what stands around them."""
        wanted = words.strip()
        rows: list[Row] = []
        total = looked_at = 0
        for row in islice(self._documents(), SEARCHED_DOCUMENTS if wanted else 0):
            looked_at += 1
            found = re.search(re.escape(wanted), row["text"], re.IGNORECASE)
            if found:
                total += 1
                start, end = max(0, found.start() - _EXCERPT), found.end() + _EXCERPT
                before, after = "… " * (start > 0), " …" * (end < len(row["text"]))
                excerpt = before + row["text"][start:end] + after
                rows.append({"url": row["url"], "title": row["title"], "excerpt": excerpt})
        return Answer(rows[:MOST_ROWS], total, looked_at)

    def _documents(self) -> Iterator[Row]:
        files = self._files("corpus", KINDS["corpus"].kept)
        if files:
            for batch in ds.dataset(files).to_batches(
                columns=["url", "title", "text"], batch_size=512, use_threads=False
            ):
                yield from batch.to_pylist()

    def _rejected(self, stage: str, condition: Any, offset: int = 0) -> Answer:
        return _asked(self._files(stage, "rejections-*.parquet"), condition, _REJECTED, offset)

    def _files(self, stage: str, pattern: str) -> list[str]:
        return sorted(str(path) for path in Path(self._output.directory(stage)).rglob(pattern))


def _asked(files: Sequence[str], condition: Any, columns: Sequence[str], offset: int = 0) -> Answer:
    if not files:
        return Answer([], 0)
    data = ds.dataset(list(files))
    there = [name for name in columns if name in data.schema.names]  # An earlier webtext wrote fewer.
    batches = data.to_batches(filter=condition, columns=there, batch_size=4096, use_threads=False)
    rows = (row for batch in batches for row in batch.to_pylist())
    return Answer(list(islice(rows, offset, offset + MOST_ROWS)), data.count_rows(filter=condition, use_threads=False))
