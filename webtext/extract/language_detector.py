"""Which language a text is in, by langdetect, the same answer every time and everywhere.

langdetect draws random samples, and reads its profiles in the order in which the disk lists them, on which the last
bits of a probability depend. Here it is seeded anew for each text and the profiles are loaded in the order of their
names. `langdetect_rs` gives the same answers thirty times as fast and stands in where it is installed; a test over
thousands of texts in more than forty languages holds the two equal.
"""

import importlib
import importlib.util
import re
from collections.abc import Callable, Collection
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from webtext import reference
from webtext.code_points import count_words

UNKNOWN = ("", 0.0)
SEED = 0  # C4's seed (T5 paper's code); any constant would do
MAX_CHARS = (
    20_000  # langdetect listens to 10,000, but cleans all it is given, which takes seconds on a page of one word
)
DECIMALS = 6  # a probability's digits: the last bits depend on how a release of Python adds floats

# A text of two languages is told by pieces: with 500 characters and more langdetect is sure of nearly all (glance.py
# has figures). Of a long text some are looked at, spread over it.
_PIECE_CHARS, _MOST_PIECES = 500, 20
_SHORTEST_CHARS = 60  # the least part of a piece: a few words are no sign of any language
_SURE, _SURE_BY_SCRIPT = 0.9, 0.5  # a part in another language may be names under it; a script leaves less doubt
_MARKS_OF_CODE = re.compile(r"""[|(){}\[\]<>=_;#$\\/*+~^"]""")
_CODE_SHARE = 0.05  # the share of such marks: langdetect is sure that code is Catalan, or French
# Letters of other scripts than Latin, which stand in a piece beside it: langdetect drops the fewer of the two.
_NOT_LATIN = re.compile(
    "[\u0370-\u1dff\u2c80-\ua721\ua7ff-\uab2f\uab66-\ufaff\ufb07-\ufeff\uff66-\uffff\U00010000-\U0003ffff]+"
)

_STAND_IN = "langdetect_rs"
# A text's probabilities are the means of seven draws. A language that four of them give this much on average is ahead
# whatever the other three give: 4 * 0.9 > 4 * 0.1 + 3.
_FIRST_DRAWS, _DECIDED = 4, 0.9
_ALPHA, _HEARD_CHARS = 0.5, 10_000  # langdetect's own

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


def detect_family(text: str) -> str:
    """Give the language that `detect` gives, without its variety, with four draws of seven where they decide it.

    >>> detect_family("The swallows leave the wire in September, all on the same day.")
    'en'
    """
    is_reference = reference.is_on() or _fastest() != _STAND_IN
    return family(("" if is_reference else _load_first_draws()(text[:MAX_CHARS])) or detect(text)[0])


def share_in(text: str, languages: Collection[str]) -> float:
    """Give the share of a text's words that are in some languages, of those whose language is plain; 1 if none is.

    Each piece of some 500 characters is divided by script, and each part's language is told. A variety counts as its
    language (`zh-tw` as `zh-cn`).

    >>> share_in("Nine herons stood in the shallows and not one of them moved until the evening came. " * 9, ["en"])
    1.0
    """
    wanted = {family(language) for language in languages}
    parts: list[tuple[bool, str, int]] = []
    for piece in _spread(_pieces(text)):
        for part, sure in _by_script(piece):
            letters = len("".join(part.split()))
            if letters < _SHORTEST_CHARS:
                continue
            is_inside = detect_family(part) in wanted
            if is_inside or (detect(part)[1] >= sure and len(_MARKS_OF_CODE.findall(part)) < _CODE_SHARE * letters):
                parts.append((is_inside, part, letters))
    if all(is_inside for is_inside, _, _ in parts):  # Nearly all texts are, and their words need no count.
        return 1.0
    inside = outside = 0.0
    for is_inside, part, letters in parts:
        amount = min(count_words(part), letters / 2)  # two characters are about a word where each is counted as one
        inside += amount * is_inside
        outside += amount * (not is_inside)
    return inside / (inside + outside) if inside + outside else 1.0


