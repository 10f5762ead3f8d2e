"""Recitation is found where it was planted, in texts and in a model; the command draws what it measures."""

import argparse
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dedup.overlap.bloom import FilterInfo, NgramFilter, write_filter
from dedup.overlap.ngrams import Grams, text_ngram_hashes
from model.gpt2.data import encode_texts
from model.gpt2.network import GPTConfig, create
from model.gpt2.optimizers import Schedule
from model.gpt2.tokenizer import byte_tokenizer
from model.gpt2.train import Split, TrainConfig, train
from model.verdict.memorization import (
    Recital,
    distribution,
    fitting,
    gap,
    loss_curve,
    losses,
    overlap_with,
    overlaps,
    recite,
    summary,
)
from pipelines.commands import memorization
from webtext.errors import UsageError
from webtext.text import ngrams, words

BYTES = byte_tokenizer()
STORY = "the quick brown fox jumps over a lazy dog while seven wizards mix bright potions under old bridges at noon "
SHAPE = GPTConfig(n_layer=2, n_head=2, n_embd=64, block_size=128, vocab_size=257)


@given(st.lists(st.text(st.sampled_from("ab ")), max_size=4), st.text(st.sampled_from("ab "), max_size=60))
def test_overlap_is_the_share_of_8_grams_seen(texts, text):
    known = {gram for other in texts for gram in ngrams(words(other), 8)}
    own = list(ngrams(words(text), 8))
    expected = sum(gram in known for gram in own) / len(own) if own else None
    assert overlap_with(texts)(text) == expected


