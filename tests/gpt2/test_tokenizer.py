"""The tokenizer is GPT-2's: equal to Hugging Face's on hard Unicode, with the same files."""

import importlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.gpt2.export import export_huggingface
from model.gpt2.network import GPTConfig, create
from model.gpt2.tokenizer import (
    Tokenizer,
    byte_symbols,
    byte_tokenizer,
    gpt2_file,
    gpt2_tokenizer,
    load_tokenizer,
    train_tokenizer,
)
from webtext.errors import UsageError

HARD = [
    "",
    " ",
    "\n\n\n  \t x",
    "I'll they've DON'T it's IT'S 'sx ' s don't you're I'm we'd",
    "naïve café — “quotes” … ½ № ™",
    "日本語のテキスト、漢字とかな。",
    "עברית العَرَبِيَّة हिन्दी ไทย",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 e\u0301 é",
    "a\u200bb\u00a0c\u2028d\x00e\x85f",
    "1234567 3.14 ١٢٣ Ⅷ ²",
    "<|endoftext|",
    "\ufeffBOM \U0010ffff \ud7ff",
    "x" * 3000 + " " * 500 + "\n" * 100 + "!" * 200,
]


@pytest.fixture(scope="module")
def trained():
    return train_tokenizer(["the cat sat on the mat, the cat's hat — naïve! "] * 20 + HARD, 320)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, trained):
    transformers, made = importlib.import_module("transformers"), {}  # It takes seconds: not while tests are collected.
    for tokenizer in (gpt2_tokenizer(), trained, byte_tokenizer()):
        folder = tmp_path_factory.mktemp(tokenizer.name)
        shape = GPTConfig(n_layer=1, n_head=1, n_embd=4, block_size=8, vocab_size=tokenizer.vocab_size)
        export_huggingface(create(shape, 0), tokenizer, folder)
        made[tokenizer.name] = tokenizer, transformers.GPT2Tokenizer.from_pretrained(folder)
    return made


def test_the_tables_are_openais(tmp_path):
    tokenizer = gpt2_tokenizer()
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (50_257, 50_256)
    lines = gpt2_file("vocab.bpe").decode().splitlines()[1:]
    symbols = byte_symbols()
    spelt = [tuple("".join(symbols[byte] for byte in part) for part in pair) for pair in tokenizer.merges()]
    assert [" ".join(pair) for pair in spelt] == lines
    (tmp_path / "vocab.bpe").write_bytes(gpt2_file("vocab.bpe") + b"x y\n")
    with pytest.raises(UsageError, match=re.escape("vocab.bpe is not OpenAI's vocab.bpe")):
        gpt2_file("vocab.bpe", tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        gpt2_file("encoder.json", tmp_path)


def test_known_ids():
    assert gpt2_tokenizer().encode("Hello world") == [15496, 995]


@pytest.mark.parametrize("name", ["gpt2", "trained", "bytes"])
def test_equal_to_hugging_face_on_hard_text(folders, name):
    ours, theirs = folders[name]
    for text in HARD:
        assert ours.encode(text) == theirs(text)["input_ids"]
    assert theirs.eos_token_id == ours.end_of_text


@given(st.text())
def test_equal_to_hugging_face_on_any_text(folders, text):
    for ours, theirs in folders.values():
        assert ours.encode(text) == theirs(text)["input_ids"]


@given(st.text())
def test_decoding_gives_the_text_back(trained, text):
    for tokenizer in (trained, gpt2_tokenizer(), byte_tokenizer()):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_end_of_text_is_never_read_out_of_a_text():
    for tokenizer in (gpt2_tokenizer(), byte_tokenizer()):
        ids = tokenizer.encode("a<|endoftext|>b")
        assert tokenizer.end_of_text not in ids
        assert tokenizer.decode(ids) == "a<|endoftext|>b"


def test_batches_are_texts_one_by_one():
    assert gpt2_tokenizer().encode_batch(HARD) == [gpt2_tokenizer().encode(text) for text in HARD]


def test_training_is_deterministic_and_survives_the_disk(tmp_path, trained):
    again = train_tokenizer(["the cat sat on the mat, the cat's hat — naïve! "] * 20 + HARD, 320)
    assert again.fingerprint == trained.fingerprint != byte_tokenizer().fingerprint
    assert trained.vocab_size <= 320
    trained.save(tmp_path / "t.json")
    assert load_tokenizer(Path(tmp_path / "t.json")) == trained


def test_tables_that_cannot_encode_are_refused():
    with pytest.raises(ValueError, match="255 of the 256 single bytes have no token"):
        Tokenizer("bad", (b"a",))
    with pytest.raises(ValueError, match="two ids have the same bytes"):
        Tokenizer("bad", (*byte_tokenizer().tokens, b"a"))
    with pytest.raises(ValueError, match="vocab_size 100 is below 257"):
        train_tokenizer([], 100)
