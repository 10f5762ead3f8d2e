"""Earlier corpora to parts that duplicates are looked for in: any texts in Parquet, read and never rewritten.

The documents directory of an earlier build has all that is needed beside its texts and is used as it stands. Anything
else (a corpus of ours, somebody's data set) is sketched once into the stage `earlier/`, whose fingerprint is the names
and the bytes of its files; so an unchanged corpus is not sketched again.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet as pq

from dedup.near.against import Columns, open_texts
from dedup.near.against_transforms import EarlierFile, SketchCorpus
from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Source
from pipelines.engine.runner import Engine
from pipelines.stages.ledger import count_rows
from pipelines.stages.output import KINDS, Output
from pipelines.stages.stage import Stage, discard, find_manifest, read_manifest, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Counts, versions
from webtext.tables import read_columns, read_matching

_SKETCHED_BY = ("webtext", "unicode", "datasketch")  # releases with which words, hashes or signatures may change
# The stages of ours that have texts; in a directory of somebody else's, all files are read.
_WITH_TEXTS = ("documents", "corpus", "decontaminated")


@dataclass(frozen=True)
class Earlier:
    """What a search for duplicates has to know of earlier corpora."""

    sources: tuple[Source, ...] = ()
    documents: int = 0

    @property
    def stages(self) -> tuple[str, ...]:
        """The finished stages that the sources are."""
        return tuple(source.directory for source in self.sources)


def sketch_settings(minhash: MinHashConfig) -> dict[str, Any]:
    """Give the settings that a sketch depends on; sketches of others cannot be compared with it."""
    return {name: getattr(minhash, name) for name in ("num_perm", "seed", "shingle_words")}


def prepare_earlier(
    against: tuple[str, ...], columns: Columns, minhash: MinHashConfig, output: Output, engine: Engine
) -> Earlier:
    """Make parts of earlier corpora: those that are ready, and the others sketched into `earlier/` of the output.

    Raises:
        UsageError: a directory holds no texts, lacks the column, or lies in the output itself.
    """
    against = tuple(dict.fromkeys(against))
    _check_outside(against, output.root)
    directory = output.earlier
    files = check_earlier(against, columns, minhash)
    found = [path for path in against if _is_ready(path, minhash)]
    if files:
        _sketch(files, columns, minhash, directory, engine)
        found.append(directory)
    else:
        discard(directory, "earlier")  # corpora may lie there that were named before
    return Earlier(
        tuple(Source(path, len(storage.list_files(path, "part-*.parquet")), earlier=True) for path in found),
        sum(read_manifest(path).counts.kept for path in found),
    )


def check_earlier(against: tuple[str, ...], columns: Columns, minhash: MinHashConfig) -> list[EarlierFile]:
    """List the files that have to be sketched, none of those that are ready; so what is wrong shows before any work.

    Raises:
        UsageError: a directory holds no texts, or a file lacks the column.
    """
    return earlier_files(tuple(path for path in against if not _is_ready(path, minhash)), columns)


def _sketch(files: list[EarlierFile], columns: Columns, minhash: MinHashConfig, directory: str, engine: Engine) -> None:
    """Run the stage `earlier/`, or find it done."""
    digests = [[file.name, storage.file_identity(file.path)[0]] for file in files]
    config = {"files": digests, "columns": asdict(columns), "sketch": sketch_settings(minhash)}

    def work(unfinished: str) -> None:
        engine.run(lambda root: root | SketchCorpus(files, unfinished, minhash, columns), tasks=len(files))

    def count(unfinished: str) -> Counts:
        documents = count_rows(unfinished, "part-*.parquet")
        return Counts(documents, documents, {}, "documents")

    run_stage(Stage("earlier", directory, config, ()), work, count)


def _check_outside(against: tuple[str, ...], output: str) -> None:
    own = storage.absolute(output).rstrip("/") + "/"
    for path in against:
        if (storage.absolute(path).rstrip("/") + "/").startswith(own):
            raise UsageError(f"--against {path} is part of the output itself, whose documents would all be duplicates")


def _is_ready(path: str, minhash: MinHashConfig) -> bool:
    """Tell whether a directory holds sketches that can be compared with ours: of the same settings and releases."""
    found = find_manifest(path)
    if found is None or found.stage != "documents" or found.config["sketch"] != sketch_settings(minhash):
        return False
    now = versions()
    return all(found.versions.get(name) == now[name] for name in _SKETCHED_BY)


def earlier_files(directories: tuple[str, ...], columns: Columns) -> list[EarlierFile]:
    """List the Parquet files with the texts of earlier corpora, and see in their footers that they have texts.

    Of a stage of ours its shards or parts, of an output its corpus, of any other directory all Parquet at any depth.

    Raises:
        UsageError: there are none in a directory, or one lacks the text column.
    """
    corpora = [_corpus_of(directory) for directory in directories]
    labels = _labels(corpora)
    return [
        EarlierFile(path, name, _count_texts(path, columns))
        for corpus, label in zip(corpora, labels, strict=True)
        for path, name in _list(corpus, label)
    ]


def _corpus_of(directory: str) -> str:
    corpus = Output(directory).corpus
    return corpus if find_manifest(corpus) is not None else directory


def _list(directory: str, label: str) -> list[tuple[str, str]]:
    """List the files of a corpus with their names in evidence."""
    found = find_manifest(directory)
    if found is None:
        names = storage.list_tree(directory, "*.parquet")
    elif found.stage in _WITH_TEXTS:
        names = storage.list_tree(directory, KINDS[found.stage].kept)
    else:
        raise UsageError(
            f"--against {directory}: {found.stage}/ holds no texts; give its output, or the corpus/ beside it"
        )
    if not names:
        raise UsageError(f"--against {directory}: there is no *.parquet; give a corpus, or any directory that has some")
    return [(storage.join(directory, name), f"{label}/{name}") for name in names]


def _labels(directories: list[str]) -> list[str]:
    """Name directories by as many of the last steps of their paths as tell them apart.

    >>> _labels(["out/2017/corpus", "out/2018/corpus/"]), _labels(["data/wiki"])
    (['2017/corpus', '2018/corpus'], ['wiki'])
    """
    paths = [storage.absolute(directory).rstrip("/").split("/") for directory in directories]
    return ["/".join(_own_end(steps, [other for other in paths if other is not steps])) for steps in paths]


def _own_end(steps: list[str], others: list[list[str]]) -> list[str]:
    lengths = range(1, len(steps))
    own = (length for length in lengths if all(other[-length:] != steps[-length:] for other in others))
    return steps[-next(own, len(steps)) :]


def _count_texts(path: str, columns: Columns) -> int:
    with storage.open_file(path) as stream:
        try:
            return int(open_texts(stream, path, columns).metadata.num_rows)
        except UsageError as error:
            raise UsageError(f"--against: {error}") from error


def text_in_earlier(
    kept_url: str, against: Sequence[str], text_field: str | None = None, url_field: str | None = None
) -> str | None:
    """Look for the text of a document of an earlier corpus, by the URL or the file and row that evidence calls it by.

    None where it is not there (any more). Where somebody's URLs are not in canonical form, they are not looked through.
    """
    columns = Columns(text_field or Columns.text, url_field or Columns.url)
    present = tuple(path for path in against if storage.exists(path))
    try:
        files = earlier_files(present, columns)
    except UsageError:
        return None
    name, _, row = kept_url.rpartition("#")
    for file in files:
        with storage.open_file(file.path) as stream:
            if file.name == name and row.isdecimal():
                column = read_columns(stream, [columns.text]).column(0)
                return str(column[int(row)].as_py()) if int(row) < len(column) else None
            if columns.url in pq.read_schema(stream).names:
                found = read_matching(stream, [columns.text], columns.url, [kept_url])
                if len(found):
                    return str(found.column(0)[0].as_py())
    return None
