"""The verdict end to end: damaged copies rank below the corpus, halves cannot be told apart, and commands work."""

import json
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.gpt2.corpora import Corpus, read_neutral, take, thin
from model.gpt2.damage import DAMAGES, duplicate_documents, shuffle_paragraphs
from model.gpt2.device import World
from model.gpt2.network import SIZES
from model.gpt2.tokenizer import byte_tokenizer, gpt2_tokenizer
from model.gpt2.train import TrainConfig
from model.verdict.compare import BETTER, CANNOT_TELL, WORSE, PanelScores, compare
from model.verdict.judge import NgramJudge, Panel, Sample, first, gpt_bits, gpt_runs, ngram_judges
from model.verdict.order import preferred
from model.verdict.question import Question
from model.verdict.report_text import render
from model.verdict.tiers import TIERS
from model.verdict.validate import validate
from tests.double.written_corpus import TINY, article, write_corpus
from webtext.errors import UsageError
from webtext.ngram_model import train_ngrams


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("validate")


@pytest.fixture(scope="module")
def corpus(folder):
    return write_corpus(folder, "corpus", range(240))


@pytest.fixture(scope="module")
def other(folder):
    return write_corpus(folder, "other", range(1000, 1240))


@pytest.fixture(scope="module")
def neutral(folder):
    path = folder / "neutral.txt"
    path.write_text("\n".join(article(f"n{number}") for number in range(60)))
    return path


@pytest.fixture(scope="module")
def verdict(corpus, neutral, folder):
    return validate(Question(corpus, neutral=(neutral,)), TINY, folder / "out", device="cpu")


def test_a_corpus_beats_its_damaged_copies(verdict, folder):
    verdicts = {name: found.verdict for name, found in verdict.comparisons.items()}
    assert verdicts.keys() == DAMAGES.keys()
    assert verdicts["shuffled words"] == verdicts["30 % duplicates"] == BETTER
    assert verdicts["30 % boilerplate"] != WORSE  # 70 % of the text teaches so simple a language
    assert verdict.comparisons["shuffled words"].reason == "decided on neutral text: neutral.txt"
    shuffled, boilerplate = (verdict.comparisons[name].overall for name in ("shuffled words", "30 % boilerplate"))
    assert shuffled.estimate > 0.1 > abs(boilerplate.estimate)
    assert verdict.is_good
    assert [check.passed for check in verdict.checks] == [True, True, True]
    stored = json.loads((folder / "out" / "verdict.json").read_text())
    assert stored["good"] is True
    assert stored["comparisons"]["30 % duplicates"]["verdict"] == "better"
    steps = [json.loads(line) for line in (folder / "out" / "log.jsonl").read_text().splitlines()]
    assert [(step["corpus"], step["step"]) for step in steps] == [("corpus", number) for number in range(39)]
    assert len((folder / "out" / "samples.txt").read_text().split("--------")) == 5


def test_a_verdict_is_the_same_every_time(verdict, corpus, neutral, folder):
    again = validate(Question(corpus, neutral=(neutral,)), TINY, folder / "again", device="cpu")
    assert again == verdict
    assert (folder / "again" / "verdict.json").read_bytes() == (folder / "out" / "verdict.json").read_bytes()
    assert (folder / "again" / "samples.txt").read_bytes() == (folder / "out" / "samples.txt").read_bytes()


def test_the_report_says_what_was_found(verdict):
    report = render(verdict)
    judge = "Kneser-Ney 5-grams over GPT-2's tokens"
    assert report.startswith(f"# Verdict: tier tiny, judge {judge}\n")
    assert f"- The corpus is better than its copy with shuffled words, say {judge}: +" in report
    assert "  A million tokens of its copy with 30 % duplicates are worth 0." in report
    assert "  A million tokens of its copy with shuffled words are worth less than 0." in report
    assert re.search(r"prefer \d+ % \[\d+, \d+\] of \d+ held-out pages as they stand", report)
    assert "The positive control, a copy with shuffled paragraphs: " in report
    assert re.search(r"so this GPT-2, 20,000 tokens read of .*, beats unigrams; it shows that", report)
    assert "| neutral.txt |" in report
    assert "- passed: beats unigrams on unseen text (" in report
    failed = replace(verdict, checks=tuple(replace(check, passed=False) for check in verdict.checks))
    assert "- FAILED: starts at ln V (" in render(failed)
    assert not failed.is_good


