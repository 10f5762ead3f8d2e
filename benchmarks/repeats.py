"""What removing repeated lines and passages would take from real pages, before anybody turns it on.

    python benchmarks/repeats.py [--warc FILE]

For each limit: lines that at least so many documents of at least so many hosts have, the share of all words that are in
them, and the most frequent ones to read; then passages of 50 and 100 words, each left in one document only. Texts of
equal words count once, as in a build, where duplicates have gone before.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from real_texts import real_pages

from dedup.kernels.hashes import word_hashes
from dedup.near.sketch import text_digest
from dedup.repeats.cuts import Windows, repeat_cuts, without
from dedup.repeats.find import RepeatsConfig, line_hashes, repeated_lines, shared_windows, tally_lines, window_hashes

Pages = list[tuple[str, str]]


def left_over(pages: Pages, lines: Mapping[int, int], windows: Mapping[int, Windows], config: RepeatsConfig) -> int:
    """Count the words that are left."""
    none = Windows(np.empty(0, np.uint64), np.empty(0, np.int64))
    cuts = (repeat_cuts(text, lines, windows.get(place, none), config) for place, (_, text) in enumerate(pages))
    texts = (without(text, [(cut.start, cut.stop) for cut in own]) for (_, text), own in zip(pages, cuts, strict=True))
    return sum(len(word_hashes(text)) for text in texts)


def shared(pages: Pages, words: int) -> dict[int, Windows]:
    """Find the windows that each page shares, by the number of the page."""
    rows = [np.empty((0, 3), np.int64)]
    for place, (_, text) in enumerate(pages):
        first, second = window_hashes(text, words)
        rows.append(np.stack([first.view(np.int64), second.view(np.int64), np.full(len(first), place)], axis=1))
    found = shared_windows(np.concatenate(rows))
    found = found[np.lexsort((found[:, 1].view(np.uint64), found[:, 0]))]
    places, starts = np.unique(found[:, 0], return_index=True)
    return {
        int(place): Windows(own[:, 1].copy().view(np.uint64), own[:, 2])
        for place, own in zip(places, np.split(found, starts[1:]), strict=True)
    }


def main() -> None:
    """Read the command line, measure, print a line of JSON for each limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warc", type=Path, default=Path("../shared/realweb/web.warc.gz"))
    distinct = {text_digest(text): (url, text) for url, text in real_pages(parser.parse_args().warc)}
    pages = [(urlsplit(url).hostname or "", text) for url, text in distinct.values()]
    total = sum(len(word_hashes(text)) for _, text in pages)
    rows = tally_lines((host, line_hashes(text)) for host, text in pages)
    every_line = {line for _, text in pages for line in text.split("\n")}
    named = {hashed: line for line in sorted(every_line) for hashed in line_hashes(line).tolist()}
    print(json.dumps({"pages": len(pages), "words": total}))
    for hosts in (1, 2, 3):
        for documents in (2, 3, 5, 10, 20):
            found, counts, _ = repeated_lines(rows, documents, hosts)
            lines = dict(zip(found.tolist(), counts.tolist(), strict=True))
            left = left_over(pages, lines, {}, RepeatsConfig(documents, hosts))
            top = sorted(lines.items(), key=lambda one: (-one[1], one[0]))[:5]
            told = {
                "documents": documents,
                "hosts": hosts,
                "lines": len(found),
                "share_of_words": round(1 - left / total, 5),
                "examples": [[count, named[hashed][:80]] for hashed, count in top],
            }
            print(json.dumps(told, ensure_ascii=False))
    for words in (50, 100):
        left = left_over(pages, {}, shared(pages, words), RepeatsConfig(passage_words=words))
        print(json.dumps({"passage_words": words, "share_of_words": round(1 - left / total, 5)}))


if __name__ == "__main__":
    main()
