"""Which peak learning rate suits the small sizes: a short run at each rate, and the held-out loss at its end.

    python benchmarks/learning_rates.py CORPUS [--sizes tiny small mini] [--rates 1e-3 2e-3 4e-3 8e-3]

All runs of a size read the same blocks in the same order, a tenth of their steps warming up and the last half falling
to zero, as in the tiers of `validate`. Prints a line a run, and the best rate of each size: the source of `PEAKS` in
model/gpt2/network.py. A longer run wants a lower rate, so these are rates for runs of this length.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from model.gpt2.corpora import Corpus, take, thin
from model.gpt2.data import encode_texts
from model.gpt2.network import size
from model.gpt2.optimizers import Schedule
from model.gpt2.tokenizer import train_tokenizer
from model.gpt2.train import Split, TrainConfig, train

_TOKENIZER_BYTES = 20_000_000  # the part of the corpus that the vocabulary comes of


def main() -> None:
    """Run each size at each rate."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--sizes", nargs="+", default=["tiny", "small", "mini"])
    parser.add_argument("--rates", nargs="+", type=float, default=[1e-3, 2e-3, 4e-3, 8e-3])
    parser.add_argument("--optimizer", choices=["adamw", "muon"], default="adamw")
    parser.add_argument("--vocab-size", type=int, default=1024)
    parser.add_argument("--tokens", type=int, default=150_000, help="that a run reads")
    parser.add_argument("--tokens-per-step", type=int, default=2048)
    arguments = parser.parse_args()
    corpus, steps = Corpus("corpus", arguments.corpus), arguments.tokens // arguments.tokens_per_step
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer = train_tokenizer(take(corpus.train(), _TOKENIZER_BYTES), arguments.vocab_size)
        tokens = encode_texts(map(thin, corpus.train()), tokenizer, folder / "train")
        split = Split(tokens, encode_texts(map(thin, corpus.heldout()), tokenizer, folder / "heldout"), tokenizer)
        for label in arguments.sizes:
            shape, losses = replace(size(label), vocab_size=tokenizer.vocab_size), {}
            for rate in arguments.rates:
                began, schedule = time.process_time(), Schedule(rate, steps, steps // 10, 0.0, shape="linear")
                config = TrainConfig(
                    schedule, arguments.tokens_per_step, arguments.optimizer, evaluate_every=steps, device="cpu"
                )
                found = train(shape, config, split, folder / f"{label}-{rate}").heldout_loss
                assert found is not None
                losses[rate] = found
                print(f"{label:6} {rate:.0e}  {found:.4f} nats  {time.process_time() - began:.0f} s of CPU", flush=True)
            best = min(losses, key=losses.__getitem__)
            print(f"{label:6} best {best:.0e}", flush=True)


if __name__ == "__main__":
    main()
