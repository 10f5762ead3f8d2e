"""Lists of hosts and addresses in files, as blocklists and lists of mirrors come."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webtext.errors import UsageError
from webtext.hosts import parents


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts, each with all below it, and beginnings of addresses (host and path, without scheme and "www.")."""

    hosts: frozenset[str]
    addresses: frozenset[str]
    longest: int  # characters of the longest of the addresses: of an URL, no more is looked at

    def find(self, host: str, url: str) -> str | None:
        """Give the entry that names a host or address, or None."""
        for parent in parents(host):
            if parent in self.hosts:
                return parent
        for beginning in _beginnings(url, self.longest) if self.addresses else ():
            if beginning in self.addresses:
                return beginning
        return None


def read_hosts(path: Path) -> Hosts:
    """Read a list: a host or an address a line, `#` comments; or a folder with `domains` and `urls`, as UT1 has them.

    Raises:
        UsageError: there is no such file.
    """
    files = [path / name for name in ("domains", "urls") if (path / name).is_file()] if path.is_dir() else [path]
    if not files:
        raise UsageError(f"no list in {path}: a folder needs a file named domains or urls")
    entries: set[str] = set()
    for file in files:
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                entries.update(_entry(line) for line in lines)
        except OSError as error:
            raise UsageError(f"cannot read the list {file}: {error.strerror}") from error
    entries.discard("")
    addresses = frozenset(entry for entry in entries if "/" in entry)
    return Hosts(frozenset(entries) - addresses, addresses, max(map(len, addresses), default=0))


def _entry(line: str) -> str:
    entry = line.partition("#")[0].strip().lower()
    entry = entry.partition("://")[2] or entry
    return entry.removeprefix("www.").removeprefix("*.").strip(".").rstrip("/")


def _beginnings(url: str, longest: int) -> Iterator[str]:
    """Yield a URL's host and path cut after each segment, the longest first, without its query; none over a length."""
    whole = url.partition("://")[2].lower().removeprefix("www.").partition("#")[0]
    if len(whole) <= longest + 1:
        yield whole.rstrip("/")
    rest = whole.partition("?")[0].rstrip("/")
    if len(rest) > longest:
        rest = rest[: longest + 1].rpartition("/")[0]
    while "/" in rest:
        yield rest
        rest = rest.rpartition("/")[0]
