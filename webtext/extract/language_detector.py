"""Which language a text is in, by langdetect, the same answer every time and everywhere.

langdetect draws random samples, and reads its profiles in the order in which the disk lists them, on which the last
bits of a probability depend. Here it is seeded anew for each text and the profiles are loaded in the order of their
names. `langdetect_rs` gives the same answers thirty times as fast and stands in where it is installed; a test over
thousands of texts in more than forty languages holds the two equal.
"""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path

from webtext import reference

UNKNOWN = ("", 0.0)
SEED = 0  # as C4 has it (T5 paper's code); any constant would do
MAX_CHARS = (
    20_000  # langdetect listens to 10,000, but cleans all it is given, which takes seconds on a page of one word
)
DECIMALS = 6  # of a probability: the last bits depend on how a release of Python adds floats

_STAND_IN = "langdetect_rs"

Detect = Callable[[str], tuple[str, float]]


def detect(text: str) -> tuple[str, float]:
    """Give the most probable language of a text (of its first 20,000 characters) and its probability.

    Returns:
        An ISO 639-1 code (Chinese is `zh-cn` or `zh-tw`) and a probability from 0 to 1; `("", 0.0)` for a text in
        which nothing speaks for any language.

    >>> detect("The swallows leave the wire in September, all on the same day.")[0]
    'en'
    >>> detect("12 345")
    ('', 0.0)
    """
    return load_detector("langdetect" if reference.is_on() else _fastest())(text)


@cache
def _fastest() -> str:
    return _STAND_IN if importlib.util.find_spec(_STAND_IN) else "langdetect"


@cache
def load_detector(package: str) -> Detect:
    """Load a detector from `langdetect` or from `langdetect_rs`, with the profiles of the former in order of name.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    module = importlib.import_module(package)
    error = importlib.import_module(f"{package}.lang_detect_exception").LangDetectException
    directory = Path(importlib.import_module("langdetect").PROFILES_DIRECTORY)
    factory = module.DetectorFactory()
    factory.load_json_profile([path.read_text("utf-8") for path in sorted(directory.iterdir()) if path.is_file()])
    factory.set_seed(SEED)

    def detect_with(text: str) -> tuple[str, float]:
        detector = factory.create()
        detector.append(text[:MAX_CHARS])
        try:
            found = detector.get_probabilities()
        except error:  # no n-gram that any profile knows
            return UNKNOWN
        return (found[0].lang, round(found[0].prob, DECIMALS)) if found else UNKNOWN

    return detect_with


@cache
def known_languages() -> tuple[str, ...]:
    """List the codes of the languages that there are profiles of: ISO 639-1, and Chinese as zh-cn and zh-tw."""
    directory = Path(importlib.import_module("langdetect").PROFILES_DIRECTORY)
    return tuple(sorted(path.name for path in directory.iterdir()))
