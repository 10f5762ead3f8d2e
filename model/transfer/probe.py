"""Fine-tuning as GPT-1 was fine-tuned, over several seeds, so that two corpora can be told apart by what they teach.

L3 = L2 + lambda L1: the task's loss with the language model's as a helper, lambda .5; Adam at 6.25e-5, batches of 32,
three epochs, a linear decay after a warm-up over .2 % of the steps, dropout .1 before the classifier (Radford et al.
2018, sections 3.2 and 4.1). New are the classifier and the embeddings of three tokens, nothing else. Steps and schedule
are those of `model.gpt2.train`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor, nn
from torch.nn import functional

from model.gpt2.checkpoint import load_model
from model.gpt2.network import GPT, INIT_STD
from model.gpt2.optimizers import Schedule, gradients, update
from model.scores.tasks import read_rows
from model.transfer.inputs import SPECIAL, Encode, Example, read_example, transform
from webtext.errors import UsageError
from webtext.hashing import split_of

_HELD_OUT = 0.2  # the share of examples that are scored, chosen by the hash of their texts
_IGNORED = -100


@dataclass(frozen=True)
class ProbeConfig:
    """How to fine-tune; the defaults are GPT-1's (section 4.1)."""

    learning_rate: float = 6.25e-5
    batch_size: int = 32
    epochs: int = 3
    warmup: float = 0.002
    dropout: float = 0.1
    language_weight: float = 0.5  # lambda
    seeds: int = 5
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be run."""
        if min(self.batch_size, self.epochs, self.seeds) < 1 or self.learning_rate <= 0:
            raise ValueError("batch size, epochs and seeds are at least 1, and the learning rate is positive")


@dataclass(frozen=True)
class Transfer:
    """What a run learnt of a task: accuracy on the held-out examples by seed, and that of the commonest answer."""

    task: str
    trained_on: int
    scored: int
    commonest: float
    accuracies: tuple[float, ...]


@dataclass(frozen=True)
class Gap:
    """The mean difference of two runs' accuracies, paired by seed, and its 95 % interval (Student's t)."""

    value: float
    low: float
    high: float


class Classifier(nn.Module):
    """A GPT-2 with embeddings for three tokens more, and a linear layer that reads the extract token."""

    def __init__(self, model: GPT, outputs: int, dropout: float) -> None:
        super().__init__()
        self.gpt = model
        self.text_ids = model.config.vocab_size
        grown = nn.Embedding(self.text_ids + SPECIAL, model.config.n_embd)
        nn.init.normal_(grown.weight, std=INIT_STD)
        with torch.no_grad():
            grown.weight[: self.text_ids] = model.wte.weight[: self.text_ids]
        model.wte = grown
        model.config = replace(model.config, vocab_size=self.text_ids + SPECIAL, vocab_multiple=1)
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(model.config.n_embd, outputs, bias=False)
        nn.init.normal_(self.head.weight, std=INIT_STD)

    def forward(self, ids: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) ids and the (B,) places of their extract tokens -> (B, outputs) scores, (B, T, V) next tokens."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.gpt.drop(self.gpt.wte(ids) + self.gpt.wpe(positions))
        for block in self.gpt.h:
            x = block(x, None)
        x = self.gpt.ln_f(x)
        at_end = x[torch.arange(len(ends), device=ids.device), ends]
        return self.head(self.dropout(at_end)), functional.linear(x, self.gpt.wte.weight)


def read_examples(path: Path) -> list[Example]:
    """Read a task's file of JSON lines.

    Raises:
        UsageError: a line is no item of a task, or the items are of several kinds.
    """
    examples = []
    for where, item in read_rows(path):
        try:
            examples.append(read_example(item))
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from error
    if len({(example.is_choice, len(example.sequences) * (not example.is_choice)) for example in examples}) > 1:
        raise UsageError(f"{path}: items of several kinds of task")
    return examples


def divide(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Divide examples into those to train on and those to score, by the hash of their texts: equal texts together."""
    train: list[Example] = []
    heldout: list[Example] = []
    for example in examples:
        texts = {"\n".join(sorted(texts)) for texts in example.sequences}
        side = train if split_of("\n".join(sorted(texts)), _HELD_OUT) == "train" else heldout
        side.append(example)
    return train, heldout


