"""What stays of the documents: less the duplicates, less what was removed on request, less what repeats.

Each of these stages has a file for each part of the documents, under the part's own number; here is the one place that
knows how they are called and read.
"""

from collections import defaultdict
from dataclasses import dataclass

import pyarrow as pa

from dedup.near.choose import read_clusters
from dedup.repeats.cuts import without
from pipelines.stages.output import Output
from pipelines.stages.stage import find_manifest, read_manifest
from webtext import storage
from webtext.code_points import count_words
from webtext.hashing import document_id
from webtext.tables import read_columns

PARTS = "part-*.parquet"


def beside(part: str, kind: str) -> str:
    """Name the file that another stage has for a part of the documents.

    >>> beside("part-00003-of-00008.parquet", "rejections")
    'rejections-00003-of-00008.parquet'
    """
    return part.replace("part", kind, 1)


@dataclass(frozen=True)
class Kept:
    """Finished stages that say together which documents stay, and how."""

    documents: str
    duplicates: str
    removed: str | None = None  # None where nobody asked for a removal that meets something
    repeats: str | None = None  # None where it was not asked for

    @classmethod
    def of(cls, output: Output) -> "Kept":
        """Take the stages that the corpus of an output is made from, as they stand there."""
        removed, repeats = find_manifest(output.removed), find_manifest(output.repeats)
        return cls(
            output.documents,
            output.duplicates,
            output.removed if removed and removed.counts.rejected else None,
            output.repeats if repeats else None,
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The directories, as inputs of a stage."""
        return (self.documents, self.duplicates, *filter(None, (self.removed, self.repeats)))

    @property
    def optional(self) -> dict[str, str]:
        """The stages that only some outputs have: name → directory."""
        return {name: path for name, path in (("removed", self.removed), ("repeats", self.repeats)) if path}

    def count(self) -> int:
        """Count the documents that stay, by the manifest of the last stage."""
        return read_manifest(self.repeats or self.removed or self.duplicates).counts.kept

    def parts(self) -> list[str]:
        """List the names of the parts of the documents, in order."""
        return storage.list_files(self.documents, PARTS)

    def members(self, part: str) -> dict[str, tuple[str, bool]]:
        """Read the members of clusters in a part: id → (cluster, whether it stays). Whoever is not here is alone."""
        with storage.open_file(storage.join(self.duplicates, beside(part, "clusters"))) as stream:
            return read_clusters(stream)

    def asked_away(self, part: str) -> set[str]:
        """Read the ids of the documents of a part that somebody asked to be removed."""
        return _rejected(self.removed, part)

    def dropped(self, part: str) -> set[str]:
        """Read the ids of the documents of a part that are duplicates, or were removed on request."""
        return self.asked_away(part) | {name for name, (_, stays) in self.members(part).items() if not stays}

    def cut(self, part: str, table: pa.Table) -> pa.Table:
        """Take out of a part's documents what repeats, and those that were rejected for it; columns as they were.

        Args:
            part: its name.
            table: with `id`, `text` and `n_words`.
        """
        if self.repeats is None:
            return table
        rejected = _rejected(self.repeats, part)
        table = table.filter(pa.array([one not in rejected for one in table.column("id").to_pylist()], pa.bool_()))
        with storage.open_file(storage.join(self.repeats, beside(part, "cuts"))) as stream:
            rows = read_columns(stream, ["id", "start", "stop"]).to_pylist()
        cuts = defaultdict(list)
        for row in rows:
            cuts[row["id"]].append((row["start"], row["stop"]))
        identities, texts, counts = (table.column(name).to_pylist() for name in ("id", "text", "n_words"))
        for number, identity in enumerate(identities):
            if identity in cuts:
                texts[number] = without(texts[number], cuts[identity])
                counts[number] = count_words(texts[number])
        for name, values in (("text", texts), ("n_words", counts)):
            at = table.schema.get_field_index(name)
            table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
        return table


def _rejected(stage: str | None, part: str) -> set[str]:
    """Read the ids that a stage rejects of a part; none where there is no such stage."""
    if stage is None:
        return set()
    with storage.open_file(storage.join(stage, beside(part, "rejections"))) as stream:
        urls = read_columns(stream, ["url"]).column("url").to_pylist()
    return {document_id(url) for url in urls}
