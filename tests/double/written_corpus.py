"""Corpora of articles that a small grammar writes, in which the order of words matters."""

import pyarrow as pa
import pyarrow.parquet as pq

from model.verdict.tiers import Tier
from webtext.hashing import hash64

TINY = Tier(
    "tiny", judge="ngram", size="tiny", tokens=20_000, tokens_per_step=512, peak=3e-3, seeds=1, vocab_size=400,
    trained=1, panel_bytes=100_000, ngram_tokens=60_000, groups=6,
)  # fmt: skip

NOUNS = "river stone engine garden letter window winter market bridge doctor island candle".split()  # noqa: SIM905
VERBS = "carries follows remembers opens crosses mends hides paints".split()  # noqa: SIM905


def sentence(seed):
    """A sentence of a small grammar in which the order of words matters."""
    pick = [hash64(f"{seed}/{number}".encode()) for number in range(4)]
    one, two, three = (f"{NOUNS[place % 12]} {NOUNS[place // 12 % 12]}" for place in (pick[0], pick[1], sum(pick[::2])))
    return f"The {one} {VERBS[pick[2] % 8]} the old {two} of the {three}."


def article(seed):
    return " ".join(sentence(f"{seed}/{number}") for number in range(20 + hash64(seed.encode()) % 20)) + f" {seed}"


def write_corpus(folder, name, numbers):
    path = folder / name
    path.mkdir(parents=True)
    texts = [article(f"a{number}") for number in numbers]
    held = max(2, len(texts) // 20)
    pq.write_table(pa.table({"text": texts[held:]}), path / "train-00000-of-00001.parquet", row_group_size=20)
    pq.write_table(pa.table({"text": texts[:held]}), path / "heldout-00000-of-00001.parquet")
    return path
