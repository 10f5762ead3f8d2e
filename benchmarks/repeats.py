"""What removing repeated lines and passages would take from real pages, before anybody turns it on.

    python benchmarks/repeats.py [--warc FILE]

For each limit: lines that at least so many documents of at least three hosts have, the share of all words that are in
them, and the most frequent ones to read; then passages of 50 words that come in at least two documents.
"""

import argparse
import json
from pathlib import Path
from urllib.parse import urlsplit

from real_texts import real_pages

from dedup.kernels import word_hashes
from dedup.repeats import (
    RepeatsConfig,
    line_hashes,
    remove_lines,
    repeated_spans,
    repeated_units,
    span_hashes,
    tally_units,
)

CONFIG = RepeatsConfig()


def main() -> None:
    """Read the command line, measure, print a line of JSON for each limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warc", type=Path, default=Path("../shared/realweb/web.warc.gz"))
    pages = [(urlsplit(url).hostname or "", text) for url, text in real_pages(parser.parse_args().warc)]
    total = sum(len(word_hashes(text)) for _, text in pages)
    lines = tally_units((host, line_hashes(text)) for host, text in pages)
    every_line = {line for _, text in pages for line in text.split("\n")}
    named = {hashed: line for line in sorted(every_line) for hashed in line_hashes(line).tolist()}
    for hosts in (1, CONFIG.min_hosts):
        for documents in (2, 3, 5, 10, 20):
            found, counts, _ = repeated_units(lines, documents, hosts)
            left = sum(len(word_hashes(remove_lines(text, found))) for _, text in pages)
            top = sorted(zip(counts.tolist(), found.tolist(), strict=True), key=lambda one: (-one[0], one[1]))[:5]
            told = {
                "documents": documents,
                "hosts": hosts,
                "lines": len(found),
                "share_of_words": round(1 - left / total, 5),
                "examples": [[count, named[hashed][:80]] for count, hashed in top],
            }
            print(json.dumps(told, ensure_ascii=False))
    spans = tally_units((host, span_hashes(text, CONFIG.span_words)) for host, text in pages)
    for hosts in (1, 2):
        found = repeated_units(spans, 2, hosts)[0]
        covered = sum(end - first for _, text in pages for first, end in repeated_spans(text, found, CONFIG.span_words))
        share = round(covered / total, 5)
        print(json.dumps({"span_words": CONFIG.span_words, "documents": 2, "hosts": hosts, "share_of_words": share}))


if __name__ == "__main__":
    main()
