"""Submissions into links: merged in any order, judged by a stated rule."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.records import Link, Rejection
from webtext.reddit.links import MOST_SUBREDDITS, SelectConfig, merge_postings, posting, reason_to_ignore, select_link
from webtext.reddit.submissions import Submission

URL = "https://example.org/a"


def post(karma, subreddit="", created=None, address="http://example.org/a"):
    return posting(Submission(address, karma, subreddit, created), address)


postings = st.builds(
    post,
    st.none() | st.integers(-5, 50),
    st.sampled_from(["", "books", "science", "x"]),
    st.none() | st.integers(1, 9),
    st.sampled_from(["http://example.org/a", "https://www.example.org/a", "http://example.org/a?utm_source=x"]),
)


@given(postings, postings, postings)
def test_merging_is_associative_and_commutative(one, other, third):
    assert merge_postings(one, other) == merge_postings(other, one)
    assert merge_postings(merge_postings(one, other), third) == merge_postings(one, merge_postings(other, third))


@given(
    st.lists(postings, min_size=1, max_size=12).flatmap(lambda group: st.tuples(st.just(group), st.permutations(group)))
)
def test_the_order_of_submissions_never_matters(groups):
    merged, shuffled = (reduce(merge_postings, group) for group in groups)
    assert merged == shuffled
    assert merged.submissions == len(groups[0])
    assert merged.total == sum(each.best or 0 for each in groups[0])


def test_a_link_says_what_its_submissions_say_together():
    merged = reduce(
        merge_postings,
        [
            post(2, "science", 30, "http://example.org/a"),
            post(5, "books", 20, "https://www.example.org/a/"),
            post(5, "science", 10, "http://example.org/a?utm_source=x"),
        ],
    )
    assert select_link(URL, merged, SelectConfig()) == Link(
        URL, "http://example.org/a?utm_source=x", "example.org", 5, 3, ("books", "science"), 10
    )
    assert select_link(URL, merged, SelectConfig(karma_rule="sum")) == Link(
        URL, "http://example.org/a?utm_source=x", "example.org", 12, 3, ("books", "science"), 10
    )


@pytest.mark.parametrize(
    ("karmas", "rule", "kept"),
    [
        ([2, 2], "best", False),
        ([2, 2], "sum", True),
        ([3, 0], "best", True),
        ([5, -3], "sum", False),
        ([0, 3], "sum", True),
    ],
)
def test_karma_is_of_the_best_or_the_sum(karmas, rule, kept):
    selected = select_link(URL, reduce(merge_postings, map(post, karmas)), SelectConfig(karma_rule=rule))
    assert isinstance(selected, Link) is kept
    if not kept:
        karma = max(karmas) if rule == "best" else sum(karmas)
        assert selected == Rejection(URL, "harvest", "low_karma", f"submissions=2 karma={karma}")


def test_a_list_without_karma_vouches_for_its_urls():
    selected = select_link(URL, post(None), SelectConfig())
    assert isinstance(selected, Link) and selected.karma is None
    selected = select_link(URL, merge_postings(post(None), post(1)), SelectConfig())
    assert isinstance(selected, Link) and selected.karma == 1
    assert select_link("https://imgur.com/a", post(None), SelectConfig()) == Rejection(
        "https://imgur.com/a", "harvest", "media", "submissions=1"
    )


def test_the_nature_of_a_url_is_told_before_its_karma():
    assert select_link("https://youtube.com/x", post(1), SelectConfig()).reason == "media"
    assert select_link("https://en.wikipedia.org/x", post(9), SelectConfig()).reason == "wikipedia"
    assert isinstance(select_link("https://en.wikipedia.org/x", post(9), SelectConfig(wikipedia=True)), Link)


def test_a_sum_stays_within_its_column():
    merged = reduce(merge_postings, [post(10**8)] * 30)
    assert select_link(URL, merged, SelectConfig(karma_rule="sum")).karma == 2**31 - 1


def test_a_link_keeps_so_many_subreddits():
    names = [f"s{number:03d}" for number in range(MOST_SUBREDDITS + 50)]
    merged = reduce(merge_postings, [post(3, name) for name in reversed(names)])
    assert merged.subreddits == tuple(names[:MOST_SUBREDDITS])
    assert merged.submissions == len(names)


@pytest.mark.parametrize(
    ("config", "submission", "reason"),
    [
        (SelectConfig(), Submission(URL, 3, over_18=True), None),
        (SelectConfig(over_18=False), Submission(URL, 3, over_18=True), "over_18"),
        (SelectConfig(without_subreddits=("books",)), Submission(URL, 3, "Books"), "subreddit"),
        (SelectConfig(since=10), Submission(URL, 3, created=9), "outside_period"),
        (SelectConfig(since=10), Submission(URL, 3, created=10), None),
        (SelectConfig(until=10), Submission(URL, 3, created=10), "outside_period"),
        (SelectConfig(until=10), Submission(URL, 3), "outside_period"),
        (SelectConfig(since=10), Submission(URL, 3), "outside_period"),
    ],
)
def test_submissions_that_do_not_count(config, submission, reason):
    assert reason_to_ignore(submission, config) == reason


@pytest.mark.parametrize(
    "wrong", [{"karma_rule": "mean"}, {"since": 10, "until": 10}, {"without_subreddits": ("Books",)}]
)
def test_a_configuration_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SelectConfig(**wrong)
