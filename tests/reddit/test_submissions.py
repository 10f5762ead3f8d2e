"""Lines of dumps and lists: every era is read, every odd field has its rule, and nothing raises."""

import json
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.reddit import submissions
from webtext.reddit.compressed import read_lines
from webtext.reddit.layout import Layout
from webtext.reddit.submissions import (
    Submission,
    Unusable,
    extract_links,
    parse_comment,
    parse_submission,
    parse_submission_and_text,
    row_parser,
)


def line(**fields):
    return json.dumps(fields).encode()


def test_genuine_lines_of_six_eras_are_all_read(realweb):
    with (realweb / "submissions" / "RS_mixed_years.zst").open("rb") as stream:
        parsed = [parse_submission(line) for batch in read_lines(stream) for line in batch]
    links = [item[0] for item in parsed if isinstance(item, tuple)]
    assert len(parsed) == 31
    assert [item.reason for item in parsed if isinstance(item, Unusable)] == ["self_post"] * 12
    assert len(links) == 19
    assert all(link.created is not None and link.karma is not None and link.subreddit and link.id for link in links)
    assert [link.created for link in links][-4:] == [1409529600, 1409529600, 1409529601, 1409529601]  # strings
    assert sum(link.over_18 for link in links) == 4


@pytest.mark.parametrize(("month", "lines", "qualified"), [("2005-06", 103, 83), ("2005-07", 1079, 757)])
def test_genuine_months_have_their_known_counts(realweb, month, lines, qualified):
    with (realweb / "submissions" / f"RS_{month}.zst").open("rb") as stream:
        parsed = [parse_submission(line) for batch in read_lines(stream) for line in batch]
    assert len(parsed) == lines
    assert sum(isinstance(item, tuple) and item[0].karma >= 3 for item in parsed) == qualified


@pytest.mark.parametrize(
    ("fields", "karma"),
    [
        ({"score": 7}, 7),
        ({"score": "7"}, 7),
        ({"score": 7.0}, 7),
        ({"score": -2}, -2),
        ({"score": 7, "ups": 9, "downs": 1}, 7),
        ({"ups": 9, "downs": 1}, 8),
        ({"ups": 9}, 9),
    ],
)
def test_karma_is_the_score_or_ups_less_downs(fields, karma):
    parsed = parse_submission(line(url="http://a.org/", **fields))
    assert isinstance(parsed, tuple) and parsed[0].karma == karma


@pytest.mark.parametrize(
    "fields", [{}, {"score": None}, {"score": "many"}, {"score": True}, {"score": 10**12}, {"score": [7]}, {"downs": 3}]
)
def test_a_submission_of_unknown_karma_is_unusable(fields):
    assert parse_submission(line(url="http://a.org/", **fields)) == Unusable("no_score", "http://a.org/")


@pytest.mark.parametrize(
    ("created", "seconds"),
    [(1409533200, 1409533200), (1409533200.7, 1409533200), ("1409533200", 1409533200), ("1409533200.0", 1409533200)]
    + [(value, None) for value in (None, "", "soon", 0, -5, 1 << 40, "9" * 5000)],
)
def test_times_are_read_in_the_types_of_all_eras(created, seconds):
    parsed = parse_submission(line(url="http://a.org/", score=3, created_utc=created))
    assert parsed == (Submission("http://a.org/", 3, created=seconds),)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"is_self": True}, "self_post"),
        ({"is_self": "true"}, "self_post"),
        ({"domain": "self.books"}, "self_post"),
        ({"is_self": "false", "domain": "a.org"}, None),
        ({"is_self": False}, None),
    ],
)
def test_self_posts_are_told_by_flag_or_domain(fields, reason):
    parsed = parse_submission(line(url="http://a.org/", score=3, **fields))
    assert (parsed.reason if isinstance(parsed, Unusable) else None) == reason


