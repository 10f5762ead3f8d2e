"""One file of submissions, line by line: each line is posted links or a rejection that says where it stood and why not.

Nothing is lost on the way: every line that is not blank comes out, and a frame that cannot be decompressed comes out
as one rejection.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, takewhile
from typing import BinaryIO, Literal

import msgspec

from webtext.errors import UsageError
from webtext.outbound import link_problem
from webtext.records import MOST_EXCERPT, Rejection
from webtext.reddit.compressed import Torn, read_text, split_lines, split_objects
from webtext.reddit.layout import Layout, find_layout
from webtext.reddit.links import STAGE, Postings, SelectConfig, merge_postings, posting, reason_to_ignore
from webtext.reddit.submissions import (
    Parser,
    Submission,
    Unusable,
    parse_comment,
    parse_submission,
    parse_submission_and_text,
    row_parser,
)
from webtext.urls import canonicalize_url, name_link
from webtext.warc.frames import Damage

_TELLING = 1 << 18  # bytes, decompressed, that tell how a file is laid out


@dataclass(frozen=True, slots=True)
class Dump:
    """A file of submissions or comments to read."""

    path: str
    name: str  # what the ledger calls it: the path below the directory that all inputs share
    number: int  # its place among the inputs, which names its side files
    inputs: int  # how many inputs there are
    kind: Literal["submissions", "comments"] = "submissions"

    @property
    def suffix(self) -> str:
        """The end of the names of this file's side files."""
        return f"{self.number:05d}-of-{self.inputs:05d}"


class Posted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A submission of a link, on its way to its URL."""

    url: str  # canonical
    source: str  # file:line
    identity: str  # equal where the same submission was read twice; "" where the source gives no id
    postings: Postings


class Refused(msgspec.Struct, frozen=True, gc=False):
    """What is no submission of a link."""

    rejection: Rejection
    line: bytes | None = None  # the line itself, where it could not be read


def plan_dumps(submissions: Sequence[str], comments: Sequence[str] = ()) -> list[Dump]:
    """Name and number the files to read, in the order of their names.

    Raises:
        UsageError: a file is given twice.
    """
    paths = [*submissions, *comments]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UsageError(f"{twice} is given twice: its karma would count twice; leave one out")
    levels = zip(*(path.split("/")[:-1] for path in paths), strict=False)
    shared = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, levels))
    dumps = []
    for number, path in enumerate(sorted(paths)):
        name = "/".join(path.split("/")[shared:])
        dumps.append(Dump(path, name, number, len(paths), "comments" if path in comments else "submissions"))
    return dumps


def read_dump(
    stream: BinaryIO, dump: Dump, config: SelectConfig, *, self_posts: bool = False
) -> Iterator[Posted | Refused | Layout]:
    """Read a file: how it is laid out, a `Posted` for each link that counts, a `Refused` for what gives none.

    Comments without a link are no submissions and are passed over.

    Raises:
        UsageError: the file holds no line that can be read, or neither submissions nor URLs.
    """
    blocks = read_text(stream, dump.name)
    ahead = list(_beginning(blocks))
    head = b"".join(block for block in ahead if isinstance(block, bytes))
    if not head.strip(b"\0 \t\r\n"):
        damage = next((block.detail for block in ahead if isinstance(block, Damage)), "")
        raise UsageError(f"{dump.path} cannot be read: {damage}" if damage else f"{dump.path} is empty")
    layout = find_layout(head, dump.name, dump.path)
    yield layout
    parser = _parser_of(dump, layout, self_posts=self_posts)
    split = split_objects if layout.kind == "document" else split_lines
    name, number, header = dump.name, 0, layout.header
    for lines in split(chain(ahead, blocks)):
        if isinstance(lines, Torn):
            yield _damaged(f"{name}: frame at byte {lines.offset}: {lines.detail}", lines.line or None)
            continue
        for line in lines:
            number += 1
            if header or line.isspace():
                header = header and line.isspace()
                continue
            source, parsed = f"{name}:{number}", parser(line)
            for each in parsed if isinstance(parsed, tuple) else (parsed,):
                if isinstance(each, Submission):
                    yield _admit(each, source, config)
                elif each.reason != "no_link":
                    yield _refuse(each, line, source)


def _beginning(blocks: Iterator[bytes | Damage]) -> Iterator[bytes | Damage]:
    """Yield so many blocks as tell how a file is laid out."""
    size = 0
    for block in blocks:
        yield block
        size += len(block) if isinstance(block, bytes) else 0
        if size >= _TELLING:
            return


def _parser_of(dump: Dump, layout: Layout, *, self_posts: bool) -> Parser:
    if dump.kind == "comments":
        return parse_comment
    parse_object = parse_submission_and_text if self_posts else parse_submission
    return parse_object if layout.is_dump else row_parser(layout, parse_object)


def _damaged(detail: str, line: bytes | None) -> Refused:
    return _unread("damaged_frame", detail, line)


def _refuse(unusable: Unusable, line: bytes, source: str) -> Refused:
    if unusable.reason == "malformed_line":
        return _malformed(line, source)
    return Refused(Rejection(canonicalize_url(unusable.url) or unusable.url, STAGE, unusable.reason, source))


def _malformed(line: bytes, source: str) -> Refused:
    """Refuse a line that cannot be read; one that begins an object and has no end is where the file was cut off."""
    if line.startswith(b"{") and not line.endswith((b"\n", b"}")):
        return _damaged(f"{source}: the file ends inside this line", line)
    return _unread("malformed_line", source, line.rstrip(b"\r\n"))


def _unread(reason: str, detail: str, line: bytes | None) -> Refused:
    """Refuse what cannot be read, with the beginning of its line where there is one."""
    beginning = line[: 4 * MOST_EXCERPT].decode(errors="replace")[:MOST_EXCERPT] if line else None
    return Refused(Rejection("", STAGE, reason, detail, excerpt=beginning), line)


def _admit(submission: Submission, source: str, config: SelectConfig) -> Posted | Refused:
    """Take a submission whose URL has a canonical form and which counts."""
    names = name_link(submission.url)
    if names is None:
        reason = link_problem(submission.url) or "malformed_url"
        return Refused(Rejection(submission.url, STAGE, reason, source))
    url, address = names
    ignored = reason_to_ignore(submission, config)
    if ignored is not None:
        return Refused(Rejection(url, STAGE, ignored, source))
    return Posted(url, source, submission.id, posting(submission, address))


def merge_submissions(read: Sequence[Posted]) -> tuple[Postings, list[Rejection]]:
    """Merge all that was read of one URL, in any order, and reject what was read twice.

    Of a submission read more than once (in overlapping dumps, or by API when it was young and when it had settled) the
    reading with the most karma counts, the first by its source where they are equal; the others are rejected as
    `repeated_submission`.
    """
    best: dict[str, Posted] = {}
    repeated: list[Rejection] = []
    for posted in sorted(read, key=_rank) if len(read) > 1 else read:
        submission = posted.identity or posted.source
        if submission in best:
            repeated.append(Rejection(posted.url, STAGE, "repeated_submission", posted.source))
        else:
            best[submission] = posted
    return reduce(merge_postings, (posted.postings for posted in best.values())), repeated


def _rank(posted: Posted) -> tuple[tuple[int, int, str], str]:
    return posted.postings.source, posted.source
