"""Lines and passages that come again: counted by distinct documents and hosts, removed only as told."""

from collections import defaultdict
from functools import partial
from itertools import pairwise

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels import distinct
from dedup.parts import Catalog, Source
from dedup.repeats import (
    RepeatsConfig,
    line_hashes,
    remove_lines,
    repeated_spans,
    repeated_units,
    span_hashes,
    tally_units,
)
from dedup.repeats_transforms import FindRepeats
from webtext.text import ngrams, words

LINES = st.lists(st.sampled_from(["Share this now", "share THIS now!", "one two", "A line of text", ""]), max_size=5)
PAGES = st.lists(st.tuples(st.sampled_from(["a.test", "b.test", "c.test"]), LINES.map("\n".join)), max_size=12)


@given(PAGES, st.integers(1, 4), st.integers(1, 3), st.integers(1, 12))
def test_repeats_are_counted_by_distinct_documents_and_hosts(pages, min_documents, min_hosts, cut):
    tallies = [tally_units((host, line_hashes(text)) for host, text in part) for part in (pages[:cut], pages[cut:])]
    hashes, documents, hosts = repeated_units(np.concatenate(tallies[::-1]), min_documents, min_hosts)
    seen = defaultdict(lambda: (set(), set()))
    for number, (host, text) in enumerate(pages):
        for hashed in line_hashes(text).tolist():
            seen[hashed][0].add(number)
            seen[hashed][1].add(host)
    expected = sorted(
        (hashed, len(numbers), len(names))
        for hashed, (numbers, names) in seen.items()
        if len(numbers) >= min_documents and len(names) >= min_hosts
    )
    assert list(zip(hashes.tolist(), documents.tolist(), hosts.tolist(), strict=True)) == expected


@given(LINES.map("\n".join))
def test_a_line_is_its_words_if_it_has_enough(text):
    expected = {tuple(words(line)) for line in text.split("\n") if len(words(line)) >= 3}
    assert len(line_hashes(text)) == len(expected)


@given(LINES.map("\n".join), LINES.map("\n".join))
def test_only_the_repeated_lines_go(text, other):
    repeated = line_hashes(other)
    gone = {tuple(words(line)) for line in other.split("\n") if len(words(line)) >= 3}
    expected = [line for line in text.split("\n") if tuple(words(line)) not in gone]
    assert remove_lines(text, repeated) == "\n".join(expected)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 5))
def test_spans_cover_exactly_the_words_of_repeated_runs(text, passage, n):
    found = repeated_spans(" ".join(text), span_hashes(" ".join(passage), n), n)
    again = set(ngrams(passage, n))
    covered = {
        word
        for start in range(len(text) - n + 1)
        if tuple(text[start : start + n]) in again
        for word in range(start, start + n)
    }
    assert {word for first, end in found for word in range(first, end)} == covered
    assert all(end < start for (_, end), (start, _) in pairwise(found))


def test_what_one_document_repeats_is_no_repeat():
    rows = tally_units([("a.test", line_hashes("same line again\n" * 9)), ("b.test", distinct(np.empty(0, np.uint64)))])
    assert repeated_units(rows, 2, 1)[0].tolist() == []
    assert repeated_units(rows, 1, 1)[1].tolist() == [1]


def test_a_wrong_configuration_says_what_is_wrong():
    with pytest.raises(ValueError, match="min_hosts must be 1 or more, not 0"):
        RepeatsConfig(min_hosts=0)


@pytest.mark.parametrize("unit", ["lines", "spans"])
def test_the_pipeline_counts_over_all_parts(tmp_path, unit):
    config = RepeatsConfig(min_documents=3, min_hosts=2, span_words=4)
    pages = [
        (f"h{n % 3}.test", f"Own line of {n} here\nRead more on this topic\nSubscribe to our list") for n in range(6)
    ]
    pages[0] = ("h0.test", "Nothing is shared here")
    for part in range(2):
        rows = [{"host": host, "text": text} for host, text in pages[part::2]]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"part-0000{part}-of-00002.parquet")
    catalog = Catalog((Source(str(tmp_path), 2),))
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", "--no_save_main_session"])) as pipeline:
        pipeline | FindRepeats(catalog, str(tmp_path), unit, config)
    found = pq.read_table(tmp_path / "repeats.parquet")
    units = line_hashes if unit == "lines" else partial(span_hashes, span_words=4)
    tally = tally_units((host, units(text)) for host, text in pages)
    expected = [column.tolist() for column in repeated_units(tally, 3, 2)]
    assert [column.to_pylist() for column in found.columns] == expected
    assert len(found) >= 2


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="unit must be one of lines, spans, not 'words'"):
        FindRepeats(Catalog((Source("here", 1),)), "there", "words")
