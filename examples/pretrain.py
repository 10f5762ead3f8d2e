"""Train a two-layer model of another family on a corpus' shards, to see that the corpus carries what it needs.

    python examples/pretrain.py out/sample/corpus --objective t5

`model.objectives` makes the arrays; transformers brings the networks: BERT, RoBERTa, ALBERT (factorised embeddings,
shared layers), ELECTRA (generator and discriminator), XLNet and T5 (relative positions). Bytes are the tokens, so that
nothing is downloaded. This shows that the ways fit together: fifty steps teach a model that there are spaces.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from model.objectives.documents import IGNORED, Document, Ids, Special, batches, full_sentences, read_documents
from model.objectives.masked import mask_tokens, replace_tokens
from model.objectives.pairs import Pair, next_sentence_pairs, sentence_order_pairs
from model.objectives.permuted import permute
from model.objectives.spans import corrupt_spans, lengths_for, noise_mask, prefix_lm

LENGTH, BATCH = 128, 16  # ids of a sequence, sequences of a step
SENTINELS = 100  # T5 has as many
SPECIAL = Special.after(256)
SHAPE = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
Loss = torch.Tensor
Step = Callable[[], Loss]


def tensors(**arrays: Any) -> dict[str, torch.Tensor]:
    """Turn arrays into tensors, by name."""
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def sequences(documents: list[Document]) -> Iterator[Ids]:
    """Give batches of packed sequences, epoch after epoch; masks are drawn anew in each (RoBERTa)."""
    return batches(chain.from_iterable(full_sentences(epoch, LENGTH, SPECIAL) for epoch in repeat(documents)), BATCH)


def attended(ids: Ids) -> Ids:
    """Say which places are no padding."""
    return (ids != SPECIAL.pad).astype(np.int64)


def masked_lm(documents: list[Document], random: np.random.Generator) -> tuple[list[torch.nn.Module], Step]:
    """RoBERTa: dynamic masks over FULL-SENTENCES."""
    config = transformers.RobertaConfig(
        vocab_size=SPECIAL.size, pad_token_id=SPECIAL.pad, max_position_embeddings=LENGTH + SPECIAL.pad + 2, **SHAPE
    )
    network, stream = transformers.RobertaForMaskedLM(config), sequences(documents)

    def step() -> Loss:
        ids = next(stream)
        masked = mask_tokens(ids, SPECIAL, random)
        return network(**tensors(input_ids=masked.inputs, labels=masked.labels, attention_mask=attended(ids))).loss

    return [network], step


def pair_step(network: torch.nn.Module, pairs: Iterator[Pair], random: np.random.Generator, label: str) -> Step:
    """Mask pairs of segments, and ask for the tokens and for the label of the pair."""

    def step() -> Loss:
        some = list(islice(pairs, BATCH))
        ids = np.stack([pair.ids for pair in some])
        masked = mask_tokens(ids, SPECIAL, random)
        given = tensors(
            input_ids=masked.inputs,
            labels=masked.labels,
            attention_mask=attended(ids),
            token_type_ids=np.stack([pair.segments for pair in some]),
            **{label: np.array([pair.label for pair in some])},
        )
        return network(**given).loss

    return step


def bert(documents: list[Document], random: np.random.Generator) -> tuple[list[torch.nn.Module], Step]:
    """BERT: masked tokens and next sentence prediction."""
    network = transformers.BertForPreTraining(
        transformers.BertConfig(vocab_size=SPECIAL.size, pad_token_id=None, **SHAPE)
    )
    pairs = chain.from_iterable(next_sentence_pairs(epoch, LENGTH, SPECIAL, random) for epoch in repeat(documents))
    return [network], pair_step(network, pairs, random, "next_sentence_label")


def albert(documents: list[Document], random: np.random.Generator) -> tuple[list[torch.nn.Module], Step]:
    """ALBERT: masked tokens and sentence order prediction, small embeddings and one layer used twice."""
    config = transformers.AlbertConfig(
        vocab_size=SPECIAL.size, embedding_size=32, num_hidden_groups=1, pad_token_id=None, **SHAPE
    )
    network = transformers.AlbertForPreTraining(config)
    pairs = chain.from_iterable(sentence_order_pairs(epoch, LENGTH, SPECIAL, random) for epoch in repeat(documents))
    return [network], pair_step(network, pairs, random, "sentence_order_label")


def electra(documents: list[Document], random: np.random.Generator) -> tuple[list[torch.nn.Module], Step]:
    """ELECTRA: a small generator fills masks, a discriminator finds what it put in; losses 1 : 50, as in the paper."""
    config = transformers.ElectraConfig(vocab_size=SPECIAL.size, embedding_size=64, pad_token_id=None, **SHAPE)
    generator, discriminator = transformers.ElectraForMaskedLM(config), transformers.ElectraForPreTraining(config)
    stream, draws = sequences(documents), torch.Generator().manual_seed(int(random.integers(1 << 31)))

    def step() -> Loss:
        ids = next(stream)
        masked = mask_tokens(ids, SPECIAL, random)
        mask = attended(ids)
        found = generator(**tensors(input_ids=masked.inputs, labels=masked.labels, attention_mask=mask))
        chances = torch.softmax(found.logits.detach(), -1).reshape(-1, SPECIAL.size)
        samples = torch.multinomial(chances, 1, generator=draws).reshape(ids.shape).numpy()
        given = replace_tokens(masked, samples)
        judged = discriminator(
            **tensors(input_ids=given.inputs, labels=given.replaced.astype(np.int64), attention_mask=mask)
        )
        return found.loss + 50 * judged.loss

    return [generator, discriminator], step


def xlnet(documents: list[Document], random: np.random.Generator) -> tuple[list[torch.nn.Module], Step]:
    """XLNet: tokens in a random order of their places."""
    config = transformers.XLNetConfig(vocab_size=SPECIAL.size, d_model=64, n_layer=2, n_head=2, d_inner=128)
    network, stream = transformers.XLNetLMHeadModel(config), sequences(documents)

    def step() -> Loss:
        permuted = [permute(ids, SPECIAL, random) for ids in next(stream)]
        inputs, hidden, labels = (np.stack(arrays) for arrays in zip(*permuted, strict=True))
        asked = np.eye(LENGTH, dtype=np.float32)[None].repeat(len(inputs), 0)
        given = tensors(input_ids=inputs, perm_mask=hidden.astype(np.float32), target_mapping=asked, labels=labels)
        return network(**given).loss

    return [network], step


def _texts(documents: list[Document], length: int) -> Iterator[Ids]:
    """Give pieces of documents, of at most `length` ids and at least two."""
    for document in chain.from_iterable(repeat(documents)):
        ids = np.concatenate(document)
        yield from (ids[at : at + length] for at in range(0, len(ids) - 1, length))


def _t5(pairs: Iterator[tuple[Ids, Ids]]) -> tuple[list[torch.nn.Module], Step]:
    vocabulary = SPECIAL.size + SENTINELS
    config = transformers.T5Config(
        vocab_size=vocabulary,
        d_model=64,
        d_kv=32,
        d_ff=128,
        num_layers=2,
        num_heads=2,
        pad_token_id=SPECIAL.pad,
        eos_token_id=SPECIAL.separator,
        decoder_start_token_id=SPECIAL.pad,
    )
    network = transformers.T5ForConditionalGeneration(config)

    def step() -> Loss:
        inputs, targets = zip(*islice(pairs, BATCH), strict=True)
        ids = _padded(inputs, SPECIAL.pad)
        return network(**tensors(input_ids=ids, attention_mask=attended(ids), labels=_padded(targets, IGNORED))).loss

    return [network], step


def _padded(rows: tuple[Ids, ...], filler: int) -> Ids:
    filled = np.full((len(rows), max(map(len, rows)) + 1), filler, np.int64)
    for number, row in enumerate(rows):
        filled[number, : len(row)], filled[number, len(row)] = row, SPECIAL.separator
    return filled


def t5(documents: list[Document], random: np.random.Generator) -> tuple[list[torch.nn.Module], Step]:
    """T5: spans corrupted, sentinels at the end of the vocabulary."""
    top = SPECIAL.size + SENTINELS - 1
    pieces = _texts(documents, lengths_for(LENGTH)[0])
    return _t5(tuple(corrupt_spans(ids, noise_mask(len(ids), random), top)) for ids in pieces)


def prefix(documents: list[Document], random: np.random.Generator) -> tuple[list[torch.nn.Module], Step]:
    """T5's prefix language model: the second part of a text after the first."""
    return _t5(tuple(prefix_lm(ids, random)) for ids in _texts(documents, LENGTH))


