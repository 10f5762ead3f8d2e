"""`webtext train`: train a GPT-2 on the shards of a corpus, or go on with a run that was killed."""

import argparse
import re
from pathlib import Path

from pipelines.commands.training_flags import add_device, is_first, need_training, show_progress, writing
from webtext.errors import UsageError
from webtext.local import local_corpus

_SUFFIXES = {"": 1, "k": 1000, "m": 1000**2, "b": 1000**3}


def count(text: str) -> int:
    """Read a number of tokens.

    >>> count("10B"), count("2.5M"), count("524288")
    (10000000000, 2500000, 524288)
    """
    match = re.fullmatch(r"([\d.]+)([kmb]?)", text.lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 524288, 300M or 10B")
    return round(float(match[1]) * _SUFFIXES[match[2]])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.epilog = (
        "Several GPUs: torchrun --nproc-per-node 8 --no-python webtext train ... (the same losses). "
        "The same command again resumes from the last checkpoint."
    )
    parser.add_argument(
        "corpus", type=local_corpus, help="an output, its corpus folder, or Parquet files with a column `text`"
    )
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--size", default="124M", help="124M, 355M, 774M, 1558M, or tiny, small, mini, 51M (default: %(default)s)"
    )
    parser.add_argument("--vocab-size", type=int, default=0, help="train a tokenizer of so many ids (default: GPT-2's)")
    parser.add_argument("--block-size", type=int, default=0, help="tokens of context (default: the size's own)")
    parser.add_argument(
        "--tokens",
        type=count,
        default="10B",
        help="tokens to train on, over as many epochs as that takes (default: %(default)s)",
    )
    parser.add_argument(
        "--tokens-per-step",
        type=count,
        default=524_288,
        help="tokens of a step, which decide the batch (default: %(default)s)",
    )
    parser.add_argument(
        "--learning-rate", type=float, help="highest learning rate (default: the size's own, 6e-4 for 124M)"
    )
    parser.add_argument(
        "--warmup-steps",
        type=int,
        default=700,
        help="steps over which the learning rate rises (default: %(default)s, at most a tenth of the steps)",
    )
    parser.add_argument(
        "--schedule",
        choices=["cosine", "linear"],
        default="cosine",
        help="how the learning rate falls (default: %(default)s)",
    )
    parser.add_argument(
        "--optimizer", choices=["adamw", "muon"], default="adamw", help="which optimizer trains (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and order (default: %(default)s)")
    parser.add_argument(
        "--precision",
        choices=["auto", "bfloat16", "float32"],
        default="auto",
        help="precision of the matrix products (default: %(default)s, what the device does well)",
    )
    parser.add_argument(
        "--evaluate-every", type=int, default=250, help="steps between two held-out losses (default: %(default)s)"
    )
    parser.add_argument(
        "--checkpoint-every", type=int, default=1000, help="steps between two checkpoints (default: %(default)s)"
    )
    parser.add_argument("--no-compile", action="store_true", help="do not compile the model on CUDA")
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard events")
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Tokenise, train or resume, and print the last losses."""
    with need_training():
        from model.gpt2.network import peak_rate  # noqa: PLC0415
        from model.gpt2.optimizers import Schedule  # noqa: PLC0415  (torch, only when it is used)
        from model.gpt2.train import TrainConfig  # noqa: PLC0415
        from model.gpt2.train_corpus import train_corpus  # noqa: PLC0415
    show_progress()
    steps = max(1, arguments.tokens // arguments.tokens_per_step)
    try:
        config = TrainConfig(
            schedule=Schedule(
                peak_rate(arguments.size) if arguments.learning_rate is None else arguments.learning_rate,
                steps,
                min(arguments.warmup_steps, steps // 10),
                shape=arguments.schedule,
            ),
            tokens_per_step=arguments.tokens_per_step,
            optimizer=arguments.optimizer,
            seed=arguments.seed,
            precision=arguments.precision,
            device=arguments.device,
            compile=not arguments.no_compile,
            evaluate_every=arguments.evaluate_every,
            checkpoint_every=arguments.checkpoint_every,
            tensorboard=arguments.tensorboard,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    shape = {"size": arguments.size, "vocab_size": arguments.vocab_size, "block_size": arguments.block_size}
    with writing(arguments.output, "train", "log.jsonl", "tokenizer.json", "tokens", "checkpoints"):
        result = train_corpus(arguments.corpus, arguments.output, config, **shape)
    if not is_first():
        return 0
    print(f"{arguments.output}: training loss {result.loss:.4f} nats a token")
    if result.heldout_loss is not None:
        print(f"held-out loss {result.heldout_loss:.4f} nats a token")
    return 0
