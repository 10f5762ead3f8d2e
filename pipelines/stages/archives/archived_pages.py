"""Records of other people's archives as rows of a page index: what each is, which of several counts, what a link says.

An archive says of a page by a record of its own (`response`), that its body is that of another record (`revisit`), that
it is somewhere else (a redirect), or gives a file (`resource`) or a text that somebody extracted (`conversion`, as in
WET). A row points at the record that the body is in.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from webtext.crawl.config import FetchConfig
from webtext.crawl.outcomes import ACCEPTED_STATUS, REDIRECTS, judge_answer, reason_of
from webtext.crawl.redirects import location_target
from webtext.mime import CONVERSION_TYPE, may_be_html
from webtext.permissions.archived import signal_of_archived
from webtext.permissions.signals import DEFAULT_SIGNALS, OUTCOME
from webtext.records import Link, Page, Rejection
from webtext.urls import canonicalize_url, host_of
from webtext.warc.warc_records import HttpResponse, WarcRecord, decode_response, payload_digest

_TOKEN = FetchConfig().token  # some signals address us by it
_BODY_SNIFFED = 1 << 13  # bytes of an encoded body that are decoded to tell what it is
_SNIFFED = 4 << 20  # bytes that they may decode to
REVISIT = "revisit"  # outcome of a row that waits for the record that its body is in
_NO_CONTENT = payload_digest(b"")
_DATE = "%Y%m%d%H%M%S"  # CDX and some old archives write dates so


def capture_of(path: str, url: str, record: WarcRecord, opt_outs: tuple[str, ...] = DEFAULT_SIGNALS) -> Page:
    """Describe a record that may be a page, or a revisit, as a row of a page index; `url` is its canonical URL."""
    response = record.response()
    outcome, detail = _judge(record, response)
    signal = None
    if outcome in {"ok", REVISIT} and record.type != "conversion":
        signal = signal_of_archived(response, record.url, _TOKEN, opt_outs)
    if signal is not None:
        outcome, detail = (OUTCOME if signal.name in opt_outs else outcome), signal.evidence
    digest = record.headers.get("warc-payload-digest") or payload_digest(response.body)
    if record.type == "revisit" and outcome != REVISIT:
        digest = ""  # its body is in another record, and not asked for
    return Page(
        url=url,
        fetch_url=record.url,
        final_url=record.url,
        host=host_of(record.url),
        status=response.status,
        outcome=outcome,
        detail=detail,
        fetched_at=_seconds(record.date),
        content_type=response.header("Content-Type"),
        warc_file=path,
        warc_offset=record.offset,
        warc_length=record.length,
        digest=digest,
        robots="",
        opt_out=signal.name if signal else "",
        karma=None,
        submissions=None,
        subreddits=(),
        first_posted=None,
    )


def _judge(record: WarcRecord, response: HttpResponse) -> tuple[str, str]:
    """Give the outcome of a record, and what is known besides: of a redirect, where it leads."""
    if response.status in REDIRECTS:
        return f"http_{response.status}", location_target(record.url, response) or ""
    if record.type == "revisit" and response.status in {0, 304, *ACCEPTED_STATUS} and not response.body:
        return REVISIT, record.headers.get("warc-refers-to-target-uri", "").strip("<>") or record.url
    kind = response.header("Content-Type")
    if record.problem and response.status in ACCEPTED_STATUS and may_be_html(kind):
        return record.problem, f"the record at byte {record.offset:,}"
    if record.type == "conversion" and kind == CONVERSION_TYPE:
        return ("ok" if response.body.strip() else "empty_body"), ""
    some = HttpResponse(response.status, response.headers, response.body[:_BODY_SNIFFED])
    return judge_answer(response.status, kind, decode_response(some, _SNIFFED).body), ""


def body_keys(page: Page) -> list[str]:
    """Give what a revisit may share with the record that its body is in: its digest, or the URL that it refers to.

    A revisit has one, since some crawlers leave the digest out, or give that of no content.
    """
    algorithm, _, digest = page.digest.rpartition(":")
    known = [f"{algorithm.lower() or 'sha1'}:{digest}"] if digest and page.digest != _NO_CONTENT else []
    if page.outcome == REVISIT:
        return known or [canonicalize_url(page.detail) or ""]
    return [*known, page.url]


def is_answered(page: Page) -> bool:
    """Tell whether a row is of a page, wanted or not."""
    return page.outcome == "ok" or page.opt_out != ""


def has_body(page: Page) -> bool:
    """Tell whether a row points at a page's body."""
    return is_answered(page) and page.digest != ""


