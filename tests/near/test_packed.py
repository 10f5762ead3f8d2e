"""Blocks: what is packed comes out, in any number of blocks, and keys find their documents again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.near.packed import divide, pack, pack_keys, unpack, unpack_keys

RUNS = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), max_size=3)  # rows of each part of each run


@given(RUNS, st.randoms(use_true_random=False))
def test_keys_come_with_the_places_of_their_documents(runs, shuffler):
    blocks, expected, part = [], [], 0
    for rows in runs:
        parts = [(part + number, count) for number, count in enumerate(rows)]
        part += len(rows)
        documents = [(number, row) for number, count in parts for row in range(count)]
        chosen = [shuffler.randrange(len(documents)) for _ in range(6 * bool(documents))]
        keys = [shuffler.getrandbits(64) for _ in chosen]
        blocks.append(pack_keys(parts, np.array(keys, np.uint64), np.array(chosen, np.int64)))
        for key, number in zip(keys, chosen, strict=True):
            own, row = documents[number]
            expected.append((key, (own << 32) + row))
    keys, places = unpack_keys(blocks)
    assert list(zip(keys.tolist(), places.tolist(), strict=True)) == expected


def test_a_key_takes_twelve_bytes():
    keys, numbers = np.arange(1000, dtype=np.uint64), np.arange(1000)
    assert len(pack_keys([(7, 1000)], keys, numbers)) == 12 * 1000 + 32


@given(st.lists(st.lists(st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 2), max_size=4), max_size=4))
def test_rows_come_out_as_they_went_in(blocks):
    packed = [pack(np.array(rows, np.int64).reshape(-1, 2)) for rows in blocks]
    assert list(map(tuple, unpack(packed).tolist())) == [row for rows in blocks for row in rows]


@given(st.lists(st.integers(-3, 3) | st.integers(2**16 - 2, 2**16 + 2)))
def test_each_owner_gets_its_own_positions_in_order(owners):
    found = {owner: positions.tolist() for owner, positions in divide(np.array(owners, np.int64))}
    assert found == {owner: [at for at, own in enumerate(owners) if own == owner] for owner in sorted(set(owners))}
    assert list(found) == sorted(found)
