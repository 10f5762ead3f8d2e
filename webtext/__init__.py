"""Rebuild GPT-2's WebText from anybody's Reddit data: records, the web, and text.

`from webtext import extract_text, load_preset` and so on: the names are those of `pipelines.api`, which is loaded when
one of them is first asked for, so that `webtext.records` and its like stay free of Beam.
"""

import importlib
import importlib.util

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    is_special = name.startswith("__") and name != "__all__"
    if not is_special and importlib.util.find_spec(f"{__name__}.{name}") is None:
        api = importlib.import_module("pipelines.api")
        if name == "__all__" or name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *importlib.import_module("pipelines.api").__all__})
