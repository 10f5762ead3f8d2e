"""How much a verdict may cost: from a minute on a laptop to a night on eight GPUs.

A tier fixes everything that is equal for all corpora it compares. The CPU tiers judge by n-grams and train GPT-2
beside, as a smoke test; the GPU tiers judge by GPT-2 with several seeds.
"""

from dataclasses import dataclass

from model.gpt2.optimizers import Schedule


@dataclass(frozen=True)
class Tier:
    """The budget of a verdict; tokens and bytes are for each corpus, or each text set."""

    name: str
    judge: str
    size: str
    tokens: int
    """How many tokens a GPT-2 reads in a run; a smaller corpus is read more than once."""
    tokens_per_step: int
    peak: float
    seeds: int
    vocab_size: int
    """Size of the vocabulary that is trained on all corpora compared; 0 takes GPT-2's own tokenizer."""
    trained: int
    """How many of the corpora compared train a GPT-2; 0 is all."""
    panel_bytes: int
    ngram_tokens: int = 0
    ngram_order: int = 5
    groups: int = 20
    """The number of groups of documents, each left out once by the jackknife."""
    halvings: int = 5
    """Halvings of the judge's tokens: losses at six budgets, or fewer, make the curve of a corpus's worth."""
    optimizer: str = "adamw"

    def __post_init__(self) -> None:
        """Raise ValueError for a budget that buys nothing."""
        if self.judge not in {"ngram", "gpt2"}:
            raise ValueError(f"judge {self.judge!r} is not one of ngram, gpt2")
        if self.judge == "gpt2" and self.trained:
            raise ValueError("where GPT-2 judges, every corpus trains one: trained must be 0")
        if self.judge == "gpt2" and self.seeds < 2:
            raise ValueError(f"a GPT-2 that judges needs at least 2 seeds, not {self.seeds}: one has no error bar")
        if self.tokens < self.tokens_per_step or self.seeds < 1 or self.groups < 2:
            raise ValueError(
                f"tokens {self.tokens} must be at least tokens_per_step {self.tokens_per_step}, "
                f"seeds {self.seeds} at least 1, groups {self.groups} at least 2"
            )

    @property
    def judge_name(self) -> str:
        """Who judges, for a person."""
        if self.judge == "ngram":
            return f"Kneser-Ney {self.ngram_order}-grams over GPT-2's tokens"
        return f"GPT-2 {self.size}, {self.seeds} seeds"

    def schedule(self) -> Schedule:
        """The learning rate over a run: stable, then linear to zero over its end.

        That is half of a run that is trained alone. Where branches share the stable part it is a fifth, the share of
        Hägele et al. (2024), so that most of the price is shared.
        """
        steps, share = self.tokens // self.tokens_per_step, 0.5 if self.judge == "ngram" else 0.2
        return Schedule(self.peak, steps, min(100, steps // 10), 0.0, shape="linear", decay_fraction=share)

    def lengths(self) -> tuple[int, ...]:
        """Steps of a GPT-2's runs, ascending: where it judges, the halved ones that are no mere warm-up come first."""
        schedule = self.schedule()
        halved = [schedule.steps >> halving for halving in range(self.halvings, 0, -1)]
        shorter = [steps for steps in halved if steps >= 2 * schedule.warmup_steps and steps > 1]
        return (*shorter, schedule.steps) if self.judge == "gpt2" else (schedule.steps,)


TIERS = {
    tier.name: tier
    for tier in (
        Tier(
            "smoke",
            judge="ngram",
            size="small",
            tokens=240_000,
            tokens_per_step=2048,
            peak=2e-3,
            seeds=1,
            vocab_size=2048,
            trained=1,
            panel_bytes=400_000,
            ngram_tokens=300_000,
            groups=10,
            optimizer="muon",
        ),
        Tier(
            "quick",
            judge="ngram",
            size="small",
            tokens=600_000,
            tokens_per_step=2048,
            peak=2e-3,
            seeds=1,
            vocab_size=2048,
            trained=2,
            panel_bytes=400_000,
            ngram_tokens=3_000_000,
            optimizer="muon",
        ),
        Tier(  # two corpora, three seeds: six runs of about 90 s on one H200 at 40 % of its peak (estimated)
            "gpu",
            judge="gpt2",
            size="51M",
            tokens=96_000_000,
            tokens_per_step=131_072,
            peak=2e-3,
            seeds=3,
            vocab_size=0,
            trained=0,
            panel_bytes=2_000_000,
            halvings=3,
            optimizer="muon",
        ),
        Tier(  # llm.c's budget for 124M: 10 billion tokens, 44 minutes a run on eight H100
            "full",
            judge="gpt2",
            size="124M",
            tokens=10_000_000_000,
            tokens_per_step=524_288,
            peak=6e-4,
            seeds=3,
            vocab_size=0,
            trained=0,
            panel_bytes=10_000_000,
            halvings=3,
        ),
    )
}
