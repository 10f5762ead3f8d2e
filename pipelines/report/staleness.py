"""The warning over a section whose figures were measured on the corpus as it was before a removal or a new build."""

from pipelines.report.markup import Markup, element
from pipelines.stages import stale


def stale_note(output: str, name: str) -> Markup:
    """Warn that a directory of an output was made from another corpus than the one that is there, if it was."""
    if name not in stale.stale_directories(output):
        return Markup("")
    return element("div", stale.told(name), ".", class_="alarm")
