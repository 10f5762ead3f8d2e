"""Submissions from Reddit's own API, through PRAW: listings, searches, and a stream to follow.

Credentials are PRAW's (praw.ini, environment). What the API gives is written to a dump (`webtext.reddit.api_log`),
which the harvest then reads like any other. Reddit gives at most about 1,000 submissions a listing, whatever is asked.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from webtext.errors import UsageError
from webtext.reddit.api_log import SubmissionLog

if TYPE_CHECKING:
    import praw

LISTINGS = ("new", "hot", "rising", "top", "controversial")
TIMES = ("hour", "day", "week", "month", "year", "all")
_TIMED = ("top", "controversial", "search")
_ATTEMPTS = 6  # tries of a request that Reddit's side fails; waits double from 5 s, so about 5 minutes
_FIRST_WAIT = 5.0
_MOST_WAIT = 600.0  # Reddit's rate-limit window, in seconds
_INFO_BATCH = 100  # ids a request of /api/info takes
_POLL = 10.0  # seconds between two looks at a stream that gave nothing new
_KEPT = (
    *("id", "url", "url_overridden_by_dest", "score", "ups", "created_utc", "domain", "is_self", "over_18"),
    *("title", "selftext", "permalink", "num_comments"),
)

Result = TypeVar("Result")
Say = Callable[[str], None]


@dataclass(frozen=True)
class RedditConfig:
    """What to ask Reddit for."""

    subreddits: tuple[str, ...] = ("all",)
    listings: tuple[str, ...] = ("new",)
    times: tuple[str, ...] = ("all",)  # periods of top, controversial and search
    searches: tuple[str, ...] = ()  # queries; where there are any, they take the place of the listings
    limit: int = 1000  # submissions a listing
    settle: int = 86_400  # seconds after which a submission's score counts as settled

    def __post_init__(self) -> None:
        for name, known in (("listings", LISTINGS), ("times", TIMES)):
            unknown = set(getattr(self, name)) - set(known)
            if unknown:
                raise ValueError(f"unknown {name}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        if not self.subreddits or self.limit < 1:
            raise ValueError(f"{len(self.subreddits)} subreddits and a limit of {self.limit}: at least 1 of each")


@dataclass(frozen=True)
class Target:
    """One listing to read."""

    subreddit: str
    listing: str  # one of LISTINGS, or "search"
    time: str = ""
    query: str = ""

    def __str__(self) -> str:
        words = (f"r/{self.subreddit}", self.listing, self.time, repr(self.query) if self.query else "")
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Outcome:
    """What became of a listing: how many submissions it gave, how many of them new, and why no more."""

    target: Target
    submissions: int
    new: int
    problem: str = ""  # "", "private", "quarantined", "banned", "not_found", "forbidden", "unavailable"


def plan_targets(config: RedditConfig) -> list[Target]:
    """List what to read, in order: each subreddit's listings or searches, by each period where that matters."""
    wanted = [("search", query) for query in config.searches] or [(listing, "") for listing in config.listings]
    return [
        Target(subreddit, listing, period, query)
        for subreddit in config.subreddits
        for listing, query in wanted
        for period in (config.times if listing in _TIMED else ("",))
    ]


def connect(site: str | None = None, **settings: Any) -> "praw.Reddit":
    """Log in as praw.ini or the environment says.

    Args:
        site: the section of praw.ini; None is its default.
        settings: PRAW's own, over those.

    Raises:
        UsageError: PRAW is not installed, or a credential is missing.
    """
    try:
        import configparser  # noqa: PLC0415

        import praw  # noqa: PLC0415
        from praw.exceptions import MissingRequiredAttributeException  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("--reddit needs PRAW: pip install 'webtext[reddit]'") from error
    try:
        return praw.Reddit(site, check_for_updates=False, **settings)
    except configparser.NoSectionError as error:
        raise UsageError(f"praw.ini has no section {site!r}: name one that it has with --reddit-site") from error
    except MissingRequiredAttributeException as error:
        missing = str(error).split("'")[1]
        raise UsageError(
            f"Reddit needs {missing}: register an app at https://www.reddit.com/prefs/apps, then set client_id,"
            f" client_secret and user_agent in praw.ini or as praw_client_id, praw_client_secret, praw_user_agent"
        ) from error


def harvest_reddit(
    reddit: "praw.Reddit", config: RedditConfig, log: SubmissionLog, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Outcome]:
    """Read every listing to its end into a log; listings that an interrupted run has finished are left out.

    Raises:
        UsageError: Reddit refuses the credentials, or cannot be reached.
    """
    rescore(reddit, config, log, sleep)
    for target in plan_targets(config):
        if str(target) not in log.finished:
            outcome = _read_target(reddit, target, config.limit, log, sleep)
            if outcome.problem != "unavailable":
                log.finish(str(target))
            yield outcome
    log.close()


def _read_target(
    reddit: "praw.Reddit", target: Target, limit: int, log: SubmissionLog, sleep: Callable[[float], None]
) -> Outcome:
    listing = _open_listing(reddit, target, limit)
    given = new = 0
    while True:
        submission, problem = _patiently(lambda: next(listing, None), sleep)
        if submission is None:
            log.flush()
            return Outcome(target, given, new, problem)
        given += 1
        new += log.add(describe(submission))
        if given % _INFO_BATCH == 0:
            log.flush()


