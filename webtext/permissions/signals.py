"""The ways in which a site says that a page is not for machines to learn from: a closed set, each its own reason."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

# In the order in which one of several is named. docs/fetch.md shows this table, and a test holds them equal.
SIGNALS: dict[str, str] = {
    "content_usage": "AIPREF: `Content-Usage` says `train-ai=n`",
    "content_signal": "Content Signals: `ai-train=no`, or a `use` short of `full`",
    "disallow_ai_training": "`DisallowAITraining`",
    "rsl": "the RSL licence does not let it be trained on, free of charge and without conditions",
    "ai_agents": "robots.txt shuts a crawler of AI training out",
    "tdm": "TDMRep: the rights to text and data mining are reserved",
    "ai_txt": "`/ai.txt` does not let it be learned from",
    "none": "`none`",
    "noai": "`noai`",
    "noml": "`noml`",
    "noimageai": "`noimageai`",
    "noindex": "`noindex`",
}
RECORDED_ONLY = frozenset({"noindex"})  # unless asked for: it speaks to search engines
DEFAULT_SIGNALS = tuple(signal for signal in SIGNALS if signal not in RECORDED_ONLY)
OUTCOME = "opt_out"  # a signal's outcome for a page that is not taken; the ledger's reason names the signal too
PREFIX = f"{OUTCOME}_"


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal found, and the evidence: what was said, and where it stood."""

    name: str  # one of `SIGNALS`
    evidence: str

    @property
    def reason(self) -> str:
        """Give the ledger's reason why a page is not taken because of the signal.

        >>> Signal("noai", "").reason
        'opt_out_noai'
        """
        return PREFIX + self.name


def first_signal(found: Iterable[Signal], obeyed: Collection[str]) -> Signal | None:
    """Choose the signal to name of several: obeyed ones before others, then by the order of `SIGNALS`."""
    order = list(SIGNALS)
    return min(found, key=lambda signal: (signal.name not in obeyed, order.index(signal.name)), default=None)
