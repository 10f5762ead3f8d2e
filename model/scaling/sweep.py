"""A sweep of small GPT-2 runs over sizes and numbers of tokens, which a kill costs one run at the most.

Each run is one of `model.gpt2.train`, in a folder of its own, with a learning rate that falls to zero by its end: a
loss in the middle of a longer run is not that of a run of its length (Hoffmann et al. 2022, section 3.1). All share one
tokenizer, trained on the corpora together, and are scored on the same held-out text, half of it from each corpus.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, product
from pathlib import Path

from model.gpt2.corpora import Corpus, take
from model.gpt2.data import TokenFile, encode_texts
from model.gpt2.network import GPTConfig
from model.gpt2.optimizers import Schedule
from model.gpt2.tokenizer import Tokenizer, train_tokenizer
from model.gpt2.train import Split, TrainConfig, train
from model.scaling.laws import Curve, NoFit, Point, Surface, fit_curve, fit_surface
from webtext.errors import UsageError
from webtext.local import write_whole

_TOKENIZER_BYTES = 20_000_000  # the amount of each corpus that the tokenizer is trained on
_HELD_OUT_BYTES = 400_000  # the amount of each corpus that is held out
_WIDTH_A_HEAD = 32
_RATE, _RATE_WIDTH = 4e-3, 64  # peak learning rate at a width; it falls with the root of the width


@dataclass(frozen=True)
class SweepConfig:
    """What to run: every size with every number of tokens and every seed."""

    sizes: tuple[str, ...] = ("1x32", "2x48", "2x64", "3x96")  # layers x width
    tokens: tuple[int, ...] = (60_000, 120_000, 240_000, 480_000)
    seeds: int = 1
    vocab_size: int = 512
    block_size: int = 128
    tokens_per_step: int = 2048
    device: str = "auto"

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be run."""
        for size in self.sizes:
            shape_of(size, self.vocab_size, self.block_size)
        if not self.sizes or not self.tokens or self.seeds < 1 or min(self.tokens) < 10 * self.tokens_per_step:
            raise ValueError(
                f"a sweep takes sizes, seeds, and at least {10 * self.tokens_per_step} tokens a run (ten steps of "
                f"{self.tokens_per_step})"
            )


@dataclass(frozen=True)
class Laws:
    """What the runs of one corpus say."""

    corpus: str
    points: tuple[Point, ...]
    by_size: Curve | NoFit
    by_tokens: Curve | NoFit
    surface: Surface | NoFit


