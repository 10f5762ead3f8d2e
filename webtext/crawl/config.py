"""How a crawl behaves: its manners, its limits, and which opt-outs it obeys."""

from dataclasses import dataclass, fields

from webtext import __version__
from webtext.crawl.exchange import Limits
from webtext.crawl.outcomes import is_outcome
from webtext.permissions.robots import product_token
from webtext.permissions.signals import DEFAULT_SIGNALS, SIGNALS


@dataclass(frozen=True)
class FetchConfig:
    """Everything that decides what a crawl asks for and how; seconds where a name does not say otherwise."""

    product: str = (
        f"webtext/{__version__}"  # User-Agent before the contact; robots.txt groups are matched with its token
    )
    contact: str = ""  # how to reach who runs the crawl: a web page or an e-mail address
    delay: float = 1.0  # seconds of rest for a host after an answer
    max_crawl_delay: float = 60.0  # a site's own Crawl-delay is obeyed up to here
    hosts_at_once: int = 64  # hosts asked at the same time, a thread each
    requests_per_second: float = 0.0  # the most to all hosts together; 0: as many as the hosts' own limits allow
    connect_timeout: float = 10.0
    read_timeout: float = 20.0  # seconds of silence, before an answer or within it
    total_timeout: float = 60.0  # seconds of an exchange as a whole
    max_body_bytes: int = 10 << 20  # the most of a page, as sent and decompressed
    max_redirects: int = 10
    max_attempts: int = 3  # tries of one URL, where trying again may help
    backoff: float = 5.0  # before the second attempt; doubles with each
    max_backoff: float = 300.0  # a server that asks for more (Retry-After) is not waited for
    dead_after: int = 5  # failures in a row after which a host is given up
    outage_after: int = 20  # hosts in a row that cannot be reached, after which the network is in doubt
    outage_pause: float = 60.0  # before the crawl looks whether it is there again
    robots: bool = True
    opt_outs: tuple[str, ...] = DEFAULT_SIGNALS
    wikipedia: bool = False  # whether a redirect may lead to Wikipedia
    roll_bytes: int = 1 << 30  # size at which an archive file is followed by the next
    replay: tuple[str, int] | None = None  # address of a replay server that gets all requests
    captures: str = ""  # index API that is asked for captures of dead links ("commoncrawl", "wayback"); "": none
    refetch_failed: bool = False
    refetch: tuple[str, ...] = ()  # outcomes of earlier runs that are asked for again
    max_pages: int = 0  # links asked for in this run; 0: all
    max_time: float = 0.0  # seconds of this run; 0: as long as it takes

    def __post_init__(self) -> None:
        product_token(self.product)
        if any(character in self.product + self.contact for character in "\r\n()"):
            raise ValueError("product and contact are one line without parentheses")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"{field.name} may not be negative, and is {value}")
        for name in ("hosts_at_once", "max_attempts", "dead_after", "roll_bytes", "outage_after"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.captures not in {"", "commoncrawl", "wayback"}:
            raise ValueError(f"captures come from 'commoncrawl' or 'wayback', not {self.captures!r}")
        unknown = sorted(set(self.opt_outs) - set(SIGNALS))
        if unknown:
            raise ValueError(f"no such opt-out: {', '.join(unknown)}; there are {', '.join(SIGNALS)}")
        for name in self.refetch:
            if not is_outcome(name):
                raise ValueError(f"no such outcome: {name}; docs/fetch.md has a table of them")
        self.limits  # noqa: B018 - validates them

    @property
    def limits(self) -> Limits:
        """Give the limits of one exchange."""
        return Limits(self.connect_timeout, self.read_timeout, self.total_timeout, self.max_body_bytes)

    @property
    def token(self) -> str:
        """Give the product token, by which sites address us."""
        return product_token(self.product)

    @property
    def agent(self) -> str:
        """Give the User-Agent: the product, and how to reach who runs the crawl.

        >>> FetchConfig(product="mybot/2", contact="https://a.test/us").agent
        'mybot/2 (+https://a.test/us)'
        """
        return f"{self.product} (+{self.contact})" if self.contact else self.product
