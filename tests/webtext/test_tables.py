"""Reading Parquet files by column and by row."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext.tables import read_columns, read_matching

NUMBERS = [str(number) for number in range(10_000)]


def parquet(kind: pa.DataType) -> io.BytesIO:
    stream = io.BytesIO()
    table = pa.table({"url": pa.array(NUMBERS).cast(kind), "text": [f"text {one}" for one in NUMBERS]})
    pq.write_table(table, stream, row_group_size=3000)
    return stream


def test_columns_come_in_the_order_of_their_names() -> None:
    assert read_columns(parquet(pa.string()), ["text", "url"]).column_names == ["text", "url"]
    assert read_columns(parquet(pa.string())).num_rows == len(NUMBERS)


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        read_columns(parquet(pa.string()), ["url", "title"])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_rows_are_found_in_every_batch_whatever_the_kind_of_text(kind: pa.DataType) -> None:
    found = read_matching(parquet(kind), ["text"], "url", {"9999", "4", "5000", "none"})
    assert found.to_pydict() == {"text": ["text 4", "text 5000", "text 9999"]}


def test_no_row_is_found_where_none_is_wanted() -> None:
    assert read_matching(parquet(pa.string()), ["url", "text"], "url", ()).num_rows == 0
