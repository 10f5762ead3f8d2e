"""What lies below an output directory: the one table of its stages, and the place of each.

Whoever asks what stages there are, what one is called, which of its files hold what it kept, or where it lies, asks
here: the ledger, the report, `status`, `verify`, `explain`, and what tells that a result is stale.
"""

from dataclasses import dataclass

from webtext import storage


@dataclass(frozen=True)
class StageKind:
    """What is known of a stage, or of another result, before it has run."""

    name: str  # the name of its directory, and of the stage everywhere
    title: str  # the heading that people read
    writers: tuple[str, ...] = ()  # what its manifest may call the stage; empty: it has no manifest
    kept: str = ""  # pattern of the files whose rows say what became of a URL that it kept; "" where it has none
    columns: tuple[str, ...] = ()  # what these files have that tells a person something
    verdict: str = "kept"  # what a row of these files says of its URL
    rows_are_kept: bool = False  # whether each row of these files is one that the stage kept
    task_end: str = "rejections-*.parquet"  # pattern of the file that a task writes last, once for each task
    is_optional: bool = False  # there only where somebody asked for it
    outdated: str = ""  # what is amiss with what is made from the corpus where the corpus has changed since
    command: str = ""  # the command that makes it


_SHARDS = "[tvh]*-of-*.parquet"  # train-* and validation-*, which was heldout-* (webtext.shards)
_FROM_CORPUS = "made from the corpus as it was"
_LINKS = ("karma", "submissions", "subreddits", "first_posted", "fetch_url")
_PAGES = ("outcome", "status", "final_url", "content_type", "robots", "opt_out", "detail")
_DOCUMENTS = ("id", "title", "language", "language_probability", "n_words")
_CUTS = ("why", "documents", "start", "stop", "text")

# The stages that each link passes, in order; each is given what the one before it kept.
FUNNEL = (
    StageKind(
        *("links", "Harvest", ("harvest",), "links-*.parquet", _LINKS),
        rows_are_kept=True,
        task_end="rejections-?????-of-*.parquet",
        command="harvest",
    ),
    StageKind(
        *("pages", "Fetch", ("fetch", "index"), "index-*.parquet", _PAGES),
        task_end="index-*.parquet",
        command="fetch",
    ),
    StageKind(
        *("documents", "Extract and filter", ("documents",), "part-*.parquet", _DOCUMENTS),
        rows_are_kept=True,
        command="build",
    ),
    StageKind("duplicates", "De-duplicate", ("duplicates",), command="build"),
    StageKind("removed", "Remove on request", ("removed",), is_optional=True, command="remove"),
    StageKind(
        *("repeats", "Cut what repeats", ("repeats",), "cuts-*.parquet", _CUTS, "cut"),
        is_optional=True,
        command="build",
    ),
    StageKind(
        *("corpus", "Corpus", ("corpus",), _SHARDS, ("id", "title", "n_words")),
        rows_are_kept=True,
        task_end="validation-*.parquet",
        command="build",
    ),
)
# Made on request, and counted each by itself.
BESIDE = (
    StageKind("earlier", "Earlier corpora", ("earlier",), "part-*.parquet", ("id", "n_words"), "held before"),
    StageKind(
        *("overlap", "Overlap with benchmarks", ("overlap",)),
        outdated="its n-gram filter still knows what is no longer in the corpus",
        command="overlap",
    ),
    StageKind(
        *("decontaminated", "Without benchmarks", ("decontaminated",), _SHARDS, ("id", "title", "n_words")),
        outdated=_FROM_CORPUS,
        command="overlap --remove",
    ),
)
# What is made from the corpus and has no manifest.
RESULTS = (
    StageKind(
        "validation",
        "Verdict by training",
        outdated="its models were trained on the corpus as it was",
        command="validate",
    ),
    StageKind("report", "Report", outdated=_FROM_CORPUS, command="report"),
)
AFTER_PAGES = ("documents", "earlier", "duplicates", "removed", "repeats", "corpus")  # what a build writes
KINDS = {kind.name: kind for kind in (*FUNNEL, *BESIDE, *RESULTS)}


class Output:
    """The places below an output directory, on any file system.

    >>> Output("gs://bucket/out").links
    'gs://bucket/out/links'
    """

    def __init__(self, root: str) -> None:
        """Name the places below `root`; nothing needs to be there."""
        self.root = root
        self.links, self.pages, self.documents, self.duplicates, self.removed, self.repeats, self.corpus = (
            self.directory(kind.name) for kind in FUNNEL
        )
        self.earlier, self.overlap, self.decontaminated = (self.directory(kind.name) for kind in BESIDE)
        self.validation, self.report = (self.directory(kind.name) for kind in RESULTS)
        self.tombstones = self.directory("removals.jsonl")
        self.settings = self.directory("webtext.toml")

    def directory(self, name: str) -> str:
        """Give the place of a stage by its name."""
        return storage.join(self.root, name)

    @classmethod
    def around(cls, directory: str) -> "Output":
        """Give the output that a stage's directory lies in."""
        return cls(directory.rstrip("/").rpartition("/")[0] or ".")
