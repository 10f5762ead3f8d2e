"""How fast does the trainer train, beside a plain loop in the manner of nanoGPT, on the same device in the same run?

    python benchmarks/train_speed.py                             # what suits the device that is there
    python benchmarks/train_speed.py --size 124M --tokens-per-step 524288 --steps 30   # one GPU, at the paper's shape
    python benchmarks/train_speed.py --size small --vocabulary bytes --tokens-per-step 6144 --steps 15    # a CPU

The plain loop reads random offsets of a memory-mapped file, accumulates 12 sequences a pass, clips and steps fused
AdamW, compiled and in bf16 on CUDA: nanoGPT's train_gpt2 settings. Both train the same network on random tokens, in
turns. Prints tokens a second (median of the steps after the first five of each turn) and, where the device's peak is
known, the share of it used.
"""

import argparse
import math
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from model.gpt2.data import TokenFile
from model.gpt2.device import autocast, peak_flops, select_device
from model.gpt2.network import GPTConfig, create, flops_per_token, size
from model.gpt2.optimizers import Schedule
from model.gpt2.progress import read_log
from model.gpt2.tokenizer import byte_tokenizer, gpt2_tokenizer
from model.gpt2.train import Split, TrainConfig, train

_WARM_STEPS = 5  # compiling and first allocations
_PLAIN_MICRO_BATCH = 12  # nanoGPT, train_gpt2.py
_TOKENS = 2_000_000  # the file's length; it is random, so more would change nothing

# By device: size, vocabulary, tokens a step, steps, turns. The first is the paper's shape; the others end in a minute.
_SUITED = {
    "cuda": ("124M", "gpt2", 524_288, 30, 1),
    "mps": ("small", "bytes", 12_288, 15, 2),
    "cpu": ("small", "bytes", 6_144, 15, 2),
}


def write_tokens(folder: Path, vocab_size: int) -> TokenFile:
    """A token file of random ids."""
    folder.mkdir()
    np.random.default_rng(0).integers(0, vocab_size, _TOKENS).astype(np.uint16).tofile(folder / "tokens.bin")
    np.save(folder / "starts.npy", np.array([0, _TOKENS]))
    (folder / "about.json").write_text('{"dtype": "uint16", "fingerprint": "random"}')
    return TokenFile(folder)


def ours(shape: GPTConfig, config: TrainConfig, split: Split, folder: Path) -> list[float]:
    """Seconds of each step of the trainer."""
    train(shape, config, split, folder)
    return [record["seconds"] for record in read_log(folder)][_WARM_STEPS:]


def plain(shape: GPTConfig, config: TrainConfig, tokens: TokenFile) -> list[float]:
    """Seconds of each step of the plain loop."""
    device = select_device(config.device)
    model = create(shape, 0).to(device)
    network = torch.compile(model) if device.type == "cuda" else model
    fused = device.type == "cuda"
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=fused)
    block = shape.block_size
    passes = max(1, round(config.tokens_per_step / (block * _PLAIN_MICRO_BATCH)))
    random, seconds = np.random.default_rng(0), []
    for _ in range(config.schedule.steps):
        began = time.perf_counter()
        for _ in range(passes):
            starts = random.integers(0, len(tokens.ids) - block - 1, _PLAIN_MICRO_BATCH)
            ids = np.stack([tokens.ids[start : start + block + 1] for start in starts]).astype(np.int64)
            batch = torch.from_numpy(ids).to(device, non_blocking=True)
            with autocast(device, config.precision):
                loss = network(batch[:, :-1], batch[:, 1:]) / passes
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        assert math.isfinite(loss.item())  # this waits for the device, and nanoGPT logs the same
        seconds.append((time.perf_counter() - began) * config.tokens_per_step / (passes * _PLAIN_MICRO_BATCH * block))
    return seconds[_WARM_STEPS:]


def report(name: str, seconds: list[float], shape: GPTConfig, config: TrainConfig) -> float:
    """Print a line; return tokens a second."""
    rate = config.tokens_per_step / statistics.median(seconds)
    peak = peak_flops(select_device(config.device))
    used = "" if peak is None else f", {rate * flops_per_token(shape) / peak:.1%} of the peak"
    print(f"{name:8} {rate:12,.0f} tokens/s{used}", flush=True)
    return rate


def main() -> None:
    """Measure both and print their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size")
    parser.add_argument("--vocabulary", choices=["gpt2", "bytes"])
    parser.add_argument("--tokens-per-step", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--turns", type=int)
    parser.add_argument("--optimizer", choices=["adamw", "muon"], default="adamw")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = select_device(arguments.device)
    names = ("size", "vocabulary", "tokens_per_step", "steps", "turns")
    for name, suited in zip(names, _SUITED[device.type], strict=True):
        setattr(arguments, name, getattr(arguments, name) or suited)
    tokenizer = gpt2_tokenizer() if arguments.vocabulary == "gpt2" else byte_tokenizer()
    shape = replace(size(arguments.size), vocab_size=tokenizer.vocab_size, vocab_multiple=64)
    config = TrainConfig(
        schedule=Schedule(steps=arguments.steps, warmup_steps=2),
        tokens_per_step=arguments.tokens_per_step,
        optimizer=arguments.optimizer,
        device=arguments.device,
        checkpoint_every=arguments.steps,
    )
    print(
        f"{arguments.size}, {tokenizer.vocab_size:,} ids, {arguments.tokens_per_step:,} tokens a step, "
        f"{arguments.steps} steps, {arguments.turns} turns, {torch.get_num_threads()} threads, on {device}",
        flush=True,
    )
    mine: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        tokens = write_tokens(Path(name) / "tokens", tokenizer.vocab_size)
        for turn in range(arguments.turns):
            mine += ours(shape, config, Split(tokens, None, tokenizer), Path(name) / f"run{turn}")
            theirs += plain(shape, config, tokens)
    print(f"ratio {report('webtext', mine, shape, config) / report('plain', theirs, shape, config):.2f}")


if __name__ == "__main__":
    main()
