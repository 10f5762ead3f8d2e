"""Text out of a GPT-2: greedy, or sampled with a temperature and the k likeliest tokens.

Apart from gpt2.py because it is the only user of the key-value cache, and because every task that
generates must draw in the same, seeded way.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.gpt2.network import GPT, Cache
from model.gpt2.tokenizer import Tokenizer


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; `top_k=1` is greedy decoding."""

    max_tokens: int = 256
    temperature: float = 1.0
    top_k: int = 40  # section 4 of the paper: samples "with top-k truncated to 40"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for settings that choose nothing."""
        if self.temperature <= 0.0:
            raise ValueError(f"temperature {self.temperature} is not positive; greedy is top_k=1")
        if self.top_k < 1 or self.max_tokens < 1:
            raise ValueError(f"top_k {self.top_k} and max_tokens {self.max_tokens} must be at least 1")


GREEDY = Sampling(top_k=1)


@torch.no_grad()
def generate(model: GPT, prompts: Tensor, sampling: Sampling) -> Tensor:
    """(B, T) prompts of one length, T at least 1 -> (B, max_tokens) tokens that follow them.

    Past block_size tokens the model sees the last block_size of them.
    """
    model.eval()
    random = torch.Generator(device="cpu").manual_seed(sampling.seed)
    ids, cache = prompts, Cache()
    for _ in range(sampling.max_tokens):
        window = ids[:, -model.config.block_size :]
        if cache.length == 0 or cache.length + 1 != window.shape[1]:
            cache = Cache()
            logits = model(window, cache=cache)[:, -1]
        else:
            logits = model(window[:, -1:], cache=cache)[:, -1]
        ids = torch.cat((ids, _draw(logits, sampling, random)), dim=1)
    return ids[:, prompts.shape[1] :]


def _draw(logits: Tensor, sampling: Sampling, random: torch.Generator) -> Tensor:
    """(B, V) logits -> (B, 1) drawn tokens; drawn on the CPU, so that a seed means one thing."""
    if sampling.top_k == 1:
        return logits.argmax(dim=1, keepdim=True)
    top, choices = logits.float().topk(min(sampling.top_k, logits.shape[1]), dim=1)
    weights = torch.softmax(top / sampling.temperature, dim=1).cpu()
    drawn = torch.multinomial(weights, 1, generator=random).to(choices.device)
    return choices.gather(1, drawn)


def write(model: GPT, tokenizer: Tokenizer, prompt: str, sampling: Sampling) -> str:
    """The text that follows a prompt (none: a new document), up to end of text; a long prompt loses its beginning."""
    room = max(1, model.config.block_size - sampling.max_tokens)
    ids = [tokenizer.end_of_text, *tokenizer.encode(prompt)][-room:]
    made = generate(model, torch.tensor([ids], device=model.wte.weight.device), sampling)[0].tolist()
    stop = made.index(tokenizer.end_of_text) if tokenizer.end_of_text in made else len(made)
    return tokenizer.decode(made[:stop])
