"""Harvest end to end: the same bytes from any layout and any number of workers, and a ledger that balances."""

import gzip
import json
import random
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.commands.cli import main
from pipelines.engine.runner import Engine
from pipelines.stages.harvest import HarvestConfig, find_dumps, harvest_counts, plan_shards, run_harvest
from pipelines.stages.stage import read_manifest
from webtext.errors import UsageError
from webtext.hashing import bucket_of
from webtext.records import Link, Rejection
from webtext.reddit.links import SelectConfig
from webtext.tables import read_records

pytestmark = pytest.mark.usefixtures("quick_starts")


def run(tmp_path, *files, workers=1, name="links", **config):
    directory = str(tmp_path / name)
    run_harvest(HarvestConfig(tuple(map(str, files)), **config), directory, Engine(workers))
    return Path(directory)


def rows(directory, pattern, kind):
    found = []
    for path in sorted(directory.glob(pattern)):
        with path.open("rb") as stream:
            found += read_records(stream, kind)
    return found


def dump(path, submissions):
    path.write_bytes(b"".join(json.dumps(fields).encode() + b"\n" for fields in submissions))
    return path


def submissions(count, seed=1):
    """Make submissions whose URLs, variants, scores and kinds repeat."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        page = rng.randrange(count // 3)
        url = rng.choice(
            ["http://a.org/{}", "https://www.a.org/{}/", "http://a.org/{}?utm_source=x", "http://b.org/{}.jpg"]
        )
        fields = {
            "id": f"{seed}x{number}",
            "url": url.format(page),
            "score": rng.randrange(6),
            "created_utc": 10**9 + number,
        }
        made.append({**fields, "subreddit": rng.choice(["books", "science"]), "is_self": rng.random() < 0.1})
    return made


def content(directory):
    """Give the bytes of the files that do not depend on how the input is cut into files."""
    names = [path.name for path in directory.iterdir() if path.name.startswith(("links-", "rejections-0"))]
    return {name: (directory / name).read_bytes() for name in sorted(names)}


def test_submissions_become_links_and_each_is_accounted_for(tmp_path):
    links = run(
        tmp_path,
        dump(
            tmp_path / "RS.jsonl",
            [
                {"id": "1", "url": "http://www.a.org/x", "score": 2, "subreddit": "books", "created_utc": 20},
                {"id": "2", "url": "https://a.org/x/", "score": "4", "subreddit": "art", "created_utc": "10"},
                {"id": "3", "url": "http://a.org/y", "score": 2},
                {"id": "4", "url": "http://imgur.com/z", "score": 90},
                {"id": "5", "url": "http://imgur.com/z#1", "score": 91},
                {"id": "6", "is_self": True, "url": "https://www.reddit.com/r/x/comments/6/t/", "score": 9},
                {"id": "2", "url": "https://a.org/x/", "score": 3, "subreddit": "art", "created_utc": "10"},
            ],
        ),
    )
    assert rows(links, "links-*", Link) == [
        Link("https://a.org/x", "https://a.org/x/", "a.org", 4, 2, ("art", "books"), 10)
    ]
    assert rows(links, "rejections-*", Rejection) == [
        Rejection("https://a.org/x", "harvest", "repeated_submission", "RS.jsonl:7"),
        Rejection("https://a.org/y", "harvest", "low_karma", "submissions=1 karma=2"),
        Rejection("https://imgur.com/z", "harvest", "media", "submissions=2 karma=91"),
        Rejection("https://reddit.com/r/x/comments/6/t", "harvest", "self_post", "RS.jsonl:6"),
    ]
    counts = read_manifest(str(links)).counts
    assert (counts.given, counts.kept) == (5, 1)
    assert counts.rejected == {"low_karma": 1, "media": 1, "repeated_submission": 1, "self_post": 1}
    assert counts.notes == {"submissions": 7, "merged": 2}


def test_the_same_submissions_give_the_same_bytes_in_any_order_and_layout(tmp_path):
    made = submissions(9000)
    whole = run(tmp_path, dump(tmp_path / "RS.jsonl", made), shards=3, name="whole")
    shuffled = random.Random(2).sample(made, len(made))
    parts = [dump(tmp_path / f"RS_{part}.jsonl", shuffled[part::3]) for part in range(3)]
    split = run(tmp_path, *parts, shards=3, name="split")
    assert content(split) == content(whole)
    assert len(content(whole)) == 6


def test_two_processes_write_the_same_bytes_as_one(tmp_path):
    made = submissions(600)
    parts = [dump(tmp_path / f"RS_{part}.jsonl", made[part::3]) for part in range(3)]
    one = run(tmp_path, *parts, shards=2, name="one")
    two = run(tmp_path, *parts, shards=2, workers=2, name="two")
    assert {path.name: path.read_bytes() for path in two.iterdir()} == {
        path.name: path.read_bytes() for path in one.iterdir()
    }


def test_shards_are_buckets_of_urls_in_order_and_all_are_there(tmp_path):
    links = run(tmp_path, dump(tmp_path / "RS.jsonl", submissions(30)), shards=40)
    files = sorted(links.glob("links-*-of-00040.parquet"))
    assert len(files) == 40
    for shard, path in enumerate(files):
        urls = pq.read_table(path).column("url").to_pylist()
        assert urls == sorted(set(urls))
        assert all(bucket_of(url, 40) == shard for url in urls)


def test_shards_follow_from_the_size_of_the_input(tmp_path):
    path = tmp_path / "big"
    with path.open("wb") as stream:
        stream.truncate(129 << 20)
    assert plan_shards(find_dumps(HarvestConfig((str(path),)))) == 3


def test_malformed_lines_are_kept_byte_for_byte(tmp_path):
    path = tmp_path / "RS.jsonl"
    path.write_bytes(b'{"url":"http://a.org","score":3}\n\xff\xfe{"cut\r\n[]\n')
    links = run(tmp_path, path)
    assert (links / "malformed-00000-of-00001.txt").read_bytes() == b'RS.jsonl:2\t\xff\xfe{"cut\nRS.jsonl:3\t[]\n'
    assert harvest_counts(str(links)).rejected == {"malformed_line": 2}


def test_a_truncated_dump_is_harvested_up_to_the_cut(tmp_path):
    lines = [
        json.dumps({"id": str(n), "url": f"http://a.org/{random.Random(n).random()}", "score": 3}) for n in range(9000)
    ]
    whole = zstandard.compress("\n".join(lines).encode())
    (tmp_path / "RS.zst").write_bytes(whole[: len(whole) * 2 // 3])
    counts = harvest_counts(str(run(tmp_path, tmp_path / "RS.zst")))
    assert counts.rejected == {"damaged_frame": 1}
    assert 3000 < counts.kept < 9000


def test_lists_and_comments_are_harvested_beside_dumps(tmp_path):
    (tmp_path / "urls.txt").write_text("http://a.org/listed\nhttp://a.org/both\n")
    (tmp_path / "karma.tsv").write_text("http://a.org/table\t9\nhttp://a.org/low\t1\n")
    comment = {"id": "c", "body": "http://a.org/comment", "score": 5, "link_id": "t3_1"}
    rest = dump(tmp_path / "RC_2020-01", [comment, {"id": "d", "body": "none", "score": 5}])
    posts = dump(tmp_path / "RS_2020-01", [{"id": "1", "url": "http://a.org/both", "score": 1}])
    links = run(tmp_path, tmp_path / "urls.txt", tmp_path / "karma.tsv", posts, comments=(str(rest),))
    assert {link.url: link.karma for link in rows(links, "links-*", Link)} == {
        "https://a.org/both": 1,
        "https://a.org/comment": 5,
        "https://a.org/listed": None,
        "https://a.org/table": 9,
    }
    assert harvest_counts(str(links)).rejected == {"low_karma": 1}


def test_a_lost_submission_unbalances_the_ledger(tmp_path):
    links = run(tmp_path, dump(tmp_path / "RS.jsonl", submissions(60)))
    balanced = harvest_counts(str(links))
    balanced.check("harvest")
    summary = links / "inputs-00000-of-00001.json"
    told = json.loads(summary.read_text())
    told["counts"]["posted"] += 1
    summary.write_text(json.dumps(told))
    assert harvest_counts(str(links)).given == balanced.given + 1


def test_a_second_run_does_nothing_and_another_rule_runs_again(tmp_path):
    path = dump(tmp_path / "RS.jsonl", submissions(60))
    before = (run(tmp_path, path) / "manifest.json").stat().st_mtime_ns
    assert (run(tmp_path, path) / "manifest.json").stat().st_mtime_ns == before
    again = run(tmp_path, path, select=SelectConfig(karma_rule="sum"))
    assert (again / "manifest.json").stat().st_mtime_ns != before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "nothing to harvest"),
        (["-s", "missing.zst"], "no such file: .*missing.zst"),
        (["-s", "empty.zst"], "empty.zst is empty"),
        (["-s", "blank.txt"], "blank.txt is empty"),
        (["-s", "list.txt", "--link-shards", "0"], "give 1 to"),
        (["-s", "list.txt", "--since", "2017-01-02", "--until", "2017-01-01"], "no submission could count"),
        (["-s", "list.txt", "--search", "x"], "add --reddit"),
    ],
)
def test_what_the_user_can_mend_is_one_line(tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    Path("empty.zst").touch()
    Path("blank.txt").write_text("\n\n")
    Path("list.txt").write_text("http://a.org/\n")
    assert main(["harvest", "-o", "out", *flags]) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert error.startswith("webtext harvest: ")
    assert re.search(message, error)


def test_the_command_harvests_and_prints_the_funnel(tmp_path, capsys):
    path = tmp_path / "RS.jsonl"
    made = [{"id": "1", "url": "http://a.org/x", "score": 3, "created_utc": 1483228800}]
    made.append({"id": "2", "url": "http://a.org/y", "score": 3, "created_utc": 1514764800})
    with gzip.open(path, "wb") as stream:
        stream.write(b"".join(json.dumps(fields).encode() + b"\n" for fields in made))
    assert main(["harvest", "-s", str(path), "-o", str(tmp_path / "out"), "--until", "2018-01-01"]) == 0
    assert [link.url for link in rows(tmp_path / "out" / "links", "links-*", Link)] == ["https://a.org/x"]
    assert "outside_period" in capsys.readouterr().out


def test_genuine_dumps_are_harvested_without_loss(tmp_path, realweb):
    folder = realweb / "submissions"
    links = run(tmp_path, *(folder / f"RS_{name}.zst" for name in ("2005-06", "2005-07", "mixed_years")))
    counts = read_manifest(str(links)).counts
    assert counts.notes["submissions"] == 103 + 1079 + 31
    assert counts.kept == 833
    assert counts.rejected == {
        "low_karma": 345,
        "self_post": 12,
        "media": 7,
        "download": 4,
        "reddit_internal": 2,
        "repeated_submission": 5,
        "wikipedia": 1,
    }


def test_every_line_of_the_constructed_dump_has_its_reason(tmp_path, realweb):
    counts = harvest_counts(str(run(tmp_path, realweb / "submissions" / "RS_web.zst")))
    assert counts.notes == {"submissions": 2528, "merged": 326}
    assert counts.kept == 1883
    assert sum(counts.rejected.values()) == counts.given - counts.kept == 319
    assert {reason: counts.rejected[reason] for reason in ("malformed_line", "no_score", "no_url")} == {
        "malformed_line": 3,
        "no_score": 1,
        "no_url": 1,
    }


def test_missing_files_are_found_before_anything_runs():
    with pytest.raises(UsageError, match="no such file"):
        find_dumps(HarvestConfig(("/nowhere/RS_*.zst",)))


def harvested(*flags):
    return main(["harvest", "-o", "out", "--workers", "1", *flags])


def test_a_truncated_dump_is_loud_in_the_last_line_and_in_the_status_unless_that_is_accepted(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    whole = zstandard.compress("\n".join(json.dumps(post) for post in submissions(9000)).encode())
    (tmp_path / "RS.zst").write_bytes(whole[: len(whole) * 2 // 3])
    for _ in range(2):  # the second run finds the stage done, and says it again
        assert harvested("-s", "RS.zst") == 3
        last = capsys.readouterr().err.splitlines()[-1]
        assert "DAMAGED: RS.zst: frame at byte 0: the file ends inside this frame" in last
        assert "`--on-damage skip` accepts that" in last
    assert harvested("-s", "RS.zst", "--on-damage", "skip") == 0
    assert "DAMAGED: RS.zst" in capsys.readouterr().err
    plain = "\n".join(json.dumps(post) for post in submissions(9)).encode()
    (tmp_path / "RS.jsonl").write_bytes(plain[:-5])
    assert harvested("-s", "RS.jsonl") == 3
    assert "RS.jsonl:9: the file ends inside this line" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_ends_the_run_or_is_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dump(tmp_path / "RS.jsonl", submissions(60))
    (tmp_path / "RS_x.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 90)
    (tmp_path / "page.html").write_bytes(b"<html>Too many requests")
    (tmp_path / "empty.txt").write_bytes(b"")
    for name in ("RS_x.zst", "page.html", "empty.txt"):
        assert harvested("-s", "RS.jsonl", name) == 2
        assert name in capsys.readouterr().err.splitlines()[-1]
    assert harvested("-s", "RS.jsonl", "RS_x.zst", "page.html", "empty.txt", "--on-damage", "skip") == 0
    counts = harvest_counts(str(tmp_path / "out" / "links"))
    assert (counts.rejected["damaged_frame"], counts.notes["damaged"]) == (3, 3)
    assert "DAMAGED: RS_x.zst: " in capsys.readouterr().err


def test_no_link_at_all_says_why(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "low.csv").write_text("url,score\nhttp://a.org/,1\nhttp://b.org/,2\n")
    assert harvested("-s", "low.csv") == 1
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "webtext harvest: links holds nothing: of 2 links given, 2 low_karma"
    assert "webtext harvest: low.csv was read as a table of comma-separated columns: url in column 1" in told[-2]