def _by_script(piece: str) -> tuple[tuple[str, float], ...]:
    """Divide a piece in Latin letters from the rest; each with the probability at which its language is plain."""
    others = [] if piece.isascii() else _NOT_LATIN.findall(piece)
    if not others:
        return ((piece, _SURE),)
    return ((_NOT_LATIN.sub(" ", piece), _SURE), (" ".join(others), _SURE_BY_SCRIPT))


def family(language: str) -> str:
    """Give a language without its variety: pages declare `zh`, langdetect tells `zh-cn` from `zh-tw`."""
    return language.partition("-")[0]


def _pieces(text: str) -> list[str]:
    """Divide a text into pieces of 500 characters and more: whole lines, but for those over 1,000."""
    pieces: list[str] = []
    lines: list[str] = []
    length = 0
    for line in text.split("\n"):
        for start in range(0, len(line), 2 * _PIECE_CHARS):
            lines.append(line[start : start + 2 * _PIECE_CHARS])
            length += len(lines[-1])
            if length >= _PIECE_CHARS:
                pieces.append("\n".join(lines))
                lines, length = [], 0
    return [*pieces, "\n".join(lines)] if lines else pieces


def _spread(pieces: list[str]) -> list[str]:
    """Choose at most 20 pieces, from the first on at equal distances."""
    if len(pieces) <= _MOST_PIECES:
        return pieces
    return [pieces[place * len(pieces) // _MOST_PIECES] for place in range(_MOST_PIECES)]


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
    factory = module.DetectorFactory()
    factory.load_json_profile([path.read_text("utf-8") for path in sorted(_profiles())])
    factory.set_seed(SEED)
    # What both packages ask where none is named: for it the stand-in takes half the time that it does for another.
    asked: Any = importlib.import_module(f"{package}.detector_factory")
    asked._factory = factory  # noqa: SLF001

    @lru_cache(maxsize=64)  # The look before extraction has asked about much that the rule of languages asks about.
    def detect_in(beginning: str) -> tuple[str, float]:
        try:
            found = module.detect_langs(beginning)
        except error:  # no n-gram that any profile knows
            return UNKNOWN
        return (found[0].lang, round(found[0].prob, DECIMALS)) if found else UNKNOWN

    return lambda text: detect_in(text[:MAX_CHARS])


@cache
def _load_first_draws() -> Callable[[str], str]:
    """Load what gives the language that the first draws of the stand-in decide on, "" where they do not.

    This is asked of the core of the stand-in, which is no public part of it: so one release of it is installed alone.
    """
    load_detector(_STAND_IN)
    core: Any = importlib.import_module(f"{_STAND_IN}._core")
    asked: Any = importlib.import_module(f"{_STAND_IN}.detector_factory")
    factory, seed = asked._factory, asked.seed_state(SEED)  # noqa: SLF001

    def decide(text: str) -> str:
        prepared = core.prepare(text, _HEARD_CHARS)
        cleaned = core.clean(prepared)
        shares, problem = factory._core.detect_block(  # noqa: SLF001
            prepared if cleaned is None else cleaned, _ALPHA, _FIRST_DRAWS, None, seed
        )
        most = 0.0 if problem else max(shares)
        return str(factory.langlist[shares.index(most)]) if most >= _DECIDED else ""

    return decide


@cache
def known_languages() -> tuple[str, ...]:
    """List the codes of the languages that there are profiles of: ISO 639-1, and Chinese as zh-cn and zh-tw."""
    return tuple(sorted(path.name for path in _profiles()))


def _profiles() -> list[Path]:
    """List langdetect's profiles; it need not be imported for that."""
    found = importlib.util.find_spec("langdetect")
    assert found is not None
    return [path for path in Path(str(found.origin)).with_name("profiles").iterdir() if path.is_file()]
