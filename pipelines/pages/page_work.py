"""What becomes of one page: extracted and judged, in a process that may die.

Nearly all the CPU time of a build is spent here. The processes that do it import this module and neither Beam nor
numba, each of which would be more than all else that they hold: the sketch of a document, a hundredth of its time, is
made where the document is written.
"""

import contextlib
import functools
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from filters import Filter, apply_filters, load_preset
from filters.outside import Outside, add_rules
from webtext.code_points import count_words
from webtext.errors import UsageError
from webtext.extract.extractors import ALONE
from webtext.extract.language_detector import detect
from webtext.extract.pages import FAILED, ExtractConfig, Extracted, ExtractionPool, extract_page
from webtext.hashing import document_id
from webtext.reasons import Reason
from webtext.records import MOST_EXCERPT, Document, Page, Rejection
from webtext.sandbox.pool import SandboxPool
from webtext.sandbox.sandbox import Failure
from webtext.warc.warc_records import HttpResponse

Judged = Document | Rejection
Told = Judged | UsageError

_GLANCED = "not extracted, for all that it shows is in {}"
NO_PAGE = Page("", "", "", "", None, "ok", "", None, "", "", None, None, "", "", "", None, None, (), None)
_SOME_WORDS = "Rules and models are loaded by being used. "
_SOME_PAGE = b"<ul>" + b"<li><a href='/'>A menu</a></li>" * 50 + b"</ul><p>Little else: all that extracts is tried.</p>"


def judge_page(page: Page, result: Extracted | Reason, filters: tuple[Filter, ...]) -> Judged:
    """Make a document of what was extracted from a page, or say why there is none."""
    if isinstance(result, Reason):
        return Rejection(page.url, "extract", str(result), result.detail)
    language, probability = detect(result.text)
    document = Document(
        id=document_id(page.url),
        url=page.url,
        final_url=page.final_url,
        host=page.host,
        title=result.title,
        author=result.author,
        date=result.date,
        text=result.text,
        language=language,
        language_probability=probability,
        karma=page.karma,
        submissions=page.submissions,
        subreddits=page.subreddits,
        first_posted=page.first_posted,
        n_words=count_words(result.text),
        body_digest=page.digest,
        site_name=result.site_name,
        declared_language=result.declared_language,
    )
    judged = apply_filters(document, filters)  # some filters drop lines or mask what is personal
    if isinstance(judged, Document):
        if result.glanced:
            raise ValueError(f"{page.url} was not extracted for its language, {language}, but no rule rejects that")
        return judged
    detail = "; ".join(filter(None, (judged.detail, _GLANCED.format(language) if result.glanced else "")))
    return Rejection(page.url, "filter", judged.reason, detail, excerpt=result.text[:MOST_EXCERPT])


@dataclass(frozen=True)
class PageConfig:
    """All that says what becomes of a page."""

    extract: ExtractConfig
    preset: str
    overrides: tuple[tuple[str, Any], ...]
    outside: tuple[Outside, ...] = ()  # sources of rules that are not ours


class PageWork:
    """A page's bytes to a document, or to the reason why there is none: a function with its rules.

    Extractors, rules and models are loaded where it is unpickled, which is before the first page's time begins.
    """

    def __init__(self, config: PageConfig) -> None:
        self._config = config

    def __getstate__(self) -> PageConfig:
        return self._config

    def __setstate__(self, config: PageConfig) -> None:
        self._config = config
        extract_page(_SOME_PAGE, "text/html", "", config=config.extract)
        document = judge_page(NO_PAGE, Extracted(_SOME_WORDS), ())
        assert isinstance(document, Document)
        for rule in self._filters:
            with contextlib.suppress(UsageError):  # A rule may not expect a page of no address; a real one it tells of.
                rule(document)

    @functools.cached_property
    def _filters(self) -> tuple[Filter, ...]:
        add_rules(self._config.outside)
        return load_preset(self._config.preset, **dict(self._config.overrides))

    def __call__(self, page: Page, body: bytes, content_type: str, *, alone: bool = False) -> Told:
        """Extract and judge a page; what a rule of the user's raises is given, for this is in another process.

        Args:
            page: the page's row of the index.
            body: its bytes.
            content_type: what its server said they are.
            alone: whether the extractor asks no other for a second opinion.
        """
        extract = self._config.extract
        try:
            return self.judge(page, extract_page(body, content_type, page.final_url, config=extract, alone=alone))
        except UsageError as error:
            return error

    def judge(self, page: Page, result: Extracted | Reason) -> Judged:
        """Judge what was extracted from a page."""
        return judge_page(page, result, self._filters)


class PagePool:
    """`PageWork` in processes of its own: `with PagePool(config, 2) as pool: pool.submit(page, response)()`.

    What takes too long there, in the extractor or in a filter, is rejected there: nothing that others wrote is read in
    this process, where no limit would hold. Before that it is tried once more without a second opinion of its text.
    """

    def __init__(self, config: PageConfig, processes: int) -> None:
        self._max_bytes = config.extract.max_bytes
        self._has_doubts = config.extract.extractor in ALONE
        self._work = PageWork(config)
        self._extract = ExtractionPool(config.extract)
        limits = config.extract.seconds, config.extract.memory_mb << 20
        self._pool = SandboxPool(self._work, *limits, processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)
        self._extract.__exit__(kind, error, trace)

    def submit(self, page: Page, response: HttpResponse) -> Callable[[], Judged]:
        """Hand a page in; give what waits for its outcome.

        That raises UsageError where a rule of the user's raised something, RuntimeError where one of ours did.
        """
        arguments = page, response.body[: self._max_bytes + 1], response.header("Content-Type")
        return functools.partial(self._outcome, self._pool.submit(*arguments), *arguments)

    def _outcome(self, future: "Future[Told | Failure]", page: Page, body: bytes, content_type: str) -> Judged:
        outcome = future.result()
        if isinstance(outcome, UsageError):
            raise outcome
        if not isinstance(outcome, Failure):
            return outcome
        why = Reason(f"{FAILED}{outcome.kind}", outcome.detail)
        if outcome.kind == "crash":
            # Was it extraction, alone? Else it was what judges a page, which is ours: an exception there is a bug.
            result = self._extract.once(body, content_type, page.final_url)
            if isinstance(result, Reason):
                why = result
            elif outcome.trace:
                raise RuntimeError(f"{page.url} was extracted, but judging it failed:\n{outcome.trace}")
        if self._has_doubts:
            alone = self._pool.submit(page, body, content_type, alone=True).result()
            if isinstance(alone, UsageError):
                raise alone
            if isinstance(alone, Document) or (isinstance(alone, Rejection) and alone.stage != "extract"):
                return alone
        return self._work.judge(page, why)
