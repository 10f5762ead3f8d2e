"""GPT-2 out of the box, and in: Hugging Face's layout, and token files of nanoGPT and llm.c.

Hugging Face keeps OpenAI's names and its Conv1D matrices, which are ours transposed. What is written loads in
`transformers` and `lm-eval` without a word of configuration; what OpenAI published loads here and anchors our numbers.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, decoders, pre_tokenizers
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers.models import BPE
from torch import Tensor

from model.gpt2.data import TokenFile
from model.gpt2.network import GPT, LAYER_NORM_EPSILON, GPTConfig
from model.gpt2.tokenizer import END_OF_TEXT, Tokenizer, byte_symbols, gpt2_tokenizer, tokenizer_from_symbols
from webtext.errors import UsageError
from webtext.local import whole_file, write_whole

_CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")

# karpathy/llm.c, dev/data/data_common.py: 256 int32, of which the first three are these and the number of tokens.
LLMC_HEADER_INTS = 256
LLMC_MAGIC_16, LLMC_VERSION_16 = 20240520, 1
LLMC_MAGIC_32, LLMC_VERSION_32 = 20240801, 7
LLMC_SHARD_TOKENS = 100_000_000


def export_huggingface(model: GPT, tokenizer: Tokenizer, folder: Path) -> None:
    """Write config.json, generation_config.json, model.safetensors and the tokenizer's files."""
    folder.mkdir(parents=True, exist_ok=True)
    end = tokenizer.end_of_text
    _write_json(folder / "config.json", _huggingface_config(model.config, end))
    _write_json(folder / "generation_config.json", {"bos_token_id": end, "eos_token_id": end})
    with whole_file(folder / "model.safetensors") as place:
        save_file(_huggingface_weights(model), place, metadata={"format": "pt"})
    _write_tokenizer(tokenizer, model.config.block_size, folder)


def _huggingface_config(config: GPTConfig, end_of_text: int) -> dict[str, Any]:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.block_size,
        "n_ctx": config.block_size,
        "n_embd": config.n_embd,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": LAYER_NORM_EPSILON,
        # Named one by one, because the defaults there are 0.1.
        "attn_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }


def _huggingface_weights(model: GPT) -> dict[str, Tensor]:
    """Weights as GPT2LMHeadModel names them; the head is tied, so it is not stored; padded rows are dropped."""
    weights = {}
    for name, weight in model.state_dict().items():
        kept = weight[: model.config.vocab_size] if name == "wte.weight" else weight
        turned = kept.t() if name.endswith(_CONV1D) else kept
        weights[f"transformer.{name}"] = turned.detach().to("cpu", torch.float32).contiguous()
    return weights


def _write_tokenizer(tokenizer: Tokenizer, block_size: int, folder: Path) -> None:
    symbols = byte_symbols()
    vocab = {symbol: rank for rank, symbol in enumerate(tokenizer.symbols())}
    merges = [
        ("".join(symbols[byte] for byte in left), "".join(symbols[byte] for byte in right))
        for left, right in tokenizer.merges()
    ]
    _write_json(folder / "vocab.json", {**vocab, END_OF_TEXT: tokenizer.end_of_text})
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    write_whole(folder / "merges.txt", "\n".join(lines) + "\n")
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "GPT2Tokenizer",
            "add_prefix_space": False,
            "add_bos_token": False,
            "model_max_length": block_size,
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TEXT,
            "unk_token": END_OF_TEXT,
        },
    )
    _write_json(folder / "special_tokens_map.json", dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT))
    fast = HuggingFaceTokenizer(BPE(vocab=vocab, merges=merges))
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    fast.decoder = decoders.ByteLevel()
    fast.add_special_tokens([AddedToken(END_OF_TEXT, normalized=False, special=True)])
    with whole_file(folder / "tokenizer.json") as place:
        fast.save(str(place), pretty=False)


def import_huggingface(folder: Path) -> tuple[GPT, Tokenizer]:
    """Read a GPT-2 in Hugging Face's layout, OpenAI's own included. Raises UsageError for what is not a GPT-2."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if config.get("model_type") != "gpt2" or config.get("activation_function", "gelu_new") != "gelu_new":
        raise UsageError(f"{folder} holds a {config.get('model_type')!r} model: only GPT-2 with tanh GELU is read")
    if not (folder / "model.safetensors").is_file():
        raise UsageError(f"{folder} has no model.safetensors: save the model with safe serialisation")
    model = GPT(
        GPTConfig(
            n_layer=config["n_layer"],
            n_head=config["n_head"],
            n_embd=config["n_embd"],
            block_size=config["n_positions"],
            vocab_size=config["vocab_size"],
        )
    )
    model.load_state_dict(_our_weights(load_file(folder / "model.safetensors")))
    return model.eval(), _read_tokenizer(folder, model.config.vocab_size)


def _our_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    ours = {}
    for name, weight in weights.items():
        short = name.removeprefix("transformer.")
        if short == "lm_head.weight" or short.endswith((".attn.bias", ".attn.masked_bias")):
            continue  # the tied head, and the causal mask that old files carry
        ours[short] = weight.t().contiguous() if short.endswith(_CONV1D) else weight
    return ours


def _read_tokenizer(folder: Path, vocab_size: int) -> Tokenizer:
    path = folder / "vocab.json"
    tokenizer = gpt2_tokenizer()
    if path.is_file():
        ids: dict[str, int] = json.loads(path.read_text("utf-8"))
        ids.pop(END_OF_TEXT)
        tokenizer = tokenizer_from_symbols("imported", sorted(ids, key=ids.__getitem__))
    if tokenizer.vocab_size != vocab_size:
        raise UsageError(f"{folder}: the model has {vocab_size} ids, its tokenizer {tokenizer.vocab_size}")
    return tokenizer


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def export_nanogpt(tokens: TokenFile, path: Path) -> None:
    """Write ids as nanoGPT's train.bin: raw uint16, end of text after each document."""
    if tokens.ids.dtype != np.uint16:
        raise UsageError("nanoGPT's files are uint16: this vocabulary needs more; use llm.c's format")
    with whole_file(path) as place, place.open("wb") as stream:
        for start, stop in zip(tokens.starts[:-1], tokens.starts[1:], strict=True):
            stream.write(tokens.ids[start + 1 : stop].tobytes() + tokens.ids[start : start + 1].tobytes())


def export_llmc(tokens: TokenFile, folder: Path, prefix: str) -> list[Path]:
    """Write ids as llm.c's shards of 100 million: a header of 256 int32, end of text before each document."""
    small = tokens.ids.dtype == np.uint16
    paths = []
    for number, start in enumerate(range(0, len(tokens.ids), LLMC_SHARD_TOKENS)):
        part = tokens.ids[start : start + LLMC_SHARD_TOKENS]
        header = np.zeros(LLMC_HEADER_INTS, np.int32)
        header[:3] = (*((LLMC_MAGIC_16, LLMC_VERSION_16) if small else (LLMC_MAGIC_32, LLMC_VERSION_32)), len(part))
        path = folder / f"{prefix}_{number:06d}.bin"
        with whole_file(path) as place, place.open("wb") as stream:
            stream.write(header.tobytes())
            stream.write(part.tobytes())
        paths.append(path)
    return paths
