"""The one that stays, the evidence for those that do not, and the alarms."""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.near.alarms import add_up, summarize, tally
from dedup.near.choose import MEMBERS, cluster_rows, judge, kept_rows, rank, read_clusters, rejection_rows
from webtext.tables import REJECTIONS

MEMBER = st.fixed_dictionaries(
    {
        "root": st.integers(0, 3),
        "earlier": st.booleans(),
        "karma": st.none() | st.integers(-2, 2),
        "n_words": st.integers(1, 3),
        "first_posted": st.none() | st.integers(0, 3),
        "text_digest": st.sampled_from(["t1", "t2", "t3"]),
        "body_digest": st.sampled_from(["", "b1", "b2"]),
    }
)
CLUSTERED = st.lists(MEMBER, min_size=1, max_size=15)


def members_of(rows):
    full = [
        {"id": f"{(7 * place) % 16:016x}", "url": f"http://h{place % 2}.test/{place}", "place": place, **row}
        for place, row in enumerate(rows)
    ]
    return full, pa.Table.from_pylist(full, schema=MEMBERS)


def rule(member):
    """The rule, said in plain Python."""
    karma, posted = member["karma"], member["first_posted"]
    return (
        not member["earlier"],
        -karma if karma is not None else float("inf"),
        -member["n_words"],
        posted if posted is not None else float("inf"),
        member["id"],
    )


def verdicts_of(table, similarity=0.8):
    ranked = rank(table)
    kept = kept_rows(ranked)
    values = pa.array([1.0 if row == one else similarity for row, one in enumerate(kept)]).to_numpy()
    return judge(ranked, kept, values, 0.7)


@given(CLUSTERED)
def test_most_karma_then_longest_then_earliest_then_smallest_id_stays(rows):
    members, table = members_of(rows)
    for verdict in verdicts_of(table).to_pylist():
        own = members[verdict["place"]]
        cluster = [member for member in members if member["root"] == own["root"]]
        best = min(cluster, key=rule)
        copies = sum(member["text_digest"] == best["text_digest"] for member in cluster)
        if copies >= 5 and not best["earlier"]:
            assert (verdict["kept"], verdict["reason"], verdict["kept_url"]) == (False, "recurring_text", None)
            continue
        assert verdict["kept_url"] == best["url"]
        assert verdict["kept"] == (own["id"] == best["id"] or own["earlier"])
        assert verdict["cluster"] == min(member["id"] for member in cluster)
        assert verdict["cluster_size"] == len(cluster)
        same = any(own[name] and own[name] == best[name] for name in ("text_digest", "body_digest"))
        expected = (
            "" if verdict["kept"] else "exact_duplicate" if same or own["url"] == best["url"] else "near_duplicate"
        )
        assert verdict["reason"] == expected
        assert ("earlier corpus" in verdict["detail"]) == (best["earlier"] and not verdict["kept"])


@given(CLUSTERED, st.randoms())
def test_the_order_of_members_does_not_matter(rows, shuffler):
    _, table = members_of(rows)
    order = list(range(len(rows)))
    shuffler.shuffle(order)
    assert verdicts_of(table.take(pa.array(order))).equals(verdicts_of(table))


@given(CLUSTERED)
def test_kept_and_rejected_are_all_members_and_tallies_add_up(rows):
    _, table = members_of(rows)
    verdicts = verdicts_of(table)
    rejections = rejection_rows(verdicts)
    assert rejections.schema == REJECTIONS
    assert len(rejections) + sum(verdicts.column("kept").to_pylist()) == len(rows)
    halves = [table.filter(pc.less(table.column("root"), 2)), table.filter(pc.greater(table.column("root"), 1))]
    parts = [tally(verdicts_of(half)) for half in halves if len(half)]
    assert summarize(add_up(parts), 100) == summarize(add_up(parts[::-1]), 100) == summarize(tally(verdicts), 100)


def test_a_member_far_from_the_kept_one_says_so():
    _, table = members_of([{"root": 0, "earlier": False, "n_words": 5, "text_digest": digest} for digest in "ab"])
    near, chained = (rejection_rows(verdicts_of(table, value)).to_pylist()[0] for value in (0.8, 0.4))
    assert near["detail"] == ""
    assert (near["reason"], chained["reason"]) == ("near_duplicate", "near_duplicate_chain")
    assert chained["detail"] == "linked to the kept one only through others of its cluster"
    assert summarize(tally(verdicts_of(table, 0.4)), 2)["chained"] == 1


@pytest.mark.parametrize(("words", "copies", "stay"), [(80, 5, 0), (81, 5, 1), (80, 4, 1)])
def test_of_a_short_text_at_many_urls_none_stays(words, copies, stay):
    rows = [{"root": 0, "earlier": False, "n_words": words, "text_digest": "wall"}] * copies
    rows += [{"root": 0, "earlier": False, "n_words": words - 1, "text_digest": "almost"}]
    verdicts = verdicts_of(members_of(rows)[1])
    assert sum(verdicts.column("kept").to_pylist()) == stay
    counts = {"exact_duplicate": copies - 1, "near_duplicate": 1} if stay else {"recurring_text": copies + 1}
    assert tally(verdicts).reasons == counts


def test_clusters_are_read_back_by_id():
    members, table = members_of([{"root": 0, "earlier": False, "n_words": n, "text_digest": str(n)} for n in (1, 2)])
    stream = io.BytesIO()
    pq.write_table(cluster_rows(verdicts_of(table)), stream)
    smallest = min(member["id"] for member in members)
    assert read_clusters(stream) == {members[0]["id"]: (smallest, False), members[1]["id"]: (smallest, True)}


def test_templates_large_clusters_and_unusual_shares_raise_alarms():
    rows = [{"root": 0, "earlier": False, "n_words": 5, "text_digest": str(n)} for n in range(16)] * 4
    full = [{"id": f"{n:016x}", "url": f"http://one.test/{n}", "place": n, **row} for n, row in enumerate(rows)]
    for number, row in enumerate(full):
        row["text_digest"] = str(number)
    verdicts = verdicts_of(pa.Table.from_pylist(full, schema=MEMBERS))
    summary = summarize(tally(verdicts), 2000)
    assert summary["largest_clusters"][0]["size"] == 64
    assert summary["largest_clusters"][0]["template"]
    assert ["holds 3.2% of all documents" in alarm for alarm in summary["alarms"]] == [True, False]
    assert ["looks like pages of one template" in alarm for alarm in summary["alarms"]] == [False, True]
    assert any("of 1,000,000 documents removed" in alarm for alarm in summarize(tally(verdicts), 10**6)["alarms"])
    assert not any("removed" in alarm for alarm in summarize(tally(verdicts), 100)["alarms"])
    assert not any("of all documents" in alarm for alarm in summarize(tally(verdicts), 2000, 10**7)["alarms"])
