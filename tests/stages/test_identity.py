"""Setting by setting: what documents and duplicates depend on is part of their identity, and nothing else is."""

import dataclasses

import pytest

from dedup.near.minhash import MinHashConfig
from pipelines.stages.documents import DocumentsConfig
from webtext.extract.pages import ExtractConfig

EXTRACT = {
    "extractor": "trafilatura-fast",
    "max_bytes": 1000,
    "seconds": 1.0,
    "memory_mb": 100,
    "languages": ("en",),
    "reference": True,
}
MINHASH = {
    "num_perm": 64,
    "seed": 2,
    "shingle_words": 4,
    "threshold": 0.8,
    "recall": 0.9,
    "bands": 9,
    "rows": 2,
    "reference": True,
}
SKETCH = {"num_perm", "seed", "shingle_words"}  # the settings of a search that documents depend on
NOWHERE = {"reference"}


def test_no_setting_is_left_out_here():
    assert {field.name for field in dataclasses.fields(ExtractConfig)} == set(EXTRACT)
    assert {field.name for field in dataclasses.fields(MinHashConfig)} == set(MINHASH)


@pytest.mark.parametrize("name", EXTRACT)
def test_a_setting_of_extraction_makes_other_documents(name):
    changed = DocumentsConfig(ExtractConfig(**{name: EXTRACT[name]}))
    assert (changed.identity() != DocumentsConfig().identity()) is (name not in NOWHERE)


@pytest.mark.parametrize("name", MINHASH)
def test_a_setting_of_the_search_makes_other_duplicates_and_some_make_other_sketches(name):
    both = {"bands": 9, "rows": 2} if name in {"bands", "rows"} else {name: MINHASH[name]}
    changed = MinHashConfig(**both)
    assert (changed.identity() != MinHashConfig().identity()) is (name not in NOWHERE)
    documents = DocumentsConfig(minhash=changed)
    assert (documents.identity() != DocumentsConfig().identity()) is (name in SKETCH)


@pytest.mark.parametrize(
    "changed",
    [{"preset": "gopher"}, {"overrides": (("length.min_words", 7),)}, {"overrides": (("walls.enabled", False),)}],
)
def test_rules_and_thresholds_make_other_documents(changed):
    assert DocumentsConfig(**changed).identity() != DocumentsConfig().identity()
