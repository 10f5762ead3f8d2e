"""What a corpus gives to train on and to score on."""

import pyarrow as pa
import pyarrow.parquet as pq

from model.gpt2.corpora import Corpus


def test_a_corpus_without_a_held_out_split_holds_out_a_twentieth_by_hash(tmp_path):
    texts = [f"text {number}" for number in range(1000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "train-0.parquet")
    corpus = Corpus("corpus", tmp_path)
    trained, held = list(corpus.train()), list(corpus.heldout())
    assert sorted([*trained, *held]) == sorted(texts)
    assert 25 < len(held) < 75
