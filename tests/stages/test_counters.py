"""What Dataflow's page shows of a job: a counter for each stage and reason, which add up as the ledger does."""

import apache_beam as beam
import pytest

from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Catalog, Source
from dedup.near.search import Plan
from dedup.near.transforms import FindDuplicates
from pipelines.engine.runner import DoTasks, Engine
from pipelines.stages.archives import index
from pipelines.stages.documents import DocumentsConfig, WriteBuckets, plan_buckets
from pipelines.stages.duplicates import SearchInOneTask
from pipelines.stages.kept import Kept
from pipelines.stages.output import Output
from pipelines.stages.shards import ShardsConfig, WriteShards, plan_shards
from pipelines.stages.stage import read_manifest
from sample.build import ARCHIVE
from webtext import storage


@pytest.fixture
def built(sample_built):
    return sample_built


def do(worker):
    return beam.ParDo(DoTasks(worker))


def counted(construct):
    """Run a pipeline and give its counters as namespace → name → number."""
    pipeline = beam.Pipeline(options=Engine(1).options())
    construct(pipeline)
    result = pipeline.run()
    result.wait_until_finish()
    found = {}
    for counter in result.metrics().query()["counters"]:
        found.setdefault(counter.key.metric.namespace, {})[counter.key.metric.name] = counter.committed
    return found


def ledger(directory):
    counts = read_manifest(str(directory)).counts
    return {"kept": counts.kept, **counts.rejected}


@pytest.mark.parametrize("at_once", [False, True])
def test_an_index_counts_what_each_page_came_to(sample_web, built, tmp_path, at_once):
    arguments = [str(sample_web / ARCHIVE)], None, str(tmp_path), index.IndexConfig(linked_only=False, files=1)
    if at_once:
        found = counted(lambda root: root | beam.Create([0]) | do(index.IndexInOneTask(*arguments)))
    else:
        found = counted(lambda root: index.index(root, *arguments))
    assert found["index"] == ledger(built / "pages")


def test_documents_are_counted_by_reason(built, tmp_path):
    pages = str(built / "pages")
    files = [storage.join(pages, name) for name in storage.list_files(pages, "index-*.parquet")]
    buckets = plan_buckets(files, read_manifest(pages).counts.kept)
    found = counted(lambda root: root | beam.Create(buckets) | do(WriteBuckets(str(tmp_path), DocumentsConfig())))
    assert found["documents"] == ledger(built / "documents")


@pytest.mark.parametrize("at_once", [False, True])
def test_duplicates_are_counted_by_reason(built, tmp_path, at_once):
    documents = str(built / "documents")
    parts = len(storage.list_files(documents, "part-*.parquet"))
    plan = Plan(Catalog((Source(documents, parts),)), read_manifest(documents).counts.kept, MinHashConfig())
    if at_once:
        found = counted(lambda root: root | beam.Create([0]) | do(SearchInOneTask(plan, str(tmp_path))))
    else:
        found = counted(lambda root: root | FindDuplicates(plan, str(tmp_path)))
    rejected = dict(read_manifest(str(built / "duplicates")).counts.rejected)
    assert {name: number for name, number in found["dedup"].items() if name in rejected} == rejected
    assert set(rejected) == {"exact_duplicate", "near_duplicate"}


def test_a_corpus_counts_its_splits(built, tmp_path):
    config = ShardsConfig()
    kept = Kept.of(Output(str(built)))
    shards = plan_shards(kept.documents, config)
    found = counted(lambda root: root | beam.Create(shards) | do(WriteShards(kept, str(tmp_path), config)))
    assert found["corpus"] == read_manifest(str(built / "corpus")).counts.notes
