"""The dataset card and the Croissant record: so that a corpus is understood by the tools that people load data with.

`README.md` carries the header that Hugging Face's `datasets` and hub read (splits, features, sizes) and tells a person
what is in the corpus and how it came about (`pipelines.cards.story`); `croissant.json` (`pipelines.cards.croissant`)
says the same to any reader of MLCommons' Croissant 1.0. Both are functions of the shards and of the stages' manifests:
no time of the run, no path and no machine is in them, because they stand in the corpus and equal inputs must give equal
bytes.
"""

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.cards.croissant import COLUMNS, LICENSE, NAME, Split, croissant, posted
from pipelines.cards.fitness import Shape, paragraph, shape_of
from pipelines.cards.story import rules_left_out, story
from webtext import storage
from webtext.manifest import Counts, File
from webtext.shards import FOLDER, SPLITS, list_shards

README, CROISSANT = "README.md", "croissant.json"
_MOST_VALUES = 20  # told of a setting that is a list, such as one of subreddits
MOST_LANGUAGES = 20  # named in the header; all are counted in the report

_SIZES = ((1000, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def write_card(
    directory: str, config: Mapping[str, Any], counts: Counts, funnel: Sequence[tuple[str, Counts]] = ()
) -> None:
    """Write `README.md` and `croissant.json` for the shards that lie in a directory.

    Args:
        directory: holds shards (`webtext.shards`).
        config: settings to tell, name to JSON value; nested ones are told flat; `made` holds the stages before.
        counts: of the corpus stage; its documents are the rows of the shards.
        funnel: (stage, counts) of the stages before the corpus, in order, where they are known.
    """
    splits = [split for split in (_read_split(directory, name) for name in SPLITS) if split.files]
    schema = _read_schema(directory, splits)
    for name, text in (
        (README, card(splits, schema, config, [*funnel, ("corpus", counts)], shape_of(directory, "*.parquet"))),
        (CROISSANT, croissant(splits, schema)),
    ):
        with storage.create_file(storage.join(directory, name)) as stream:
            stream.write(text.encode())


def _read_split(directory: str, name: str) -> Split:
    rows = words = size = 0
    languages: Counter[str] = Counter()
    times: list[datetime] = []
    files = []
    for file in list_shards(directory, name):
        path = storage.join(directory, file)
        with storage.open_file(path) as stream:
            parquet = pq.ParquetFile(stream)
            metadata = parquet.metadata
            table = parquet.read(columns=["n_words", "language", "first_posted"])
        rows += metadata.num_rows
        size += sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
        words += sum(table.column("n_words").to_pylist())
        languages.update(table.column("language").to_pylist())
        times += [time for time in pc.min_max(table.column("first_posted")).as_py().values() if time is not None]
        files.append(File(file, *storage.file_digest(path)))
    spoken = dict(sorted(languages.items()))
    return Split(name, rows, words, size, tuple(files), spoken, (min(times), max(times)) if times else None)


def _read_schema(directory: str, splits: Sequence[Split]) -> pa.Schema:
    for file in (file for split in splits for file in split.files):
        with storage.open_file(storage.join(directory, file.name)) as stream:
            return pq.read_schema(stream)
    return pa.schema([])


def card(
    splits: Sequence[Split],
    schema: pa.Schema,
    config: Mapping[str, Any],
    funnel: Sequence[tuple[str, Counts]],
    shape: Shape,
) -> str:
    """Write the dataset card: a YAML header for machines, then Markdown for people."""
    sections = (
        _header(splits, schema),
        _summary(splits, paragraph(shape)),
        _table(
            ("column", "type", "meaning"),
            [(field.name, _kind(field.type), COLUMNS.get(field.name, "")) for field in schema],
        ),
        "## How it came about\n\n" + story(config, _spoken(splits), posted(splits)),
        _funnel(funnel),
        _table(("setting", "value"), [(name, f"`{value}`") for name, value in _flat(_settings(config))]),
        _care(config.get("honoured", ())),
    )
    return "\n".join(sections)


def _header(splits: Sequence[Split], schema: pa.Schema) -> str:
    rows = sum(split.rows for split in splits)
    filled = [split for split in splits if split.rows]
    lines = ["---", f"pretty_name: {NAME}", "license: other", "license_name: authors-own-copyright"]
    lines += ["language:", *(f"- {json.dumps(code)}" for code in _languages(splits))]
    lines += ["task_categories:", "- text-generation", f"size_categories:\n- {_size_category(rows)}"]
    lines += ["tags:", "- webtext", "- reddit", "- croissant", "configs:", "- config_name: default", "  data_files:"]
    for split in filled:
        lines += [f"  - split: {split.name}", f"    path: {FOLDER}/{split.name}-*.parquet"]
    lines += ["dataset_info:", "  features:", *(line for field in schema for line in _feature(field)), "  splits:"]
    for split in filled:
        lines += [f"  - name: {split.name}", f"    num_bytes: {split.bytes}", f"    num_examples: {split.rows}"]
    download = sum(file.bytes for split in filled for file in split.files)
    lines += [f"  download_size: {download}", f"  dataset_size: {sum(split.bytes for split in filled)}", "---", ""]
    return "\n".join(lines)


def _spoken(splits: Sequence[Split]) -> list[tuple[str, int]]:
    """Count the documents a language, the most first; those of no known language are left out."""
    total: Counter[str] = Counter()
    for split in splits:
        total.update(split.languages)
    return sorted(((code, count) for code, count in total.items() if code), key=lambda item: (-item[1], item[0]))


def _languages(splits: Sequence[Split]) -> list[str]:
    return [code.partition("-")[0] for code, _ in _spoken(splits)][:MOST_LANGUAGES]


def _size_category(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>10M" if rows >= 10**8 else "10M<n<100M")


def _feature(field: pa.Field) -> Iterator[str]:
    """Yield the YAML lines of one feature, in the words of `datasets`."""
    yield f"  - name: {field.name}"
    if pa.types.is_list(field.type):
        yield f"    sequence: {field.type.value_type}"
    else:
        yield f"    dtype: {json.dumps(str(field.type)) if ',' in str(field.type) else _dtype(field.type)}"


def _dtype(kind: pa.DataType) -> str:
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def _kind(kind: pa.DataType) -> str:
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else _dtype(kind)


def _summary(splits: Sequence[Split], fitness: str) -> str:
    rows = [
        (split.name, f"{split.rows:,}", f"{split.words:,}", f"{sum(file.bytes for file in split.files):,}")
        for split in splits
    ]
    return (
        f"# {NAME}\n\nText of web pages that people linked to on Reddit, chosen by karma as GPT-2's WebText was,\n"
        "filtered, de-duplicated and split so that no near-duplicate stands on both sides.\n\n"
        + _table(("split", "documents", "words", "bytes of Parquet"), rows)
        + f"\n{fitness}"
        + '\n```python\nfrom datasets import load_dataset\n\ncorpus = load_dataset("PATH_OF_THIS_DIRECTORY")\n```\n\n'
        "## Columns\n"
    )


def _funnel(funnel: Sequence[tuple[str, Counts]]) -> str:
    """Tell the funnel: what each stage was given, what it kept, and each reason."""
    rows = []
    for stage, counts in funnel:
        rows.append((f"**{stage}**", f"{counts.given:,} {counts.unit}", f"{counts.kept:,} kept"))
        ranked = sorted(counts.rejected.items(), key=lambda item: (-item[1], item[0]))
        rows += [("", f"`{reason}`", f"{number:,} rejected") for reason, number in ranked]
    return _table(("stage", "given, or the reason", "count"), rows) + "\n## Settings\n"


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Join the settings of the corpus with those of the stages before, which stand under the stage's name."""
    made = {name: rules_left_out(stage["config"]) for name, stage in config.get("made", {}).items()}
    return {name: value for name, value in config.items() if name != "made"} | made


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Lay nested settings out flat, sorted by their dotted names."""
    for name, value in sorted(config.items()):
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _value(value)


def _value(value: Any) -> str:
    """Write a setting as JSON, of a long list its first values."""
    more = ""
    if isinstance(value, list) and len(value) > _MOST_VALUES:
        value, more = value[:_MOST_VALUES], f" and {len(value) - _MOST_VALUES:,} more"
    return json.dumps(value, sort_keys=True, ensure_ascii=False) + more


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _care(honoured: Sequence[str]) -> str:
    names = ", ".join(f"`{name}`" for name in honoured)
    wishes = f"Pages were left out where sites said so by {names}" if names else _UNKNOWN
    return _CARE.replace("WISHES", textwrap.fill(wishes + _SIGNALS, 120, subsequent_indent="  "))


_UNKNOWN = "It is not known which signals were honoured"
_SIGNALS = (
    ". What each means, and where it may stand, is in webtext's docs/signals.md; signals that came up since, or that a "
    "site gives otherwise, were not seen."
)
_CARE = f"""## Before you use it

- {LICENSE}
- The text is as the web has it: it holds names and other personal data, opinions, errors and offence.
- Karma measures what users of Reddit liked, not what is true, and its topics and languages are theirs.
- WISHES
- `manifest.json` holds the checksum of each file; `webtext verify` recomputes them, `webtext explain URL` tells why a
  page is here or not.
- `webtext remove` takes a page, a host or an author out of the corpus, and keeps them out of all later builds.

The recipe: Radford et al., *Language Models are Unsupervised Multitask Learners* (2019), section 2.1.
"""
