"""The contenders of the end-to-end benchmark: how each is run, and where its documents are when it has ended."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

PEERS = Path("build/peers")
_HERE = Path(__file__).parent
_NO_RULES = 'description = "Keep everything that has text."\nrule = []\n'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a system made of a set of pages."""

    kept: int
    duplicates: int
    texts: dict[str, str]  # the text of each page that is kept, by its address


@dataclass(frozen=True, slots=True)
class System:
    """A contender.

    Attributes:
        what: what it does, for the table.
        command: (pages, output, workers) → what to run.
        outcome: reads an output.
        extract: the command that only extracts; None where the texts are part of the output of `command`.
        extracted: reads (address, text) of every page that has text.
    """

    what: str
    command: Callable[[Path, Path, int], list[str]]
    outcome: Callable[[Path], Outcome]
    extract: Callable[[Path, Path, int], list[str]] | None
    extracted: Callable[[Path], Iterator[tuple[str, str]]]

    def is_installed(self) -> bool:
        """Tell whether its environment has been made."""
        return Path(self.command(Path(), Path(), 1)[0]).exists()


def _webtext(preset: str) -> Callable[[Path, Path, int], list[str]]:
    def command(pages: Path, output: Path, workers: int) -> list[str]:
        rules = preset
        if preset == "none":
            output.mkdir(parents=True, exist_ok=True)
            rules = str(output / "none.preset.toml")
            Path(rules).write_text(_NO_RULES)
        program = [str(PEERS / "webtext/bin/webtext"), "build", "--warc", f"{pages}/*.warc.gz"]
        return [*program, "--output", str(output), "--workers", str(workers), "--preset", rules]

    return command


def _webtext_outcome(output: Path) -> Outcome:
    counts = json.loads((output / "duplicates" / "manifest.json").read_text())["counts"]
    texts = dict(_parquet_texts(output / "corpus"))
    return Outcome(len(texts), sum(counts["rejected"].values()), texts)


def _parquet_texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*.parquet")):
        if not path.name.startswith(("rejections", "clusters")):
            table = pq.read_table(path, columns=["final_url", "text"])
            yield from zip(table["final_url"].to_pylist(), table["text"].to_pylist(), strict=True)


def _datatrove(*arguments: str) -> Callable[[Path, Path, int], list[str]]:
    def command(pages: Path, output: Path, workers: int) -> list[str]:
        program = [str(PEERS / "datatrove/bin/python"), str(_HERE / "peers/datatrove_chain.py")]
        return [*program, str(pages), str(output), str(workers), *arguments]

    return command


def _datatrove_outcome(output: Path) -> Outcome:
    texts: dict[str, str] = {}
    given = sum(1 for _ in _lines(output / "filtered"))
    for path in sorted((output / "corpus").glob("*.parquet")):
        table = pq.read_table(path)
        texts |= {
            row["url"]: text for row, text in zip(table["metadata"].to_pylist(), table["text"].to_pylist(), strict=True)
        }
    kept = sum(pq.ParquetFile(path).metadata.num_rows for path in (output / "corpus").glob("*.parquet"))
    return Outcome(kept, given - kept, texts)


def _dolma(linearizer: str, *taggers: str) -> Callable[[Path, Path, int], list[str]]:
    def command(pages: Path, output: Path, workers: int) -> list[str]:
        program = [str(PEERS / "dolma/bin/python"), str(_HERE / "peers/dolma_chain.py")]
        return [*program, str(pages), str(output), str(workers), linearizer, *taggers]

    return command


def _dolma_outcome(output: Path) -> Outcome:
    same = sum(any(row["attributes"].values()) for row in _lines(output / "attributes" / "same_text"))
    texts = dict(_dolma_texts(output / "corpus"))
    return Outcome(len(texts), same, texts)


def _dolma_texts(folder: Path) -> Iterator[tuple[str, str]]:
    return ((row["metadata"]["warc_url"], row["text"]) for row in _lines(folder))


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _webtext_extracted(output: Path) -> Iterator[tuple[str, str]]:
    return _parquet_texts(output / "documents")


def _datatrove_extracted(output: Path) -> Iterator[tuple[str, str]]:
    return ((row["metadata"]["url"], row["text"]) for row in _lines(output / "extracted"))


def _dolma_extracted(output: Path) -> Iterator[tuple[str, str]]:
    return _dolma_texts(output / "documents")


SYSTEMS = {
    "webtext-fineweb": System(
        "webtext, FineWeb's rules",
        _webtext("fineweb"),
        _webtext_outcome,
        _webtext("none"),
        _webtext_extracted,
    ),
    "webtext": System(
        "webtext, as it comes", _webtext("webtext"), _webtext_outcome, _webtext("none"), _webtext_extracted
    ),
    "datatrove": System(
        "datatrove, FineWeb's chain", _datatrove(), _datatrove_outcome, _datatrove("extract"), _datatrove_extracted
    ),
    "dolma": System("dolma, resiliparse, no rules", _dolma("resiliparse"), _dolma_outcome, None, _dolma_extracted),
    "dolma-rules": System(
        "dolma, resiliparse, Gopher and C4",
        _dolma("resiliparse", "gopher_v2", "c4_v2"),
        _dolma_outcome,
        None,
        _dolma_extracted,
    ),
    "dolma-trafilatura": System(
        "dolma, trafilatura, no rules", _dolma("trafilatura"), _dolma_outcome, None, _dolma_extracted
    ),
}