@pytest.mark.parametrize(
    ("value", "marked"), [(True, True), ("true", True), ("False", False), (1, True), (None, False)]
)
def test_over_18_is_read_as_flag_or_word(value, marked):
    parsed = parse_submission(line(url="http://a.org/", score=3, over_18=value))
    assert isinstance(parsed, tuple) and parsed[0].over_18 is marked


def test_the_url_of_the_link_is_taken_before_the_overriding_one():
    assert (
        parse_submission(line(url="http://a.org/", url_overridden_by_dest="http://b.org/", score=3))[0].url
        == "http://a.org/"
    )
    assert parse_submission(line(url_overridden_by_dest="http://b.org/", score=3))[0].url == "http://b.org/"
    assert parse_submission(line(score=3)) == Unusable("no_url")


@pytest.mark.parametrize(
    "bad", [b"[]", b"null", b"7", b"{", b'{"url": "http://a', b"\x00", b"[" * 100_000, b'{"a":' * 100_000]
)
def test_what_is_no_object_is_malformed(bad):
    assert parse_submission(bad) == Unusable("malformed_line")
    assert parse_comment(bad) == Unusable("malformed_line")


def test_a_field_of_another_type_counts_as_missing_and_the_line_is_kept():
    odd = b'{"url":"http://a.org/","score":3,"subreddit":{"name":"x"},"id":17,"created_utc":[],"over_18":"true","gild":NaN}'
    assert parse_submission(odd) == (Submission("http://a.org/", 3, over_18=True),)


def test_halves_of_surrogate_pairs_and_bad_utf8_become_encodable():
    for odd in (b'{"url":"http://a.org/\\ud83d","score":3}', b'{"url":"http://a.org/\xff","score":3}'):
        parsed = parse_submission(odd)
        assert isinstance(parsed, tuple)
        assert parsed[0].url.encode().startswith(b"http://a.org/")


@given(
    st.binary(max_size=200) | st.builds(line, url=st.text(), score=st.none() | st.integers() | st.text() | st.floats())
)
def test_no_line_raises(data):
    rows = (row_parser(Layout("list"), parse_submission), table("karma", "url", delimiter=","))
    for parse in (parse_submission, parse_submission_and_text, parse_comment, *rows):
        assert isinstance(parse(data), tuple | Unusable)


ODD = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats()
    | st.sampled_from(["", "7", "a", "\ud83d"])
    | st.just({})
)


@given(
    st.dictionaries(st.sampled_from(["score", "ups", "downs", "is_self", "created_utc", "over_18"]), ODD), st.booleans()
)
def test_votes_are_decoded_only_where_there_is_no_score_to_the_same_end(fields, has_url):
    data = line(**fields, **({"url": "http://a.org/"} if has_url else {}))
    short = parse_submission(data)
    with mock.patch.object(submissions, "_FIELDS", submissions._FIELDS_WITH_VOTES):
        assert parse_submission(data) == short
    assert "ups" not in submissions._FIELDS.type.__struct_fields__


def test_links_in_self_posts_are_submissions_when_asked_for():
    text = "See [this](http://a.org/x?y=1&amp;z=2) and http://a.org/x/?y=1&amp;z=2#c; also https://b.org/(c)."
    post = line(
        id="p", is_self=True, url="https://reddit.com/r/x", selftext=text, score="5", subreddit="x", created_utc=9
    )
    assert parse_submission_and_text(post) == (
        Submission("http://a.org/x?y=1&z=2", 5, "x", 9, "t3_p https://a.org/x?y=1&z=2"),
        Submission("https://b.org/(c)", 5, "x", 9, "t3_p https://b.org/(c)"),
    )
    assert parse_submission_and_text(line(is_self=True, url="u", selftext="no link")) == Unusable("self_post", "u")
    assert parse_submission_and_text(line(is_self=True, selftext="http://a.org")) == Unusable("no_score")
    assert parse_submission_and_text(line(url="http://a.org/", score=3)) == (Submission("http://a.org/", 3),)