OBJECTIVES = {
    "roberta": masked_lm,
    "bert": bert,
    "albert": albert,
    "electra": electra,
    "xlnet": xlnet,
    "t5": t5,
    "prefix-lm": prefix,
}


def pretrain(corpus: Path, objective: str, steps: int = 50, seed: int = 0) -> list[float]:
    """Train for some steps with Adam, and return the loss of each."""
    torch.manual_seed(seed)
    documents = list(read_documents(corpus, lambda text: list(text.encode())))
    networks, step = OBJECTIVES[objective](documents, np.random.default_rng(seed))
    parameters = [weights for network in networks for weights in network.train().parameters()]
    optimizer, losses = torch.optim.Adam(parameters, lr=1e-3), []
    for _ in range(steps):
        loss = step()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    """Train as the flags say, and print how the loss fell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a corpus directory, or a Parquet file with texts")
    parser.add_argument("--objective", choices=sorted(OBJECTIVES), required=True)
    parser.add_argument("--steps", type=int, default=50, help="default: %(default)s")
    arguments = parser.parse_args()
    losses = pretrain(arguments.corpus, arguments.objective, arguments.steps)
    for at in range(0, len(losses), 10):
        print(f"steps {at + 1} to {min(at + 10, len(losses))}: loss {np.mean(losses[at : at + 10]):.3f}")


if __name__ == "__main__":
    main()
