"""The folder of a training run: what it is, how far it came, and how to read it back.

A checkpoint holds weights in fp32, optimizer states and counters; the position in the data is the step itself, and
random numbers are a function of the step, so nothing else can be forgotten. It is written beside its name, synced and
renamed: a kill at any moment leaves the last whole one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.gpt2.export import import_huggingface
from model.gpt2.network import GPT, GPTConfig
from model.gpt2.tokenizer import Tokenizer, load_tokenizer
from webtext.errors import UsageError
from webtext.local import whole_file, write_whole

RUN_FILE = "run.json"
TOKENIZER_FILE = "tokenizer.json"
_FOLDER = "checkpoints"


def start_run(output: Path, model: GPTConfig, tokenizer: Tokenizer, identity: Mapping[str, Any]) -> None:
    """Describe a run in its folder, or check that the folder holds this very run.

    `identity` is all that the losses depend on besides the model; raises UsageError where the folder holds another run.
    """
    described = json.loads(json.dumps({"model": asdict(model), "tokenizer": tokenizer.fingerprint, **identity}))
    path = output / RUN_FILE
    if path.is_file():
        there = json.loads(path.read_text("utf-8"))
        different = sorted(key for key in {*there, *described} if there.get(key) != described.get(key))
        if different:
            raise UsageError(
                f"{output} holds another run (it differs in {', '.join(different)}): choose another output folder"
            )
        return
    (output / _FOLDER).mkdir(parents=True, exist_ok=True)
    tokenizer.save(output / TOKENIZER_FILE)
    write_whole(path, json.dumps(described, indent=1, sort_keys=True) + "\n")


def checkpoint_paths(output: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    return sorted((output / _FOLDER).glob("step-*.pt"))


def save_checkpoint(output: Path, state: Mapping[str, Any], keep: int) -> Path:
    """Write the state of `state["step"]` and drop all but the newest `keep` checkpoints."""
    path = output / _FOLDER / f"step-{state['step']:08d}.pt"
    with whole_file(path) as place, place.open("wb") as stream:
        torch.save(dict(state), stream)
    for old in checkpoint_paths(output)[:-keep]:
        old.unlink()
    return path


def load_checkpoint(output: Path, device: torch.device) -> dict[str, Any] | None:
    """The newest state of a run; None where it has none yet."""
    paths = checkpoint_paths(output)
    if not paths:
        return None
    state: dict[str, Any] = torch.load(paths[-1], map_location=device, weights_only=True)
    return state


def plain_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under their own names, without the prefixes that compiling and DDP put before them, in any depth."""
    plain = {}
    for name, weight in weights.items():
        while (short := name.removeprefix("_orig_mod.").removeprefix("module.")) != name:
            name = short  # noqa: PLW2901
        plain[name] = weight
    return plain


def load_model(folder: Path, device: torch.device) -> tuple[GPT, Tokenizer]:
    """A trained model and its tokenizer: from a run of ours, or from a GPT-2 in Hugging Face's layout."""
    if (folder / RUN_FILE).is_file():
        described = json.loads((folder / RUN_FILE).read_text("utf-8"))
        state = load_checkpoint(folder, device)
        if state is None:
            raise UsageError(f"{folder} has no checkpoint yet: let the run come to its first one")
        model = GPT(GPTConfig(**described["model"]))
        model.load_state_dict(plain_weights(state["model"]))
        return model.to(device).eval(), load_tokenizer(folder / TOKENIZER_FILE)
    if (folder / "config.json").is_file():
        model, tokenizer = import_huggingface(folder)
        return model.to(device).eval(), tokenizer
    raise UsageError(
        f"{folder} is neither a run of `webtext train` ({RUN_FILE}) nor a Hugging Face GPT-2 (config.json)"
    )
