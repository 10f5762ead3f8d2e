"""Why something does not stay, as one word with the evidence behind it."""

from typing import Any, Self


class Reason(str):
    """A reason to reject: a slug of a closed set, which is what it compares, sorts and counts as.

    >>> reason = Reason("too_short", "12 words, at least 100")
    >>> reason == "too_short", reason.detail
    (True, '12 words, at least 100')
    """

    __slots__ = ("detail",)

    detail: str  # what was measured and where the limit is; "" where the slug says it all

    def __new__(cls, reason: str, detail: str = "") -> Self:
        """Make a reason from its slug and what was measured."""
        self = super().__new__(cls, reason)
        self.detail = detail
        return self

    @property
    def reason(self) -> str:
        """The slug as a plain string."""
        return str(self)

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Pickle and copy with the detail."""
        return (str(self), self.detail)
