"""From a corpus folder to a trained GPT-2: what `webtext train` does, for programs.

Apart from train.py, which knows tokens only: here shards are found, a tokenizer is chosen or trained, and token files
are kept beside the run, so that a resumed run finds them.
"""

from dataclasses import replace
from pathlib import Path

from model.gpt2.corpora import take
from model.gpt2.data import TokenFile, encode_corpus, read_texts, shard_paths
from model.gpt2.device import join_world
from model.gpt2.network import size as size_of
from model.gpt2.tokenizer import Tokenizer, gpt2_tokenizer, load_tokenizer, train_tokenizer
from model.gpt2.train import Split, TrainConfig, Trained, train
from webtext.errors import UsageError

_TOKENIZER_BYTES = 200_000_000  # the most text that a trained tokenizer sees
GPU_VOCAB_MULTIPLE = 64  # 50,304 rows for 50,257 ids: matrix sizes that tensor cores like


def train_corpus(
    corpus: Path, output: Path, config: TrainConfig, *, size: str = "124M", vocab_size: int = 0, block_size: int = 0
) -> Trained:
    """Train on the `train` split of a corpus, watching its `heldout` split where there is one.

    `vocab_size` 0 is GPT-2's tokenizer, `block_size` 0 the size's own. Raises UsageError for what cannot be trained.
    """
    with join_world() as world:
        if world.is_first:
            _prepare(corpus, output, vocab_size)
        world.wait()
        split = _read(output)
        try:
            shape = size_of(size)
        except ValueError as error:
            raise UsageError(str(error)) from error
        shape = replace(
            shape,
            vocab_size=split.tokenizer.vocab_size,
            vocab_multiple=GPU_VOCAB_MULTIPLE,
            block_size=block_size or shape.block_size,
        )
        return train(shape, config, split, output)


def _prepare(corpus: Path, output: Path, vocab_size: int) -> None:
    """Write the tokenizer and the token files of a run, or find them."""
    paths = shard_paths(corpus, "train")
    if not paths:
        raise UsageError(f"{corpus} holds no Parquet file to train on")
    output.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(paths, output / "tokens" / "tokenizer.json", vocab_size)
    encode_corpus(paths, tokenizer, output / "tokens" / "train")
    heldout = shard_paths(corpus, "heldout")
    if heldout:
        encode_corpus(heldout, tokenizer, output / "tokens" / "heldout")


def _tokenizer(paths: list[Path], place: Path, vocab_size: int) -> Tokenizer:
    place.parent.mkdir(parents=True, exist_ok=True)
    tokenizer = (
        train_tokenizer(take(read_texts(paths), _TOKENIZER_BYTES), vocab_size) if vocab_size else gpt2_tokenizer()
    )
    tokenizer.save(place)
    return tokenizer


def _read(output: Path) -> Split:
    heldout = TokenFile(output / "tokens" / "heldout")
    return Split(
        TokenFile(output / "tokens" / "train"),
        heldout if (heldout.folder / "about.json").is_file() else None,
        load_tokenizer(output / "tokens" / "tokenizer.json"),
    )
