"""What a finished stage says of itself: inputs, configuration, versions, counts, and the sha256 of each file.

A stage is done when its manifest is there, and only then. Two runs with the same fingerprint write the same bytes, so
a manifest holds nothing that differs between two such runs: no time, no path, no host, no number of workers.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from webtext import __version__
from webtext.errors import UnbalancedError, UsageError

NAME = "manifest.json"
_FORMAT = 1
# Of what we and our dependencies depend on, the packages that cannot change a byte of a stage, and why. All others
# count: their versions are part of the fingerprint.
_WITHOUT_EFFECT = {
    "apache-beam": "hands out tasks; what they write and in which order is ours to say",
    "certifi": "whom a connection trusts: a crawl's, whose pages are an input",
    "click": "flags of a command that is not ours",
    "filelock": "keeps two processes off one cache",
    "packaging": "reads here what packages declare",
    "requests-file": "moves bytes of a list that comes with its package",
    "rich": "draws progress",
    "tqdm": "draws progress",
    "typing-extensions": "is for type checkers",
    "urllib3": "moves bytes of a crawl",
}


@dataclass(frozen=True)
class File:
    """A file of a stage, or one that a stage read."""

    name: str
    sha256: str  # hexadecimal; of an input that is not on a local disk, `SCHEME:` and its file system's checksum
    bytes: int


@dataclass(frozen=True)
class Counts:
    """The ledger of a stage: what it was given is what it kept and what it rejected, each for one reason."""

    given: int
    kept: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    unit: str = "links"
    notes: Mapping[str, int] = field(default_factory=dict)  # other counts worth keeping; they enter no sum

    def check(self, stage: str) -> None:
        """Raise `UnbalancedError` unless kept and rejected add up to what was given."""
        rejected = sum(self.rejected.values())
        if self.given != self.kept + rejected:
            raise UnbalancedError(
                f"{stage}: {self.given:,} {self.unit} given, but {self.kept:,} kept and {rejected:,} rejected"
            )


@dataclass(frozen=True)
class Manifest:
    """The identity and the content of a finished stage directory."""

    stage: str
    fingerprint: str
    config: Mapping[str, Any]
    inputs: Sequence[File]
    counts: Counts
    files: Sequence[File]
    versions: Mapping[str, str]

    def to_json(self) -> str:
        """Write the manifest as JSON, the same text for the same content."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read a manifest.

        Raises:
            UsageError: the text is not a manifest of a format that this release reads.
        """
        try:
            data = json.loads(text)
            if data.pop("format") != _FORMAT:
                raise UsageError("the manifest was written by another release of webtext; build the stage again")
            return cls(
                stage=data["stage"],
                fingerprint=data["fingerprint"],
                config=data["config"],
                inputs=[File(**file) for file in data["inputs"]],
                counts=Counts(**data["counts"]),
                files=[File(**file) for file in data["files"]],
                versions=data["versions"],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"not a webtext manifest ({error}); build the stage again") from error


@cache
def versions(*packages: str) -> Mapping[str, str]:
    """Name the versions that shape a stage: webtext's own, Unicode's, and those of all packages that it can depend on.

    They are found by the declared dependencies of webtext and of `packages`, and by those of each package so found.

    Raises:
        UsageError: webtext or one of them is not installed.
    """
    found: dict[str, str] = {}
    waiting = [*_dependencies("webtext"), *map(canonicalize_name, packages)]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in _WITHOUT_EFFECT:
            waiting += _dependencies(name)
            found[name] = version(name)
    return {"webtext": __version__, "unicode": unicodedata.unidata_version, **dict(sorted(found.items()))}


def _dependencies(package: str) -> list[str]:
    """List what a package declares to depend on here, without its extras."""
    try:
        declared = map(Requirement, requires(package) or ())
    except PackageNotFoundError as error:
        raise UsageError(f"the package {package} is not installed: pip install {package}") from error
    wanted = (one for one in declared if one.marker is None or one.marker.evaluate({"extra": ""}))
    return [canonicalize_name(one.name) for one in wanted]


def fingerprint(stage: str, config: Mapping[str, Any], inputs: Sequence[File], versions: Mapping[str, str]) -> str:
    """Hash all that a stage's output is a function of: configuration, versions, and the content of its inputs."""
    identity = {
        "stage": stage,
        "config": config,
        "inputs": sorted(file.sha256 for file in inputs),
        "versions": dict(versions),
    }
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
