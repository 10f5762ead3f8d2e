"""Reddit's API through the real PRAW, against a server on loopback that speaks OAuth, listings and trouble."""

import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.commands.cli import main
from tests.double.fake_reddit import DAY, POSTS, FakeReddit, thing
from webtext.errors import UsageError
from webtext.reddit.api import (
    Outcome,
    RedditConfig,
    Target,
    connect,
    follow_reddit,
    harvest_reddit,
    plan_targets,
    rescore,
)
from webtext.reddit.api_log import SubmissionLog
from webtext.reddit.compressed import read_lines
from webtext.reddit.submissions import parse_submission

pytest.importorskip("praw")


@pytest.fixture
def fake():
    """Serve a fake Reddit on loopback."""
    known = FakeReddit()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = known.respond(parts.path.rstrip("/"), parse_qs(parts.query), self.headers, body)
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json; charset=UTF-8", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    known.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waits(monkeypatch):
    """Record the waits of PRAW and of ours instead of waiting."""
    waited = []
    monkeypatch.setattr("prawcore.rate_limit.time.sleep", waited.append)
    return waited


@pytest.fixture
def environment(fake, monkeypatch, tmp_path):
    """Set credentials as PRAW users do, in the environment, and the address of the fake Reddit in praw.ini."""
    monkeypatch.setattr("praw.config.Config.CONFIG", None)
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    folder.joinpath("praw.ini").write_text(f"[DEFAULT]\nreddit_url={fake.address}\noauth_url={fake.address}\n")
    values = {"client_id": "id", "client_secret": "secret", "user_agent": "python:webtext-tests:1 (by u/nobody)"}
    for name, value in values.items():
        monkeypatch.setenv(f"praw_{name}", value)


@pytest.fixture
def reddit(environment, waits):
    """Connect the real PRAW to the fake Reddit."""
    with connect() as connected:
        yield connected


def harvest(reddit, tmp_path, **config):
    log = SubmissionLog(str(tmp_path / "RS.jsonl.zst"))
    return log, list(harvest_reddit(reddit, RedditConfig(**{"subreddits": ("books",), **config}), log, time.sleep))


def lines(tmp_path):
    with (tmp_path / "RS.jsonl.zst").open("rb") as stream:
        return [json.loads(line) for batch in read_lines(stream) for line in batch]


def test_a_listing_is_read_page_by_page_into_a_dump(fake, reddit, tmp_path):
    _, outcomes = harvest(reddit, tmp_path, listings=("top",), times=("year",))
    assert outcomes == [Outcome(Target("books", "top", "year"), POSTS, POSTS)]
    asked = [query for path, query, _ in fake.requests if path == "/r/books/top"]
    assert [query.get("after") for query in asked] == [None, ["t3_p99"], ["t3_p199"]]
    assert {query["t"][0] for query in asked} == {"year"}
    assert all(agent.startswith("python:webtext-tests:1") for _, _, agent in fake.requests)
    written = lines(tmp_path)
    assert [each["id"] for each in written] == [f"p{number}" for number in range(POSTS)]
    assert written[1]["subreddit"] == "books"
    assert "author" not in written[1]
    parsed = parse_submission(json.dumps(written[1]).encode())
    assert isinstance(parsed, tuple)
    assert (parsed[0].url, parsed[0].karma, parsed[0].created, parsed[0].id) == (
        "http://a.org/1",
        1,
        1_500_000_001,
        "p1",
    )


def test_a_limit_ends_a_listing(reddit, tmp_path):
    assert harvest(reddit, tmp_path, limit=120)[1] == [Outcome(Target("books", "new"), 120, 120)]


def test_a_search_asks_for_its_query(fake, reddit, tmp_path):
    _, outcomes = harvest(reddit, tmp_path, searches=("site:a.org",), limit=10)
    assert [str(outcome.target) for outcome in outcomes] == ["r/books search all 'site:a.org'"]
    path, query, _ = fake.requests[-1]
    assert path == "/r/books/search"
    assert (query["q"], query["restrict_sr"], query["t"], query["sort"]) == (["site:a.org"], ["True"], ["all"], ["new"])


def test_subreddits_that_cannot_be_read_are_told_and_the_others_are_read(reddit, tmp_path):
    names = ("private", "quarantined", "banned", "nosuch", "blocked", "books")
    _, outcomes = harvest(reddit, tmp_path, subreddits=names, limit=1)
    assert [outcome.problem for outcome in outcomes] == [
        "private",
        "quarantined",
        "banned",
        "not_found",
        "forbidden",
        "",
    ]
    assert len(lines(tmp_path)) == 1