def revisited(bodies: Iterable[Page], revisits: Iterable[Page]) -> Iterator[Page]:
    """Give each revisit of one body the place of the record that it is in; without one it is not in the archive."""
    body = min(bodies, key=lambda page: (page.warc_file, page.warc_offset or 0), default=None)
    for page in revisits:
        if body is None:
            detail = f"its body is in the record of {page.detail}, which these archives do not have"
            yield replace(page, outcome="not_in_archive", detail=detail)
            continue
        yield replace(
            body,
            url=page.url,
            fetch_url=page.fetch_url,
            final_url=page.final_url,
            host=page.host,
            fetched_at=page.fetched_at,
        )


def redirect_of(page: Page) -> str:
    """Give the canonical URL that a redirect leads to, "" where a row is none."""
    return (canonicalize_url(page.detail) or "") if page.status in REDIRECTS and page.detail else ""


def redirected(targets: Iterable[Page], redirects: Iterable[Page]) -> Iterator[Page]:
    """Follow redirects by a hop: to the page, or to the next redirect; one that leads out of the archive stays."""
    target = next(iter(targets), None)
    for page in redirects:
        if target is None or (not is_answered(target) and not redirect_of(target)):
            yield page
        else:
            yield replace(target, url=page.url, fetch_url=page.fetch_url)


def best_capture(captures: Iterable[Page]) -> Page:
    """Choose the capture of a URL to index: a page first, then the latest, then the smallest digest and place.

    A page whose latest capture says no is not taken from an earlier one.
    """
    return min(
        captures,
        key=lambda page: (
            not is_answered(page),
            -(page.fetched_at or 0),
            page.digest,
            page.warc_file,
            page.warc_offset or 0,
        ),
    )


def join_link(url: str, found: dict[str, Iterable]) -> Iterator[Page]:
    """Merge the page and the link of a URL; a page that nobody linked is left out."""
    pages, links = list(found["pages"]), list(found["links"])
    for link in links:
        page = pages[0] if pages else _absent(url, link)
        yield replace(
            page,
            karma=link.karma,
            submissions=link.submissions,
            subreddits=link.subreddits,
            first_posted=link.first_posted,
        )


def rejection_of(page: Page) -> Iterator[Rejection]:
    """Yield the rejection of a page that cannot be extracted."""
    if page.outcome != "ok":
        yield Rejection(page.url, "fetch", reason_of(page.outcome, page.opt_out), page.detail)


def _absent(url: str, link: Link) -> Page:
    return Page(
        url=url,
        fetch_url=link.fetch_url,
        final_url=link.fetch_url,
        host=link.host,
        status=None,
        outcome="not_in_archive",
        detail="",
        fetched_at=None,
        content_type="",
        warc_file="",
        warc_offset=None,
        warc_length=None,
        digest="",
        robots="",
        opt_out="",
        karma=None,
        submissions=None,
        subreddits=(),
        first_posted=None,
    )


def _seconds(date: str) -> int | None:
    """Read a record's date: ISO 8601 in UTC, or its 14 digits."""
    try:
        if len(date) == 14 and date.isdigit():
            return int(datetime.strptime(date, _DATE).replace(tzinfo=UTC).timestamp())
        return int(datetime.fromisoformat(date).timestamp())
    except (ValueError, OverflowError):
        return None