def test_two_samples_of_one_source_cannot_be_told_apart(corpus, other, neutral, folder):
    found = validate(Question(corpus, other, (neutral,)), TINY, folder / "halves", device="cpu")
    assert found.comparisons["other"].verdict == CANNOT_TELL
    assert "cannot be told from the other corpus by Kneser-Ney 5-grams over GPT-2's tokens: " in render(found)
    blind = validate(Question(corpus, other), TINY, folder / "blind", device="cpu")
    assert blind.comparisons["other"].overall is None
    assert "no neutral text was named" in render(blind)


def test_gpt2_judges_with_several_seeds(corpus, neutral, folder):
    tier = replace(TINY, judge="gpt2", trained=0, seeds=2, tokens=16_000)
    found = validate(
        Question(corpus, neutral=(neutral,), damages=("shuffled words",)), tier, folder / "gpt", device="cpu"
    )
    difference = found.comparisons["shuffled words"].overall
    assert difference.estimate > 0.1
    assert difference.training_error > 0
    worth = found.efficiencies["shuffled words"]
    assert worth.ratio < 1.0
    assert worth.budgets == (7 * 512, 15 * 512, 31 * 512)
    assert [run["seed"] for run in map(json.loads, (folder / "gpt" / "log.jsonl").open())].count(1) == 2 * 31


def test_every_model_learns_as_many_tokens(corpus, folder):
    corpora = [Corpus("corpus", corpus), Corpus("copies", corpus, duplicate_documents)]
    tier = replace(TINY, trained=0)
    config = TrainConfig(schedule=tier.schedule(), tokens_per_step=512, device="cpu")
    runs = gpt_runs(
        corpora,
        replace(tier, tokens=512 * 12),
        byte_tokenizer(),
        replace(config, schedule=replace(config.schedule, steps=12, warmup_steps=1)),
        folder / "equal",
        World(),
    )
    assert len({len(run.split.train.ids) for run in runs}) == 1
    panels = [Panel("p", True, ("one text", "two texts"))]
    bits = gpt_bits(runs, panels, byte_tokenizer())
    assert bits["corpus"][0].shape == (2, 2)
    sample = Sample([[1, 2, 3], [4, 5]], [0, 1])
    assert sample.kept(-1).tolist() == [True] * 5
    assert first(sample.kept(0), 1).tolist() == [False, False, False, True, False]
    assert first(sample.kept(-1), 4).tolist() == [True] * 4 + [False]


def test_a_long_document_is_thinned_evenly():
    whole = "".join(chr(ord("a") + number % 26) for number in range(8192))
    assert thin(whole) == whole
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(100_000))
    slices = thin(text).split("\n")
    assert [len(part) for part in slices] == [1024] * 8
    assert [text.index(part) for part in slices] == [98_976 * number // 7 % 20_000 for number in range(8)]
    assert slices[-1][-1] == text[-1]


def test_what_corpora_share_cancels(corpus):
    same = [Corpus("one", corpus), Corpus("two", corpus)]
    judges = ngram_judges(same, TINY, gpt2_tokenizer())
    found = judges["two"].score([Panel("p", True, (article("x"), article("y")))])
    assert len(found.bits["one"]) == len(found.bits["two"]) == len(found.tokens)
    for one, two in zip(found.bits["one"], found.bits["two"], strict=True):
        assert (one[0] == two[0]).all()
        assert one[0].shape == (7, 2)
    assert 0 < found.tokens[-1, 0] <= 60_000


def test_a_corpus_without_a_held_out_split_gets_one(tmp_path):
    texts = [article(f"x{number}") for number in range(100)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "part.parquet", row_group_size=10)
    plain = Corpus("plain", tmp_path)
    train, heldout = list(plain.train()), list(plain.heldout())
    assert sorted(train + heldout) == sorted(texts)
    assert 1 <= len(heldout) <= 15
    assert sorted(plain.train(1)) == sorted(train) != list(plain.train(1))
    assert list(plain.train(1)) != train


def test_neutral_text_is_read_in_its_spellings(tmp_path, corpus):
    lines = [
        {"text": "plain"},
        {"query": "Question: Q: ", "choices": ["a", "b"], "gold": 1},
        {"context_options": ["A", "B"], "continuation": "ran.", "gold": 0},
        {"context": "once", "continuation": "upon"},
    ]
    path = tmp_path / "n.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(read_neutral(path)) == ["plain", "Q: b", "A ran.", "once upon"]
    text = tmp_path / "n.txt"
    text.write_text(("word " * 100 + "\n") * 10)
    assert "".join(read_neutral(text)) == text.read_text()
    assert len(list(read_neutral(text))) == 3
    assert len(list(read_neutral(corpus))) == 228
    assert take(iter(["ab", "cd", "ef"]), 3) == ["ab", "cd"]
    path.write_text('{"what": 1}\n')
    with pytest.raises(UsageError, match=r"n\.jsonl:1: no item is spelt with what"):
        list(read_neutral(path))
    with pytest.raises(UsageError, match="does not exist: name a file of neutral text"):
        list(read_neutral(tmp_path / "none.txt"))


def test_questions_that_cannot_be_answered_are_refused(tmp_path, corpus):
    with pytest.raises(UsageError, match="no damage is called rot: choose from shuffled words"):
        Question(corpus, damages=("rot",))
    (tmp_path / "one.txt").write_text("one short text")
    with pytest.raises(
        UsageError,
        match=re.escape("one.txt has 1 document, too few for a verdict with an error bar: give a text with more"),
    ):
        Question(corpus, neutral=(tmp_path / "one.txt",)).panels(1000)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"judge": "coin"}, "judge 'coin' is not one of"),
        ({"judge": "gpt2", "trained": 1}, "every corpus trains one"),
        ({"judge": "gpt2", "trained": 0}, "a GPT-2 that judges needs at least 2 seeds, not 1"),
        ({"tokens": 10}, "tokens 10 must be at least tokens_per_step 512"),
    ],
)
def test_tiers_that_buy_nothing_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **wrong)


