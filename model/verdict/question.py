"""What is asked of a corpus: what it is compared with, and on which texts that is decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.gpt2.corpora import Corpus, read_neutral, take, thin
from model.gpt2.damage import DAMAGES
from model.verdict.judge import Panel
from webtext.errors import UsageError

_OWN = "held-out, corpus"


@dataclass(frozen=True)
class Question:
    """What to judge: a corpus, against another or against damaged copies of itself, on which neutral texts."""

    corpus: Path
    against: Path | None = None
    neutral: tuple[Path, ...] = ()
    damages: tuple[str, ...] = tuple(DAMAGES)

    def __post_init__(self) -> None:
        """Raise UsageError for a damage of no name."""
        unknown = set(self.damages) - set(DAMAGES)
        if unknown or not self.damages:
            raise UsageError(f"no damage is called {', '.join(sorted(unknown))}: choose from {', '.join(DAMAGES)}")

    def corpora(self) -> list[Corpus]:
        """The corpus, then those it is compared with."""
        whole = Corpus("corpus", self.corpus)
        if self.against is not None:
            return [whole, Corpus("other", self.against)]
        return [whole, *(Corpus(name, self.corpus, DAMAGES[name]) for name in self.damages)]

    @property
    def on(self) -> str:
        """What the deciding texts are."""
        if self.neutral:
            return "neutral text"
        return "held-out text of the corpus itself, undamaged, of which all copies were made"

    def panels(self, n_bytes: int) -> list[Panel]:
        """Text sets to score: the neutral ones; held-out text of both corpora, or of the corpus before its damage.

        Where the copies are damaged and nobody named neutral text, the undamaged held-out text decides: it is what all
        of the copies were made from.
        """
        panels = [Panel(path.name, True, _texts(str(path), read_neutral(path), n_bytes)) for path in self.neutral]
        own = Panel(_OWN, self.against is None and not self.neutral, _heldout(self.corpus, n_bytes))
        if self.against is None:
            return [*panels, own]
        return [*panels, own, Panel("held-out, other", False, _heldout(self.against, n_bytes))]


def _heldout(path: Path, n_bytes: int) -> tuple[str, ...]:
    mend = "build a larger corpus, or hold more of it out (webtext build --held-out 0.2)"
    return _texts(f"the held-out part of {path}", Corpus("", path).heldout(), n_bytes, mend)


def _texts(name: str, texts: Iterator[str], n_bytes: int, mend: str = "give a text with more") -> tuple[str, ...]:
    taken = tuple(take(map(thin, texts), n_bytes))
    if len(taken) < 2:
        count = f"{len(taken)} document{'s' * (len(taken) != 1)}"
        raise UsageError(f"{name} has {count}, too few for a verdict with an error bar: {mend}")
    return taken


def own_panel(panels: Sequence[Panel]) -> Panel:
    """The held-out text of the corpus itself."""
    return next(panel for panel in panels if panel.name == _OWN)