def test_server_errors_are_waited_out(fake, reddit, waits, tmp_path):
    fake.troubles["/r/books/new"] = [(500, {}, ""), (503, {}, ""), (502, {}, ""), (504, {}, "")]
    assert harvest(reddit, tmp_path)[1][0].submissions == POSTS
    assert max(waits) >= 5


def test_an_error_in_the_middle_of_a_listing_loses_no_page(fake, reddit, tmp_path):
    responses = FakeReddit.give_listing
    troubled = [(500, {}, "")] * 4

    def give_listing(path, query):
        return troubled.pop() if "after" in query and troubled else responses(fake, path, query)

    fake.give_listing = give_listing
    assert harvest(reddit, tmp_path)[1][0].submissions == POSTS
    assert [each["id"] for each in lines(tmp_path)] == [f"p{number}" for number in range(POSTS)]


def test_a_server_that_stays_down_leaves_the_listing_for_the_next_run(fake, reddit, tmp_path):
    fake.troubles["/r/books/new"] = [(500, {}, "")] * 18
    _, outcomes = harvest(reddit, tmp_path)
    assert outcomes == [Outcome(Target("books", "new"), 0, 0, "unavailable")]
    assert harvest(reddit, tmp_path)[1][0].new == POSTS


def test_rubbish_for_json_is_waited_out(fake, reddit, tmp_path):
    fake.troubles["/r/books/new"] = [(200, {}, "<html>not json"), (200, {}, "{")]
    assert harvest(reddit, tmp_path)[1][0].submissions == POSTS


def test_too_many_requests_wait_as_long_as_reddit_says(fake, reddit, waits, tmp_path):
    limited = {"retry-after": "17", "x-ratelimit-remaining": "0", "x-ratelimit-used": "100", "x-ratelimit-reset": "43"}
    fake.troubles["/r/books/new"] = [(429, limited, {"message": "Too Many Requests", "error": 429}), (429, {}, "")]
    assert harvest(reddit, tmp_path)[1][0].submissions == POSTS
    assert 17.0 in waits
    assert any(42 < wait <= 43 for wait in waits)  # PRAW's limiter, by the headers


def test_a_reddit_that_cannot_be_reached_is_one_line(environment, waits, tmp_path):
    with connect(oauth_url="http://127.0.0.1:9") as reddit, pytest.raises(UsageError, match="cannot be reached"):
        harvest(reddit, tmp_path)
    assert sum(wait >= 5 for wait in waits) == 6


def test_an_expired_token_is_renewed(fake, reddit, tmp_path):
    harvest(reddit, tmp_path, limit=1)
    fake.tokens = 7  # Reddit has forgotten the token given
    assert harvest(reddit, tmp_path, limit=3)[1][0].submissions == 3
    assert fake.tokens == 8


def test_wrong_credentials_are_one_line(environment, waits, tmp_path):
    with connect(client_secret="wrong") as reddit, pytest.raises(UsageError, match="refuses the credentials"):  # noqa: S106
        harvest(reddit, tmp_path)


@pytest.mark.parametrize("name", ["client_id", "client_secret", "user_agent"])
def test_a_missing_credential_is_named(environment, monkeypatch, name):
    monkeypatch.delenv(f"praw_{name}")
    with pytest.raises(UsageError, match=f"needs {name}: "):
        connect()


def test_a_missing_section_and_a_missing_praw_are_one_line(environment, monkeypatch):
    with pytest.raises(UsageError, match="no section 'mine'"):
        connect("mine")
    monkeypatch.setitem(sys.modules, "praw", None)
    with pytest.raises(UsageError, match="pip install"):
        connect()


def test_credentials_are_found_in_praw_ini(environment, fake, monkeypatch, tmp_path):
    for name in ("client_id", "client_secret", "user_agent"):
        monkeypatch.delenv(f"praw_{name}")
    with (tmp_path / "config" / "praw.ini").open("a") as stream:
        stream.write("[mine]\nclient_id=id\nclient_secret=secret\nuser_agent=webtext-tests\n")
    with connect("mine") as reddit:
        assert harvest(reddit, tmp_path, limit=1)[1][0].submissions == 1