def _open_listing(reddit: "praw.Reddit", target: Target, limit: int) -> Iterator[Any]:
    subreddit = reddit.subreddit(target.subreddit)
    found: Iterator[Any]
    if target.listing == "search":
        found = subreddit.search(target.query, sort="new", time_filter=target.time, limit=limit)
    elif target.listing in _TIMED:
        found = getattr(subreddit, target.listing)(time_filter=target.time, limit=limit)
    else:
        found = getattr(subreddit, target.listing)(limit=limit)
    return found


def describe(submission: Any) -> dict[str, Any]:
    """Write a PRAW submission as a line of a dump has it: the fields that a harvest reads, and when they were read."""
    given = vars(submission)
    fields = {name: given[name] for name in _KEPT if isinstance(given.get(name), str | int | float)}
    return {**fields, "subreddit": str(given.get("subreddit", "")), "retrieved_utc": int(time.time())}


def rescore(
    reddit: "praw.Reddit", config: RedditConfig, log: SubmissionLog, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Read the scores again of submissions that were young when they were seen and have settled since.

    A submission seen in `new` has a score of 1; only after about a day does it say what people thought of the link.
    """
    now = time.time()
    due = [
        f"t3_{identity}"
        for identity, seen in sorted(log.seen.items())
        if seen.retrieved - seen.created < config.settle <= now - seen.created
    ]
    for start in range(0, len(due), _INFO_BATCH):
        batch = due[start : start + _INFO_BATCH]
        found, _ = _patiently(lambda names=batch: list(reddit.info(fullnames=names)), sleep)  # type: ignore[misc]
        if found is not None:
            for submission in found:
                log.add(describe(submission))
            log.settle(batch, int(now))
            log.flush()
    return len(due)


def follow_reddit(
    reddit: "praw.Reddit",
    config: RedditConfig,
    log: SubmissionLog,
    until: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Follow the subreddits' new submissions as a stream until told to stop, and read scores again as they settle.

    Returns:
        How many new submissions came.
    """
    together = "+".join(config.subreddits)
    new = 0
    stream = _Stream(lambda: reddit.subreddit(together).stream.submissions(pause_after=0))
    while not until():
        submission, problem = _patiently(stream.following, sleep)
        if problem == "unavailable":
            continue
        if problem:
            raise UsageError(f"r/{together} cannot be followed: {problem.replace('_', ' ')}")
        if submission is not None:
            new += log.add(describe(submission))
            continue
        log.flush()
        rescore(reddit, config, log, sleep)
        sleep(_POLL)
    log.flush()
    return new


class _Stream:
    """PRAW's stream, begun again when an error has ended it; what it then gives twice, the log knows."""

    def __init__(self, begin: Callable[[], Iterator[Any]]) -> None:
        self._begin = begin
        self._stream = begin()

    def following(self) -> Any:
        """Give the next submission, or None where there is no new one now."""
        alive = False
        try:
            submission = next(self._stream)
            alive = True
        finally:
            if not alive:
                self._stream = self._begin()
        return submission


def _patiently(ask: Callable[[], Result], sleep: Callable[[float], None]) -> tuple[Result | None, str]:
    """Ask Reddit; wait and ask again where it is busy. Gives the answer, or None and the reason why there is none.

    Raises:
        UsageError: the credentials are refused, or nothing answers.
    """
    from prawcore import exceptions  # noqa: PLC0415

    wait = _FIRST_WAIT
    unreachable = None
    for _ in range(_ATTEMPTS):
        try:
            return ask(), ""
        except exceptions.TooManyRequests as error:  # PRAW's own limiter waits for the window as the headers say
            sleep(min(float(error.retry_after or wait), _MOST_WAIT))
        except exceptions.RequestException as error:
            unreachable = error.original_exception
            sleep(wait)
        except (exceptions.ServerError, exceptions.BadJSON):
            sleep(wait)
        except exceptions.Redirect:  # an unknown name is sent to the search page
            return None, "not_found"
        except (exceptions.OAuthException, exceptions.InvalidToken) as error:
            raise UsageError(f"Reddit refuses the credentials ({error}): check praw.ini or praw_client_id") from error
        except exceptions.ResponseException as error:
            return None, _refusal(error)
        wait = min(2 * wait, _MOST_WAIT)
    if unreachable is not None:
        raise UsageError(
            f"Reddit cannot be reached ({type(unreachable).__name__}); run the same command again to go on"
        )
    return None, "unavailable"


def _refusal(error: Any) -> str:
    """Name the reason why Reddit refuses a listing; its JSON says `private`, `banned`, `quarantined` ... or nothing."""
    status = error.response.status_code
    if status == 401:
        raise UsageError("Reddit refuses the credentials (401): check client_id and client_secret") from error
    if error.response.headers.get("content-type", "").startswith("application/json"):
        reason = error.response.json().get("reason")
        if isinstance(reason, str) and reason:
            return reason
    return {403: "forbidden", 404: "not_found"}.get(status, f"http_{status}")
