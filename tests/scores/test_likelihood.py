"""Scores: each token once, the same for any batch, perplexity V for a uniform model, tasks as their papers say."""

import json
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.gpt2.network import GPTConfig, create
from model.gpt2.tokenizer import byte_tokenizer, gpt2_tokenizer
from model.scores.detokenize import STYLES, detokenize, detokenize_line, tokenize_line
from model.scores.lambada import STOP_WORDS, predict_word, score_lambada
from model.scores.language_modeling import score_set, words_and_line_ends
from model.scores.likelihood import (
    bits_per_byte,
    document_bits,
    encode_pair,
    perplexity,
    score_continuations,
    token_nats,
    windows,
)
from model.scores.published import TABLE_3, table
from model.scores.tasks import accuracy, by_overlap, check_dirty, read_cbt, read_items, score_choices
from webtext.errors import UsageError
from webtext.items import Choice

SHAPE = GPTConfig(n_layer=2, n_head=2, n_embd=32, block_size=16, vocab_size=257)
BYTES = byte_tokenizer()


@pytest.fixture(scope="module")
def model():
    made = create(SHAPE, 0)
    with torch.no_grad():
        for parameter in made.parameters():  # opinions, so that differences show
            parameter.mul_(4.0)
    return made.eval()


@pytest.fixture(scope="module")
def uniform():
    made = create(SHAPE, 0)
    torch.nn.init.zeros_(made.wte.weight)
    return made.eval()


@given(st.lists(st.lists(st.integers(0, 9), max_size=60), max_size=5), st.integers(1, 16), st.data())
def test_each_token_is_scored_once_after_all_context_that_fits(documents, block, data):
    stride = data.draw(st.integers(1, block))
    scored = [[] for _ in documents]
    for window in windows(documents, 256, block, stride):
        assert len(window.ids) <= block + 1
        scored[window.document] += window.ids[len(window.ids) - window.scored :]
    assert scored == documents


def test_a_window_holds_the_tokens_before_its_targets():
    cut = list(windows([list(range(10))], 99, 4, 4))
    assert [window.ids for window in cut] == [[99, 0, 1, 2, 3], [3, 4, 5, 6, 7], [5, 6, 7, 8, 9]]
    assert [window.scored for window in cut] == [4, 4, 2]
    with pytest.raises(ValueError, match="stride 5 is not between 1 and the block size 4"):
        list(windows([[1]], 99, 4, 5))


def test_rolling_scores_are_those_of_the_model(model):
    document = BYTES.encode("a rolling text, longer than a block")
    (nats,) = token_nats(model, [document], 256, stride=1)
    for position in range(len(document)):
        context = [256, *document[:position]][-16:]
        logits = model(torch.tensor([context]))[0, -1]
        assert nats[position] == pytest.approx(-torch.log_softmax(logits, 0)[document[position]].item(), abs=1e-4)


def test_a_uniform_model_has_perplexity_v_and_log_v_bits(uniform):
    text = "The quick brown fox — ½"
    ids = BYTES.encode(text)
    (nats,) = token_nats(uniform, [ids], 256)
    assert perplexity(nats.sum(), len(ids)) == pytest.approx(257, rel=1e-5)
    assert bits_per_byte(nats.sum(), len(text.encode())) == pytest.approx(math.log2(257), rel=1e-6)
    assert document_bits(uniform, BYTES, [text, ""]).tolist() == pytest.approx([len(ids) * math.log2(257), 0.0])
    with pytest.raises(ValueError, match="0 bytes has no bits"):
        bits_per_byte(1.0, 0)
    with pytest.raises(ValueError, match="0 units has no perplexity"):
        perplexity(1.0, 0)


