"""Blocklists: hosts and addresses whose pages are not wanted, ours (small) and the user's own.

Ours names sites of adult video and pictures, and of links for sale: what a text corpus of a general kind never wants.
Big lists by subject (such as the University of Toulouse's UT1) are read from where the user has them.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filters.rules.lib.host_lists import Hosts, read_hosts
from filters.rules.lib.steps import threshold
from webtext.local import FilePath, local_path
from webtext.reasons import Reason
from webtext.records import Document
from webtext.urls import host_of

REASONS = ("blocklist",)


@dataclass(frozen=True, slots=True)
class Blocklist:
    """Reject documents whose host or address is on a list."""

    bundled: bool = threshold(True, "use the small list that comes with webtext (filters/rules/blocklist.txt)", "ours")
    paths: tuple[FilePath, ...] = threshold(
        (), "more lists: files of hosts or addresses, or UT1's folders; each worker must find them there"
    )

    def __post_init__(self) -> None:
        for path in self.paths:
            _read(path)  # a missing list shows when the filter is made, not hours later

    def __call__(self, document: Document) -> Reason | None:
        for name in (*((_BUNDLED,) if self.bundled else ()), *self.paths):
            listed = _read(name)
            found = listed.find(document.host, document.final_url) or listed.find(host_of(document.url), document.url)
            if found:
                return Reason("blocklist", f"{found} in {Path(name).name}")
        return None


_BUNDLED = str(Path(__file__).with_name("blocklist.txt"))


@cache
def _read(path: FilePath) -> Hosts:
    return read_hosts(local_path(path))
