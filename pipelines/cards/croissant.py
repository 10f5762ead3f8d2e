"""The corpus in Croissant 1.0, MLCommons' vocabulary for data sets, so that readers other than ours find the text.

Source: the Croissant format specification, version 1.0 (mlcommons.org/croissant/1.0): a `FileObject` a shard with its
sha256, a `FileSet` a split, and a `RecordSet` a split whose fields are the columns of the shards.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from webtext.manifest import File
from webtext.shards import FOLDER

NAME = "webtext"
LICENSE = "Texts keep their authors' own copyright; the selection and the metadata add no claim."
CITATION = "Radford et al., Language Models are Unsupervised Multitask Learners (2019), section 2.1"

# What each column means, here and in the dataset card.
COLUMNS = {
    "id": "16 hexadecimal digits: the 64-bit BLAKE2b hash of `url`",
    "url": "canonical URL of the link, the key of the ledger",
    "final_url": "URL that answered, after redirects",
    "host": "host of `final_url`",
    "title": "title the page declares",
    "author": "author the page declares, empty where it declares none",
    "date": "ISO date the page declares, empty where it declares none",
    "text": "the page's text in Unicode NFC, a paragraph a line",
    "language": "ISO 639-1 code that langdetect gives the text",
    "language_probability": "probability that langdetect gives the language, 0 to 1",
    "karma": "karma of the link on Reddit; null where the source gives none",
    "submissions": "number of submissions of the link; null where unknown",
    "subreddits": "subreddits the link was submitted to, distinct and sorted",
    "first_posted": "time of the link's earliest submission that counts, in UTC; null where none says",
    "n_words": "lower-cased alphanumeric words in the text",
    "site_name": "name of the site, as the page declares it",
    "declared_language": "language the page declares, which is not always the one it is written in",
}
_DATA_TYPES = {"int": "sc:Integer", "float": "sc:Float", "double": "sc:Float", "timestamp": "sc:DateTime"}


# The specification's own context: its terms that are plain, and the few that have a type.
_TERMS = [
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileObject",
    "fileProperty",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
    "containedIn",
]
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    **{term: f"cr:{term}" for term in _TERMS},
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}


@dataclass(frozen=True)
class Split:
    """What the shards of one split hold."""

    name: str
    rows: int
    words: int
    bytes: int  # the columns' size, uncompressed
    files: tuple[File, ...]
    languages: Mapping[str, int]  # documents a language
    posted: tuple[datetime, datetime] | None = None  # first and last `first_posted`, where any document has one


def posted(splits: Sequence[Split]) -> tuple[datetime, datetime] | None:
    """Give the first and the last `first_posted` of all documents; None where none has one."""
    known = [split.posted for split in splits if split.posted]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None


def croissant(splits: Sequence[Split], schema: pa.Schema) -> str:
    """Describe the shards of the splits that hold anything.

    `datePublished` is the day, in UTC, on which the newest of the links was first posted: a clock's would make two
    corpora of one input differ. Where no document has a time (an archive without Reddit) it is left out.
    """
    filled = [split for split in splits if split.rows]
    times = posted(filled)
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": NAME,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "description": "Text of web pages that people linked to on Reddit, chosen by karma as GPT-2's WebText was.",
        "citeAs": CITATION,
        "license": LICENSE,
        "version": "1.0.0",
        **({"datePublished": times[1].date().isoformat()} if times else {}),
        "distribution": [entry for split in filled for entry in _distribution(split)],
        "recordSet": [_record_set(split, schema) for split in filled],
    }
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _distribution(split: Split) -> Iterator[dict[str, Any]]:
    for file in split.files:
        yield {
            "@type": "cr:FileObject",
            "@id": file.name,
            "name": file.name,
            "contentUrl": file.name,
            "contentSize": f"{file.bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": file.sha256,
        }
    yield {
        "@type": "cr:FileSet",
        "@id": f"{split.name}-shards",
        "name": f"{split.name}-shards",
        "description": f"the Parquet shards of the split {split.name}",
        "containedIn": [{"@id": file.name} for file in split.files],
        "encodingFormat": "application/x-parquet",
        "includes": f"{FOLDER}/{split.name}-*.parquet",
    }


def _record_set(split: Split, schema: pa.Schema) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": split.name,
        "name": split.name,
        "description": f"{split.rows} documents",
        "field": [_field(split, field) for field in schema],
    }


def _field(split: Split, field: pa.Field) -> dict[str, Any]:
    repeated = pa.types.is_list(field.type)
    kind = str(field.type.value_type if repeated else field.type)
    found = next((name for prefix, name in _DATA_TYPES.items() if kind.startswith(prefix)), "sc:Text")
    return {
        "@type": "cr:Field",
        "@id": f"{split.name}/{field.name}",
        "name": field.name,
        "description": COLUMNS.get(field.name, ""),
        "dataType": found,
        **({"repeated": True} if repeated else {}),
        "source": {"fileSet": {"@id": f"{split.name}-shards"}, "extract": {"column": field.name}},
    }
