"""Which files of a data set are to be trained on, which are held out, and which are neither.

A data set that somebody else made names its splits in its card or in its files' names; who reads all of its Parquet
trains on its test split. The rules are those of Hugging Face's `datasets`: the header of the card first, then a keyword
in a file's name or folder. What a job left half done (`_temporary/`, `.tmp/`) and what a Mac adds (`._a.parquet`) is no
part of any split.
"""

import fnmatch
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

LOGGER = logging.getLogger(__name__)
TRAIN, HELD_OUT, OTHER = "train", "heldout", ""
# Keywords of `datasets`, and our own, in the order in which one of them is taken as the held-out text.
_HELD_OUT = (
    ("heldout", "held-out", "held_out", "holdout", "hold-out", "hold_out"),
    ("validation", "valid", "val", "dev"),
    ("test", "testing", "eval", "evaluation"),
)
_SPLITS = dict.fromkeys(("train", "training"), TRAIN) | {word: words[0] for words in _HELD_OUT for word in words}
_WORDS = "|".join(sorted(_SPLITS, key=len, reverse=True))
# A name begins with the keyword, or ends with it and a shard's number; `how-to-test-a-bike` does neither.
_KEYWORD = re.compile(rf"\A(?:{_WORDS})(?![a-z])|(?<![a-z])(?:{_WORDS})(?=[^a-z]*(?:of[^a-z]*)?\Z)")
_HEADER = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---\s*$", re.DOTALL | re.MULTILINE)
_TOLD = 3  # names of files that a message quotes


@dataclass(frozen=True)
class Splits:
    """The files of a data set by what they are for, each group in the order of the names."""

    train: tuple[str, ...]
    heldout: tuple[str, ...]
    left_out: tuple[str, ...]
    why: str
    """How the splits were told apart, for a message."""

    def say(self, where: str) -> None:
        """Log, once in a process, what is left out of a data set."""
        if self.left_out:
            _say(f"{where}: {self.description()}")

    def description(self) -> str:
        """Name what is left out.

        >>> split_files(["data/train-0.parquet", "data/test-0.parquet", "data/validation-0.parquet"]).description()
        'left out 1 of 3 files, data/test-0.parquet (splits by name)'
        """
        count, more = len(self.left_out), "" if len(self.left_out) <= _TOLD else " ..."
        total = len(self.train) + len(self.heldout) + count
        return f"left out {count} of {total} files, {', '.join(self.left_out[:_TOLD])}{more} ({self.why})"


@lru_cache(maxsize=256)
def _say(sentence: str) -> None:
    LOGGER.warning("%s", sentence)


def split_files(names: Sequence[str], card: str = "") -> Splits:
    """Tell the splits of a data set.

    Args:
        names: its files, as paths from its folder with forward slashes.
        card: its README.md, whose header may name the splits; empty where it has none.

    Returns:
        The training split, one held-out split (ours, else validation, else test), and the rest. Where no name tells of
        a split, all files are the training split.
    """
    shown = sorted(name for name in names if not any(part[0] in "._" for part in name.split("/") if part))
    by_card = _by_card(shown, card)
    roles = by_card or {name: _role(name) for name in shown}
    called = {role: tuple(name for name in shown if roles.get(name) == role) for role in {*roles.values()}}
    train = called.get(TRAIN) or (called.get(OTHER, ()) if not by_card else ())
    heldout = next((called[words[0]] for words in _HELD_OUT if words[0] in called), ())
    used = {*train, *heldout}
    left = tuple(sorted(name for name in names if name not in used))
    return Splits(train, heldout, left, "splits by its card" if by_card else "splits by name")


def _role(name: str) -> str:
    """The split that a path names: a held-out one wherever it stands, the nearest to the end, else training."""
    parts = reversed(name.lower().removesuffix(".parquet").split("/"))
    roles = [_SPLITS[found] for part in parts for found in reversed(_KEYWORD.findall(part))]
    return next((role for role in roles if role != TRAIN), TRAIN if roles else OTHER)


def _by_card(names: Sequence[str], card: str) -> dict[str, str]:
    """Roles of files by the card; empty where it names no training file that is there."""
    roles: dict[str, str] = {}
    for split, pattern in _patterns(card):
        role = _SPLITS.get(split.lower(), split)
        for name in fnmatch.filter(names, pattern.removeprefix("./")):
            roles.setdefault(name, role)
    return roles if TRAIN in roles.values() else {}


def _patterns(card: str) -> Iterator[tuple[str, str]]:
    """Pairs (split, pattern of paths) of a card's default configuration, or of its first."""
    header = _HEADER.match(card)
    try:
        found = yaml.safe_load(header[1]) if header else None
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: of a date that is none
        return
    configs = found.get("configs") if isinstance(found, Mapping) else None
    listed = [one for one in configs if isinstance(one, Mapping)] if isinstance(configs, list) else []
    chosen = sorted(listed, key=lambda one: not (one.get("default") is True or one.get("config_name") == "default"))
    yield from _data_files(chosen[0].get("data_files")) if chosen else ()


def _data_files(value: Any) -> Iterator[tuple[str, str]]:
    """Spellings of `data_files`: a pattern, a list of them, pairs `split` and `path`, or a mapping of splits."""
    if isinstance(value, str):
        yield TRAIN, value
    elif isinstance(value, Mapping):
        pairs = [(value["split"], value.get("path"))] if "split" in value else list(value.items())
        yield from ((str(split), path) for split, paths in pairs for _, path in _data_files(paths))
    elif isinstance(value, list):
        for one in value:
            yield from _data_files(one)
