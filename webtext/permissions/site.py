"""What a site's files together say of a page: whether it may be asked for, and whether it may be learned from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from webtext.permissions.licence import Licence, licence_url
from webtext.permissions.optout import Reservation, ai_txt_signal, tdmrep_signal
from webtext.permissions.robots import Robots
from webtext.permissions.signals import Signal
from webtext.permissions.usage import signal_forbids_training, usage_forbids_training

_UNKNOWN = Robots("no_rules", "not asked")
_COST, _COST_OF_A_TERM = 2000, 400  # bytes
_SAYS_NO = {"content-usage": usage_forbids_training, "content-signal": signal_forbids_training}


@cache
def ai_agents() -> tuple[str, ...]:
    """List the product tokens of crawlers that gather text for training (`ai_agents.txt` names sources and dates)."""
    lines = files("webtext.permissions").joinpath("ai_agents.txt").read_text("utf-8").splitlines()
    return tuple(line.partition("\t")[0] for line in lines if line and not line.startswith("#"))


def agents_asked_about(token: str) -> frozenset[str]:
    """Give the agents whose groups in a robots.txt matter: ours, and those of trainers."""
    return frozenset(agent.lower() for agent in (token, *ai_agents()))


@dataclass(frozen=True)
class Permissions:
    """The files of a site, read."""

    token: str  # our product token
    robots: Robots = _UNKNOWN
    ai_txt: Robots = _UNKNOWN
    tdm: tuple[Reservation, ...] = ()
    licences: Mapping[str, Licence] = field(default_factory=dict)  # licences by URL

    @property
    def cost(self) -> int:
        """Give the bytes of memory that this takes, roughly."""
        small = len(self.tdm) + sum(len(licence.terms) for licence in self.licences.values())
        return _COST + self.robots.cost + self.ai_txt.cost + small * _COST_OF_A_TERM

    def signals(self, url: str, licences: Sequence[str] = ()) -> Iterator[Signal]:
        """Yield what the files say against learning from a page.

        Args:
            url: of the page, percent-encoded.
            licences: URLs of those that the page itself names, besides robots.txt's.
        """
        yield from self._of_robots(url)
        yield from filter(None, (tdmrep_signal(self.tdm, url), ai_txt_signal(self.ai_txt, url, self.token)))
        for place in dict.fromkeys((*self.named_licences(url), *licences)):
            licence = self.licences.get(place)
            refusal = licence.refusal(url) if licence else ""
            if refusal:
                where = "named by the page" if place in licences else "named by robots.txt"
                yield Signal("rsl", f"the RSL licence {place[:120]}, {where}: {refusal}")

    def _of_robots(self, url: str) -> Iterator[Signal]:
        for name, says_no in _SAYS_NO.items():
            for rule in self.robots.statements(url, self.token, name):
                if says_no(rule.statement):
                    yield Signal(name.replace("-", "_"), f"{rule} of robots.txt")
        training = self.robots.barring(url, self.token, ("allowaitraining", "disallowaitraining"))
        if training:
            yield Signal("disallow_ai_training", f"{training} of robots.txt")
        if not self.robots.names(self.token):  # who is named is judged by what the site says to it alone
            agent, barring = self.robots.barred(url, ai_agents())
            if barring:
                yield Signal("ai_agents", f"User-agent: {agent}, {barring} of robots.txt")

    def named_licences(self, url: str) -> list[str]:
        """List the URLs of the licences that robots.txt names."""
        named = (name for name in self.robots.licences(self.token) if name.startswith(("http://", "https://", "/")))
        return [licence_url(url, value) for value in named]