@pytest.mark.parametrize("batch_tokens", [1, 40, 100_000])
def test_batch_and_padding_change_no_score(model, batch_tokens):
    documents = [BYTES.encode(text) for text in ("a", "several words here", "", "a" * 50, "last one")]
    alone = [token_nats(model, [document], 256)[0] for document in documents]
    for one, other in zip(alone, token_nats(model, documents, 256, batch_tokens=batch_tokens), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    pairs = [("a context", " tail"), ("b", " c"), ("a much longer context than a block", " of the same")]
    single = [score_continuations(model, BYTES, [pair])[0] for pair in pairs]
    for one, other in zip(single, score_continuations(model, BYTES, pairs, batch_tokens), strict=True):
        assert one.nats == pytest.approx(other.nats, abs=1e-4)
        assert one.is_greedy == other.is_greedy


def test_a_continuation_is_scored_after_its_context(model):
    (score,) = score_continuations(model, BYTES, [("ab", " cé")])
    (nats,) = token_nats(model, [BYTES.encode("ab cé")], 256)
    assert score.nats == pytest.approx(nats[2:].sum(), abs=1e-4)
    assert (score.tokens, score.characters, score.n_bytes) == (4, 2, 3)  # the space before it is scored, not counted
    with pytest.raises(ValueError, match="nothing to score"):
        score_continuations(model, BYTES, [("a", "")])
    (long,) = score_continuations(model, BYTES, [("a", "b" * 20)])
    assert (score.is_cut, long.is_cut, long.tokens) == (False, True, 20)
    assert long.nats == pytest.approx(
        token_nats(model, [BYTES.encode("b" * 16)], BYTES.encode("b")[0])[0].sum(), abs=1e-4
    )


def test_the_cut_between_context_and_continuation_is_that_of_the_whole():
    gpt2 = gpt2_tokenizer()
    assert encode_pair(gpt2, "Hello ", "world") == ([15496], [995])
    assert encode_pair(gpt2, "", "world") == ([], gpt2.encode("world"))


PTB = " mr. vinken 's firm did n't rise \n the dogs ' tails cost $ N a share \n"
WIKITEXT = ' \n = Robert <unk> = \n " I know , " he ( Bob ) said : 2004 @-@ 05 cost 1 @,@ 000 @.@ 5 . \n'


@pytest.mark.parametrize(
    ("style", "text", "natural"),
    [
        ("ptb", PTB, "mr. vinken's firm didn't rise\nthe dogs' tails cost $N a share\n"),
        ("wikitext", WIKITEXT, ' \n= Robert <unk> =\n"I know," he (Bob) said: 2004-05 cost 1,000.5.\n'),
        ("1bw", "I don 't know , \" he said .", "I don't know, \"he said."),
        ("penn", "`` yes , '' he -LRB- bob -RRB- said , `` it 's fine . ''", "“yes,” he (bob) said, “it's fine.”"),
        ("natural", "as  it is ,", "as  it is ,"),
    ],
)
def test_artefacts_are_undone(style, text, natural):
    assert detokenize(text, style).text == natural


def test_full_stops_stay_with_abbreviations_as_in_moses_tokeniser():
    lines = [
        " St. Paul , Jr . , and J. R. Smith of the U.S. , e.g. , came at No. 5 . ",
        ' " Wait ... no ! " ( he said ( twice ) , etc . ) . See No . ',
        " some <unk> @,@ 000 of 1 @,@ <unk> @.@ 5 in SmackDown ! , vs. all . ",
    ]
    whole = [
        "St. Paul, Jr., and J. R. Smith of the U.S., e.g., came at No. 5.",
        '"Wait ... no!" (he said (twice), etc.). See No.',
        "some <unk>,000 of 1,<unk>.5 in SmackDown!, vs. all.",
    ]
    for line, natural in zip(lines, whole, strict=True):
        found, rules = detokenize_line(line, "wikitext")
        assert (found, len(rules)) == (natural, len(STYLES["wikitext"]))
        assert tokenize_line(found, rules) == line


def test_wikitext_2_is_rewritten_fully(realweb):
    path = realweb.parent / "wikitext2" / "wiki.test.tokens"
    if not path.is_file():
        pytest.skip("WikiText-2's test set is not beside realweb")
    text = path.read_bytes().decode()
    found = detokenize(text, "wikitext")
    assert words_and_line_ends(text) == 245_569  # the literature counts as many
    assert found.words_fully > 0.99
    lines = (detokenize_line(line, "wikitext") for line in text.split("\n"))
    assert "\n".join(tokenize_line(*line) for line in lines) == text


def test_only_a_line_feed_ends_a_line():
    assert words_and_line_ends("a b\u2028c\u0085d\u00a0e \x1c f\n\ng") == 5 + 3


TOKENS = st.sampled_from(
    [
        "the",
        "dogs",
        "'",
        "'s",
        "n't",
        '"',
        "(",
        ")",
        ",",
        ".",
        "@-@",
        "@,@",
        "1",
        "2",
        "-",
        "$",
        "``",
        "''",
        "",
        "don",
        "'t",
    ]
)


@given(st.lists(TOKENS, max_size=12), st.sampled_from(sorted(STYLES)))
def test_every_line_can_be_restored_exactly(tokens, style):
    line = " ".join(tokens)
    natural, rules = detokenize_line(line, style)
    assert tokenize_line(natural, rules) == line


def test_all_of_ptb_is_rewritten_reversibly(realweb):
    for name in ("ptb.test.txt", "ptb.valid.txt"):
        text = (realweb / "benchmarks" / name).read_text()
        result = detokenize(text, "ptb")
        assert (result.fully, result.partly, result.untouched) == (len(text.split("\n")), 0, 0)
        assert "\n".join(tokenize_line(line, STYLES["ptb"]) for line in result.text.split("\n")) == text


def test_sets_are_divided_by_their_own_units(uniform):
    tokens = len(detokenize(PTB, "ptb").text)
    ptb = score_set(uniform, BYTES, "ptb", PTB)
    assert (ptb.units, ptb.tokens) == (18, tokens)
    assert ptb.value == pytest.approx(257 ** (tokens / 18), rel=1e-5)
    text8 = score_set(uniform, BYTES, "text8", "naïve")
    assert text8.value == pytest.approx(6 * math.log2(257) / 5, rel=1e-5)
    enwik8 = score_set(uniform, BYTES, "enwik8", "naïve")
    assert enwik8.value == pytest.approx(math.log2(257), rel=1e-5) == enwik8.bits_per_byte
    assert (enwik8.stride, enwik8.block_size, enwik8.lines_detokenized) == (16, 16, 1.0)
    with pytest.raises(ValueError, match="style 'latin' is not one of"):
        detokenize("x", "latin")


def test_choices_are_scored_by_each_criterion(model):
    items = [Choice((("q", " aa"), ("q", " bbbbb")), 1), Choice((("x", " c"), ("yy", " c")), 0)]
    scores = score_choices(model, BYTES, items, full=True)
    for number, item in enumerate(items):
        own = [score_continuations(model, BYTES, [option])[0] for option in item.options]
        assert scores.picks["acc"][number] == min((0, 1), key=lambda i, own=own: own[i].nats)
        assert scores.picks["acc_norm"][number] == min((0, 1), key=lambda i, own=own: own[i].nats / own[i].characters)
        whole = [score_continuations(model, BYTES, [("", "".join(option))])[0].nats for option in item.options]
        assert scores.picks["full"][number] == whole.index(min(whole))
        gold = own[item.gold]
        assert scores.gold_bits_per_byte[number] == pytest.approx(gold.nats / gold.n_bytes / math.log(2), abs=1e-5)
    assert scores.right("acc") == [pick == gold for pick, gold in zip(scores.picks["acc"], [1, 0], strict=True)]
    with pytest.raises(ValueError, match="option 2 is not one of the 1 given"):
        Choice((("a", "b"),), 2)


def test_wilsons_interval():
    found = accuracy([True] * 8 + [False] * 2)
    assert found.percent == pytest.approx(80.0)
    assert (found.low, found.high) == pytest.approx((49.02, 94.33), abs=0.01)
    assert (accuracy([True]).high, accuracy([False]).low) == (pytest.approx(100.0), 0.0)
    with pytest.raises(ValueError, match="no items"):
        accuracy([])


def test_items_are_read_in_their_spellings(tmp_path, realweb):
    path = tmp_path / "items.jsonl"
    spelt = [
        {"query": "Q", "choices": ["a", " b"], "gold": 1},
        {"context_options": ["A x", "B x"], "continuation": "ran.", "gold": 0},
        {"context": "once", "continuation": "upon"},
    ]
    path.write_text("".join(json.dumps(item) + "\n" for item in spelt))
    assert read_items(path) == [
        Choice((("Q", " a"), ("Q", " b")), 1),
        Choice((("A x", " ran."), ("B x", " ran.")), 0),
        Choice((("once", " upon"),), 0),
    ]
    path.write_text('{"what": 1}\n')
    with pytest.raises(UsageError, match=re.escape("items.jsonl:1: no item is spelt with what")):
        read_items(path)
    with pytest.raises(UsageError, match="does not exist"):
        read_items(tmp_path / "none")
    counts = {"winograd_wsc": 273, "lambada_openai": 5153, "piqa": 1838, "copa": 100}
    for name, count in counts.items():
        assert len(read_items(realweb / "benchmarks" / f"{name}.jsonl")) == count


def test_the_childrens_book_test_is_read(tmp_path):
    lines = [f"{n} Sentence {n} ." for n in range(1, 21)] + ["21 The XXXXX ran .\tdog\t\tcat|dog|cow", ""]
    path = tmp_path / "cbt.txt"
    path.write_text("\n".join(lines * 2))
    items = read_cbt(path)
    assert len(items) == 2
    assert items[1].gold == 1
    assert items[0].options[0][0].endswith("Sentence 20. The")
    assert [after for _, after in items[0].options] == [" cat ran.", " dog ran.", " cow ran."]


def test_clean_and_dirty_items_are_told_apart():
    parts = by_overlap([True, False, True, True], [1, 2])
    assert {name: (part.percent, part.items) for name, part in parts.items()} == {
        "all": (75.0, 4), "clean": (100.0, 2), "dirty": (50.0, 2),
    }  # fmt: skip
    assert by_overlap([True], []).keys() == {"all", "clean"}
    with pytest.raises(UsageError, match="goes to 4, but the items end at 3"):
        check_dirty([4], 4)
    check_dirty([], 0)


def test_lambada_protocols_count_what_they_say(model):
    items = [Choice((("the", " wo"),), 0), Choice((("b", " c"),), 0)]
    nats = [token_nats(model, [BYTES.encode(text)], 256)[0] for text in ("the wo", "b c")]
    word = score_lambada(model, BYTES, items, "word")
    assert word.perplexity == pytest.approx(math.exp((nats[0][-3:].sum() + nats[1][-2:].sum()) / 2), rel=1e-4)
    last = score_lambada(model, BYTES, items, "last_bpe")
    assert last.perplexity == pytest.approx(math.exp((nats[0][-1] + nats[1][-1]) / 2), rel=1e-4)
    assert score_lambada(model, BYTES, items, "stopword").protocol == "stopword"
    with pytest.raises(ValueError, match="protocol 'first' is not one of"):
        score_lambada(model, BYTES, items, "first")


def test_a_stop_word_is_never_predicted():
    gpt2 = gpt2_tokenizer()
    made = create(GPTConfig(n_layer=1, n_head=1, n_embd=16, block_size=32), 0).eval()
    favourite, second = gpt2.encode(" the")[0], gpt2.encode(" dog")[0]
    with torch.no_grad():
        torch.nn.init.zeros_(made.wte.weight)
        made.ln_f.weight.zero_()
        made.ln_f.bias.zero_()
        made.ln_f.bias[0] = 1.0
        made.wte.weight[favourite, 0], made.wte.weight[second, 0] = 9.0, 8.0
    assert "the" in STOP_WORDS
    assert predict_word(made, gpt2, gpt2.encode("I saw")) == "dog"


def test_the_papers_table_has_a_row_of_ours():
    shown = table({"ptb_perplexity": 65.851, "piqa_accuracy": 50.0, "lambada_word_perplexity": 102_743.6})
    assert "| 117M, paper | 35.13 | 45.99 | 87.65 | 83.4 | 29.41 | 65.85 | 1.16 | 1.17 | 37.5 | 75.2 |" in shown
    assert "| ours | - | - | - | - | - | 65.85 | - | - | - | - |" in shown
    assert "| piqa accuracy | 50 | - |" in shown
    assert "| lambada word perplexity | 102,744 | - |" in shown
    assert all(len(row) == 10 for row in TABLE_3.values())
