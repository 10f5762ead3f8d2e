"""robots.txt: what answers mean by RFC 9309, and what rules say, by the facts of public test cases and by our own."""

import itertools
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.double.robots_cases import ALLOWED, DISALLOWED, table
from webtext.permissions.paths import path_matches, path_of
from webtext.permissions.robots import MAX_BYTES, MAX_RULES, parse_robots, product_token, robots_of_answer

CASES = list(table())


@pytest.mark.parametrize("kind", dict.fromkeys(case[0] for case in CASES))
def test_the_facts_of_the_public_test_cases(kind):
    wrong = []
    for name, rules, agent, path, verdict in CASES:
        body = rules if isinstance(rules, bytes) else rules.encode()
        if name == kind and parse_robots(body).judge(f"http://foo.bar{path}", agent) != verdict:
            wrong.append((body[:80], agent, path[:80], verdict))
    assert wrong == []


def test_no_agent_and_no_path():
    rules = parse_robots(b"user-agent: FooBot\ndisallow: /\n")
    assert rules.judge("", "") == ALLOWED
    assert rules.judge("", "FooBot") == DISALLOWED


@pytest.mark.parametrize(
    ("agent", "token"),
    [("Foobot", "Foobot"), ("Foobot-Bar", "Foobot-Bar"), ("Foo_Bar", "Foo_Bar"), ("Foobot/2.1", "Foobot")],
)
def test_product_tokens(agent, token):
    assert product_token(agent) == token


@pytest.mark.parametrize("agent", ["", "\u30c4", " Foobot ", "*", "/2"])
def test_what_is_no_product_token(agent):
    with pytest.raises(ValueError, match="product token"):
        product_token(agent)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://www.example.com", "/"),
        ("http://www.example.com/", "/"),
        ("http://www.example.com/a", "/a"),
        ("http://www.example.com/a/", "/a/"),
        ("http://www.example.com/a/b?c=http://d.e/", "/a/b?c=http://d.e/"),
        ("http://www.example.com/a/b?c=d&e=f#fragment", "/a/b?c=d&e=f"),
        ("http://example.com?a", "/?a"),
        ("http://example.com/a;b#c", "/a;b"),
    ],
)
def test_what_patterns_are_matched_with(url, path):
    assert path_of(url) == path


@pytest.mark.parametrize(
    ("status", "verdict", "judged"),
    [
        (200, "rules", DISALLOWED),
        (206, "rules", DISALLOWED),
        (301, "no_rules", ALLOWED),  # a redirect that was not followed to its end
        (400, "no_rules", ALLOWED),
        (401, "no_rules", ALLOWED),
        (403, "no_rules", ALLOWED),
        (404, "no_rules", ALLOWED),
        (410, "no_rules", ALLOWED),
        (429, "unreachable", "unreachable"),
        (500, "unreachable", "unreachable"),
        (503, "unreachable", "unreachable"),
        (599, "unreachable", "unreachable"),
        (None, "unreachable", "unreachable"),
    ],
)
def test_what_answers_mean(status, verdict, judged):
    robots = robots_of_answer(status, b"user-agent: *\ndisallow: /\n", "timeout")
    assert (robots.verdict, robots.judge("http://a.test/x", "webtext")) == (verdict, judged)


def test_robots_txt_itself_is_never_ruled_out():
    rules = parse_robots(b"user-agent: *\ndisallow: /\n")
    assert rules.judge("http://a.test/robots.txt", "webtext") == ALLOWED


def test_what_is_beyond_the_limit_does_not_count():
    rules = b"user-agent: *\n" + b"#" * 99 + b"\n" * MAX_BYTES + b"disallow: /\n"
    assert parse_robots(rules).judge("http://a.test/x", "webtext") == ALLOWED


@pytest.mark.parametrize(
    ("rules", "delay"),
    [
        (b"user-agent: *\ncrawl-delay: 2.5\n", 2.5),
        (b"user-agent: *\ncrawl-delay: 2\nuser-agent: webtext\ncrawl-delay: 7\n", 7),
        (b"user-agent: *\ncrawl-delay: 2\nuser-agent: webtext\ndisallow: /x\n", 0),
        (b"user-agent: *\nuser-agent: webtext\ncrawl-delay: 3\n", 3),
        (b"user-agent: *\ncrawl-delay: soon\n", 0),
        (b"user-agent: *\ncrawl-delay: -1\n", 0),
        (b"user-agent: *\ncrawl-delay: nan\n", 0),
        (b"user-agent: *\ncrawl-delay: inf\n", 0),
        (b"", 0),
    ],
)
def test_crawl_delay(rules, delay):
    assert parse_robots(rules).crawl_delay("webtext") == delay


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_are_parsed(body, path):
    assert parse_robots(body).judge(f"http://a.test/{quote(path)}", "webtext") in {ALLOWED, DISALLOWED}


@given(
    st.text("ab/*$.", max_size=12).map(lambda text: "/" + text),
    st.text("ab/.", max_size=12).map(lambda text: "/" + text),
)
def test_patterns_match_as_the_same_regular_expression(pattern, path):
    expression = ".*".join(re.escape(piece) for piece in pattern.removesuffix("$").split("*"))
    expected = re.match(expression + ("$" if pattern.endswith("$") else ""), path) is not None
    assert path_matches(pattern, path) is expected


