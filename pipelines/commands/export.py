"""`webtext export`: a trained GPT-2 for `transformers`, or the tokens of a run for nanoGPT and llm.c."""

import argparse
from pathlib import Path

from pipelines.commands.training_flags import need_training, writing
from webtext.errors import UsageError
from webtext.local import only_here


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.add_argument("checkpoint", type=only_here, help="a run of `webtext train`")
    parser.add_argument(
        "--format",
        choices=["hf", "nanogpt", "llmc"],
        required=True,
        help="hf writes the model, nanogpt and llmc its tokens",
    )
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder to write")


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write the folder; say what is in it."""
    with need_training():
        import torch  # noqa: PLC0415  (only when it is used)

        from model.gpt2.checkpoint import load_model  # noqa: PLC0415
        from model.gpt2.data import TokenFile  # noqa: PLC0415
        from model.gpt2.export import export_huggingface, export_llmc, export_nanogpt  # noqa: PLC0415
    with writing(arguments.output, "export", "*.json", "*.safetensors", "merges.txt", "train*.bin", "val*.bin"):
        if arguments.format == "hf":
            model, tokenizer = load_model(arguments.checkpoint, torch.device("cpu"))
            export_huggingface(model, tokenizer, arguments.output)
        else:
            for split, name in (("train", "train"), ("heldout", "val")):
                folder = arguments.checkpoint / "tokens" / split
                if not (folder / "about.json").is_file():
                    if split == "train":
                        raise UsageError(f"{folder} does not exist: name a run of `webtext train`")
                    continue
                if arguments.format == "nanogpt":
                    export_nanogpt(TokenFile(folder), arguments.output / f"{name}.bin")
                else:
                    export_llmc(TokenFile(folder), arguments.output, name)
    for path in sorted(arguments.output.glob("[!.]*")):
        print(f"{path.name}\t{path.stat().st_size:,} bytes")
    return 0