def test_links_in_comments_have_the_karma_of_the_comment():
    comment = line(id="c", body="http://a.org", score=4, subreddit="x", created_utc="9")
    assert parse_comment(comment) == (Submission("http://a.org", 4, "x", 9, "t1_c https://a.org/"),)
    assert parse_comment(line(id="c", body="none", score=4)) == Unusable("no_link")
    assert parse_comment(line(id="c", score=4)) == Unusable("malformed_line")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("[a](http://a.org)[b](http://b.org)", ["http://a.org", "http://b.org"]),
        ("[a](http://a.org/b_(c\\))", ["http://a.org/b_(c"]),
        ("[a](http://a.org/b_(c)) and (http://d.org)", ["http://a.org/b_(c)", "http://d.org"]),
        ('[http://a.org](http://b.org "title")', ["http://a.org", "http://b.org"]),
        ("<http://a.org>, **http://b.org** “http://c.org”", ["http://a.org", "http://b.org", "http://c.org"]),
        ("no://a.org www.a.org", []),
    ],
)
def test_links_are_found_in_markdown(text, links):
    assert list(extract_links(text)) == links


def table(*columns, delimiter="\t", header=False):
    return row_parser(Layout("table", delimiter, columns, header), parse_submission)


def test_rows_of_tables_are_read():
    parse = table("url", "karma", "id", "created")
    assert parse(b"http://a.org/\r\n") == (Submission("http://a.org/", None),)
    assert parse(b"http://a.org/\t5\tid1\t1353974008.0\ta.org\n") == (
        Submission("http://a.org/", 5, "", 1353974008, "id1"),
    )
    assert parse(b"http://a.org/\tmany\n") == Unusable("malformed_line")
    assert parse(b"\t5\n") == Unusable("no_url")
    quoted = table("karma", "", "url", "subreddit", delimiter=",", header=True)
    assert quoted(b'"7","x","http://a.org/b,c?q=""d""",news\n') == (Submission('http://a.org/b,c?q="d"', 7, "news"),)
    assert quoted(b',"x",http://a.org/\n') == Unusable("no_score", "http://a.org/")
    assert quoted(b'{"url":"http://a.org/","score":3}\n') == (Submission("http://a.org/", 3),)


def test_an_object_is_found_in_what_tools_put_around_it():
    one = (Submission("http://a.org/", 3),)
    post = b'{"url":"http://a.org/","score":3}'
    for around in (
        b"\xef\xbb\xbf%s\n",
        b"[%s,\n",
        b"%s]\r\n",
        b"\x1e%s\n",
        b'{"data":[%s]}',
        b'{"kind":"t3","data":%s}',
    ):
        assert parse_submission(around % post) == one, around
    assert parse_submission(b'{"data":{"children":[{"data":%s},{"data":%s}]}}' % (post, post)) == one * 2
    assert parse_submission(post + post) == one * 2
    assert parse_submission(post + b", " + post[:-4]) == (*one, Unusable("malformed_line"))
    assert parse_submission(b'{"title":"a\x01b",' + post[1:]) == one
    for lost in (b"\0\0" + post, b"12:00 " + post):
        assert parse_submission(lost) == Unusable("malformed_line")
    assert parse_submission(post + b" done") == (*one, Unusable("malformed_line"))
    assert parse_submission(b'{"data":' * 9 + post + b"}" * 9) == Unusable("no_url")


def test_what_leads_off_reddit_is_the_link():
    place = "https://www.reddit.com/r/x/comments/1/y/"
    assert parse_submission(line(url=place, url_overridden_by_dest="http://b.org/", score=3))[0].url == "http://b.org/"
    gallery = "https://www.reddit.com/gallery/1"
    assert parse_submission(line(url=gallery, url_overridden_by_dest=gallery, score=3))[0].url == gallery
