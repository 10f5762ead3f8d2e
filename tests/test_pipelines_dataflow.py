"""What a job on Dataflow is made of: graphs whose size hardly knows the size of the input, and the files to launch it.

Dataflow refuses a graph of more than 10 MB (its documentation, "Quotas and limits"). A graph grows with the tasks that
are listed in it, so each stage is wired here for 10,000 files, and its proto weighed.
"""

import apache_beam as beam
import pytest

from dedup.minhash import MinHashConfig
from dedup.parts import Catalog, Source
from dedup.transforms import FindDuplicates, Plan
from pipelines import documents, fetch, harvest, index
from pipelines.documents import DocumentsConfig, WriteBuckets
from pipelines.harvest import HarvestConfig
from pipelines.runner import Engine
from pipelines.shards import Shard, ShardsConfig, WriteShards
from webtext import storage
from webtext.dumps import plan_dumps
from webtext.fetch_config import FetchConfig

FILES = 10_000
MOST_BYTES = 1_000_000  # a tenth of what Dataflow takes
BUCKET = "gs://a-bucket-with-a-long-name/webtext/2017-12"


def names(kind):
    return [f"{kind}-{number:05d}-of-{FILES:05d}.parquet" for number in range(FILES)]


def wire_harvest(root, _monkeypatch):
    dumps = plan_dumps([f"{BUCKET}/submissions/RS_{number:05d}.zst" for number in range(FILES)], [])
    harvest.harvest(root, HarvestConfig(shards=harvest.MOST_SHARDS), dumps, f"{BUCKET}/links.unfinished")


def wire_fetch(root, monkeypatch):
    monkeypatch.setattr(storage, "list_files", lambda *_: names("links"))
    fetch.fetch(root, f"{BUCKET}/links", f"{BUCKET}/pages.unfinished", 256, FetchConfig(contact="mailto:a@b.example"))


def wire_index(root, monkeypatch):
    monkeypatch.setattr(storage, "list_files", lambda *_: names("links"))
    archives = [f"{BUCKET}/crawl/segments/1512948511435.4/warc/{number:05d}.warc.gz" for number in range(FILES)]
    config = index.IndexConfig(linked_only=True, files=FILES // 16)
    index.index(root, archives, f"{BUCKET}/links", f"{BUCKET}/pages.unfinished", config)


def wire_documents(root, _monkeypatch):
    buckets = documents.plan_buckets([f"{BUCKET}/pages/{name}" for name in names("index")], FILES * 1000)
    assert len(buckets) == FILES
    tasks = root | beam.Create(buckets).with_output_types(documents.Bucket) | beam.Reshuffle()
    tasks | WriteBuckets(f"{BUCKET}/documents.unfinished", DocumentsConfig())


def wire_duplicates(root, _monkeypatch):
    plan = Plan(Catalog((Source(f"{BUCKET}/documents", FILES),)), FILES * 1000, MinHashConfig())
    root | FindDuplicates(plan, f"{BUCKET}/duplicates.unfinished")


def wire_corpus(root, _monkeypatch):
    parts = names("part")
    tasks = [Shard(tuple(parts[number : number + 5]), number // 5, FILES // 5) for number in range(0, FILES, 5)]
    write = WriteShards(f"{BUCKET}/documents", f"{BUCKET}/duplicates", f"{BUCKET}/corpus.unfinished", ShardsConfig())
    root | beam.Create(tasks) | beam.Reshuffle() | write


WIRES = [wire_harvest, wire_fetch, wire_index, wire_documents, wire_duplicates, wire_corpus]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.__name__.removeprefix("wire_"))
def test_the_graph_for_10_000_files_is_under_a_tenth_of_what_dataflow_takes(wire, monkeypatch):
    pipeline = beam.Pipeline(options=Engine(1).options())
    wire(pipeline, monkeypatch)
    assert pipeline.to_runner_api().ByteSize() < MOST_BYTES