def shape_of(size: str, vocab_size: int, block_size: int) -> GPTConfig:
    """Read `LAYERSxWIDTH` as a shape; raises ValueError for anything else.

    >>> shape_of("2x64", 512, 128).n_head
    2
    """
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    if match is None or not int(match[1]) or (int(match[2]) % _WIDTH_A_HEAD and int(match[2]) % 16):
        raise ValueError(f"size {size!r} is not LAYERSxWIDTH with a width that 16 divides, such as 2x64")
    width = int(match[2])
    heads = max(1, width // _WIDTH_A_HEAD)
    return GPTConfig(
        n_layer=int(match[1]),
        n_head=heads if width % heads == 0 else 1,
        n_embd=width,
        block_size=block_size,
        vocab_size=vocab_size,
    )


def parameters_of(shape: GPTConfig) -> int:
    """Count parameters without embeddings, N = 12 L d^2 (Kaplan et al. 2020, equation 2.1)."""
    return 12 * shape.n_layer * shape.n_embd**2


def sweep(corpora: Sequence[Corpus], config: SweepConfig, output: Path) -> list[Laws]:
    """Run what is missing in `output`, and fit.

    Raises:
        UsageError: a corpus has too little text, or `output` holds runs of other corpora or settings.
    """
    output.mkdir(parents=True, exist_ok=True)
    _settle(corpora, config, output)
    tokenizer = _tokenizer(corpora, config, output)
    texts = chain.from_iterable(take(corpus.heldout(), _HELD_OUT_BYTES) for corpus in corpora)
    heldout = encode_texts(texts, tokenizer, output / "heldout", source=_sources(corpora))
    return [_laws(corpus, list(_runs(corpus, config, output, tokenizer, heldout))) for corpus in corpora]


def _sources(corpora: Sequence[Corpus]) -> str:
    return " ".join(corpus.fingerprint() for corpus in corpora)


def _settle(corpora: Sequence[Corpus], config: SweepConfig, output: Path) -> None:
    """Note what all runs of a folder share; sizes, tokens and seeds may be added later."""
    shared = {"corpora": _sources(corpora), **{name: getattr(config, name) for name in ("vocab_size", "block_size")}}
    shared["tokens_per_step"] = config.tokens_per_step
    note = output / "sweep.json"
    if note.is_file() and json.loads(note.read_text("utf-8")) != shared:
        raise UsageError(f"{output} holds a sweep of other corpora or settings: name another folder, or remove it")
    write_whole(note, json.dumps(shared, indent=1) + "\n")


def _tokenizer(corpora: Sequence[Corpus], config: SweepConfig, output: Path) -> Tokenizer:
    texts = chain.from_iterable(take(corpus.train(), _TOKENIZER_BYTES) for corpus in corpora)
    tokenizer = train_tokenizer(texts, config.vocab_size)
    tokenizer.save(output / "tokenizer.json")
    return tokenizer


def _runs(
    corpus: Corpus, config: SweepConfig, output: Path, tokenizer: Tokenizer, heldout: TokenFile
) -> Iterator[Point]:
    most = max(config.tokens)
    folder = output / corpus.name
    tokens = encode_texts(corpus.train(), tokenizer, folder / "tokens", source=corpus.fingerprint(), max_tokens=most)
    for size, budget, seed in product(config.sizes, config.tokens, range(config.seeds)):
        place = folder / f"{size}-{budget}-{seed}"
        shape = shape_of(size, tokenizer.vocab_size, config.block_size)
        loss = _loss(place, shape, _training(config, shape, budget, seed), Split(tokens, heldout, tokenizer))
        yield Point(parameters_of(shape), budget, loss)


def _training(config: SweepConfig, shape: GPTConfig, budget: int, seed: int) -> TrainConfig:
    steps = budget // config.tokens_per_step
    schedule = Schedule(
        _RATE * math.sqrt(_RATE_WIDTH / shape.n_embd), steps, max(1, steps // 10), final_fraction=0.0, shape="linear"
    )
    never = steps + 1
    return TrainConfig(
        schedule=schedule,
        tokens_per_step=config.tokens_per_step,
        seed=seed,
        device=config.device,
        evaluate_every=never,
        checkpoint_every=max(50, steps // 4),
        keep=1,
    )


def _loss(place: Path, shape: GPTConfig, config: TrainConfig, split: Split) -> float:
    """Train, or read what an earlier sweep found."""
    done = place / "loss.json"
    if not done.is_file():
        trained = train(shape, config, split, place)
        if trained.heldout_loss is None:
            raise UsageError(f"{place}: there is no held-out text to score on")
        write_whole(done, json.dumps({"heldout_loss": trained.heldout_loss}) + "\n")
    loss: float = json.loads(done.read_text("utf-8"))["heldout_loss"]
    return loss


def _laws(corpus: Corpus, points: list[Point]) -> Laws:
    most_tokens = max(point.tokens for point in points)
    largest = max(point.parameters for point in points)
    sizes = [point for point in points if point.tokens == most_tokens]
    budgets = [point for point in points if point.parameters == largest]
    return Laws(
        corpus.name,
        tuple(points),
        fit_curve([point.parameters for point in sizes], [point.loss for point in sizes]),
        fit_curve([point.tokens for point in budgets], [point.loss for point in budgets]),
        fit_surface(points),
    )


def as_json(laws: Laws) -> dict[str, object]:
    """Lay the runs and fits of a corpus out as JSON values."""
    return asdict(laws)
