"""Is the library that is installed the one that the quick stand-ins were written against?

The `quick_*` modules do in other words what functions of trafilatura do, and are held equal to one release of it. By
another release they would give another text than trafilatura itself, and nobody would notice. So the sources that they
follow are known by their digest, and where it differs, trafilatura runs as it comes, at twice the time.
"""

import hashlib
import importlib.util
from pathlib import Path

# The modules whose functions are stood in for, or whose constants and helpers the stand-ins use.
FOLLOWED = (
    "baseline", "core", "external", "htmlprocessing", "main_extractor", "settings", "utils", "xml", "xpaths",
)  # fmt: skip
KNOWN = frozenset(
    {
        "529eed95115da77ffdb522e0921a1685c7ef147d9ccb3c4d45e0dc2f7d468dd8",  # 2.3.1
    }
)


def has_known_sources(package: str) -> bool:
    """Tell whether a package's modules are, byte for byte, those that the stand-ins follow."""
    return digest_of_sources(package) in KNOWN


def digest_of_sources(package: str) -> str:
    """Give the SHA-256 of a package's followed modules, "" where one of them has no source."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    paths = [Path(spec.origin).with_name(f"{name}.py") for name in FOLLOWED]
    if not all(path.is_file() for path in paths):
        return ""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
