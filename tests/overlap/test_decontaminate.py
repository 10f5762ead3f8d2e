"""Removal by GPT-3's rule, case by case, and invariants: what is kept and what is cut make up the document."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.near.against import Columns
from dedup.overlap.benchmarks import Benchmark
from dedup.overlap.decontaminate import (
    Pieces,
    WindowsConfig,
    cut_windows,
    judge_share,
    only,
    rare_ngrams,
    remove_windows,
)
from dedup.overlap.exact_ngrams import ItemGrams, build_index
from dedup.overlap.ngrams import Grams
from dedup.overlap.plan import Lookup, OverlapConfig
from dedup.overlap.rewrite import Rule, read_hashes, rewrite, write_hashes
from webtext.hashing import document_id
from webtext.reasons import Reason

ITEM = "one two three four five six seven eight nine ten eleven twelve thirteen"
PAPER = WindowsConfig()


def wanted(grams, *items):
    return build_index([ItemGrams(Benchmark("set", items), grams)])[grams]


def filler(characters, letter="x"):
    return (f"{letter}yz " * (characters // 4 + 1))[:characters].rstrip().ljust(characters, "w")


def test_a_collision_goes_with_200_characters_on_each_side():
    text = f"{filler(600)} {ITEM.upper()}! {filler(700)}"
    result = remove_windows(text, wanted(PAPER.grams, ITEM), PAPER)
    (first, second) = result.texts(text)
    start = text.index("ONE")
    stop = text.index("THIRTEEN") + len("THIRTEEN")
    assert start - 200 - 4 <= len(first) <= start - 200
    assert len(text) - stop - 200 - 4 <= len(second) <= len(text) - stop - 200
    assert text.startswith(first)
    assert text.endswith(second)
    assert [cut.why for cut in result.cuts] == ["window"]


def test_a_document_without_collisions_is_let_alone():
    near_miss = " ".join(ITEM.split()[:12])
    assert remove_windows(f"{filler(500)} {near_miss} {filler(500)}", wanted(PAPER.grams, ITEM), PAPER) is None


def test_pieces_under_200_characters_are_dropped():
    text = f"{filler(350)} {ITEM} {filler(700)}"
    result = remove_windows(text, wanted(PAPER.grams, ITEM), PAPER)
    assert len(result.kept) == 1
    assert [cut.why for cut in result.cuts] == ["short_piece", "window"]


def test_a_document_of_which_no_piece_is_left_goes():
    reason = remove_windows(f"{filler(300)} {ITEM} {filler(300)}", wanted(PAPER.grams, ITEM), PAPER)
    assert reason == "no_piece_left"
    assert "none of 200 characters" in reason.detail


@pytest.mark.parametrize(("collisions", "stays"), [(9, True), (10, False)])
def test_a_document_in_more_than_ten_pieces_goes(collisions, stays):
    text = filler(700) + "".join(f" {ITEM} {filler(700)}" for _ in range(collisions))
    result = remove_windows(text, wanted(PAPER.grams, ITEM), PAPER)
    assert len(result.kept) == 10 if stays else result == "too_many_pieces"


def test_windows_that_meet_are_one():
    text = f"{filler(600)} {ITEM} {filler(100)} {ITEM} {filler(600)}"
    result = remove_windows(text, wanted(PAPER.grams, ITEM), PAPER)
    assert [cut.why for cut in result.cuts] == ["window"]
    assert len(result.kept) == 2


def test_ngrams_in_more_than_ten_documents_are_ignored():
    other = ITEM.replace("one", "zero")
    lookup = Lookup([Benchmark("set", (ITEM, other))], OverlapConfig(Grams(), PAPER.grams))
    scan = lookup.scan()
    for number in range(11):
        scan.read(ITEM if number else f"{ITEM}. {other}", str(number), "")
    found, counts = scan.index[PAPER.grams], scan.counts[PAPER.grams]
    assert sorted(counts.tolist()) == [1, 11]
    rare = only(rare_ngrams(found, counts, PAPER.most_documents))
    assert remove_windows(f"{filler(500)} {ITEM} {filler(500)}", rare, PAPER) is None
    assert isinstance(remove_windows(f"{filler(500)} {other} {filler(500)}", rare, PAPER), Pieces)
    with pytest.raises(LookupError, match="not kept"):
        rare.words(0)


@given(
    st.text(st.sampled_from("ab \n"), min_size=1, max_size=400),
    st.lists(st.tuples(st.integers(0, 399), st.integers(1, 30)), min_size=1, max_size=8),
    st.integers(0, 40),
)
def test_kept_and_cut_make_up_the_document(text, hits, window):
    config = WindowsConfig(window=window, shortest_piece=5)
    stretches = sorted((at, min(len(text), at + length)) for at, length in hits if at < len(text)) or [(0, 1)]
    result = cut_windows(text, stretches, config)
    if isinstance(result, Reason):
        assert result in {"too_many_pieces", "no_piece_left"}
        return
    covered = [False] * len(text)
    for start, stop in [*result.kept, *((cut.start, cut.stop) for cut in result.cuts)]:
        for place in range(start, stop):
            assert not covered[place]
            covered[place] = True
    assert all(done or text[place].isspace() for place, done in enumerate(covered))
    for start, stop in stretches:
        assert all(stop + window <= kept[0] or kept[1] <= start - window for kept in result.kept)
    for start, stop in result.kept:
        assert stop - start >= 5
        assert (start == 0 or text[start - 1].isspace()) and (stop == len(text) or text[stop].isspace())


def test_documents_above_a_share_go_and_those_at_it_stay():
    text = f"{ITEM} a b c d e f g"  # 20 words: 13 8-grams, 6 of them the item's
    found = wanted(Grams(), ITEM)
    assert judge_share(text, Grams(), found, 6 / 13) is None
    reason = judge_share(text, Grams(), found, 0.46)
    assert (reason, reason.detail) == ("benchmark_overlap", "6 of 13 8-grams, more than 46.0%")
    assert judge_share("short", Grams(), found, 0.0) is None


def rewritten(rows, rule, found):
    source = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), source)
    source.seek(0)
    targets = tuple(io.BytesIO() for _ in range(3))
    rewrite(source, "part.parquet", Columns(), found, rule, targets)
    return [pq.read_table(target).to_pylist() for target in targets]


def test_a_file_is_rewritten_with_all_its_columns_and_a_record_of_each_cut():
    url = "https://example.org/leak"
    leak = f"{filler(600)} {ITEM} {filler(700)}"
    rows = [
        {"id": "a", "url": "https://example.org/a", "text": "stays", "n_words": 1, "extra": [1]},
        {"id": document_id(url), "url": url, "text": leak, "n_words": 9, "extra": []},
        {"id": "c", "url": "https://example.org/c", "text": ITEM, "n_words": 13, "extra": None},
        {"id": "d", "url": "https://example.org/d", "text": None, "n_words": 0, "extra": None},
    ]
    documents, cuts, rejections = rewritten(rows, Rule(PAPER.grams), wanted(PAPER.grams, ITEM))
    assert [row["id"] for row in documents] == ["a", document_id(url), document_id(f"{url}#piece-2"), "d"]
    assert documents[0] == rows[0]
    assert documents[3] == rows[3]
    assert [row["n_words"] for row in documents[1:3]] == [len(row["text"].split()) for row in documents[1:3]]
    assert ITEM not in documents[1]["text"] + documents[2]["text"]
    assert [(cut["url"], cut["why"], cut["pieces"]) for cut in cuts] == [(url, "window", 2)]
    assert leak[cuts[0]["start"] : cuts[0]["stop"]] == cuts[0]["text"]
    assert ITEM in cuts[0]["text"]
    assert [(row["url"], row["stage"], row["reason"]) for row in rejections] == [
        (rows[2]["url"], "overlap", "no_piece_left")
    ]


def test_a_file_without_ids_and_urls_is_named_by_its_rows():
    documents, _, rejections = rewritten([{"text": "fine"}, {"text": ITEM}], Rule(Grams(), 0.5), wanted(Grams(), ITEM))
    assert documents == [{"text": "fine"}]
    assert [(row["url"], row["reason"]) for row in rejections] == [("part.parquet#1", "benchmark_overlap")]


def test_hashes_are_written_and_read_back():
    stream = io.BytesIO()
    hashes = wanted(Grams(), ITEM).hashes
    write_hashes(stream, hashes)
    assert len(stream.getvalue()) == 8 * len(hashes)
    stream.seek(0)
    assert read_hashes(stream).tolist() == hashes.tolist()


def test_rules_out_of_range_are_refused():
    with pytest.raises(ValueError, match="positive"):
        WindowsConfig(n=0)
    with pytest.raises(ValueError, match="0 to below 1"):
        Rule(Grams(), 1.5)
