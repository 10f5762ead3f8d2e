"""dolma's tools on WARC files: extract, tag, de-duplicate, mix; run by end_to_end.py with dolma's own Python.

PYTHON benchmarks/peers/dolma_chain.py WARC_FOLDER OUTPUT_FOLDER WORKERS LINEARIZER [TAGGER ...]

Five of its commands in order: `warc` with the linearizer and a language tagger (cld2: its fastText one downloads a
model), `tag` with the taggers that are named (none: no such step), `dedupe` for documents of equal text and `dedupe`
for paragraphs that stood before, both by Bloom filter, and `mix`, which keeps English and drops what the thresholds of
the taggers (the Gopher and C4 papers') and the Bloom filters name. dolma has no near-duplicate stage. Its result is
compressed JSON lines. At its start it looks for NLTK's punkt, to download it, and then never reads it: a folder of that
name is made.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

GOPHER = [
    ("word_count", "<", 50),
    ("word_count", ">", 100_000),
    ("median_word_length", "<", 3),
    ("median_word_length", ">", 10),
    ("symbol_to_word_ratio", ">", 0.1),
    ("fraction_of_words_with_alpha_character", "<", 0.8),
    ("required_word_count", "<", 2),
    ("fraction_of_lines_starting_with_bullet_point", ">", 0.9),
    ("fraction_of_lines_ending_with_ellipsis", ">", 0.3),
    ("fraction_of_duplicate_lines", ">", 0.3),
    ("fraction_of_characters_in_duplicate_lines", ">", 0.2),
    *((f"fraction_of_characters_in_most_common_{n}grams", ">", limit) for n, limit in ((2, 0.2), (3, 0.18), (4, 0.16))),
    *(
        (f"fraction_of_characters_in_duplicate_{n}grams", ">", limit)
        for n, limit in ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.1))
    ),
]


class Chain:
    """dolma's commands over one folder."""

    def __init__(self, output: Path, workers: int) -> None:
        """Make the folders that the commands expect."""
        self.output, self.workers = output, workers
        (output / "nltk" / "tokenizers" / "punkt").mkdir(parents=True, exist_ok=True)
        self._environment = os.environ | {"NLTK_DATA": str(output / "nltk")}

    def run(self, command: str, settings: dict[str, Any]) -> None:
        """Run one command from a file of settings."""
        path = self.output / f"{command}-{len(list(self.output.glob('*.json')))}.json"
        path.write_text(json.dumps(settings | {"processes": self.workers}))
        program = Path(sys.executable).with_name("dolma")
        subprocess.run([str(program), "-c", str(path), command], check=True, env=self._environment, stdout=sys.stderr)

    def dedupe(self, name: str, unit: dict[str, Any], count: int) -> None:
        """Mark what a Bloom filter has seen before."""
        bloom = {
            "file": str(self.output / f"{name}.bin"),
            "read_only": False,
            "estimated_doc_count": count,
            "desired_false_positive_rate": 1e-6,
        }
        documents = [str(self.output / "documents" / "*.gz")]
        self.run("dedupe", {"documents": documents, "dedupe": {"name": name} | unit, "bloom_filter": bloom})


def mixing(output: Path, taggers: list[str]) -> dict[str, Any]:
    """Say what is kept."""
    exclude = ["$@.attributes[?(@.same_text && @.same_text[0] && @.same_text[0][2] >= 1.0)]"]
    if "gopher_v2" in taggers:
        name = "rules__gopher_v2__"
        exclude += [
            f"$@.attributes[?(@.{name}{rule} && @.{name}{rule}[0] && @.{name}{rule}[0][2] {sign} {limit})]"
            for rule, sign, limit in GOPHER
        ]
    if "c4_v2" in taggers:
        exclude += [f"$@.attributes[?(@.rules__c4_v2__{rule})]" for rule in ("has_curly_brace", "has_lorem_ipsum")]
    language = "cld2_en_doc_v2__cld2_en_doc_v2__en"
    attributes = ["same_text", "same_paragraph", *(["rules"] if taggers else [])]
    stream = {
        "name": "corpus",
        "documents": [str(output / "documents" / "*.gz")],
        "attributes": attributes,
        "output": {"path": str(output / "corpus"), "max_size_in_bytes": 1 << 28, "min_text_length": 1},
        "filter": {"include": [f"$.attributes[?(@.{language}[0][2] >= 0.5)]"], "exclude": exclude},
        "span_replacement": [{"span": "$.attributes.same_paragraph", "min_score": 1.0, "replacement": ""}],
    }
    return {"streams": [stream]}


def main() -> None:
    """Run the commands in order."""
    warcs, output, workers, linearizer, taggers = *sys.argv[1:3], int(sys.argv[3]), sys.argv[4], sys.argv[5:]
    chain = Chain(Path(output).resolve(), workers)
    documents = chain.output / "documents"
    language = {"taggers": ["cld2_en_doc_v2"]}
    read = {"documents": [f"{Path(warcs).resolve()}/*.warc.gz"], "destination": [str(documents)]}
    chain.run("warc", read | {"source_name": "pages", "linearizer": linearizer, "post": language})
    if taggers:
        chain.run("tag", {"documents": [str(documents / "*.gz")], "taggers": taggers, "experiment": "rules"})
    chain.dedupe(
        "same_text", {"documents": {"attribute_name": "same_text", "key": "$.text"}, "skip_empty": True}, 10**6
    )
    chain.dedupe("same_paragraph", {"paragraphs": {"attribute_name": "same_paragraph"}, "skip_empty": True}, 10**7)
    chain.run("mix", mixing(chain.output, taggers))


if __name__ == "__main__":
    main()
