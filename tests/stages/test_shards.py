"""Shards hold every document that stays, once; no cluster stands on both sides; sizes follow the text."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedup.near.choose import CLUSTERS
from dedup.near.sketch import sketch
from pipelines.commands.explain import explain
from pipelines.pages.page_work import judge_page
from pipelines.stages.documents import DocumentsConfig, write_bucket
from pipelines.stages.finished.verify import finished_stages
from pipelines.stages.kept import Kept
from pipelines.stages.ledger import Funnel, count_rejections, count_rows
from pipelines.stages.shards import CORPUS, Shard, ShardsConfig, count_corpus, plan_shards, write_shard
from pipelines.stages.stage import Stage, run_stage
from tests.double.documents_stage import page
from webtext.errors import UnbalancedError
from webtext.extract.pages import Extracted
from webtext.hashing import bucket_of, split_of
from webtext.manifest import Counts
from webtext.records import Rejection
from webtext.storage import create_file
from webtext.tables import ROW_GROUP_ROWS, write_records, write_table

PARTS = 4


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """Write 2,600 documents in four parts, and no cluster among them."""
    directory = tmp_path_factory.mktemp("documents")
    minhash = DocumentsConfig().minhash
    texts = {
        f"https://a.example/{n}": f"Letter number {n} from the island, with news of the ferry." for n in range(2600)
    }
    found = [judge_page(page(url), Extracted(text), ()) for url, text in texts.items()]
    for part in range(PARTS):
        own = [
            (document, sketch(document.text, minhash)) for document in found if bucket_of(document.url, PARTS) == part
        ]
        write_bucket(str(directory), f"{part:05d}-of-{PARTS:05d}", own, [])
    return str(directory), sorted(document.id for document in found)


def write_clusters(directory, members=()):
    rows = [{"id": i, "url": "", "cluster": c, "cluster_size": 2, "kept": k, "similarity": 1.0} for i, c, k in members]
    for part in range(PARTS):
        with create_file(f"{directory}/clusters-{part:05d}-of-{PARTS:05d}.parquet") as stream:
            write_table(stream, pa.Table.from_pylist(rows, schema=CLUSTERS))
    return directory


def build(documents, duplicates, output, config):
    for shard in plan_shards(documents, config):
        write_shard(shard, Kept(documents, duplicates), output, config)


def test_every_document_that_stays_is_in_one_shard(documents, tmp_path):
    directory, identities = documents
    dropped, kept, cluster = identities[3], identities[7], "f" * 16
    clusters = write_clusters(str(tmp_path / "duplicates"), [(dropped, cluster, False), (kept, cluster, True)])
    config = ShardsConfig(held_out=0.2, text_bytes_a_shard=40_000)
    build(directory, clusters, str(tmp_path / "corpus"), config)
    found = {}
    for path in sorted((tmp_path / "corpus/data").iterdir()):
        table = pq.read_table(path)
        assert table.schema.names == CORPUS.names
        for identity in table.column("id").to_pylist():
            assert identity not in found
            found[identity] = path.name.partition("-")[0]
    assert sorted(found) == [identity for identity in identities if identity != dropped]
    assert found.pop(kept) == split_of(cluster, 0.2)
    assert all(split == split_of(identity, 0.2) for identity, split in found.items())
    assert count_corpus(str(tmp_path / "corpus"), len(identities) - 1).kept == len(identities) - 1


def test_shards_follow_the_size_of_the_text_and_keep_the_order_of_the_parts(documents):
    directory, _ = documents
    assert len(plan_shards(directory, ShardsConfig())) == 1
    shards = plan_shards(directory, ShardsConfig(text_bytes_a_shard=1))
    assert [len(shard.parts) for shard in shards] == [1] * PARTS
    assert Shard(("part-x",), 3, 12).name("validation") == "data/validation-00003-of-00012.parquet"


def test_row_groups_have_their_size_whatever_the_parts(documents, tmp_path):
    directory, _ = documents
    build(directory, write_clusters(str(tmp_path / "duplicates")), str(tmp_path / "corpus"), ShardsConfig(held_out=0))
    metadata = pq.ParquetFile(tmp_path / "corpus/data" / "train-00000-of-00001.parquet").metadata
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert sizes == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 600]
    held_out = pq.read_table(tmp_path / "corpus/data/validation-00000-of-00001.parquet")
    assert (len(held_out), held_out.schema.names) == (0, CORPUS.names)


@pytest.mark.parametrize("values", [{"held_out": 1.0}, {"held_out": -0.1}, {"text_bytes_a_shard": 0}])
def test_values_out_of_range_are_named(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        ShardsConfig(**values)


def finished(tmp_path, name, given, kept, rejected):
    source = tmp_path / "source"
    source.write_text("x")

    def work(directory):
        with create_file(f"{directory}/rejections-00000-of-00001.parquet") as stream:
            rows = [Rejection(f"u{n}", name, reason) for reason, number in rejected.items() for n in range(number)]
            write_records(stream, rows, Rejection)

    stage = Stage(name, str(tmp_path / name), {}, (str(source),))
    run_stage(stage, work, lambda _: Counts(given, kept, rejected))
    return str(tmp_path / name)


def test_a_funnel_is_counted_from_files_and_must_join(tmp_path):
    directory = finished(tmp_path, "links", 10, 6, {"media": 1, "low_karma": 3})
    assert count_rejections(directory) == {"low_karma": 3, "media": 1}
    assert count_rows(directory, "rejections-*.parquet") == 4
    finished(tmp_path, "pages", 6, 5, {"http_404": 1})
    funnel = Funnel.of(str(tmp_path))
    funnel.check()
    assert [line.split() for line in funnel.lines()] == [
        ["links", "10", "links", "kept", "6", "60.0%"],
        ["-", "low_karma", "3"],
        ["-", "media", "1"],
        ["pages", "6", "links", "kept", "5", "83.3%"],
        ["-", "http_404", "1"],
    ]
    finished(tmp_path, "documents", 4, 4, {})
    with pytest.raises(UnbalancedError, match="pages kept 5, but documents was given 4"):
        Funnel.of(str(tmp_path)).check()


def test_what_was_decontaminated_is_explained_and_verified_but_is_no_part_of_the_funnel(tmp_path):
    finished(tmp_path, "corpus", 5, 5, {})
    finished(tmp_path, "decontaminated", 4, 3, {"benchmark_overlap": 1})
    Funnel.of(str(tmp_path)).check()
    assert [name for name, _ in Funnel.of(str(tmp_path)).stages] == ["corpus"]
    assert [name for name, _, _ in finished_stages(str(tmp_path))] == ["corpus", "decontaminated"]
    [finding] = explain(str(tmp_path), "u0")
    assert (finding["stage"], finding["verdict"]) == ("decontaminated", "benchmark_overlap")
