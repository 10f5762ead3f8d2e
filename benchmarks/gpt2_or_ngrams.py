"""From how many tokens on does a GPT-2 that has its fair chance on a CPU beat n-grams of the same text?

    python benchmarks/gpt2_or_ngrams.py CORPUS [--megabytes 0.5 1 2 4] [--size 3x96] [--vocab-size 2048] [--read 10]

For each amount of text a small vocabulary is learnt, and a small GPT-2 trained by Muon: one epoch, then two, four and
so on, as long as its loss on one half of the held-out documents falls and no run reads more than `--read` million
tokens. Each is a branch of one run with a stable rate (model/gpt2/branches.py). The other half of the documents is
scored: bits per byte of the GPT-2 that the first half chose, of Kneser-Ney n-grams over the same vocabulary, and of the
judge, 5-grams over GPT-2's own tokens; the difference to the judge has its 95 % interval over the texts.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from model.gpt2.branches import train_branches
from model.gpt2.corpora import Corpus, take, thin
from model.gpt2.data import TokenFile, encode_texts
from model.gpt2.device import World
from model.gpt2.network import GPT
from model.gpt2.optimizers import Schedule
from model.gpt2.tokenizer import Tokenizer, gpt2_tokenizer, train_tokenizer
from model.gpt2.train import Split, TrainConfig
from model.scaling.sweep import shape_of
from model.scores.likelihood import token_nats
from model.verdict.compare import Floats, PanelScores, measure
from webtext.ngram_model import train_ngrams


def bits(nats: Sequence[Floats]) -> Floats:
    """Bits of each document."""
    return np.array([part.sum() for part in nats]) / math.log(2.0)


def of_ngrams(tokenizer: Tokenizer, train: Sequence[str], texts: Sequence[str], order: int) -> Floats:
    """Bits of each text by n-grams."""
    model = train_ngrams(tokenizer.encode_batch(list(train)), tokenizer.vocab_size, order)
    return bits(model.nats(tokenizer.encode_batch(list(texts))))


def of_gpt2(model: GPT, tokenizer: Tokenizer, texts: Sequence[str]) -> Floats:
    """Bits of each text by GPT-2, each token with at least half a block before it, as far as there is one."""
    documents = tokenizer.encode_batch(list(texts))
    return bits(token_nats(model, documents, tokenizer.end_of_text, stride=model.config.block_size // 2))


def chances(
    arguments: argparse.Namespace, tokens: TokenFile, tokenizer: Tokenizer, folder: Path
) -> Iterator[tuple[int, GPT]]:
    """Train for one epoch, for two, and so on: give the epochs and the model of each run, when it is asked for."""
    epoch, most = len(tokens.ids) / arguments.tokens_per_step, arguments.read * 1e6 / arguments.tokens_per_step
    lengths = [round(epoch * 2**power) for power in range(12) if epoch * 2**power <= most]
    schedule = Schedule(arguments.rate, lengths[-1], lengths[0] // 5, 0.0, shape="linear", decay_fraction=0.3)
    config = TrainConfig(
        schedule,
        arguments.tokens_per_step,
        "muon",
        device="cpu",
        evaluate_every=lengths[-1] + 1,
        checkpoint_every=lengths[-1] + 1,
    )
    shape = shape_of(arguments.size, tokenizer.vocab_size, arguments.block_size)
    runs = train_branches(shape, config, Split(tokens, None, tokenizer), folder / "run", lengths, World())
    for power, run in enumerate(runs):
        yield 2**power, run.model


def compare(arguments: argparse.Namespace, train: Sequence[str], held: Sequence[str]) -> None:
    """Print what one amount of text teaches."""
    began, (choosing, scored) = time.process_time(), (held[::2], held[1::2])
    n_bytes = np.array([len(text.encode()) for text in scored], float)
    tokenizer = train_tokenizer(iter(train), arguments.vocab_size)
    counted = {f"{order}-grams": of_ngrams(tokenizer, train, scored, order) for order in (2, 3, 5)}
    counted["the judge"] = of_ngrams(gpt2_tokenizer(), train, scored, 5)
    judged = sum(map(len, gpt2_tokenizer().encode_batch(list(train))))
    lost: list[float] = []
    best = np.zeros(len(scored))
    with tempfile.TemporaryDirectory() as name:
        tokens = encode_texts(iter(train), tokenizer, Path(name) / "tokens")
        for epochs, model in chances(arguments, tokens, tokenizer, Path(name)):
            loss = float(of_gpt2(model, tokenizer, choosing).sum())
            found = of_gpt2(model, tokenizer, scored)
            print(f"  {epochs:3} epochs: {found.sum() / n_bytes.sum():.3f}", flush=True)
            if lost and loss >= min(lost):
                break
            lost.append(loss)
            best = found
    panel = PanelScores("held-out", True, n_bytes, best[None], counted["the judge"][None])
    against = measure([panel], jackknife=True)
    rivals = ", ".join(f"{name} {own.sum() / n_bytes.sum():.3f}" for name, own in counted.items())
    print(
        f"{sum(len(text.encode()) for text in train) / 1e6:.2f} MB, {len(tokens.ids):,} tokens, {judged:,} of GPT-2's: "
        f"GPT-2 {best.sum() / n_bytes.sum():.3f} after {2 ** (len(lost) - 1)} epochs, {rivals}; the judge minus GPT-2 "
        f"{against.estimate:+.3f} [{against.interval[0]:+.3f}, {against.interval[1]:+.3f}], "
        f"{time.process_time() - began:.0f} s of CPU",
        flush=True,
    )


def main() -> None:
    """Compare at each amount of text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--megabytes", nargs="+", type=float, default=[0.5, 1.0, 2.0, 4.0])
    parser.add_argument("--size", default="3x96", help="layers x width")
    parser.add_argument("--vocab-size", type=int, default=2048)
    parser.add_argument("--block-size", type=int, default=128)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--tokens-per-step", type=int, default=4096)
    parser.add_argument("--read", type=float, default=10.0, help="million tokens, by a run")
    arguments = parser.parse_args()
    corpus = Corpus("corpus", arguments.corpus)
    held = [thin(text) for text in corpus.heldout()]
    for megabytes in arguments.megabytes:
        compare(arguments, list(take(map(thin, corpus.train()), int(megabytes * 1e6))), held)


if __name__ == "__main__":
    main()