def probe(run: Path, task: str, examples: Sequence[Example], config: ProbeConfig) -> Transfer:
    """Fine-tune a run on a task, once a seed, and score what was held out.

    Raises:
        UsageError: there are too few examples, or the run cannot be read.
    """
    train, heldout = divide(examples)
    if len(train) < 2 or not heldout:
        raise UsageError(f"{task}: {len(examples)} examples are too few to train on some and score others")
    answers = [example.answer for example in heldout]
    commonest = max(answers.count(answer) for answer in answers) / len(answers)
    accuracies = tuple(_one_seed(run, train, heldout, config, seed) for seed in range(config.seeds))
    return Transfer(task, len(train), len(heldout), commonest, accuracies)


def gap(one: Transfer, other: Transfer) -> Gap | None:
    """Compare two runs on one task, seed by seed; None where one seed gives no interval."""
    differences = [a - b for a, b in zip(one.accuracies, other.accuracies, strict=True)]
    if len(differences) < 2:
        return None
    half = float(student.ppf(0.975, len(differences) - 1)) * stdev(differences) / math.sqrt(len(differences))
    middle = mean(differences)
    return Gap(middle, middle - half, middle + half)


def _one_seed(run: Path, train: Sequence[Example], heldout: Sequence[Example], config: ProbeConfig, seed: int) -> float:
    device = torch.device(config.device)
    model, tokenizer = load_model(run, device)
    torch.manual_seed(seed)
    outputs = 1 if train[0].is_choice else 1 + max(example.answer for example in (*train, *heldout))
    classifier = Classifier(model, outputs, config.dropout).to(device).train()
    coded = [_coded(example, tokenizer.encode, classifier) for example in train]
    steps = config.epochs * math.ceil(len(coded) / config.batch_size)
    rising = max(1, round(steps * config.warmup))
    schedule = Schedule(config.learning_rate, steps, rising, final_fraction=0.0, shape="linear", decay_fraction=1.0)
    optimizers = [torch.optim.Adam(classifier.parameters(), lr=config.learning_rate)]
    for step, batch in enumerate(_batches(len(coded), config, np.random.default_rng(seed))):
        loss = _loss(
            classifier, [coded[number] for number in batch], [train[number].answer for number in batch], config
        )
        gradients(classifier.parameters(), [loss], clip=math.inf)
        update(optimizers, schedule.at(step))
    classifier.eval()
    with torch.no_grad():
        answers = [_read(classifier, [_coded(one, tokenizer.encode, classifier)])[0][0].argmax() for one in heldout]
    right = sum(int(answer) == example.answer for answer, example in zip(answers, heldout, strict=True))
    return right / len(heldout)


def _loss(
    classifier: Classifier, examples: Sequence[list[list[int]]], answers: Sequence[int], config: ProbeConfig
) -> Tensor:
    """L3: the task's loss with the language model's as a helper."""
    scores, language = _read(classifier, examples)
    losses = [
        functional.cross_entropy(own[None], torch.tensor([answer], device=own.device))
        for own, answer in zip(scores, answers, strict=True)
    ]
    return torch.stack(losses).mean() + config.language_weight * language


def _coded(example: Example, encode: Encode, classifier: Classifier) -> list[list[int]]:
    length = classifier.gpt.config.block_size
    return [transform(texts, encode, classifier.text_ids, length) for texts in example.sequences]


def _read(classifier: Classifier, examples: Sequence[list[list[int]]]) -> tuple[list[Tensor], Tensor]:
    """Give each example's scores of its answers, and the mean loss of the next tokens of all sequences (L1).

    Sequences are padded at their ends, which nothing before them sees. The two orders of a similarity are added up
    after the linear layer, which is as before it, for the layer has no bias.
    """
    sequences = [sequence for example in examples for sequence in example]
    ends = torch.tensor([len(sequence) - 1 for sequence in sequences])
    ids = torch.zeros((len(sequences), int(ends.max()) + 1), dtype=torch.long)
    targets = torch.full_like(ids, _IGNORED)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        targets[row, : len(sequence) - 1] = torch.tensor(sequence[1:])
    device = classifier.head.weight.device
    scores, logits = classifier(ids.to(device), ends.to(device))
    language = functional.cross_entropy(logits.flatten(0, 1), targets.flatten().to(device), ignore_index=_IGNORED)
    own = scores.split([len(example) for example in examples])
    return [part.squeeze(1) if part.shape[1] == 1 else part.sum(0) for part in own], language


def _batches(examples: int, config: ProbeConfig, random: np.random.Generator) -> Iterator[list[int]]:
    for _ in range(config.epochs):
        order = random.permutation(examples)
        yield from (order[at : at + config.batch_size].tolist() for at in range(0, examples, config.batch_size))
