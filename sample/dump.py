"""Submissions as a dump holds them: a JSON object a line, with the fields, types and habits of its year."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import zstandard

from sample.cases import Post
from sample.markup import choose

WINDOW_LOG = 28  # 256 MiB, twice what readers allow unasked: genuine dumps have such windows too
_LEVEL = 3
_AUTHORS = ("quay_and_lantern", "sprat_fancier", "notthatbarnaby", "oblique_heron", "tin_whistle_42",
            "mrs_tiggy_windle", "[deleted]", "gravel_enthusiast", "lapsed_cartographer", "soup_of_theseus",
            "AutoNewsFeedBot7")  # fmt: skip
_2011, _2015, _2018 = 1_293_840_000, 1_420_070_400, 1_514_764_800


def write_dump(path: Path, posts: Sequence[Post], damaged: Sequence[bytes]) -> None:
    """Write posts by time, with damaged lines strewn between them, as one frame with a long window."""
    lines = [
        _line(post, place) for place, post in enumerate(sorted(posts, key=lambda post: (post.when, post.url or "")))
    ]
    for number, line in enumerate(damaged, start=1):
        lines.insert(number * len(lines) // (len(damaged) + 1), line)
    parameters = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=WINDOW_LOG)
    # The length is unknown, as in real dumps.
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path.write_bytes(stream.compress(b"\n".join(lines) + b"\n") + stream.flush())


def _line(post: Post, place: int) -> bytes:
    fields = {**dict(_fields(post, place)), **post.changes}
    if post.changes.get("crosspost_parent"):
        fields["crosspost_parent_list"] = [
            {"id": post.changes["crosspost_parent"].removeprefix("t3_"), "url": post.url}
        ]
    for name in post.without:
        fields.pop(name, None)
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=post.when < _2015)
    return (text.replace("/", "\\/") if _2011 <= post.when < _2015 else text).encode()


def _fields(post: Post, place: int) -> Iterator[tuple[str, Any]]:
    """Yield the fields that a submission has in every year, then those of its own."""
    identity = _base36(20_000 + 977 * place)
    slug = "_".join(post.title.lower().split()[:8])
    yield from {
        "author": _AUTHORS[choose(f"author {post.when}", len(_AUTHORS))],
        "created_utc": post.when,
        "distinguished": None,
        "domain": urlsplit(post.url).hostname if post.url else None,
        "edited": False,
        "gilded": 0,
        "id": identity,
        "is_self": False,
        "link_flair_text": None,
        "media": None,
        "media_embed": {},
        "num_comments": max(0, post.karma // 4),
        "over_18": False,
        "permalink": f"/r/{post.subreddit}/comments/{identity}/{slug}/",
        "score": post.karma,
        "selftext": "",
        "stickied": False,
        "subreddit": post.subreddit,
        "subreddit_id": f"t5_{_base36(choose(post.subreddit, 60_000_000))}",
        "thumbnail": "default",
        "title": post.title,
        "url": post.url,
    }.items()
    yield from _fields_of_the_time(post, identity)


def _fields_of_the_time(post: Post, identity: str) -> Iterator[tuple[str, Any]]:
    if post.when < _2011:
        yield from {"archived": True, "brand_safe": True, "can_gild": True, "link_flair_richtext": []}.items()
        yield from {"rte_mode": "markdown", "subreddit_name_prefixed": f"r/{post.subreddit}"}.items()
    elif post.when < _2015:
        yield from {"created_utc": str(post.when), "created": post.when + 3600, "from": None, "from_kind": None}.items()
        yield from {"ups": max(post.karma, 0), "downs": 0, "name": f"t3_{identity}", "saved": False}.items()
    else:
        yield from {
            "contest_mode": False,
            "is_video": False,
            "locked": False,
            "spoiler": False,
            "pinned": False,
        }.items()
        yield from {
            "retrieved_on": post.when + 2_600_000,
            "suggested_sort": None,
            "whitelist_status": "all_ads",
        }.items()
        if post.when >= _2018:
            yield from {
                "created_utc": float(post.when),
                "upvote_ratio": 0.93,
                "url_overridden_by_dest": post.url,
            }.items()
            yield from {"all_awardings": [], "_meta": {"retrieved_2nd_on": post.when + 129_600}}.items()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"