def test_the_tiers_are_those_of_the_documentation():
    assert [(tier.name, tier.judge, tier.seeds) for tier in TIERS.values()] == [
        ("smoke", "ngram", 1), ("quick", "ngram", 1), ("gpu", "gpt2", 3), ("full", "gpt2", 3),
    ]  # fmt: skip
    assert all(tier.size in SIZES for tier in TIERS.values())
    assert TIERS["full"].tokens == 10_000_000_000


def test_the_control_ranks_real_stories(realweb, tmp_path):
    """On LAMBADA's passages, which are English prose: the order of words is seen, and halves are alike."""
    texts = list(read_neutral(realweb / "benchmarks" / "lambada_openai.jsonl"))
    panel = Panel("stories", True, tuple(texts[4600:]))
    for side, part in (("one", texts[:2300]), ("two", texts[2300:4600])):
        pq.write_table(pa.table({"text": part}), tmp_path / f"{side}.parquet")
    one, two = Corpus("one", tmp_path / "one.parquet"), Corpus("two", tmp_path / "two.parquet")
    shuffled = Corpus("shuffled", tmp_path / "one.parquet", DAMAGES["shuffled words"])
    verdicts = {}
    for name, judge in ngram_judges([one, two, shuffled], replace(TINY, ngram_tokens=10**6), gpt2_tokenizer()).items():
        bits = judge.score([panel]).bits
        scores = PanelScores("stories", True, panel.n_bytes(), bits["one"][-1][0], bits[name][-1][0])
        verdicts[name] = compare([scores], jackknife=True).verdict
    assert verdicts == {"two": CANNOT_TELL, "shuffled": BETTER}


def test_the_order_of_rows_decides_nothing(tmp_path):
    """Sorted, grouped by a word, or the longest first: the same documents teach the same, to the last bit."""
    texts = [article(f"r{number}") for number in range(160)] + [" ".join(article(f"g{n}") for n in range(400))]
    layouts = {
        "as made": texts,
        "sorted": sorted(texts),
        "grouped": sorted(texts, key=lambda text: text.split()[1]),
        "giant first": sorted(texts, key=len, reverse=True),
    }
    corpora = []
    for name, rows in layouts.items():
        pq.write_table(pa.table({"text": rows}), tmp_path / f"{name}.parquet")
        corpora.append(Corpus(name, tmp_path / f"{name}.parquet"))
    assert len({tuple(corpus.train()) for corpus in corpora}) == 1
    assert len({tuple(corpus.heldout()) for corpus in corpora}) == 1
    assert list(corpora[0].train(1)) != list(corpora[0].train())
    panel = Panel("p", True, tuple(article(f"p{number}") for number in range(20)))
    for name, judge in ngram_judges(corpora, replace(TINY, ngram_tokens=8000), gpt2_tokenizer()).items():
        found = judge.score([panel])
        assert (found.bits[name][-1][0] == found.bits["as made"][-1][0]).all()
        pair = PanelScores("p", True, panel.n_bytes(), found.bits["as made"][-1][0], found.bits[name][-1][0])
        assert compare([pair], jackknife=True).verdict == CANNOT_TELL


