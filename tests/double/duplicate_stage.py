"""Documents, parts and runs of the near-duplicate stage, for the tests of it."""

import random
from collections import defaultdict

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared
from hypothesis import strategies as st

from dedup.near import transforms as steps
from dedup.near.against import write_sketches
from dedup.near.clusters import connected_components
from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Source
from dedup.near.transforms import FindDuplicates
from webtext.hashing import bucket_of, document_id

EVERY_PAIR = MinHashConfig(bands=128, rows=1)  # all pairs that share any value of a signature are candidates
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Memory:
    """A store of sets whose places are their numbers; remembers how much is read at once."""

    def __init__(self, sets):
        self.sets = [np.array(sorted(one), np.uint64) for one in sets]
        self.reads = []

    def sizes(self, places):
        return np.array([len(self.sets[place]) for place in places], np.int64)

    def shingles(self, places):
        self.reads.append(list(places))
        return np.concatenate([self.sets[place] for place in places])


def facts(url, karma=3, posted=None, body=""):
    return {"url": url, "id": document_id(url), "karma": karma, "first_posted": posted, "body_digest": body}


def write_parts(folder, documents, parts, config=EVERY_PAIR):
    """Write (text, facts) as a documents directory of so many parts, each document where the hash of its URL says."""
    folder.mkdir(parents=True, exist_ok=True)
    placed = defaultdict(list)
    for text, known in sorted(documents, key=lambda document: document[1]["id"]):
        placed[bucket_of(known["url"], parts)].append((text, known))
    for part in range(parts):
        suffix = f"{part:05d}-of-{parts:05d}"
        with (
            (folder / f"part-{suffix}.parquet").open("wb") as table,
            (folder / f"shingles-{suffix}.bin").open("wb") as own,
        ):
            write_sketches(table, own, placed[part], config)
    return Source(str(folder), parts)


def spanning_forest(edges):
    """Contract edges to a star for each component, (smallest node, other node): shape (at most nodes - 1, 2)."""
    nodes, smallest = connected_components(edges)
    members = smallest != nodes
    return np.stack([smallest[members], nodes[members]], axis=1)


def run_beam(plan, output, *flags):
    output.mkdir()
    options = PipelineOptions(["--runner=FnApiRunner", "--no_save_main_session", *flags])
    with beam.Pipeline(options=options) as pipeline:
        pipeline | FindDuplicates(plan, str(output))


def run_steps(plan, output, shuffler):
    """Run the steps by hand, in any order of elements, each group's values in any order, a DoFn for each element."""
    output.mkdir()

    def step(kind, elements, *arguments):
        elements = list(elements)
        shuffler.shuffle(elements)
        for element in elements:
            fresh = kind(plan, Shared(), *arguments)
            fresh.setup()
            yield from fresh.process(element)

    def grouped(pairs):
        groups = defaultdict(list)
        for key, value in pairs:
            groups[key].append(value)
        for values in groups.values():
            shuffler.shuffle(values)
        return groups.items()

    pairs = step(steps.ProposePairs, grouped(step(steps.ReadKeys, range(plan.runs))))
    members = step(steps.ConnectPairs, grouped(step(steps.VerifyPairs, grouped(pairs))))
    judged = list(step(steps.JudgeClusters, grouped(step(steps.DescribeMembers, grouped(members)))))
    verdicts = [element for element in judged if isinstance(element, tuple)]
    tallies = [element.value for element in judged if not isinstance(element, tuple)]
    list(step(steps.WriteVerdicts, grouped(verdicts + [(run, b"") for run in range(plan.runs)]), str(output)))
    steps.write_summary(tallies, plan, str(output))


def run_at_once(plan, output):
    """Run the task that is the whole search."""
    output.mkdir()
    return steps.find_at_once(plan, str(output))


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rejections(folder):
    rows = [row for path in sorted(folder.glob("rejections-*")) for row in pq.read_table(path).to_pylist()]
    return {row["url"]: row for row in rows}


def edited(seed, size=40, edits=0):
    shuffler = random.Random(seed)
    text = [shuffler.choice(LETTERS) + shuffler.choice(LETTERS) for _ in range(size)]
    for _ in range(edits):
        text[shuffler.randrange(size)] = "EDIT"
    return " ".join(text)


DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 3), st.sampled_from(["", "", "b1"])), max_size=14
).map(
    lambda drawn: [
        (edited(seed, edits=edits), facts(f"http://h.test/{number}", karma, number % 3, body))
        for number, (seed, edits, karma, body) in enumerate(drawn)
    ]
)
