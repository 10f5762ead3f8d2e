"""Documents a CPU-second from text to MinHash signature: webtext beside datasketch, on the same real pages.

    python benchmarks/minhash_speed.py [--warc FILE] [--num-perm 128] [--rounds 3]

All shingle the words of `webtext.text.words` in fives. `datasketch` signs with `MinHash.bulk` and its own SHA-1,
`datasketch, xxh32` with a faster hash; `webtext, numpy` is what runs where numba is not installed (datasketch signs).
`sketch` is all that a build makes of a text: signature, sorted shingle set and digest.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xxhash
from datasketch import MinHash
from real_texts import long_texts

from dedup.kernels import hashes as kernels
from dedup.kernels.numba_or_numpy import compile_from_now_on
from dedup.near.minhash import MinHashConfig, signature
from dedup.near.sketch import sketch
from webtext.code_points import word_classes
from webtext.text import ngrams, words

WORDS = 1000  # the length of each text


def main() -> None:
    """Read the command line, measure, print a line for each contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warc", type=Path, default=Path("../shared/realweb/web.warc.gz"))
    parser.add_argument("--num-perm", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = [" ".join(text[:WORDS]) for text in long_texts(arguments.warc, WORDS)]
    config = MinHashConfig(num_perm=arguments.num_perm)
    by_datasketch = MinHashConfig(num_perm=arguments.num_perm, reference=True)

    def shingled(text: str) -> list[bytes]:
        return [" ".join(gram).encode() for gram in ngrams(words(text), 5)]

    def in_numpy(text: str) -> object:
        codes = np.frombuffer(text.lower().encode("utf-32-le"), np.uint32)
        hashes = kernels.word_hashes_in_numpy(codes, word_classes(1 << 21))
        return signature(kernels.ngram_hashes_in_numpy(hashes, 5), by_datasketch)

    def fused(text: str) -> object:
        return signature(kernels.ngram_hashes(kernels.word_hashes(text), 5), config)

    contenders: dict[str, Callable[[], object]] = {
        "datasketch": lambda: MinHash.bulk(map(shingled, texts), num_perm=config.num_perm),
        "datasketch, xxh32": lambda: MinHash.bulk(
            map(shingled, texts), num_perm=config.num_perm, hashfunc=xxhash.xxh32_intdigest
        ),
        "webtext, numpy": lambda: [in_numpy(text) for text in texts],
        "webtext": lambda: [fused(text) for text in texts],
        "webtext, sketch": lambda: [sketch(text, config) for text in texts],
    }
    compile_from_now_on()
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(arguments.rounds + 1):
        for name, contender in contenders.items():
            began = time.process_time()
            contender()
            if round_:  # the first is to warm up
                rates[name].append(len(texts) / (time.process_time() - began))
    base = statistics.median(rates["datasketch"])
    for name, found in rates.items():
        median = statistics.median(found)
        told = {"contender": name, "num_perm": config.num_perm, "documents": len(texts), "words": WORDS}
        print(json.dumps(told | {"documents_per_cpu_s": round(median), "times_datasketch": round(median / base, 1)}))


if __name__ == "__main__":
    main()