def test_an_interrupted_run_goes_on_where_it_stopped(fake, reddit, tmp_path):
    fake.things["art"] = [thing(1000, subreddit="art")]
    config = RedditConfig(("books", "art"))
    log = SubmissionLog(str(tmp_path / "RS.jsonl.zst"))
    next(harvest_reddit(reddit, config, log))
    with (tmp_path / "RS.jsonl.zst").open("ab") as stream:  # a kill in the middle of a write
        stream.write(b"\x28\xb5\x2f\xfd\x04")
    fake.requests.clear()
    assert [str(outcome.target) for outcome in harvest(reddit, tmp_path, subreddits=("books", "art"))[1]] == [
        "r/art new"
    ]
    assert {path for path, _, _ in fake.requests} == {"/r/art/new"}
    assert len(lines(tmp_path)) == POSTS + 1


def test_a_later_run_adds_what_is_new_and_what_has_changed(fake, reddit, tmp_path):
    harvest(reddit, tmp_path)
    fake.things["books"][5]["data"]["score"] = 99
    fake.things["books"].insert(0, thing(POSTS))
    _, outcomes = harvest(reddit, tmp_path)
    assert (outcomes[0].submissions, outcomes[0].new) == (POSTS + 1, 1)
    assert Counter(each["id"] for each in lines(tmp_path)).most_common(1) == [("p5", 2)]
    assert len(lines(tmp_path)) == POSTS + 2


def test_scores_are_read_again_when_they_have_settled(fake, reddit, monkeypatch, tmp_path):
    now = time.time()
    fake.things["books"] = [thing(1, score=1, created=now - 60), thing(2, score=1, created=now - 60)]
    log, _ = harvest(reddit, tmp_path)
    assert rescore(reddit, RedditConfig(), log) == 0
    monkeypatch.setattr("webtext.reddit.api.time.time", lambda: now + 2 * DAY)
    fake.things["books"] = [thing(1, score=50, created=now - 60)]  # the other is gone
    assert rescore(reddit, RedditConfig(), log) == 2
    assert rescore(reddit, RedditConfig(), log) == 0
    assert [(each["id"], each["score"]) for each in lines(tmp_path)] == [("p1", 1), ("p2", 1), ("p1", 50)]


def test_a_stream_is_followed_through_trouble_until_told_to_stop(fake, reddit, tmp_path):
    fake.things["books"] = [thing(number, created=time.time()) for number in range(3, 0, -1)]
    log = SubmissionLog(str(tmp_path / "RS.jsonl.zst"))
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 1:
            fake.things["books"].insert(0, thing(4, created=time.time()))
            fake.troubles["/r/books/new"] = [(500, {}, "")] * 3

    assert follow_reddit(reddit, RedditConfig(("books",)), log, lambda: len(looks) >= 5, sleep) == 4
    assert sorted(each["id"] for each in lines(tmp_path)) == ["p1", "p2", "p3", "p4"]
    with pytest.raises(UsageError, match="cannot be followed: private"):
        follow_reddit(reddit, RedditConfig(("private",)), log, lambda: False, sleep)


def test_targets_are_each_listing_by_each_period_where_it_matters():
    config = RedditConfig(("a", "b"), ("new", "top"), ("day", "all"))
    assert [str(target) for target in plan_targets(config)] == [
        *("r/a new", "r/a top day", "r/a top all"),
        *("r/b new", "r/b top day", "r/b top all"),
    ]


@pytest.mark.parametrize("wrong", [{"listings": ("best",)}, {"times": ("decade",)}, {"limit": 0}, {"subreddits": ()}])
def test_a_configuration_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RedditConfig(**wrong)


def test_a_log_that_is_none_is_one_line(tmp_path):
    (tmp_path / "RS.jsonl.zst").write_bytes(b"not a dump\n")
    with pytest.raises(UsageError, match="--reddit-dump"):
        SubmissionLog(str(tmp_path / "RS.jsonl.zst"))


def test_the_command_asks_reddit_and_harvests_the_dump(environment, waits, capsys, tmp_path):
    assert main(["harvest", "--reddit", "books", "r/private", "-o", "out"]) == 0
    told = capsys.readouterr()
    terms, *listings = told.err.splitlines()
    assert terms.startswith("Reddit's API wants Reddit's approval first")
    assert listings == [
        "r/books new: 250 submissions, 250 new",
        "r/private new: 0 submissions, 0 new; private",
    ]
    assert "self_post" in told.out
    assert (tmp_path / "out" / "submissions" / "RS_reddit.jsonl.zst").exists()
    assert (tmp_path / "out" / "links" / "manifest.json").exists()
    assert main(["harvest", "--reddit", "private", "-o", "none"]) == 2
    assert "Reddit gave no submissions" in capsys.readouterr().err
