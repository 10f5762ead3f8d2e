"""Parts by reference: the same hashes from a local file and from any stream, and never fewer than the part says."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.near import parts
from dedup.near.parts import EXTENT, Catalog, PartReader, flat_values, places_of, signatures_of
from dedup.near.shingles import shingle_hashes
from tests.double.duplicate_stage import edited, facts, write_parts

TEXTS = [edited(number, size=number) for number in range(3, 40)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts") / "documents"
    return write_parts(folder, [(text, facts(f"http://h.test/{number}")) for number, text in enumerate(TEXTS)], 3)


def from_disk(path):
    return Path(path).open("rb")


def from_afar(path):
    return io.BytesIO(Path(path).read_bytes())


def all_places(reader):
    return np.concatenate([places_of(part, len(reader.columns(part, ["id"]))) for part in range(3)])


@given(st.data(), st.sampled_from([0, 40, 1 << 16]))
def test_any_stream_gives_the_shingles_of_the_texts(source, data, gap):
    readers = [PartReader(Catalog((source,)), opener) for opener in (from_disk, from_afar)]
    places = all_places(readers[0])
    wanted = np.array(sorted(data.draw(st.sets(st.sampled_from(places.tolist()), min_size=1))))
    urls = readers[0].rows(wanted, ["url"]).column("url").to_pylist()
    texts = [TEXTS[int(url.rpartition("/")[2])] for url in urls]
    expected = [hashed for text in texts for hashed in shingle_hashes(text).tolist()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_GAP", gap)
        assert [reader.shingles(wanted).tolist() for reader in readers] == [expected, expected]


@pytest.mark.parametrize("opener", [from_disk, from_afar])
def test_a_sidecar_that_ends_early_is_an_error(source, opener, tmp_path):
    for path in Path(source.directory).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[: -8 if "shingles-00001" in path.name else None])
    reader = PartReader(Catalog((parts.Source(str(tmp_path), 3),)), opener)
    with pytest.raises(EOFError, match=r"shingles of 37 documents end 8 bytes early"):
        reader.shingles(all_places(reader))


def test_a_part_that_was_read_for_its_keys_is_not_read_for_its_extents(source):
    opened = []

    def opener(path):
        opened.append(Path(path).name)
        return from_disk(path)

    reader = PartReader(Catalog((source,)), opener)
    reader.columns(1, ["id", *EXTENT])
    reader.sizes(places_of(1, 3))
    assert opened == ["part-00001-of-00003.parquet"]


@given(st.lists(st.lists(st.none() | st.binary(max_size=3), max_size=4), min_size=1, max_size=3), st.integers(0, 2))
def test_flat_values_are_lengths_and_bytes(chunks, skipped):
    column = pa.chunked_array([pa.array(chunk, pa.binary()) for chunk in chunks]).slice(skipped)
    values = [value or b"" for value in column.to_pylist()]
    lengths, content = flat_values(column)
    assert lengths.tolist() == [len(value) for value in values]
    assert bytes(content) == b"".join(values)


def test_signatures_are_rows_of_numbers():
    rows = np.arange(12, dtype="<u4").reshape(3, 4)
    column = pa.chunked_array([pa.array([row.tobytes() for row in rows], pa.binary())])
    assert signatures_of(column).tolist() == rows.tolist()
    assert signatures_of(column.slice(0, 0)).shape == (0, 0)
