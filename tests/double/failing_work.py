"""Work on pages whose judgement fails in one way or another, to be loaded by the children of a sandbox."""

import os
import signal

from pipelines.pages.page_pool import Judged
from pipelines.pages.page_work import PageWork
from webtext.extract.pages import Extracted
from webtext.reasons import Reason
from webtext.records import Page

HOME = os.getpid()


class FailingWork(PageWork):
    """Judges pages whose title says how that fails; the driver, which must not judge them at all, is told by it."""

    def __call__(self, page: Page, body: bytes, content_type: str, *, alone: bool = False) -> Judged:
        """Have doubts of the page whose title says what becomes of them."""
        self.in_doubt = not alone
        return super().__call__(page, body, content_type, alone=alone)

    def judge(self, page: Page, result: Extracted | Reason) -> Judged:
        """Fail as the page's title asks."""
        if not isinstance(result, Extracted):
            return super().judge(page, result)
        what, _, where = result.title.partition(" in ")
        match what if self.in_doubt or not where else "":
            case "hangs":
                while True:
                    pass
            case "eats memory":
                return [bytearray(1 << 24) for _ in range(1 << 10)]
            case "raises":
                raise ArithmeticError("a bug of ours")
            case "dies":
                os.kill(os.getpid(), signal.SIGSEGV)
        return super().judge(page, result)
