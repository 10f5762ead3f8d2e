"""The network is GPT-2: same counts, same initial loss, and the same logits as `transformers` with the same weights."""

import importlib
import math
import re

import pytest
import torch

from model.gpt2.export import export_huggingface, import_huggingface
from model.gpt2.generate import GREEDY, Sampling, generate
from model.gpt2.network import GPT, PEAKS, SIZES, Cache, GPTConfig, create, flops_per_token, peak_rate, size
from model.gpt2.tokenizer import byte_tokenizer

SHAPE = GPTConfig(n_layer=3, n_head=4, n_embd=32, block_size=24, vocab_size=257, vocab_multiple=64)


@pytest.fixture(scope="module")
def model():
    return create(SHAPE, seed=1)


@pytest.fixture(scope="module")
def ids():
    return torch.randint(257, (3, 24), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("label", "parameters"),
    [("117M", 124_439_808), ("345M", 354_823_168), ("762M", 774_030_080), ("1542M", 1_557_611_200)],
)
def test_the_papers_four_sizes_have_their_real_parameter_counts(label, parameters):
    with torch.device("meta"):
        assert GPT(size(label)).parameter_count() == parameters


def test_a_size_of_no_name_is_refused_with_the_names():
    with pytest.raises(ValueError, match="no size is called '1T': choose from 124M"):
        size("1T")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_embd": 100, "n_head": 12}, "n_embd 100 is not a multiple of n_head 12: try n_embd=108"),
        ({"n_layer": 0}, "n_layer is 0, but must be at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_a_shape_that_cannot_be_built_is_refused(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        GPTConfig(**wrong)


def test_residual_projections_start_smaller_with_depth():
    model = create(GPTConfig(n_layer=8, n_head=4, n_embd=256, vocab_size=500, block_size=64), seed=0)
    for name, weight in model.named_parameters():
        if name.endswith("c_proj.weight"):
            assert weight.std().item() == pytest.approx(0.02 / math.sqrt(16), rel=0.03)
        elif name.endswith(("c_attn.weight", "c_fc.weight", "wte.weight")):
            assert weight.std().item() == pytest.approx(0.02, rel=0.03)
        elif name == "wpe.weight":
            assert weight.std().item() == pytest.approx(0.01, rel=0.03)
        elif name.endswith("bias"):
            assert weight.abs().max().item() == 0.0


def test_an_untrained_model_knows_nothing(model, ids):
    assert model(ids[:, :-1], ids[:, 1:]).item() == pytest.approx(math.log(257), abs=0.1)


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    first, second, other = create(SHAPE, 5).state_dict(), create(SHAPE, 5).state_dict(), create(SHAPE, 6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["wte.weight"], other["wte.weight"])
    assert torch.equal(before, torch.get_rng_state())


def test_no_position_sees_a_later_one(model, ids):
    changed = ids.clone()
    changed[:, 10:] = 0
    torch.testing.assert_close(model(ids)[:, :10], model(changed)[:, :10])


def test_padded_rows_of_the_vocabulary_take_no_probability(model, ids):
    assert model.wte.weight.shape[0] == 320
    assert model(ids).shape == (3, 24, 257)


def test_a_cache_changes_nothing(model, ids):
    cache = Cache()
    whole = model(ids)
    parts = [model(ids[:, :10], cache=cache), *(model(ids[:, i : i + 1], cache=cache) for i in range(10, 24))]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="25 tokens exceed the block size 24"):
        model(ids[:, :1], cache=cache)


def test_flops_follow_the_published_formula():
    assert flops_per_token(SIZES["124M"]) == pytest.approx(8.55e8, rel=0.002)


@pytest.fixture(scope="module")
def transformers():
    """Import what takes seconds, in the one process that needs it."""
    return importlib.import_module("transformers")


@pytest.fixture(scope="module")
def twin(transformers, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hf")
    export_huggingface(model, byte_tokenizer(), folder)
    return transformers.GPT2LMHeadModel.from_pretrained(folder).eval(), folder


@torch.no_grad()
def test_exported_weights_give_the_same_logits_and_loss_in_transformers(model, twin, ids):
    theirs = twin[0](ids, labels=ids)
    torch.testing.assert_close(theirs.logits, model(ids), atol=1e-4, rtol=0)
    assert model(ids[:, :-1], ids[:, 1:]).item() == pytest.approx(theirs.loss.item(), abs=1e-5)


@torch.no_grad()
def test_greedy_generation_is_that_of_transformers(model, twin, ids):
    theirs = twin[0].generate(ids[:, :6], max_new_tokens=18, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert generate(model, ids[:, :6], Sampling(max_tokens=18, top_k=1)).tolist() == theirs[:, 6:].tolist()


@torch.no_grad()
def test_a_model_of_transformers_gives_the_same_logits_here(transformers, tmp_path, ids):
    sizes = {"vocab_size": 257, "n_positions": 24, "n_embd": 48, "n_layer": 2, "n_head": 3}
    config = transformers.GPT2Config(**sizes, bos_token_id=256, eos_token_id=256)
    theirs = transformers.GPT2LMHeadModel(config).eval()
    for parameter in theirs.parameters():  # biases and gains that are not the initial zeros and ones
        parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.1)
    theirs.save_pretrained(tmp_path)
    export_huggingface(create(SHAPE, 0), byte_tokenizer(), tmp_path / "files")
    (tmp_path / "vocab.json").write_bytes((tmp_path / "files" / "vocab.json").read_bytes())
    ours, tokenizer = import_huggingface(tmp_path)
    torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-4, rtol=0)
    assert tokenizer.tokens == byte_tokenizer().tokens


def test_a_round_trip_through_hugging_face_is_exact(model, twin):
    back, _ = import_huggingface(twin[1])
    for name, weight in back.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name][: len(weight)])


def test_sampling_is_seeded_and_goes_past_the_block(model, ids):
    draw = Sampling(max_tokens=30, top_k=5, seed=3)
    first, again = generate(model, ids[:1, :4], draw), generate(model, ids[:1, :4], draw)
    assert first.shape == (1, 30)
    assert first.tolist() == again.tolist()
    assert first.tolist() != generate(model, ids[:1, :4], Sampling(max_tokens=30, top_k=5, seed=4)).tolist()


def test_a_full_window_slides(model, ids):
    slid = generate(model, ids[:1], Sampling(max_tokens=2, top_k=1))
    following = torch.cat((ids[:1, 1:], slid[:, :1]), dim=1)
    assert slid[0, 1].item() == model(following)[0, -1].argmax().item()
    assert GREEDY.top_k == 1


def test_peak_learning_rates_follow_the_size():
    """GPT-3's table 2.1 from 124M on; below, the best of benchmarks/learning_rates.py."""
    assert [peak_rate(name) for name in ("117M", "355M", "774M", "1558M")] == [6e-4, 3e-4, 2.5e-4, 2e-4]
    assert [peak_rate(name) for name in ("tiny", "small", "mini", "51M")] == [2e-3, 2e-3, 1e-3, 7e-4]
    assert PEAKS.keys() == SIZES.keys()
    with pytest.raises(ValueError, match="no size is called '9T'"):
        peak_rate("9T")
