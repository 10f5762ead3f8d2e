"""robots.txt: what answers mean by RFC 9309, and what rules say, in the facts of the public test cases of its parser.

The table states, in our own form, the facts that the test suite of Google's open-source robots.txt parser asserts:
rules, agent, URL, verdict. `line limit` and `index.html` are that
parser's own ways, which we share.
"""

import itertools
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.permissions.paths import path_matches, path_of
from webtext.permissions.robots import MAX_BYTES, MAX_RULES, parse_robots, product_token, robots_of_answer

ALLOWED, DISALLOWED = "allowed", "disallowed"
LINE_LIMIT = 2083 * 8  # bytes of a line that count, the rest is dropped

GROUPS = (
    "allow: /foo/bar/\n\nuser-agent: FooBot\ndisallow: /\nallow: /x/\nuser-agent: BarBot\ndisallow: /\nallow: /y/\n\n\n"
    "allow: /w/\nuser-agent: BazBot\n\nuser-agent: FooBot\nallow: /z/\ndisallow: /\n"
)
GLOBAL = "user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /\n"
SPECIFIC = "user-agent: FooBot\nallow: /\nuser-agent: BarBot\ndisallow: /\nuser-agent: BazBot\ndisallow: /\n"
FISH = ["/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fishheads/yummy.html", "/fish.html?id=anything"]
PHP_INSIDE = ["//folder/any.php.file.html", "/filename.php/", "/index?f=filename.php/", "/php/filename.php"]
PHP_OUTSIDE = ["/php/", "/filename?php", "/aaaphpaaa", "//windows.PHP"]
SPACED = "User-Agent: *\nDisallow: /\nUser-Agent: Foo Bar\nAllow: /x/\nDisallow: /\n"
INDEX = "User-Agent: *\nAllow: /allowed-slash/index.html\nDisallow: /\n"


def foobot(rules):
    return "user-agent: FooBot\n" + rules


def table():
    """Yield (group of cases, robots.txt, agent, path of the URL, verdict)."""
    yield from [("nothing", "", "FooBot", "/", ALLOWED), ("nothing", "", "FooBot", "/x", ALLOWED)]

    for rules, verdict in [
        ("user-agent: FooBot\ndisallow: /\n", DISALLOWED),
        ("foo: FooBot\nbar: /\n", ALLOWED),
        ("user-agent FooBot\ndisallow /\n", DISALLOWED),
    ]:
        yield "line syntax", rules, "FooBot", "/x/y", verdict

    for agent, path, verdict in [
        ("FooBot", "/x/b", ALLOWED),
        ("FooBot", "/z/d", ALLOWED),
        ("FooBot", "/y/c", DISALLOWED),
        ("BarBot", "/y/c", ALLOWED),
        ("BarBot", "/w/a", ALLOWED),
        ("BarBot", "/z/d", DISALLOWED),
        ("BazBot", "/z/d", ALLOWED),
        ("FooBot", "/foo/bar/", DISALLOWED),
        ("BarBot", "/foo/bar/", DISALLOWED),
        ("BazBot", "/foo/bar/", DISALLOWED),
    ]:
        yield "groups", GROUPS, agent, path, verdict

    for line in ("Sitemap: https://foo.bar/sitemap", "Invalid-Unknown-Line: unknown"):
        for agent in ("FooBot", "BarBot"):
            rules = f"User-agent: BarBot\n{line}\nUser-agent: *\nDisallow: /\n"
            yield "other lines do not end a group", rules, agent, "/", DISALLOWED

    for rules in (
        "USER-AGENT: FooBot\nALLOW: /x/\nDISALLOW: /\n",
        "user-agent: FooBot\nallow: /x/\ndisallow: /\n",
        "uSeR-aGeNt: FooBot\nAlLoW: /x/\ndIsAlLoW: /\n",
    ):
        yield "names of lines in any case", rules, "FooBot", "/x/y", ALLOWED
        yield "names of lines in any case", rules, "FooBot", "/a/b", DISALLOWED

    for name in ("FOO BAR", "foo bar", "FoO bAr"):
        rules = f"User-Agent: {name}\nAllow: /x/\nDisallow: /\n"
        for agent in ("Foo", "foo"):
            yield "agents in any case", rules, agent, "/x/y", ALLOWED
            yield "agents in any case", rules, agent, "/a/b", DISALLOWED

    yield from precedence()
    yield from encodings()
    yield from long_lines()
    yield from documentation()
    yield from line_endings()


