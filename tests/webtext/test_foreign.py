"""Files that others wrote: what editors and exports do to them is tolerated, the rest is one line with its place."""

import gzip

import pytest

from webtext.errors import UsageError
from webtext.foreign import json_object, json_objects, read_bytes, text_of
from webtext.items import Choice, read_choice


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}\n{"a": 2}\n',
        b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": 2}',
        gzip.compress(b'{"a": 1}\n{"a": 2}\n', mtime=0),
        b' [{"a": 1},\n {"a": 2}]',
        '\ufeff{"a": 1}\r\n{"a": 2}\r\n'.encode("utf-16-le"),
        '{"a": 1}\n{"a": 2}'.encode("utf-16"),
    ],
)
def test_objects_are_read_however_they_were_written(data):
    assert [row for _, row in json_objects(data, "f")] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1}\n{"a":\n', "f:2 is not JSON"),
        (b'{"a": 1}\n[1]\n', "f:2 is not a JSON object"),
        (b"[1, 2]", "f:1 is not a JSON object"),
        (b"null\n", "f:1 is not a JSON object"),
        (b'{"a": 1}\n{"a": "\xe9"}\n', "f:2 is not UTF-8"),
        (b"\xff\xfe{\x00\x00", "f:1 is not UTF-16"),
        (b"", "f is empty"),
        (b" \n\n", "f is empty"),
        (gzip.compress(b"[]" * 99, mtime=0)[:20], "f is gzip that cannot be read"),
        (b'{"a":' * 100_000, "f:1 is not JSON"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(data, message):
    with pytest.raises(UsageError, match=message) as raised:
        list(json_objects(data, "f"))
    assert "\n" not in str(raised.value)


def test_half_a_surrogate_pair_becomes_a_character_that_files_can_hold():
    (row,) = (row for _, row in json_objects(b'{"a": ["x\\ud83d", {"b": "\\uD83D\\uDE00"}], "c": 1}', "f"))
    assert row == {"a": ["x\ufffd", {"b": "\U0001f600"}], "c": 1}


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(UsageError, match="none does not exist"):
        read_bytes(tmp_path / "none")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_bytes(tmp_path)
    with pytest.raises(UsageError, match="f is not a JSON object"):
        json_object(b"[]", "f")
    assert text_of(b"\xef\xbb\xbfa\r\nb\x0c\n", "f") == "a\nb\x0c\n"


def test_the_right_option_may_be_a_number_in_quotes():
    assert read_choice("f:1", {"query": "Q", "choices": ["a", "b"], "gold": "1"}) == Choice(
        (("Q", " a"), ("Q", " b")), 1
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"query": "Q", "choices": ["a", "b"], "gold": -1}, "'gold' is -1, which is none of the 2 options"),
        ({"query": "Q", "choices": ["a", "b"], "gold": 2}, "'gold' is 2"),
        ({"query": "Q", "choices": ["a", "b"], "gold": "b"}, "'gold' is \"b\""),
        ({"query": "Q", "choices": ["a", "b"], "gold": None}, "'gold' should be a number or text, not null"),
        ({"query": "Q", "choices": ["a", "b"], "gold": True}, "'gold' is true"),
        ({"query": None, "choices": ["a", "b"], "gold": 0}, "'query' should be text, not null"),
        ({"query": "Q", "choices": "ab", "gold": 0}, "'choices' should be a list, not \"ab\""),
        ({"query": "Q", "choices": ["a", 3], "gold": 0}, "'choices' should be a list of texts"),
        ({"query": "Q", "choices": [], "gold": 0}, "'choices' should be a list of texts"),
        ({"query": "Q", "choices": ["a", " "], "gold": 0}, "an option is empty"),
        ({"context_options": ["a", "b"], "continuation": 1, "gold": 0}, "'continuation' should be text, not 1"),
        ({"context": "a", "continuation": ""}, "an option is empty"),
        ({"what": 1}, "no item is spelt with what"),
    ],
)
def test_malformed_items_are_refused_in_one_line(row, message):
    with pytest.raises(UsageError, match=f"^f:7: .*{message}") as raised:
        read_choice("f:7", row)
    assert "\n" not in str(raised.value)
