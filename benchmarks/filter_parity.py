"""Do our C4, Gopher and FineWeb rules say what datatrove's filters of the same name say, document by document?

    python -m venv /tmp/datatrove && /tmp/datatrove/bin/pip install 'datatrove[processing]==0.10.1' spacy
    python benchmarks/filter_parity.py extract texts.jsonl [--realweb ../shared/realweb]
    /tmp/datatrove/bin/python benchmarks/filter_parity.py judge texts.jsonl theirs.jsonl
    python benchmarks/filter_parity.py compare texts.jsonl theirs.jsonl

`judge` runs in datatrove's own environment and writes its verdicts with the words and sentence counts that its
tokenizer found. `compare` runs ours twice: on those same words, where every verdict must agree, and on our own words,
where what differs is the tokenizer's doing.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

RULES = ("c4", "gopher_quality", "gopher_repetition", "fineweb")


def extract(arguments: argparse.Namespace) -> None:
    """Write the text of every real page that has one."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType  # noqa: PLC0415 (each step has its own environment)

    from webtext.extract.config import ExtractConfig, Extracted  # noqa: PLC0415
    from webtext.extract.pages import extract_page  # noqa: PLC0415

    config = ExtractConfig()
    archive = arguments.realweb / "web.warc.gz"
    with archive.open("rb") as stream, arguments.texts.open("w", encoding="utf-8") as output:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
            url = record.headers["WARC-Target-URI"]
            content_type = record.http_headers.get("Content-Type") or ""
            found = extract_page(record.reader.read(), content_type, url, config=config)
            if isinstance(found, Extracted):
                output.write(json.dumps({"url": url, "text": found.text}) + "\n")


def judge(arguments: argparse.Namespace) -> None:
    """Write datatrove's verdicts: null where it keeps, else its reason."""
    from datatrove.data import Document  # noqa: PLC0415
    from datatrove.pipeline.filters import (  # noqa: PLC0415
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.utils.text import split_into_sentences, split_into_words  # noqa: PLC0415

    filters = dict(
        zip(
            RULES,
            (C4QualityFilter(), GopherQualityFilter(), GopherRepetitionFilter(), FineWebQualityFilter()),
            strict=True,
        )
    )
    with arguments.texts.open(encoding="utf-8") as lines, arguments.theirs.open("w", encoding="utf-8") as output:
        for number, line in enumerate(lines):
            text = json.loads(line)["text"]
            row: dict[str, object] = {}
            for name, judging in filters.items():
                outcome = judging.filter(Document(text=text, id=str(number)))
                row[name] = outcome[1] if isinstance(outcome, tuple) else None
            document = Document(text=text, id="")
            filters["c4"].filter(document)
            row["c4_text"] = document.text
            row["words"] = split_into_words(text, "en")
            row["sentences"] = {line: len(split_into_sentences(line, "en")) for line in _c4_lines(text)}
            output.write(json.dumps(row) + "\n")


def _c4_lines(text: str) -> list[str]:
    """Give the lines whose sentences C4's rule may count: stripped, of three words, without citations."""
    import re  # noqa: PLC0415

    lines = (line.strip() for line in text.splitlines() if len(line.split()) > 2)
    lines = (re.sub(r"\[\d*]|\[edit]|\[citation needed]", "", line) for line in lines)
    return [line for line in lines if line.endswith((".", "?", "!", '"', "'"))]


def compare(arguments: argparse.Namespace) -> None:
    """Print how often the verdicts agree, and each that does not."""
    from filters.rules.c4 import C4Quality  # noqa: PLC0415
    from filters.rules.fineweb import FineWebQuality  # noqa: PLC0415
    from filters.rules.gopher import GopherQuality, GopherRepetition  # noqa: PLC0415
    from filters.rules.lib.tokens import count_sentences, number, tokens  # noqa: PLC0415
    from webtext.reasons import Reason  # noqa: PLC0415

    c4 = C4Quality(min_sentences=5, min_words_per_line=3, end_marks=(".", "?", "!", '"', "'"))
    judges: dict[str, GopherQuality | GopherRepetition | FineWebQuality] = {
        "gopher_quality": GopherQuality(),
        "gopher_repetition": GopherRepetition(),
        "fineweb": FineWebQuality(),
    }
    counts: Counter[tuple[str, str, bool]] = Counter()
    total = 0
    with arguments.texts.open(encoding="utf-8") as texts, arguments.theirs.open(encoding="utf-8") as verdicts:
        for line, verdict in zip(texts, verdicts, strict=True):
            total += 1
            page, theirs = json.loads(line), json.loads(verdict)
            for words, split, count in (
                (
                    "same words",
                    lambda _, found=theirs["words"]: number(found),
                    lambda text, known=theirs["sentences"]: known[text],
                ),
                ("own words", tokens, count_sentences),
            ):
                ours = {name: rule.judge(page["text"], split) for name, rule in judges.items()}
                cleaned = c4.clean(page["text"], count)
                ours["c4"] = cleaned if isinstance(cleaned, Reason) else None
                for name in RULES:
                    agrees = (ours[name] is None) == (theirs[name] is None)
                    counts[name, words, agrees] += 1
                    if not agrees:
                        detail = getattr(ours[name], "detail", "")
                        print(f"{name}, {words}: theirs {theirs[name]}, ours {ours[name]} ({detail}): {page['url']}")
                if words == "same words" and ours["c4"] is None is theirs["c4"]:
                    counts["c4 text", words, cleaned == theirs["c4_text"]] += 1
    print(f"{total} documents; agreeing and differing verdicts")
    for name in (*RULES, "c4 text"):
        for words in ("same words", "own words"):
            if counts[name, words, True]:
                print(f"{name:18} {words:11} {counts[name, words, True]:6} {counts[name, words, False]:4}")


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("extract", "judge", "compare"))
    parser.add_argument("texts", type=Path)
    parser.add_argument("theirs", type=Path, nargs="?")
    parser.add_argument("--realweb", type=Path, default=Path("../shared/realweb"))
    arguments = parser.parse_args()
    {"extract": extract, "judge": judge, "compare": compare}[arguments.step](arguments)


if __name__ == "__main__":
    main()
