"""What becomes of one page: extracted and judged, in a process that may die.

Nearly all the CPU time of a build is spent here. The processes that do it import this module and neither Beam nor
numba, each of which would be more than all else that they hold: the sketch of a document, a hundredth of its time, is
made where the document is written. That process in turn imports `pipelines.pages.page_pool` and not this.
"""

import contextlib
import functools

from filters import Filter, apply_filters, load_preset
from filters.outside import add_rules
from pipelines.pages.page_pool import Judged, PageConfig, Told, without_text
from webtext.code_points import count_words
from webtext.errors import UsageError
from webtext.extract.config import Extracted
from webtext.extract.language_detector import detect
from webtext.extract.pages import extract_page
from webtext.hashing import document_id
from webtext.reasons import Reason
from webtext.records import MOST_EXCERPT, Document, Page, Rejection

_GLANCED = "not extracted, for all that it shows is in {}"
NO_PAGE = Page("", "", "", "", None, "ok", "", None, "", "", None, None, "", "", "", None, None, (), None)
_SOME_WORDS = "Rules and models are loaded by being used. Write to someone@somewhere.net."
_SOME_MENU = b"<ul>" + b"<li><a href='/'>A menu</a></li>" * 50 + b"</ul>"
_SOME_PAGE = _SOME_MENU + b"<p>3 mayo 2017</p><p>Little else: all that extracts is tried.</p>"


def judge_page(page: Page, result: Extracted | Reason, filters: tuple[Filter, ...]) -> Judged:
    """Make a document of what was extracted from a page, or say why there is none."""
    if isinstance(result, Reason):
        return without_text(page, result)
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


class PageWork:
    """A page's bytes to a document, or to the reason why there is none: a function with its rules.

    Extractors, rules and models are loaded where it is made, which is before the first page's time begins.
    """

    def __init__(self, config: PageConfig) -> None:
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