def precedence():
    """Yield the cases of which group counts, and which rule of it."""
    yield "agent up to its first space", SPACED, "Foo", "/x/y", ALLOWED
    yield "agent up to its first space", SPACED, "Foo Bar", "/x/y", DISALLOWED

    yield "group for all", GLOBAL, "FooBot", "/x/y", DISALLOWED
    yield "group for all", GLOBAL, "BarBot", "/x/y", ALLOWED
    yield "no group for us", SPECIFIC, "QuxBot", "/x/y", ALLOWED

    yield "paths have case", foobot("disallow: /x/\n"), "FooBot", "/x/y", DISALLOWED
    yield "paths have case", foobot("disallow: /X/\n"), "FooBot", "/x/y", ALLOWED

    for rules, path, verdict in [
        ("disallow: /x/page.html\nallow: /x/\n", "/x/page.html", DISALLOWED),
        ("allow: /x/page.html\ndisallow: /x/\n", "/x/page.html", ALLOWED),
        ("allow: /x/page.html\ndisallow: /x/\n", "/x/", DISALLOWED),
        ("disallow: \nallow: \n", "/x/page.html", ALLOWED),
        ("disallow: /\nallow: /\n", "/x/page.html", ALLOWED),
        ("disallow: /x\nallow: /x/\n", "/x", DISALLOWED),
        ("disallow: /x\nallow: /x/\n", "/x/", ALLOWED),
        ("disallow: /x/page.html\nallow: /x/page.html\n", "/x/page.html", ALLOWED),
        ("allow: /page\ndisallow: /*.html\n", "/page.html", DISALLOWED),
        ("allow: /page\ndisallow: /*.html\n", "/page", ALLOWED),
        ("allow: /x/page.\ndisallow: /*.html\n", "/x/page.html", ALLOWED),
        ("allow: /x/page.\ndisallow: /*.html\n", "/x/y.html", DISALLOWED),
    ]:
        yield "longest match", foobot(rules), "FooBot", path, verdict
    both = "User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/\n"
    yield "own group alone", both, "FooBot", "/x/page", ALLOWED
    yield "own group alone", both, "FooBot", "/y/page", DISALLOWED


def encodings():
    """Yield the cases of encoded characters, special characters, and index.html."""
    query = "/foo/bar?qux=taz&baz=http://foo.bar?tar&par"
    for rule, path, verdict in [
        (query, query, ALLOWED),
        ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84", ALLOWED),
        ("/foo/bar/\u30c4", "/foo/bar/\u30c4", DISALLOWED),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84", ALLOWED),
        ("/foo/bar/%E3%83%84", "/foo/bar/\u30c4", DISALLOWED),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz", DISALLOWED),
        ("/foo/bar/%62%61%7A", "/foo/bar/%62%61%7A", ALLOWED),
        ("/foo/bar/%aa", "/foo/bar/%AA", ALLOWED),
        ("/foo/bar/\u00e1", "/foo/bar/%C3%A1", ALLOWED),
    ]:
        yield "encoding", f"User-agent: FooBot\nDisallow: /\nAllow: {rule}\n", "FooBot", path, verdict

    for rules, path, verdict in [
        ("Disallow: /foo/bar/quz\nAllow: /foo/*/qux\n", "/foo/bar/quz", DISALLOWED),
        ("Disallow: /foo/bar/quz\nAllow: /foo/*/qux\n", "/foo/quz", ALLOWED),
        ("Disallow: /foo/bar/quz\nAllow: /foo/*/qux\n", "/foo//quz", ALLOWED),
        ("Disallow: /foo/bar/quz\nAllow: /foo/*/qux\n", "/foo/bax/quz", ALLOWED),
        ("Disallow: /foo/bar$\nAllow: /foo/bar/qux\n", "/foo/bar", DISALLOWED),
        ("Disallow: /foo/bar$\nAllow: /foo/bar/qux\n", "/foo/bar/qux", ALLOWED),
        ("Disallow: /foo/bar$\nAllow: /foo/bar/qux\n", "/foo/bar/", ALLOWED),
        ("Disallow: /foo/bar$\nAllow: /foo/bar/qux\n", "/foo/bar/baz", ALLOWED),
        ("# Disallow: /\nDisallow: /foo/quz#qux\nAllow: /\n", "/foo/bar", ALLOWED),
        ("# Disallow: /\nDisallow: /foo/quz#qux\nAllow: /\n", "/foo/quz", DISALLOWED),
    ]:
        yield "special characters", foobot(rules), "FooBot", path, verdict

    for path, verdict in [
        ("/allowed-slash/", ALLOWED),
        ("/allowed-slash/index.htm", DISALLOWED),
        ("/allowed-slash/index.html", ALLOWED),
        ("/anyother-url", DISALLOWED),
    ]:
        yield "index.html", INDEX, "FooBot", path, verdict