def test_planted_recitation_is_found():
    story = "it was the best of times it was the worst of times and so on"
    overlap = overlap_with([story, "short"])
    texts = [f"he said: {story.upper()}!", "too short", "an entirely different text of more than eight words"]
    shares = distribution(texts, overlap)
    assert shares == [0.0, pytest.approx(8 / 10)]
    expected = {"texts": 2, "median": 0.4, "mean": 0.4, "share_without": 0.5, "share_above_half": 0.5}
    assert summary(shares) == pytest.approx(expected)
    assert summary([]) == {"texts": 0}
    assert overlaps({"all": texts, "none": []}, overlap) == {
        "all": {**summary(shares), "distribution": shares}, "none": {"texts": 0, "distribution": []},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that read one sentence over and over, and its model."""
    folder = tmp_path_factory.mktemp("recited")
    split = Split(
        encode_texts(iter([STORY * 30]), BYTES, folder / "train"),
        encode_texts(iter(["a text of another kind altogether, with none of it"]), BYTES, folder / "heldout"),
        BYTES,
    )
    config = TrainConfig(
        Schedule(3e-3, 300, 10), 512, device="cpu", evaluate_every=75, checkpoint_every=300, evaluate_tokens=100
    )
    return folder / "run", train(SHAPE, config, split, folder / "run").model


def test_a_model_that_learnt_by_heart_recites_and_one_that_did_not_does_not(run):
    _, model = run
    asked = Recital(samples=6, prompt_tokens=32, sample_tokens=90, top_k=1)
    texts = [STORY * 3, STORY[20:] * 3]
    overlap = overlap_with([STORY * 2])
    recited = recite(model, BYTES, texts, asked)
    assert len(recited.written) == len(recited.real) == 4  # pieces of 122 are made of 321 and 261 bytes
    assert recited.real[:2] == ((STORY * 3)[32:122], (STORY[20:] * 3)[32:122])
    assert summary(distribution(recited.written, overlap))["mean"] > 0.5
    fresh = recite(create(SHAPE, 1), BYTES, texts, asked)
    assert not any(distribution(fresh.written, overlap))
    assert losses(model, BYTES, [STORY])["nats_per_token"] < 0.7
    assert losses(model, BYTES, ["#+_!"])["nats_per_token"] > 4


def test_samples_are_a_function_of_the_seed_and_of_the_prompts_before(run):
    _, model = run
    texts = [STORY + letter for letter in "abc"]
    asked = Recital(samples=3, prompt_tokens=8, sample_tokens=20)
    assert recite(model, BYTES, texts, asked) == recite(model, BYTES, texts, asked)
    few = recite(model, BYTES, texts, Recital(samples=2, prompt_tokens=8, sample_tokens=20))
    assert few.real == recite(model, BYTES, texts, asked).real[:2]
    assert recite(model, BYTES, ["short"], asked).written == ()


def test_a_recital_fits_the_network_or_says_so(run):
    _, model = run
    with pytest.raises(UsageError, match="a prompt of 100 and a sample of 29 tokens do not fit into"):
        recite(model, BYTES, [STORY * 2], Recital(1, 100, 29))
    assert fitting(Recital(1, 100, 29), 128) == Recital(1, 100, 28)
    assert fitting(Recital(1, 10, 29), 128) == Recital(1, 10, 29)
    with pytest.raises(ValueError, match="samples 0, prompt_tokens 32"):
        Recital(0)
    with pytest.raises(UsageError, match="no text to score"):
        losses(model, BYTES, [""])


def test_the_curve_sets_recent_training_loss_beside_held_out_loss():
    log = [{"step": step, "loss": float(step)} for step in range(6)]
    log[3]["heldout_loss"], log[5]["heldout_loss"] = 9.0, 8.0
    assert loss_curve(log) == [
        {"step": 4, "loss": 2.5, "heldout_loss": 9.0},
        {"step": 6, "loss": 5.0, "heldout_loss": 8.0},
    ]
    assert loss_curve([]) == []


def test_end_of_text_ends_a_sample():
    stopping = create(SHAPE, 0)
    with torch.no_grad():
        stopping.ln_f.weight.zero_()
        stopping.ln_f.bias.fill_(1.0)
        stopping.wte.weight.zero_()
        stopping.wte.weight[BYTES.end_of_text] = 1.0
    assert recite(stopping, BYTES, [STORY * 2], Recital(1, 32, 90, top_k=1)).written == ("",)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    pq.write_table(pa.table({"text": [STORY * 3]}), folder / "train-00000-of-00001.parquet")
    held = [STORY * 2, "nothing of this was ever in the text that it was trained on, no word of it. " * 3]
    pq.write_table(pa.table({"text": held}), folder / "heldout-00000-of-00001.parquet")
    return folder


def command(*arguments):
    parser = argparse.ArgumentParser()
    memorization.add_arguments(parser)
    return memorization.run(parser.parse_args([str(argument) for argument in arguments]), [])


def test_the_command_measures_and_draws(run, corpus, tmp_path, capsys):
    flags = (run[0], "--corpus", corpus, "--top-k", 1, "--sample-tokens", 80, "--device", "cpu", "--output")
    assert command(*flags, tmp_path / "exact") == 0
    printed = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"[\d,]+ parameters: loss on training text 0\.\d+, on held-out text [\d.]+ nats a token; "
        r"gap \+[\d.]+( \[[-+][\d.]+, \+[\d.]+\])? over \d+ and \d+ documents",
        printed[0],
    )
    assert any(line.startswith("held-out documents: median 50.00% of a text's 8-grams stand in") for line in printed)
    assert printed[-1] == "| held-out documents: 8-gram overlap, median | 50.0% | 2.6 % |"
    found = json.loads((tmp_path / "exact" / "memorization.json").read_text())
    assert [point["step"] for point in found["curve"]] == [75, 150, 225, 300]
    assert found["overlap"]["held-out documents"]["distribution"] == [0.0, 1.0]
    assert found["losses"]["held-out"]["nats_per_token"] > found["losses"]["training"]["nats_per_token"]
    page = (tmp_path / "exact" / "memorization.html").read_text()
    assert page.count('class="chart"') == 2
    found["curve"] = found["curve"][:1]  # one measurement is no line
    memorization._write(found, tmp_path / "one")
    assert (tmp_path / "one" / "memorization.html").read_text().count('class="chart"') == 1
    assert command(run[0], *flags[:3], *flags[3:], tmp_path / "sizes") == 0
    sizes = json.loads((tmp_path / "sizes" / "memorization.json").read_text())["sizes"]
    assert [size["losses"] for size in sizes] == [found["losses"]] * 2
    assert (tmp_path / "sizes" / "memorization.html").read_text().count('class="chart"') == 3
    assert "http" not in page.partition("<body>")[2]

    info = FilterInfo(Grams(8, "gpt2"), capacity=10_000)
    ngram_filter = NgramFilter(info)
    ngram_filter.add(text_ngram_hashes(STORY * 3, info.grams), 1)
    with (tmp_path / "corpus.ngrams").open("wb") as stream:
        write_filter(stream, ngram_filter)
    assert command(*flags, tmp_path / "filter", "--ngrams", tmp_path / "corpus.ngrams") == 0
    assert json.loads((tmp_path / "filter" / "memorization.json").read_text())["overlap"] == found["overlap"]


def test_what_the_command_cannot_do_is_one_line(run, corpus, tmp_path):
    flags = (run[0], "--output", tmp_path / "out", "--device", "cpu", "--corpus")
    with pytest.raises(UsageError, match="samples 0, prompt_tokens"):
        command(*flags, corpus, "--samples", 0)
    with pytest.raises(UsageError, match="writes corpus"):
        command(*flags, corpus, "--ngrams", tmp_path / "none")
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "train-0.parquet")
    pq.write_table(pa.table({"text": ["x" * 20]}), tmp_path / "heldout-0.parquet")
    with pytest.raises(UsageError, match="no held-out text has 128 tokens"):
        command(*flags, tmp_path)
    (tmp_path / "heldout-0.parquet").unlink()
    with pytest.raises(UsageError, match="has no held-out text"):
        command(*flags, tmp_path)


def test_a_gap_has_an_interval_over_documents():
    one = {"nats_per_token": 2.0, "error": 0.3, "documents": 200}
    found = gap(one, {"nats_per_token": 2.5, "error": 0.4, "documents": 300})
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - 1.972 * 0.5, 0.5 + 1.972 * 0.5), abs=1e-3)
    assert gap(one, {"nats_per_token": 2.5, "error": None, "documents": 1}).low is None
