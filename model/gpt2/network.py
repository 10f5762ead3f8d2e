"""GPT-2 in one readable file: the network that judges a corpus.

Exactly the architecture of "Language Models are Unsupervised Multitask Learners" (section 2.3):
a decoder-only Transformer with learned positions, layer normalisation moved to the input of each
sub-block and once more after the last block, tanh GELU, biases everywhere, and a head tied to the
token embedding. Nothing modern is added: what differs between two runs must be the data.

Shapes in comments: B sequences, T tokens, C = n_embd, H heads, D = C / H, V = vocab_size.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

INIT_STD = 0.02  # weights; openai/gpt-2, src/model.py (conv1d and wte)
POSITION_INIT_STD = 0.01  # positions; openai/gpt-2, src/model.py (wpe)
LAYER_NORM_EPSILON = 1e-5  # openai/gpt-2, src/model.py (norm)


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT-2; the defaults are the paper's smallest model (124M parameters)."""

    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    block_size: int = 1024
    vocab_size: int = 50_257
    dropout: float = 0.0
    vocab_multiple: int = 1
    """Rows of the embedding are rounded up to this (64 suits GPUs); logits have V columns anyway."""

    def __post_init__(self) -> None:
        """Raise ValueError for a shape that cannot be built."""
        if self.n_embd % self.n_head:
            raise ValueError(
                f"n_embd {self.n_embd} is not a multiple of n_head {self.n_head}: "
                f"try n_embd={self.n_head * math.ceil(self.n_embd / self.n_head)}"
            )
        for name in ("n_layer", "n_head", "n_embd", "block_size", "vocab_size", "vocab_multiple"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout is {self.dropout}, but must be in [0, 1)")

    @property
    def vocab_rows(self) -> int:
        """Rows of the embedding matrix: vocab_size rounded up to vocab_multiple."""
        return math.ceil(self.vocab_size / self.vocab_multiple) * self.vocab_multiple


# Table 2 of the paper; its labels 117M and 345M are miscounts, kept here as aliases.
SIZES = {
    "124M": GPTConfig(n_layer=12, n_head=12, n_embd=768),
    "355M": GPTConfig(n_layer=24, n_head=16, n_embd=1024),
    "774M": GPTConfig(n_layer=36, n_head=20, n_embd=1280),
    "1558M": GPTConfig(n_layer=48, n_head=25, n_embd=1600),
    # Ours, for validation: the same network, only smaller.
    "tiny": GPTConfig(n_layer=2, n_head=2, n_embd=64, block_size=128),
    "small": GPTConfig(n_layer=4, n_head=4, n_embd=128, block_size=128),
    "mini": GPTConfig(n_layer=4, n_head=4, n_embd=256, block_size=256),
    "51M": GPTConfig(n_layer=8, n_head=8, n_embd=512),
}
# Peak learning rates of AdamW. GPT-3's table 2.1 gives those of 125M, 350M, 760M and 1.3B. Those of tiny, small and
# mini are the best of a sweep on realweb (benchmarks/learning_rates.py, docs/training.md). That of 51M, which was not
# swept, lies on the line between mini's and 124M's over the logarithm of the parameters.
PEAKS = {
    "124M": 6e-4,
    "355M": 3e-4,
    "774M": 2.5e-4,
    "1558M": 2e-4,
    "tiny": 2e-3,
    "small": 2e-3,
    "mini": 1e-3,
    "51M": 7e-4,
}
ALIASES = {
    "117M": "124M",
    "345M": "355M",
    "762M": "774M",
    "1542M": "1558M",
    "gpt2": "124M",
    "gpt2-medium": "355M",
    "gpt2-large": "774M",
    "gpt2-xl": "1558M",
}


def size(name: str) -> GPTConfig:
    """The shape called `name`, in the paper's, the real or Hugging Face's spelling."""
    return SIZES[_known(name)]


def peak_rate(name: str) -> float:
    """The peak learning rate that goes with a size."""
    return PEAKS[_known(name)]


def _known(name: str) -> str:
    key = ALIASES.get(name, name)
    if key not in SIZES:
        raise ValueError(f"no size is called {name!r}: choose from {', '.join([*SIZES, *ALIASES])}")
    return key


@dataclass
class Cache:
    """Keys and values of the tokens already read, one pair of (B, H, T, D) for each layer."""

    layers: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many tokens have been read."""
        return self.layers[0][0].shape[2] if self.layers else 0

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append new keys and values of a layer; return all of them."""
        if layer in self.layers:
            past_keys, past_values = self.layers[layer]
            keys = torch.cat((past_keys, keys), dim=2)
            values = torch.cat((past_values, values), dim=2)
        self.layers[layer] = keys, values
        return keys, values


class Attention(nn.Module):
    """Causal multi-head self-attention."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_head = config.n_head
        self.dropout = config.dropout
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x: Tensor, cache: Cache | None) -> Tensor:
        """(B, T, C) -> (B, T, C); with a cache that is not empty, T must be 1."""
        queries, keys, values = (
            part.unflatten(2, (self.n_head, -1)).transpose(1, 2)  # (B, H, T, D)
            for part in self.c_attn(x).chunk(3, dim=2)
        )
        causal = cache is None or cache.length == 0 or self.layer not in cache.layers
        if cache is not None:
            keys, values = cache.extend(self.layer, keys, values)
        mixed = functional.scaled_dot_product_attention(
            queries,
            keys,
            values,
            is_causal=causal,
            dropout_p=self.dropout if self.training else 0.0,
        )
        y: Tensor = self.c_proj(mixed.transpose(1, 2).flatten(2))
        return y


class Perceptron(nn.Module):
    """The position-wise network: four times as wide inside, tanh GELU."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        y: Tensor = self.c_proj(functional.gelu(self.c_fc(x), approximate="tanh"))
        return y


class Block(nn.Module):
    """Attention, then perceptron; each reads a normalised copy of the stream and adds to it."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=LAYER_NORM_EPSILON)
        self.attn = Attention(config, layer)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=LAYER_NORM_EPSILON)
        self.mlp = Perceptron(config)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, cache: Cache | None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        x = x + self.drop(self.attn(self.ln_1(x), cache))
        y: Tensor = x + self.drop(self.mlp(self.ln_2(x)))
        return y


class GPT(nn.Module):
    """GPT-2. Parameter names are OpenAI's, so that import and export are a renaming."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab_rows, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.drop = nn.Dropout(config.dropout)
        self.h = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=LAYER_NORM_EPSILON)

    def forward(self, ids: Tensor, targets: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """Logits (B, T, V) of the next token; with targets (B, T), the mean loss in nats instead.

        `ids` is (B, T) with T at most block_size, counting what the cache holds.
        """
        start = cache.length if cache is not None else 0
        stop = start + ids.shape[1]
        if stop > self.config.block_size:
            raise ValueError(f"{stop} tokens exceed the block size {self.config.block_size}")
        positions = torch.arange(start, stop, device=ids.device)
        x = self.drop(self.wte(ids) + self.wpe(positions))  # (B, T, C)
        for block in self.h:
            x = block(x, cache)
        logits = functional.linear(self.ln_f(x), self.wte.weight)[..., : self.config.vocab_size]
        if targets is None:
            return logits
        return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    def parameter_count(self) -> int:
        """Number of parameters; the tied head counts once."""
        return sum(parameter.numel() for parameter in self.parameters())


def create(config: GPTConfig, seed: int) -> GPT:
    """A new GPT-2 with weights that depend on `config` and `seed` only.

    Residual projections start smaller by 1 / sqrt(number of residual layers), as section 2.3 of
    the paper says: two residual layers in each block.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPT(config)
        residual_std = INIT_STD / math.sqrt(2 * config.n_layer)
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif "ln_" not in name:
                std = residual_std if name.endswith("c_proj.weight") else INIT_STD
                nn.init.normal_(parameter, std=POSITION_INIT_STD if name == "wpe.weight" else std)
    return model


def flops_per_token(config: GPTConfig) -> float:
    """Floating-point operations to train on a token, forward and backward.

    6 N + 12 L C T of PaLM's appendix B, with N the parameters but positions, as nanoGPT counts.
    """
    width, layers = config.n_embd, config.n_layer
    parameters = config.vocab_size * width + layers * (12 * width**2 + 13 * width) + 2 * width
    return 6.0 * parameters + 12.0 * layers * width * config.block_size