def test_hostile_patterns_cost_little():
    pattern, path = "/" + "*a" * 8000 + "b", "/" + "a" * 8000
    assert not path_matches(pattern, path)


@pytest.mark.parametrize(
    ("rule", "path", "verdict"),
    [
        ("Disallow: /~joe/", "/%7Ejoe/x", DISALLOWED),  # RFC 9309, section 2.2.2, from here on
        ("Disallow: /%7ejoe/", "/~joe/x", DISALLOWED),
        ("Disallow: /private/", "/%70rivate/x", DISALLOWED),
        ("Disallow: /%70rivate/", "/private/x", DISALLOWED),
        ("Disallow: /a%3Ab", "/a:b", DISALLOWED),
        ("Disallow: /a:b", "/a%3ab", DISALLOWED),
        ("Disallow: /my files/", "/my%20files/", DISALLOWED),
        ("Disallow: /a%2fb", "/a%2Fb", DISALLOWED),
        ("Disallow: /a%2Fb", "/a/b", ALLOWED),  # an encoded slash is no slash
        ("Disallow: /a%3Fb", "/a?b", ALLOWED),
        ("Disallow: /a-%2A.html", "/a-*.html", DISALLOWED),  # section 2.2.3, from here on
        ("Disallow: /a-%2a.html", "/a-b.html", ALLOWED),
        ("Disallow: /price-%24", "/price-$", DISALLOWED),
        ("Disallow: /price-%24", "/price-", ALLOWED),
        ("Disallow: /a$b", "/a$b", DISALLOWED),
        ("Disallow: /a*$", "/a*", DISALLOWED),
        ("Disallow: /*?", "/a?", DISALLOWED),  # a query may be empty
        ("Disallow: /?", "/", ALLOWED),
        ("Disallow: */test", "/test", DISALLOWED),
        ("Disallow: /\nAllow: *", "/x", ALLOWED),
        ("Disallow: /\nAllow: /~joe/", "/%7ejoe/", ALLOWED),
        ("Disallow: /\nAllow: /%7Ejoe/", "/~joe/", ALLOWED),
        ("Disallow: /rss\nAllow: /", "/rssa", DISALLOWED),
    ],
)
def test_rules_and_paths_are_compared_in_one_form(rule, path, verdict):
    body = f"User-agent: *\n{rule}\n".encode()
    assert parse_robots(body).judge(f"http://a.test{path}", "webtext") == verdict


@pytest.mark.parametrize(
    "body",
    [
        "User-agent: *\nDisallow: /privé/\n".encode("latin-1"),
        "\ufeffUser-agent: *\nDisallow: /priv%e9/\n".encode("utf-16-le"),
        b"User-agent: *\n\x00Disallow: /priv%E9\n",
        "User-agent:\u00a0*\n\u00a0Disallow\u00a0:\u00a0/priv%E9\u00a0\n".encode(),
        b"User-agent: *\nSitemap: http://x.test\nDisallow: /" + b"a" * 30_000 + b"\nDisallow: /priv%E9",
    ],
)
def test_files_as_editors_leave_them(body):
    rules = parse_robots(body)
    assert rules.judge("http://a.test/priv%E9/x", "webtext") == DISALLOWED
    assert rules.judge("http://a.test/x", "webtext") == ALLOWED


def test_the_line_that_shuts_out_is_named():
    rules = parse_robots(b"# a\nUser-agent: *\nDisallow: /a\nDisallow: /a/%7Eb  # why\n")
    assert str(rules.barring("http://a.test/a/~b", "webtext")) == "Disallow: /a/%7Eb (line 4)"
    assert rules.barring("http://a.test/c", "webtext") is None


def test_only_the_groups_that_are_asked_about_are_kept():
    names = map("".join, itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=3))
    others = "".join(f"User-agent: {name}\nDisallow: /{name}\n" for name in itertools.islice(names, 9000)).encode()
    rules = parse_robots(others + b"User-agent: AI2Bot\nDisallow: /x\nUser-agent: *\nDisallow: /y\n", {"ai2bot"})
    assert rules.cost < 1000
    assert rules.names("AI2Bot")
    assert rules.judge("http://a.test/x", "AI2Bot") == DISALLOWED
    assert rules.judge("http://a.test/y", "webtext") == DISALLOWED


def test_a_file_with_too_many_rules_cannot_be_read():
    lines = [b"Disallow: /%d" % number for number in range(MAX_RULES + 1)]
    assert parse_robots(b"User-agent: *\n" + b"\n".join(lines[:MAX_RULES])).judge("http://a.test/x", "a") == ALLOWED
    assert parse_robots(b"User-agent: *\n" + b"\n".join(lines)).judge("http://a.test/x", "a") == "unreachable"
    assert parse_robots(b"User-agent: *\n" + b"Disallow: /a\n" * 30_000).judge("http://a.test/x", "a") == ALLOWED


def test_an_agent_named_often_costs_as_much_as_once():
    body = b"User-agent: *\n" * 17_000 + b"Disallow: /a\nDisallow: /b\n"
    assert parse_robots(body).cost == parse_robots(b"User-agent: *\nDisallow: /a\nDisallow: /b\n").cost
