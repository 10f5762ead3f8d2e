"""How pages become text, and what comes of one: also for who asks another process for it, and imports no extractor."""

from dataclasses import dataclass

from webtext.extract.extractors import ENGINES

REASONS = (  # the closed set of reasons why a page gives no text
    "not_html",
    "too_large",
    "no_text",
    "extract_timeout",
    "extract_crash",
    "extract_memory",
)

FAILED = "extract_"  # how the reasons of a page begin that was too much for its process


@dataclass(frozen=True, slots=True)
class ExtractConfig:
    """How pages become text.

    Attributes:
        extractor: a name of `webtext.extract.extractors.ENGINES`.
        max_bytes: pages over this are rejected as `too_large`; extraction grows faster than linearly, and the largest
            page of a hundred thousand is under 5 MB.
        seconds: CPU seconds for a page; the slowest genuine page measured needs 0.4.
        memory_mb: MiB that one page may add to the extractor's process.
        languages: where any are given, a page that plainly is in another is not extracted: its text is what it shows in
            long lines, which is enough for the language rule to reject it (`webtext.extract.glance`).
        reference: whether langdetect does all its work itself; it changes no byte.
    """

    extractor: str = "webtext"
    max_bytes: int = 5_000_000
    seconds: float = 20.0
    memory_mb: int = 2048
    languages: tuple[str, ...] = ()
    reference: bool = False

    def __post_init__(self) -> None:
        if self.extractor not in ENGINES:
            raise ValueError(f"no extractor {self.extractor!r}: choose one of {', '.join(ENGINES)}")
        for name in ("max_bytes", "seconds", "memory_mb"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a page and what the page declares; "" for what it does not declare."""

    text: str  # Unicode NFC, a paragraph a line, never empty
    title: str = ""
    author: str = ""
    date: str = ""  # ISO 8601, the day
    site_name: str = ""
    declared_language: str = ""
    glanced: bool = False  # the text is only what the page shows in long lines, in a language that is not wanted
