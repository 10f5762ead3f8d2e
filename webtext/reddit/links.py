"""From submissions to links: which submissions count, and what all those of one URL say of it together.

The URL a hundred people posted is one link. What its submissions say is merged two by two, in any order, on as many
machines as there are: so the merged values are a best, a sum, an earliest and a set, and each choice has its tie
broken by the data.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from webtext.outbound import canonical_problem
from webtext.records import Link, Rejection
from webtext.reddit.submissions import Submission
from webtext.urls import host_of

STAGE = "harvest"
MOST_SUBREDDITS = 100  # a link keeps the alphabetically first ones
_NEVER = 1 << 40  # stands for "not said when" where the earliest is sought
_INT32 = 2**31 - 1


@dataclass(frozen=True)
class SelectConfig:
    """Which submissions count, and how much karma makes a link.

    GPT-2 took "all outbound links from Reddit [...] which received at least 3 karma" and none after December 2017
    (paper, section 2.1, and model card), and does not say whether a URL posted twice needs one good submission or a
    good sum: the default is one good submission.
    """

    min_karma: int = 3
    karma_rule: Literal["best", "sum"] = "best"
    since: int | None = None  # seconds; submissions before it do not count
    until: int | None = None  # seconds; submissions at or after it do not count
    over_18: bool = True  # whether submissions marked as not safe for work count
    without_subreddits: tuple[str, ...] = ()
    wikipedia: bool = False  # whether Wikipedia is fetched

    def __post_init__(self) -> None:
        if self.karma_rule not in {"best", "sum"}:
            raise ValueError(f"karma_rule is {self.karma_rule!r}: it is 'best' or 'sum'")
        if self.since is not None and self.until is not None and self.since >= self.until:
            since, until = (datetime.fromtimestamp(day, UTC).date() for day in (self.since, self.until))
            raise ValueError(f"--since {since} is not before --until {until}: no submission could count")
        if any(name != name.lower() for name in self.without_subreddits):
            raise ValueError("without_subreddits holds upper case: Reddit's names are matched in lower case")


class Postings(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What some submissions of one canonical URL say of it together."""

    best: int | None  # karma of the best; None where none says
    total: int
    submissions: int
    first_posted: int | None
    subreddits: tuple[str, ...]  # distinct, sorted, at most MOST_SUBREDDITS
    vouched: bool  # whether a list names the URL without saying its karma
    source: tuple[int, int, str]  # the fetch URL to take, after its rank: karma (negative), time


def reason_to_ignore(submission: Submission, config: SelectConfig) -> str | None:
    """Give the reason why a submission does not count (`over_18`, `subreddit`, `outside_period`), or None."""
    if submission.over_18 and not config.over_18:
        return "over_18"
    if config.without_subreddits and submission.subreddit.lower() in config.without_subreddits:
        return "subreddit"
    if config.since is not None and (submission.created is None or submission.created < config.since):
        return "outside_period"
    if config.until is not None and (submission.created is None or submission.created >= config.until):
        return "outside_period"
    return None


def posting(submission: Submission, address: str) -> Postings:
    """Say what one submission says of its URL, whose fetch URL is `address`."""
    karma = submission.karma
    rank = -karma if karma is not None else _NEVER
    subreddits = (submission.subreddit,) if submission.subreddit else ()
    source = rank, submission.created or _NEVER, address
    return Postings(karma, karma or 0, 1, submission.created, subreddits, karma is None, source)


def merge_postings(one: Postings, other: Postings) -> Postings:
    """Merge what two groups of submissions of a URL say: associative and commutative."""
    subreddits = one.subreddits
    if subreddits != other.subreddits:
        subreddits = tuple(sorted({*subreddits, *other.subreddits})[:MOST_SUBREDDITS])
    return Postings(
        best=max((karma for karma in (one.best, other.best) if karma is not None), default=None),
        total=one.total + other.total,
        submissions=one.submissions + other.submissions,
        first_posted=min((time for time in (one.first_posted, other.first_posted) if time is not None), default=None),
        subreddits=subreddits,
        vouched=one.vouched or other.vouched,
        source=min(one.source, other.source),
    )


def select_link(url: str, postings: Postings, config: SelectConfig) -> Link | Rejection:
    """Make a link of a canonical URL, or say why it is none: its nature first, then its karma.

    The karma of a link is that of its best submission, or the sum, as the rule says. A list that gives no karma
    vouches for its URLs.
    """
    karma = postings.best
    if karma is not None and config.karma_rule == "sum":
        karma = max(-_INT32, min(postings.total, _INT32))
    reason = canonical_problem(url, wikipedia=not config.wikipedia)
    if reason is None and not postings.vouched and (karma is None or karma < config.min_karma):
        reason = "low_karma"
    if reason is not None:
        known = "" if karma is None else f" karma={karma}"
        return Rejection(url, STAGE, reason, f"submissions={postings.submissions}{known}")
    return Link(
        url=url,
        fetch_url=postings.source[2],
        host=host_of(url),
        karma=karma,
        submissions=postings.submissions,
        subreddits=postings.subreddits,
        first_posted=postings.first_posted,
    )
