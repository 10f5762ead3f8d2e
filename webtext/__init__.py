"""Rebuild GPT-2's WebText from anybody's Reddit data: records, the web, and text.

`from webtext import extract_text, load_preset` and so on: the names are those of `pipelines.api`, which is loaded when
one of them is first asked for, so that `webtext.records` and its like stay free of Beam.
"""

import importlib

__version__ = "0.1.0"
__all__ = [
    "Counts",
    "Document",
    "Extracted",
    "Filter",
    "Link",
    "NgramFilter",
    "Reason",
    "Rejection",
    "Sketch",
    "UsageError",
    "count_ngrams",
    "extract_text",
    "first_reason",
    "load_preset",
    "make_document",
    "ngram_overlap",
    "read_corpus",
    "read_submissions",
    "run_stage",
    "select_links",
    "similarity",
    "sketch",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(importlib.import_module("pipelines.api"), name)
    raise AttributeError(f"module 'webtext' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
