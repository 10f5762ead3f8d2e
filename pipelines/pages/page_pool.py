"""Pages handed out to the processes that extract and judge them (`pipelines.pages.page_work`).

Extractors, parsers and rules at work are theirs alone: this process would pay a fifth of a second and some 30 MB for
what it imports and never uses.
"""

import functools
import pkgutil
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

from filters.outside import Outside
from webtext.errors import UsageError
from webtext.extract.config import FAILED, ExtractConfig, Extracted
from webtext.extract.extractors import ALONE, require_engine
from webtext.reasons import Reason
from webtext.records import Document, Page, Rejection
from webtext.sandbox.pool import SandboxPool
from webtext.sandbox.sandbox import Failure
from webtext.warc.warc_records import HttpResponse

Judged = Document | Rejection
Told = Judged | UsageError

_WORK = "pipelines.pages.page_work:PageWork"


@dataclass(frozen=True)
class PageConfig:
    """All that says what becomes of a page."""

    extract: ExtractConfig
    preset: str
    overrides: tuple[tuple[str, Any], ...]
    outside: tuple[Outside, ...] = ()  # sources of rules that are not ours


class _Work:
    """What is handed to a child in the place of `page_work.PageWork`, which is made where this is unpickled."""

    def __init__(self, config: PageConfig) -> None:
        self._config = config

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (_WORK, self._config)


def _make(name: str, config: PageConfig) -> Any:
    return pkgutil.resolve_name(name)(config)


def without_text(page: Page, why: Reason) -> Rejection:
    """Reject a page that gave no text."""
    return Rejection(page.url, "extract", str(why), why.detail)


class PagePool:
    """`page_work.PageWork` in processes of its own: `with PagePool(config, 2) as pool: pool.submit(page, response)()`.

    What takes too long there, in the extractor or in a filter, is rejected there: nothing that others wrote is read in
    this process, where no limit would hold. Before that it is tried once more without a second opinion of its text.
    """

    def __init__(self, config: PageConfig, processes: int) -> None:
        self._extract = config.extract
        require_engine(config.extract.extractor)  # a missing package shows here, not page after page
        limits = config.extract.seconds, config.extract.memory_mb << 20
        work = cast("Callable[..., Told]", _Work(config))
        self._pool = SandboxPool(work, *limits, processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def submit(self, page: Page, response: HttpResponse) -> Callable[[], Judged]:
        """Hand a page in; give what waits for its outcome.

        That raises UsageError where a rule of the user's raised something, RuntimeError where one of ours did.
        """
        arguments = page, response.body[: self._extract.max_bytes + 1], response.header("Content-Type")
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
            result = _extract_once(self._extract, body, content_type, page.final_url)
            if isinstance(result, Reason):
                why = result
            elif outcome.trace:
                raise RuntimeError(f"{page.url} was extracted, but judging it failed:\n{outcome.trace}")
        if self._extract.extractor in ALONE:
            alone = self._pool.submit(page, body, content_type, alone=True).result()
            if isinstance(alone, UsageError):
                raise alone
            if isinstance(alone, Document) or (isinstance(alone, Rejection) and alone.stage != "extract"):
                return alone
        return without_text(page, why)


def _extract_once(config: ExtractConfig, body: bytes, content_type: str, url: str) -> Extracted | Reason:
    """Extract a page and judge nothing, in a process of its own."""
    from webtext.extract.pages import ExtractionPool  # noqa: PLC0415 - few pages crash

    with ExtractionPool(config) as extract:
        return extract.once(body, content_type, url)
