"""Lines per CPU-second of reading a .zst dump: webtext beside json and orjson on the same file.

    python benchmarks/dump_speed.py [--lines 200000]

The dump is made here, seeded: lines of about 3 kB with some 110 fields in the shape of a dump of the 2020s, a third of
them self posts. `json` and `orjson` decode each line in full and take the same fields from the dictionary, which is
what scripts over these dumps do; reading and decompressing is the same for all. `webtext` stands for `read_dump`: it
also judges each line, makes URLs canonical and packs what goes to the shuffle.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from webtext.reddit.compressed import Torn, read_lines
from webtext.reddit.dumps import Dump, Posted, read_dump
from webtext.reddit.links import SelectConfig
from webtext.reddit.submissions import Unusable, parse_submission

_FLAGS = (
    *("allow_live_comments", "archived", "can_gild", "can_mod_post", "clicked", "contest_mode"),
    *("hidden", "hide_score", "is_created_from_ads_ui", "is_crosspostable", "is_meta"),
    *("is_original_content", "is_reddit_media_domain", "is_robot_indexable", "is_video", "locked"),
    *("media_only", "no_follow", "pinned", "quarantine", "saved", "send_replies", "spoiler", "stickied"),
    *("visited"),
)
_NOTHINGS = (
    *("approved_at_utc", "approved_by", "author_flair_background_color", "author_flair_css_class"),
    *("author_flair_template_id", "author_flair_text", "author_flair_text_color", "banned_at_utc"),
    *("banned_by", "category", "content_categories", "discussion_type", "distinguished", "likes"),
    *("link_flair_background_color", "link_flair_css_class", "link_flair_text", "media", "mod_note"),
    *("mod_reason_by", "mod_reason_title", "num_reports", "removal_reason", "removed_by"),
    *("removed_by_category", "report_reasons", "secure_media", "suggested_sort", "top_awarded_type"),
    *("view_count", "whitelist_status", "wls"),
)


def make_line(rng: random.Random, number: int) -> dict[str, Any]:
    """Make a submission in the shape of a dump of the 2020s."""
    is_self = rng.random() < 1 / 3
    host = f"site{rng.randrange(5000)}.example.com"
    url = f"https://www.{host}/{rng.getrandbits(40):x}/some-article-about-{rng.randrange(10**6)}.html"
    permalink = f"/r/subreddit{rng.randrange(900)}/comments/{number:x}/a_title/"
    flags = {name: rng.random() < 0.1 for name in _FLAGS}
    image = (
        f"https://external-preview.redd.it/{rng.getrandbits(256):x}.jpg?width=108&crop=smart&s={rng.getrandbits(160):x}"
    )
    preview = {
        "images": [{"id": f"{rng.getrandbits(128):x}", "source": {"url": image, "width": 108, "height": 60}}] * 3
    }
    return {
        "_meta": {"retrieved_2nd_on": 1706875209},
        "all_awardings": [],
        "author": f"user{rng.randrange(10**6)}",
        "author_flair_richtext": [],
        **flags,
        **dict.fromkeys(_NOTHINGS),
        "created_utc": 1_600_000_000 + number,
        "domain": f"self.subreddit{number % 900}" if is_self else host,
        "gildings": {},
        "id": f"{number:x}",
        "is_self": is_self,
        "media_embed": {},
        "num_comments": rng.randrange(100),
        "over_18": rng.random() < 0.1,
        "permalink": permalink,
        "preview": None if is_self else preview,
        "score": min(int(rng.paretovariate(0.7)), 50_000) if rng.random() < 0.9 else 0,
        "selftext": " ".join(f"word{rng.randrange(9999)}" for _ in range(rng.randrange(300))) if is_self else "",
        "subreddit": permalink.split("/")[2],
        "subreddit_subscribers": rng.randrange(10**6),
        "thumbnail": "self" if is_self else image,
        "title": " ".join(f"word{rng.randrange(9999)}" for _ in range(12)),
        "ups": number % 1000,
        "url": f"https://www.reddit.com{permalink}" if is_self else url,
        "user_reports": [],
    }


def write_dump(path: Path, lines: int) -> int:
    """Write a dump with a long window, as Reddit dumps have, and return its length in bytes, decompressed."""
    rng, size = random.Random(1), 0
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    with path.open("wb") as stream, compressor.stream_writer(stream) as writer:
        for number in range(lines):
            line = json.dumps(make_line(rng, number), separators=(",", ":")).encode() + b"\n"
            size += len(line)
            writer.write(line)
    return size


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        for batch in read_lines(stream):
            assert not isinstance(batch, Torn)
            yield from batch


def _with_loads(loads: Callable[[bytes], Any], path: Path) -> int:
    found = 0
    for line in _lines(path):
        fields = loads(line)
        url, score, created = fields.get("url"), fields.get("score"), fields.get("created_utc")
        subreddit, over_18 = fields.get("subreddit"), fields.get("over_18")
        found += not fields.get("is_self") and (url, score, created, subreddit, over_18) is not None
    return found


def _parse_only(path: Path) -> int:
    return sum(not isinstance(parse_submission(line), Unusable) for line in _lines(path))


def _harvest(path: Path) -> int:
    found = 0
    with path.open("rb") as stream:
        for read in read_dump(stream, Dump(str(path), path.name, 0, 1), SelectConfig()):
            if isinstance(read, Posted):
                msgspec.msgpack.encode(read)
                found += 1
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=200_000, help="default: %(default)s")
    lines = parser.parse_args().lines
    readers: dict[str, Callable[[Path], int]] = {
        "decompress only": lambda path: sum(1 for _ in _lines(path)),
        "json": lambda path: _with_loads(json.loads, path),
        "webtext, fields": _parse_only,
        "webtext, harvest": _harvest,
    }
    if find_spec("orjson"):
        import orjson  # noqa: PLC0415

        readers["orjson"] = lambda path: _with_loads(orjson.loads, path)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "RS_synthetic.zst"
        size = write_dump(path, lines)
        print(f"{lines:,} lines, {size / lines:,.0f} bytes each; {path.stat().st_size / size:.1%} of it compressed")
        rates = {}
        for name, read in readers.items():
            started = time.process_time()
            found = read(path)
            rates[name] = lines / (time.process_time() - started)
            ratio = f"{rates[name] / rates['json']:5.2f} x json" if "json" in rates else ""
            print(f"{name:<18}{rates[name]:>10,.0f} lines/CPU-s  {found:>8,} submissions  {ratio}")


if __name__ == "__main__":
    main()
