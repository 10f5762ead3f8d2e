"""How the shards of a corpus are called, and where they lie in it.

`data/train-00000-of-00008.parquet` and `data/validation-00000-of-00008.parquet` are what loaders look for by
themselves: Hugging Face's hub and `datasets` find both splits, and a folder that holds nothing else is read as one
table by pandas, Polars, DuckDB and Arrow. The card and the manifest lie beside that folder.

Corpora of releases before have their shards beside the card, and call the held-out ones `heldout-*`. They are read as
well, and never written.
"""

from collections.abc import Iterator

from webtext import storage

FOLDER = "data"
TRAIN, VALIDATION = SPLITS = ("train", "validation")
_BEFORE = {"heldout": VALIDATION}


def shard_name(split: str, number: int, shards: int) -> str:
    """Name a shard by its path from the corpus directory.

    >>> shard_name("train", 3, 12)
    'data/train-00003-of-00012.parquet'
    """
    return f"{FOLDER}/{split}-{number:05d}-of-{shards:05d}.parquet"


def list_shards(corpus: str, split: str) -> list[str]:
    """List the shards of a split of a corpus directory, as paths from it, in order.

    Args:
        corpus: the directory, on any file system.
        split: "train" or "validation"; "heldout" is what releases before call the latter.
    """
    return list(_found(corpus, _BEFORE.get(split, split)))


def _found(corpus: str, split: str) -> Iterator[str]:
    names = [split, *(old for old, new in _BEFORE.items() if new == split)]
    for folder in (f"{FOLDER}/", ""):
        for name in names:
            for shard in storage.list_files(storage.join(corpus, folder), f"{name}-*.parquet"):
                yield folder + shard


def split_of_shard(name: str) -> str:
    """Tell the split of a file of a corpus by its name; "" where it is no shard.

    >>> split_of_shard("data/validation-00000-of-00001.parquet"), split_of_shard("heldout-00000-of-00001.parquet")
    ('validation', 'validation')
    >>> split_of_shard("README.md")
    ''
    """
    word, dash, rest = name.rpartition("/")[2].partition("-")
    split = _BEFORE.get(word, word)
    return split if split in SPLITS and dash and rest.endswith(".parquet") else ""
