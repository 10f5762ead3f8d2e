"""What a finished stage says of itself: inputs, configuration, versions, counts, and the sha256 of each file.

A stage is done when its manifest is there, and only then. Two runs with the same fingerprint write the same bytes, so
a manifest holds nothing that differs between two such runs: no time, no path, no host, no number of workers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from webtext import __version__
from webtext.errors import UnbalancedError, UsageError

NAME = "manifest.json"
_FORMAT = 1
# The libraries whose version can change a corpus; their versions are part of the fingerprint.
_LIBRARIES = ("ftfy", "idna", "langdetect", "lxml", "pyarrow", "tldextract", "trafilatura")


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


def versions() -> dict[str, str]:
    """Name the versions that shape a corpus: webtext's own, and those of the libraries that its bytes depend on."""
    return {"webtext": __version__, **{name: version(name) for name in _LIBRARIES}}


def fingerprint(stage: str, config: Mapping[str, Any], inputs: Sequence[File]) -> str:
    """Hash all that a stage's output is a function of: configuration, versions, and the content of its inputs."""
    identity = {
        "stage": stage,
        "config": config,
        "inputs": sorted(file.sha256 for file in inputs),
        "versions": versions(),
    }
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
