"""GPT-2's WebText, the whole way on one screen: Reddit's submissions in, a filtered and de-duplicated corpus out.

    python examples/gpt2_webtext.py RS_2017-11.zst out/2017-11 --contact you@example.org
    python examples/gpt2_webtext.py build/sample/RS_sample.zst out/sample --replay build/sample/web.warc.gz

A stage that is done is not done again, so an interrupted run goes on where it stopped. Flags that a stage has beyond
those used here are in docs/reference/command-line.md: write them as keyword arguments.
"""

import argparse

from webtext import count_ngrams, ngram_overlap, read_corpus, run_stage

parser = argparse.ArgumentParser(description="Build WebText from submissions.")
parser.add_argument("submissions", nargs="+", help="dumps of Reddit submissions, or lists of URLs with karma")
parser.add_argument("output", help="a directory, local or gs://, s3://, hdfs://")
parser.add_argument("--contact", help="your address, which the servers that are asked can read")
parser.add_argument("--replay", help="a WARC that stands for the web")


def main(argv: list[str] | None = None) -> None:
    """Build the corpus, print its ledger, and measure how much of its held-out text its training text holds."""
    asked = parser.parse_args(argv)
    output = asked.output

    # Links with at least 3 karma, one for each canonical URL.
    run_stage("harvest", output, submissions=asked.submissions, min_karma=3)
    # Their pages, in WARC files: robots.txt obeyed, opt-outs heard, each host asked in its turn.
    run_stage("fetch", output, contact=asked.contact, replay=asked.replay)
    # Text, GPT-2's filters, near-duplicates by verified MinHash, shards.
    ledger = run_stage("build", output, preset="webtext", language=["en"], threshold=0.7, held_out=0.05)

    for stage, counts in ledger.items():
        print(f"{stage:<12}{counts.given:>9,} given{counts.kept:>9,} kept  {dict(counts.rejected)}")

    # GPT-2's Table 6: the share of a text's 8-grams that the training text holds too.
    train = count_ngrams(document.text for document in read_corpus(output, "train"))
    for document in list(read_corpus(output, "validation"))[:3]:
        print(f"{ngram_overlap(document.text, train) or 0:.1%} of the 8-grams are in the training text: {document.url}")


if __name__ == "__main__":
    main()
