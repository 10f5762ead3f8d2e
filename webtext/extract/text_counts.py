"""What is counted in the text of a block: characters, words, frequent ones, ends of sentences."""

import re
from collections.abc import Set as AbstractSet

# The most frequent words of nine languages: where none stands, no sentence does.
_FREQUENT = frozenset(
    str.split(
        """the of and to a in is that for it was on with as be by this are or at from an have has not but they you he
    his her she we our your their its will can which who were been if there what when all more one so no my me i
    do would about out up into than them then these some could other only also le la les de des du un une et est
    en que qui dans pour pas sur au aux par plus avec ce il elle nous vous se sont son sa ses der die das und
    ist den von zu mit sich auf für im dem nicht ein eine als auch es werden aus er hat dass sie nach wird bei
    el los las del y por con para como más pero sus al lo su si o muy sin sobre di che è e non per sono della
    dei nel ha ma do da em um uma com não os dos na foi w z nie się jest od po jak za co van het een op te dat
    niet zijn voor met maar om aan ook и в не на я что он с как это но они к у из от так же"""  # noqa: RUF001
    )
)
_SENTENCE_END = re.compile(r"[.!?\u2026\u0964\u061f\u06d4](?=[\s\"'\u201d\u2019\u00bb)\]]|$)|[\u3002\uff01\uff1f]")
_ENDS = frozenset(".!?\u2026\u3002\uff01\uff1f\u0964\u06d4\u061f\"'\u201d\u2019\u00bb):;,\u300d\u300f\u17d4\u0589")
# Scripts that are written without spaces: two characters count as a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"\w+")


def count_words(text: str) -> int:
    """Count words as they weigh here: what spaces part, and half a character of scripts without them."""
    return len(text.split()) + (0 if text.isascii() else len(_UNSPACED.findall(text)) // 2)


def count_text(text: str, title: AbstractSet[str], description: AbstractSet[str]) -> tuple[int, ...]:
    """Count what `COUNTS` names in a block's text; titles and descriptions are sets of words in lower case."""
    words = text.split()
    plain = _WORD.findall(text.lower())
    return (
        len(text),
        len(words) + (0 if text.isascii() else len(_UNSPACED.findall(text)) // 2),
        sum(map(str.islower, words)),
        sum(map(_FREQUENT.__contains__, plain)),
        len(_SENTENCE_END.findall(text)),
        text.count(",") + text.count("\uff0c") + text.count("\u3001"),
        text[-1] in _ENDS,
        text.count("\n"),
        len(plain),
        0 if title.isdisjoint(plain) else sum(map(title.__contains__, plain)),
        0 if description.isdisjoint(plain) else sum(map(description.__contains__, plain)),
    )


COUNTS = str.split("chars words lower frequent sentences commas ends lines plain in_title in_description")
