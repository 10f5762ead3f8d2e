"""The articles as their authors wrote them: what every page of the sample is made from, and what a corpus must hold."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent
Kind = Literal["paragraph", "heading", "list", "quote"]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an article: one paragraph, heading or quotation, or the items of a list."""

    kind: Kind
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """What somebody wrote, before any site has laid hands on it."""

    slug: str
    title: str
    author: str
    date: date
    section: str
    blocks: tuple[Block, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs, plain."""
        return tuple(block.lines[0] for block in self.blocks if block.kind == "paragraph")


def read_article(path: Path) -> Article:
    """Read an article's file: four lines of header, then blocks with an empty line between them."""
    header, _, body = path.read_text("utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in header.splitlines())
    return Article(
        slug=path.stem,
        title=fields["title"],
        author=fields["author"],
        date=date.fromisoformat(fields["date"]),
        section=fields["section"],
        blocks=tuple(_block(part) for part in body.strip().split("\n\n")),
    )


def _block(text: str) -> Block:
    lines = text.strip().splitlines()
    if text.startswith("## "):
        return Block("heading", (text.removeprefix("## "),))
    if text.startswith("- "):
        return Block("list", tuple(line.removeprefix("- ") for line in lines))
    if text.startswith("> "):
        return Block("quote", (" ".join(line.removeprefix("> ") for line in lines),))
    return Block("paragraph", (" ".join(lines),))


def read_articles(folder: str = "articles") -> dict[str, Article]:
    """Read all articles of a folder beside this module, by slug, in the order of their names."""
    return {path.stem: read_article(path) for path in sorted((HERE / folder).glob("*.md"))}
