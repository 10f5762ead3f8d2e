"""Texts a CPU-second through language identification: langdetect, and the stand-in that must give the same answers.

    python benchmarks/language_speed.py [--warc FILE] [--texts 400] [--rounds 3]

The texts are those of real pages in many languages. Each round asks both about every text, one after the other; the
ratio is of medians.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from real_texts import real_texts

from webtext.extract.language_detector import Detect, load_detector


def seconds_of(detector: Detect, texts: list[str]) -> float:
    """Tell the CPU seconds for all texts."""
    began = time.process_time()
    for text in texts:
        detector(text)
    return time.process_time() - began


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warc", type=Path, default=Path("../shared/realweb/web.warc.gz"))
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    found = real_texts(arguments.warc)
    texts = found[:: max(1, len(found) // arguments.texts)][: arguments.texts]
    reference, stand_in = load_detector("langdetect"), load_detector("langdetect_rs")
    equal = sum(reference(text) == stand_in(text) for text in texts)
    slow, fast = (
        statistics.median(seconds_of(detector, texts) for _ in range(arguments.rounds))
        for detector in (reference, stand_in)
    )
    rates = {"langdetect_per_cpu_s": round(len(texts) / slow), "langdetect_rs_per_cpu_s": round(len(texts) / fast)}
    print(json.dumps({"texts": len(texts), "equal_answers": equal, **rates, "ratio": round(slow / fast, 1)}))


if __name__ == "__main__":
    main()