def long_lines():
    """Yield the cases of the line limit: a rule longer than it is the rule cut at it."""
    cut = ("/x/" + "a" * LINE_LIMIT)[: LINE_LIMIT - len("disallow: ") - len("/x/") + 1]
    rules = foobot(f"disallow: {cut}/qux\n")
    yield "line limit", rules, "FooBot", "/fux", ALLOWED
    yield "line limit", rules, "FooBot", cut + "/fux", DISALLOWED
    first = ("/x/" + "a" * LINE_LIMIT)[: LINE_LIMIT - len("allow: ") - len("/x/") + 1]
    second = first.replace("a", "b")
    rules = foobot(f"disallow: /\nallow: {first}/qux\nallow: {second}/qux\n")
    yield "line limit", rules, "FooBot", "/", DISALLOWED
    yield "line limit", rules, "FooBot", f"{first}/qux", ALLOWED
    yield "line limit", rules, "FooBot", f"{second}/fux", ALLOWED


def documentation():
    """Yield the tables of the documentation: which paths a pattern matches, and which of two rules wins."""
    matches = {
        "/fish": (
            [
                "/fish",
                "/fish.html",
                "/fish/salmon.html",
                "/fishheads",
                "/fishheads/yummy.html",
                "/fish.html?id=anything",
            ],
            ["/bar", "/Fish.asp", "/catfish", "/?id=fish"],
        ),
        "/fish*": (
            [
                "/fish",
                "/fish.html",
                "/fish/salmon.html",
                "/fishheads",
                "/fishheads/yummy.html",
                "/fish.html?id=anything",
            ],
            ["/bar", "/Fish.bar", "/catfish", "/?id=fish"],
        ),
        "/fish/": (
            ["/fish/", "/fish/salmon", "/fish/?salmon", "/fish/salmon.html", "/fish/?id=anything"],
            ["/bar", "/fish", "/fish.html", "/Fish/Salmon.html"],
        ),
        "/*.php": (
            ["/filename.php", "/folder/filename.php", "/folder/filename.php?parameters", *PHP_INSIDE],
            ["/bar", "/php/", "/index?php", "/windows.PHP"],
        ),
        "/*.php$": (
            ["/filename.php", "/folder/filename.php"],
            ["/bar", "/filename.php?parameters", "/filename.php/", "/filename.php5", *PHP_OUTSIDE],
        ),
        "/fish*.php": (["/fish.php", "/fishheads/catfish.php?parameters"], ["/bar", "/Fish.PHP"]),
    }
    for pattern, (matched, others) in matches.items():
        rules = foobot(f"disallow: /\nallow: {pattern}\n")
        yield from (("documentation", rules, "FooBot", path, ALLOWED) for path in matched)
        yield from (("documentation", rules, "FooBot", path, DISALLOWED) for path in others)
    for rules, path, verdict in [
        ("allow: /p\ndisallow: /\n", "/page", ALLOWED),
        ("allow: /folder\ndisallow: /folder\n", "/folder/page", ALLOWED),
        ("allow: /page\ndisallow: /*.htm\n", "/page.htm", DISALLOWED),
        ("allow: /$\ndisallow: /\n", "/", ALLOWED),
        ("allow: /$\ndisallow: /\n", "/page.html", DISALLOWED),
    ]:
        yield "order of precedence", foobot(rules), "FooBot", path, verdict


def line_endings():
    """Yield files with the line endings of all systems, and with whole and broken byte order marks."""
    lines = ["User-Agent: foo", "Allow: /some/path", "User-Agent: bar", "", "", "Disallow: /"]
    for ending in ("\n", "\r\n", "\r"):
        yield "line endings", ending.join([*lines, ""]), "bar", "/x", DISALLOWED
        yield "line endings", ending.join(lines), "bar", "/x", DISALLOWED
        yield "line endings", ending.join(lines), "foo", "/some/other", ALLOWED
    yield (
        "line endings",
        "User-Agent: foo\nAllow: /some/path\r\nUser-Agent: bar\n\r\n\nDisallow: /",
        "bar",
        "/x",
        DISALLOWED,
    )
    for mark, verdict in [
        (b"\xef\xbb\xbf", DISALLOWED),
        (b"\xef\xbb", DISALLOWED),
        (b"\xef", DISALLOWED),
        (b"\xef\x11\xbf", ALLOWED),
    ]:
        yield "byte order mark", mark + b"User-Agent: foo\nDisallow: /\n", "foo", "/x", verdict
    inside = b"User-Agent: foo\n\xef\xbb\xbfDisallow: /x\nDisallow: /y\n"
    yield "byte order mark", inside, "foo", "/x", ALLOWED
    yield "byte order mark", inside, "foo", "/y", DISALLOWED


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
