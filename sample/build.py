"""Build the sample: `python -m sample.build OUT` writes an archive, a dump that links to it, and what becomes of it.

- `OUT/web.warc.gz`: the answers of some seventy servers.
- `OUT/RS_sample.zst`: submissions in the dump format.
- `OUT/expected.jsonl`: a line for each row that the ledger must have, and why.

The same files each time: nothing here is random, and no date is today's.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from sample.archive import write_archive
from sample.articles import read_articles
from sample.cases import Answer, Case, Fate
from sample.contents import contents
from sample.copies import copies
from sample.dump import write_dump
from sample.languages import languages
from sample.network import network
from sample.oddities import DAMAGED_LINES, oddities
from sample.ordinary import ordinary
from sample.permissions import permissions
from sample.standins import standins

ARCHIVE, DUMP, EXPECTED = "web.warc.gz", "RS_sample.zst", "expected.jsonl"


def cases() -> Iterator[Case]:
    """Make all cases of the sample."""
    articles = read_articles()
    yield from ordinary(articles)
    yield from copies(articles)
    yield from languages(articles)
    yield from standins(articles)
    yield from network(articles)
    yield from permissions(articles)
    yield from contents(articles)
    yield from oddities(articles)


def build(directory: Path) -> list[Case]:
    """Write the sample into a directory, and give the cases it was made of."""
    directory.mkdir(parents=True, exist_ok=True)
    made = list(cases())
    write_archive(directory / ARCHIVE, distinct_answers(made))
    write_dump(directory / DUMP, [post for case in made for post in case.posts], DAMAGED_LINES)
    with (directory / EXPECTED).open("w", encoding="utf-8", newline="\n") as stream:
        for line in expectations(made):
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    return made


def distinct_answers(made: Sequence[Case]) -> list[Answer]:
    """List the answers of all cases by URL.

    Raises:
        ValueError: two cases disagree about a URL.
    """
    answers: dict[str, Answer] = {}
    for answer in (answer for case in made for answer in case.answers):
        if answers.setdefault(answer.url, answer) != answer:
            raise ValueError(f"{answer.url} is answered in two ways")
    return [answers[url] for url in sorted(answers)]


def expectations(made: Sequence[Case]) -> Iterator[dict[str, object]]:
    """Say for each fate what `expected.jsonl` says, by URL."""
    fates = [(fate, case) for case in made for fate in case.fates]
    for fate, case in sorted(fates, key=lambda pair: (pair[0].url, pair[0].stage, pair[0].reason)):
        yield {
            "url": fate.url,
            "outcome": "rejected" if fate.reason else "kept",
            "stage": fate.stage,
            "reason": fate.reason,
            **({"kept_url": fate.kept_url} if fate.kept_url else {}),
            **({"article": fate.article} if fate.article else {}),
            "posted": sorted({post.url for post in case.posts if post.url and _is_about(post.url, fate, case)}),
            "why": fate.why,
        }


def _is_about(posted: str, fate: Fate, case: Case) -> bool:
    """Tell whether a post of a case is about one of its fates: plainly so, or because the case has only one."""
    alone = len({other.url for other in case.fates}) == 1
    return alone or posted.partition("://")[2].rstrip("/") == fate.url.partition("://")[2].rstrip("/")


def main() -> None:
    """Write the sample, and say what it holds."""
    parser = argparse.ArgumentParser(
        description="Write the sample web: an archive, a dump, and what must come of them."
    )
    parser.add_argument("directory", type=Path, help="where to")
    directory = parser.parse_args().directory
    made = build(directory)
    outcomes: defaultdict[str, int] = defaultdict(int)
    for fate in (fate for case in made for fate in case.fates):
        outcomes[fate.stage] += 1
    posts, answers = sum(len(case.posts) for case in made), len(distinct_answers(made))
    print(f"{directory}: {posts} submissions, {answers} answers, {outcomes['corpus']} documents to keep")


if __name__ == "__main__":
    main()
