"""Facts that the test suite of Google's open-source robots.txt parser asserts, in our own form.

Each is a kind, rules, an agent, a path and a verdict. `line limit` and `index.html` are that parser's own ways, which
we share.
"""

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