def test_a_giant_document_takes_no_more_of_the_budget_than_others(tmp_path):
    """Budgets are in tokens, after thinning: 2 MB in one document are no reason to teach less."""
    giant = " ".join(article(f"g{number}") for number in range(1500))
    texts = [article(f"t{number}") for number in range(150)]
    for name, rows in (("plain", texts), ("giant", [giant, *texts])):
        pq.write_table(pa.table({"text": rows}), tmp_path / f"{name}.parquet")
    corpora = [Corpus(name, tmp_path / f"{name}.parquet") for name in ("plain", "giant")]
    found = ngram_judges(corpora, replace(TINY, ngram_tokens=30_000), gpt2_tokenizer())["giant"]
    assert found.tokens[-1, 0] == 30_000


def test_company_changes_no_comparison(tmp_path):
    """What else the corpus is compared with gives a comparison neither fewer tokens nor a wider interval."""
    texts = [article(f"c{number}") * (1 + number % 7) for number in range(150)]
    for name, rows in (("plain", texts), ("few", texts[:90])):
        pq.write_table(pa.table({"text": rows}), tmp_path / f"{name}.parquet")
    plain, few = (Corpus(name, tmp_path / f"{name}.parquet") for name in ("plain", "few"))
    copy = Corpus("copy", plain.path, duplicate_documents)
    panel, tier = Panel("p", True, (article("x"), article("y"))), replace(TINY, ngram_tokens=10**6)
    alone, beside = (
        ngram_judges(corpora, tier, gpt2_tokenizer())["copy"].score([panel])
        for corpora in ([plain, copy], [plain, few, copy])
    )
    assert alone.tokens.tolist() == beside.tokens.tolist()
    assert (alone.bits["copy"][-1][0] == beside.bits["copy"][-1][0]).all()


def test_too_few_documents_are_said_before_anything_is_trained(tmp_path):
    texts = [" ".join(article(f"few{number}/{part}") for part in range(20)) for number in range(8)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "train-0.parquet")
    pq.write_table(pa.table({"text": texts[:2]}), tmp_path / "heldout-0.parquet")
    with pytest.raises(UsageError, match=r"too few documents for an error bar: corpus 8 different of 8"):
        validate(Question(tmp_path), replace(TINY, groups=2, ngram_tokens=10**6), tmp_path / "out", device="cpu")
    assert not (tmp_path / "out" / "runs").exists()
    copies = {"copies": Sample([[1, 2, 3]] * 500, [0] * 500)}  # the copies of a document share a group
    with pytest.raises(UsageError, match=r"too few documents for an error bar: copies 1 different of 500"):
        NgramJudge(copies, TINY, byte_tokenizer())


def test_documents_come_in_slices_of_their_hashes_and_none_is_lost(tmp_path, monkeypatch):
    texts = [article(f"s{number}") for number in range(300)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    whole = list(Corpus("a", tmp_path / "a.parquet").train())
    monkeypatch.setattr("model.gpt2.corpora._SLICE_BYTES", 20_000)
    assert list(Corpus("a", tmp_path / "a.parquet").train(0, 1000)) == whole


@pytest.mark.parametrize(("shuffle", "expected"), [(False, 100.0), (True, 50.0)])
def test_the_order_of_paragraphs_is_seen(shuffle, expected):
    pages = [f"{'opening words here ' * 10}{n}.\n{'closing words there ' * 10}{n}." for n in range(200)]
    if shuffle:
        pages = list(shuffle_paragraphs(pages))
    model = train_ngrams([byte_tokenizer().encode(page) for page in pages[:100]], 257, 5)
    found = preferred(pages[100:], lambda texts: np.array([sum(n) for n in model.nats(encode(texts))]))
    assert found.items == 100
    assert found.low <= expected <= found.high + 1e-9


def encode(texts):
    return byte_tokenizer().encode_batch(list(texts))
