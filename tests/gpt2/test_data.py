"""Batches are a pure function of the step, without replacement, the same for any number of processes."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.gpt2.data import Batches, TokenFile, encode_corpus, encode_texts, permute, read_texts, shard_paths
from model.gpt2.device import World
from model.gpt2.export import export_llmc, export_nanogpt
from model.gpt2.tokenizer import byte_tokenizer, gpt2_tokenizer
from model.gpt2.train import micro_batch_size, micro_batches
from webtext.errors import UsageError


def write_shard(path, texts, column="text"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": [str(i) for i in range(len(texts))], column: texts}), path)
    return path


@pytest.fixture
def corpus(tmp_path):
    write_shard(tmp_path / "corpus" / "train-00001-of-00002.parquet", ["third", "fourth ½"])
    write_shard(tmp_path / "corpus" / "train-00000-of-00002.parquet", ["first", "", "second"])
    write_shard(tmp_path / "corpus" / "heldout-00000-of-00001.parquet", ["held out"])
    return tmp_path / "corpus"


def test_shards_are_read_by_split_and_name(corpus, tmp_path):
    assert list(read_texts(shard_paths(corpus, "train"))) == ["first", "second", "third", "fourth ½"]
    assert list(read_texts(shard_paths(corpus, "heldout"))) == ["held out"]
    other = write_shard(tmp_path / "other" / "deep" / "part.parquet", ["x"])
    assert shard_paths(tmp_path / "other", "train") == [other] == shard_paths(other, "train")
    assert shard_paths(tmp_path / "other", "heldout") == [] == shard_paths(other, "heldout")


def test_what_cannot_be_read_says_why(tmp_path):
    with pytest.raises(UsageError, match="does not exist: name a corpus folder"):
        shard_paths(tmp_path / "nowhere", "train")
    path = write_shard(tmp_path / "x.parquet", ["x"], column="body")
    with pytest.raises(UsageError, match="has no column `text`: its columns are id, body"):
        list(read_texts([path]))
    with pytest.raises(UsageError, match="its shards are empty"):
        encode_corpus([write_shard(tmp_path / "y.parquet", [""])], byte_tokenizer(), tmp_path / "tokens")


def test_each_document_is_preceded_by_end_of_text(corpus, tmp_path):
    tokenizer = byte_tokenizer()
    tokens = encode_corpus(shard_paths(corpus, "train"), tokenizer, tmp_path / "tokens")
    texts = ["first", "second", "third", "fourth ½"]
    expected = [id_ for text in texts for id_ in (256, *tokenizer.encode(text))]
    assert tokens.ids.tolist() == expected
    assert tokens.documents() == [tokenizer.encode(text) for text in texts]
    assert (tokens.about["tokens"], tokens.about["documents"], tokens.about["bytes"]) == (len(expected), 4, 25)
    assert tokens.ids.dtype == np.uint16


def test_tokens_are_kept_until_shards_or_tokenizer_change(corpus, tmp_path):
    paths, folder = shard_paths(corpus, "train"), tmp_path / "tokens"
    encode_corpus(paths, byte_tokenizer(), folder)
    stamp = (folder / "tokens.bin").stat().st_mtime_ns
    encode_corpus(paths, byte_tokenizer(), folder)
    assert (folder / "tokens.bin").stat().st_mtime_ns == stamp
    first = encode_corpus(paths, gpt2_tokenizer(), folder).about["fingerprint"]
    write_shard(paths[0], ["another first"])
    assert encode_corpus(paths, gpt2_tokenizer(), folder).about["fingerprint"] != first
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


@given(st.integers(1, 3000), st.integers(0, 2**63))
def test_a_permutation_meets_each_index_once(size, key):
    assert sorted(permute(np.arange(size), size, key).tolist()) == list(range(size))


def test_permutations_differ_by_key_and_look_random():
    first, second = permute(np.arange(10_000), 10_000, 1), permute(np.arange(10_000), 10_000, 2)
    assert abs(np.corrcoef(first, np.arange(10_000))[0, 1]) < 0.05
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert permute(np.array([10**12 - 1]), 10**12, 0)[0] < 10**12


@given(st.integers(10, 400), st.integers(1, 9), st.integers(1, 7), st.integers(0, 99))
def test_an_epoch_reads_no_token_twice_and_batches_cross_epochs(length, block, batch, seed):
    ids = np.arange(length, dtype=np.uint16)
    batches = Batches(ids, block, batch, seed)
    steps = -(-3 * batches.blocks // batch)
    starts = np.concatenate([batches.samples(step) for step in range(steps)])
    for epoch in range(3):
        of_epoch = np.sort(starts[epoch * batches.blocks : (epoch + 1) * batches.blocks])
        assert (np.diff(of_epoch) == block).all()
        assert of_epoch[0] >= 0
        assert of_epoch[-1] + block + 1 <= length
        assert length - batches.blocks * block <= 2 * block
    read = batches.read(starts[:1])
    assert read.tolist() == [list(range(starts[0], starts[0] + block + 1))]


def test_a_batch_is_computed_without_those_before_it():
    ids = np.arange(5000, dtype=np.uint16)
    assert Batches(ids, 8, 32, 1).samples(10**9).tolist() == Batches(ids, 8, 32, 1).samples(10**9).tolist()
    assert Batches(ids, 8, 32, 1).samples(0).tolist() != Batches(ids, 8, 32, 2).samples(0).tolist()


def test_too_little_text_is_refused():
    with pytest.raises(UsageError, match="8 tokens do not fill one block of 8"):
        Batches(np.arange(8, dtype=np.uint16), 8, 1, 0)


@pytest.mark.parametrize(("processes", "micro"), [(1, 2), (2, 2), (4, 2), (2, 4), (1, 16), (8, 1)])
def test_any_number_of_processes_reads_the_same_global_batch(processes, micro):
    starts = np.arange(16) * 10
    shares = [micro_batches(starts, micro, World(rank, processes)) for rank in range(processes)]
    passes = len(shares[0])
    merged = [shares[rank][number] for number in range(passes) for rank in range(processes)]
    assert np.concatenate(merged).tolist() == starts.tolist()


def test_micro_batches_fit_the_device_and_divide_the_share():
    assert micro_batch_size(512, 1024, 8, "cuda") == 64
    assert micro_batch_size(6, 1024, 1, "cpu") == 3
    assert micro_batch_size(7, 1024, 1, "cpu") == 1
    with pytest.raises(UsageError, match=re.escape("7 sequences cannot be shared by 2 processes")):
        micro_batch_size(7, 1024, 2, "cpu")


def test_token_files_of_nanogpt_and_llmc(tmp_path):
    tokens = encode_texts(iter(["ab", "c"]), byte_tokenizer(), tmp_path / "tokens")
    export_nanogpt(tokens, tmp_path / "train.bin")
    ids = byte_tokenizer().encode("abc")
    assert np.fromfile(tmp_path / "train.bin", np.uint16).tolist() == [ids[0], ids[1], 256, ids[2], 256]
    (shard,) = export_llmc(tokens, tmp_path, "train")
    header, body = np.fromfile(shard, np.int32, 256), np.fromfile(shard, np.uint16, offset=1024)
    assert header[:4].tolist() == [20240520, 1, 5, 0]
    assert body.tolist() == [256, ids[0], ids[1], 256, ids[2]]


def test_llmc_shards_are_cut_and_large_vocabularies_get_wide_ids(tmp_path, monkeypatch):
    monkeypatch.setattr("model.gpt2.export.LLMC_SHARD_TOKENS", 3)
    tokens = encode_texts(iter(["ab", "c"]), byte_tokenizer(), tmp_path / "tokens")
    shards = export_llmc(tokens, tmp_path, "train")
    assert [path.name for path in shards] == ["train_000000.bin", "train_000001.bin"]
    assert [np.fromfile(path, np.int32, 3).tolist() for path in shards] == [[20240520, 1, 3], [20240520, 1, 2]]
    assert [path.stat().st_size for path in shards] == [256 * 4 + 3 * 2, 256 * 4 + 2 * 2]
    wide = tmp_path / "wide"
    wide.mkdir()
    np.array([70_000, 5, 6, 70_000, 7], np.uint32).tofile(wide / "tokens.bin")
    np.save(wide / "starts.npy", np.array([0, 3, 5]))
    (wide / "about.json").write_text('{"dtype": "uint32"}')
    first, _ = export_llmc(TokenFile(wide), tmp_path, "wide")
    assert np.fromfile(first, np.int32, 3).tolist() == [20240801, 7, 3]
    assert np.fromfile(first, np.uint32, offset=1024).tolist() == [70_000, 5, 6]
    with pytest.raises(UsageError, match="this vocabulary needs more"):
        export_nanogpt(TokenFile(wide), tmp_path / "wide.bin")


@pytest.mark.parametrize("place", ["tokens", "tokens.partial"])
def test_a_folder_of_the_users_is_not_written_over(tmp_path, place):
    (tmp_path / place).mkdir()
    (tmp_path / place / "diary.txt").write_text("mine")
    with pytest.raises(UsageError, match=f"{place} holds diary.txt, which is not webtext's"):
        encode_texts(iter(["a text"]), byte_tokenizer(), tmp_path / "tokens")
    assert (tmp_path / place / "diary.txt").read_text() == "mine"
