"""What a robots.txt says besides what may be fetched: usage by paths and groups, trainers by name, licences."""

import pytest

from webtext.permissions.robots import parse_robots
from webtext.permissions.site import Permissions, agents_asked_about

STAR = "User-agent: *\n"
DRAFT = (  # the rules of draft-ietf-aipref-attach-05, section 3.5
    f"{STAR}Allow: /\nDisallow: /never/\nContent-Usage: train-ai=n\nContent-Usage: /ai-ok/ train-ai=y\n\n"
    "User-agent: ExampleBot\nAllow: /\nContent-Usage: train-ai=y\n"
)


def permissions(robots, agent="webtext"):
    return Permissions(agent, parse_robots(robots.encode(), agents_asked_about(agent)))


def signals(robots, path, agent="webtext"):
    return [signal.name for signal in permissions(robots, agent).signals(f"http://x.test{path}")]


@pytest.mark.parametrize(
    ("robots", "path", "is_out"),
    [
        (DRAFT, "/test", True),
        (DRAFT, "/ai-ok/test", False),
        ("Content-Usage: train-ai=n\n", "/x", True),  # before any group: for everybody
        (f"{STAR}content-usage :\ttrain-ai=n # no", "/x", True),
        (f"{STAR}Content-Usage: /a\ttrain-ai=n\n", "/a/b", True),
        (f"{STAR}Content-Usage: /a train-ai=n\n", "/b", False),
        (f"{STAR}Content-Usage: /*.pdf$ train-ai=n\n", "/a.pdf", True),
        (f"{STAR}Content-Usage: /*.pdf$ train-ai=n\n", "/a.pdf?b", False),
        (f"{STAR}Content-Usage: /caf\u00e9/ train-ai=n\n", "/caf%c3%a9/menu", True),
        (f"{STAR}Content-Usage: /%7Ejoe/ train-ai=n\n", "/~joe/", True),
        (f"{STAR}Content-Usage: /a train-ai=y\nContent-Usage: /a train-ai=n\n", "/a", True),  # the strictest of equals
        (f"{STAR}Content-Usage: /a/b search=y\nContent-Usage: /a train-ai=n\n", "/a/b", False),  # the longest alone
        (f"{STAR}Content-Usage: /a\n", "/a", False),  # a path and nothing said of it
        (f"{STAR}Content-Usage: train-ai=no\n", "/a", True),  # Content Signals' words
        (f"{STAR}Content-Usage: train-ai=maybe\n", "/a", False),
        (f"{STAR}Content-Usage: ai=n\n", "/a", True),
        ("User-agent: other\nContent-Usage: train-ai=n\n", "/a", False),
        (f"{STAR}Content-Usage: train-ai=n\nUser-agent: webtext\nAllow: /\n", "/a", False),  # our own group alone
        (f"{STAR}Content-Usage: train-ai=n\n\n{STAR}Disallow: /x\n", "/a", True),  # groups of a name are one
    ],
)
def test_content_usage(robots, path, is_out):
    assert signals(robots, path) == (["content_usage"] if is_out else [])


def test_a_group_by_name_has_its_own_usage():
    assert signals(DRAFT, "/test", "ExampleBot") == []


@pytest.mark.parametrize(
    ("robots", "is_out"),
    [
        (f"{STAR}Content-Signal: search=yes,ai-train=no,use=reference\nAllow: /\n", True),
        (f"{STAR}Content-Signal: AI-Train = NO\n", True),
        (f"{STAR}Content-signals: ai-train=no\n", True),
        (f"{STAR}Content-Signal: ai-train=yes, search=yes, ai-input=no\n", False),
        (f"{STAR}Content-Signal: ai-input=no\n", False),
        (f"{STAR}Content-Signal: search=yes, use=immediate\n", True),
        (f"{STAR}Content-Signal: ai-train=yes, use=reference\n", False),
        (f"{STAR}Content-Signal: /page ai-train=no\n", True),
        (f"{STAR}# Content-Signal: ai-train=no\n", False),
        (f"Content-Signal: ai-train=no\n\n{STAR}Allow: /\n", True),
    ],
)
def test_content_signals(robots, is_out):
    assert signals(robots, "/page") == (["content_signal"] if is_out else [])


@pytest.mark.parametrize(
    ("robots", "path", "is_out"),
    [
        (f"{STAR}DisallowAITraining: /\n", "/a", True),
        (f"{STAR}disallowaitraining: /a\n", "/b", False),
        (f"{STAR}DisallowAITraining: /\nAllowAITraining: /free/\n", "/free/a", False),
        (f"{STAR}DisallowAITraining: /free/not/\nAllowAITraining: /free/\n", "/free/not/a", True),
        (f"{STAR}DisallowAITraining:\n", "/a", False),
        ("DisallowAITraining: /\n", "/a", True),
    ],
)
def test_disallow_ai_training(robots, path, is_out):
    assert signals(robots, path) == (["disallow_ai_training"] if is_out else [])


@pytest.mark.parametrize(
    ("robots", "agent"),
    [
        ("User-agent: GPTBot\nDisallow: /\n", "GPTBot"),
        ("User-agent: Foo\nUser-agent: google-extended\nDisallow: /\n", "Google-Extended"),
        ("User-agent: CCBot/2.0\nDisallow: /page\n", "CCBot"),
        ("User-agent: AI2Bot\nDisallow: /\n", "AI2Bot"),
        ("User-agent: GPTBot\nAllow: /\n\nUser-agent: Bytespider\nDisallow: /\n", "Bytespider"),
        ("User-agent: GPTBot\nDisallow: /\nAllow: /page\n", ""),
        ("User-agent: GPTBot\nDisallow:\n", ""),
        ("User-agent: GPTBotany\nDisallow: /\n", ""),
        ("User-agent: Googlebot\nDisallow: /\n", ""),
        ("User-agent: GPTBot\nDisallow: /\n\nUser-agent: webtext\nDisallow: /other\n", ""),
    ],
)
def test_crawlers_of_trainers(robots, agent):
    found = list(permissions(robots).signals("http://x.test/page"))
    assert [signal.name for signal in found] == (["ai_agents"] if agent else [])
    assert not agent or found[0].evidence.startswith(f"User-agent: {agent}, Disallow: /")


@pytest.mark.parametrize(
    ("robots", "named"),
    [
        (f"License: https://a.test/l.xml\n{STAR}Allow: /\n", ["https://a.test/l.xml"]),
        (f"License: https://a.test/l.xml\n{STAR}Allow: /\nlicense: /own.xml # ours\n", ["http://x.test/own.xml"]),
        (
            f"License: https://a.test/l.xml\nLicense: https://b.test/\n{STAR}\n",
            ["https://a.test/l.xml", "https://b.test/"],
        ),
        (f"{STAR}Allow: /\n\nLicense: https://a.test/l.xml\n", ["https://a.test/l.xml"]),
        (f"User-agent: other\nLicense: https://a.test/l.xml\n\n{STAR}Allow: /\n", []),
        (
            "".join(f"License: https://a.test/{number}.xml\n" for number in range(4)),  # three are read
            [f"https://a.test/{number}.xml" for number in range(3)],
        ),
        ("License: CC BY 4.0\nLicense:\n", []),
    ],
)
def test_licences_hold_for_a_group_or_for_all(robots, named):
    assert permissions(robots).named_licences("http://x.test/a/b?c") == named
