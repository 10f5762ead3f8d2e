"""`python -m pipelines.commands.reference DIR`: the reference pages, written from the code they describe.

Flags come from the parsers, columns from the schemas, reasons from the sets that the stages draw from. A test writes
the pages anew and compares, so they are true as long as the tests pass.
"""

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from filters.catalogue import RULES, Rule
from pipelines.cards.croissant import COLUMNS
from pipelines.commands.answer import ANSWERS
from pipelines.commands.cli import COMMANDS, EXITS, WITH_CONFIG
from pipelines.commands.config_file import to_toml
from pipelines.stages.documents import PARTS
from pipelines.stages.shards import CORPUS
from webtext.crawl.outcomes import OUTCOMES
from webtext.extract.config import REASONS
from webtext.permissions.signals import OUTCOME, PREFIX, SIGNALS
from webtext.records import Document, Link, Page, Rejection
from webtext.tables import LINKS, PAGES, REJECTIONS

_FIELD = re.compile(r"^    (\w+): [^#\n]*(?:# (.*))?$", re.MULTILINE)
_WRITTEN = (
    "<!-- written by `python -m pipelines.commands.reference docs/reference`: change the code, not this page -->\n"
)

# What has no table of its own in the code: the reasons of the harvest, of the text, and of all after the filters.
HARVEST = {
    "malformed_line": "the line is no submission",
    "damaged_frame": "the dump is damaged here; what follows is lost up to the next frame",
    "self_post": "a submission without a link",
    "no_url": "its URL is missing or of no use",
    "no_score": "its score is missing or of no use",
    "not_http": "another scheme than http and https",
    "malformed_url": "no host that can exist",
    "over_18": "marked as over 18, and `--without-over-18` asked for",
    "subreddit": "of a subreddit that `--without-subreddits` names",
    "outside_period": "before `--since`, or not before `--until`",
    "repeated_submission": "the same submission was read before",
    "private_address": "names no public web server",
    "media": "a picture, film or sound, by extension or host",
    "reddit_internal": "Reddit itself",
    "download": "a file that is no page, by extension",
    "wikipedia": "Wikipedia, of which WebText has nothing",
    "low_karma": "less karma than `--min-karma`",
}
INDEX = {"not_in_archive": "the archives given with `--warc` have no page of this link"}
EXTRACT = {
    "no_text": "no main text was found in the page",
    "not_html": "what the archive holds is no HTML",
    "too_large": "more than `--max-page-bytes`",
    "extract_timeout": "its extraction took more than `--page-seconds`",
    "extract_memory": "its extraction took too much memory",
    "extract_crash": "its extraction ended the process that did it",
}
DUPLICATES = {
    "exact_duplicate": "the same text as `kept_url`, apart from case, marks and spaces",
    "recurring_text": "at most 80 words that stand at five or more URLs: a wall, a soft 404 or a notice; none is kept",
    "near_duplicate": "the verified Jaccard similarity to `kept_url` reaches `--threshold`",
    "near_duplicate_chain": "that to others of its cluster does, to `kept_url` not: pages each like the next",
}
REPEATED = {"mostly_repeated": "less than the least length is left without `--drop-repeated-lines` and `-passages`"}
REMOVED = {"removed": "somebody asked for it to be removed (`webtext remove`)"}


def pages() -> dict[str, str]:
    """Write all reference pages: file name → text."""
    return {
        "command-line.md": "".join(_command_line()),
        "configuration.md": _configuration(),
        "schemas.md": "".join(_schemas()),
        "reasons.md": "".join(_reasons()),
        "json.md": "".join(_json()),
    }


def _command_line() -> Iterator[str]:
    yield f"# The command line\n\n{_WRITTEN}\n"
    yield "`webtext COMMAND --help` tells the same. Every command takes `-v` (`--verbose`): log lines, and where an\n"
    yield f"error is from. {_listed(sorted(WITH_CONFIG))} take `--config FILE`\n"
    yield "([configuration.md](configuration.md)), and flags of Beam besides their own.\n\n## Exit status\n\n"
    yield _table(("status", "meaning"), [(str(status), meaning) for status, meaning in EXITS.items()])
    for name, (summary, _) in COMMANDS.items():
        parser = argparse.ArgumentParser(add_help=False)
        importlib.import_module(f"pipelines.commands.{name}").add_arguments(parser)
        yield f"\n## webtext {name}\n\n{summary[0].upper()}{summary[1:]}.\n"
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001
        rows = [(_usage(action), _meaning(action)) for action in shown]
        yield "\n" + _table(("argument", "meaning"), rows) if rows else ""


def _usage(action: argparse.Action) -> str:
    """Write how an argument is given: `-o`, `--output OUTPUT`."""
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    value = {0: "", "?": f" [{value}]", "*": f" [{value} ...]", "+": f" {value} ..."}.get(
        "" if action.nargs is None else action.nargs, f" {value}"
    )
    if not action.option_strings:
        return f"`{value.strip()}`"
    return (
        ", ".join(f"`{option}`" for option in action.option_strings[:-1])
        + (", " if len(action.option_strings) > 1 else "")
        + f"`{action.option_strings[-1]}{value}`"
    )


def _meaning(action: argparse.Action) -> str:
    told = " ".join(((action.help or "") % vars(action)).split())
    return f"{told} (required)" if action.required and action.option_strings else told


def _configuration() -> str:
    return (
        f"# The configuration file\n\n{_WRITTEN}\n"
        "`webtext init` writes this file; `--config FILE` reads it. Each key is the flag of its name, and a flag on\n"
        "the command line takes its place. A key that there is not is an error that names the nearest one. What a\n"
        "command ran with, defaults and all, is saved as `OUTPUT/webtext.toml`, and can be run again from there.\n\n"
        f"```toml\n{to_toml({})}```\n"
    )


def _schemas() -> Iterator[str]:
    yield f"# Schemas\n\n{_WRITTEN}\nTypes are Arrow's. Times are UTC. Files are Parquet, compressed with zstd.\n"
    link, page, rejection = (_comments(kind) for kind in (Link, Page, Rejection))
    document = {**_comments(Document), **COLUMNS}
    parts = {
        **document,
        "text_digest": "digest of the normalised text, equal for exact duplicates",
        "signature": "MinHash signature",
        "shingles_offset": "where its shingle hashes begin in `shingles-*.bin`, counted in hashes of 64 bits",
        "n_shingles": "how many there are",
        "masked": "how many things of each kind the rule `personal_data` masked in the text",
    }
    for title, schema, meanings in (
        ("`links/links-*.parquet`: a distinct outbound URL", LINKS, link),
        ("`pages/index-*.parquet`: what became of a link on the web", PAGES, {**link, **page}),
        ("`documents/part-*.parquet`: an extracted, filtered page", PARTS, parts),
        ("`corpus/data/train-*.parquet` and `validation-*.parquet`: a document that stays", CORPUS, document),
        ("`*/rejections-*.parquet`: a URL that does not stay", REJECTIONS, rejection),
    ):
        rows = [(f"`{field.name}`", f"`{field.type}`", meanings.get(field.name) or "") for field in schema]
        yield f"\n## {title}\n\n" + _table(("column", "type", "meaning"), rows)


def _comments(kind: type) -> dict[str, str]:
    """Read what the comments behind a record's fields say of them."""
    return {name: said for name, said in _FIELD.findall(inspect.getsource(kind)) if said}


def _reasons() -> Iterator[str]:
    yield f"# Reasons\n\n{_WRITTEN}\n"
    yield "Every link that is not in the corpus was rejected for exactly one of these. `webtext explain URL` tells\n"
    yield "which, with what was measured; `webtext sample -o OUTPUT --reason REASON` draws examples.\n"
    fetch = {name: meaning for name, meaning in OUTCOMES.items() if name not in {"ok", OUTCOME}}
    fetch |= {PREFIX + name: f"the page or its site opts out: {meaning}" for name, meaning in SIGNALS.items()}
    fetch["http_NNN"] = "the answer has that status: `http_404`, `http_503` ..."
    for title, reasons in (
        ("Harvest (`links/`)", HARVEST),
        ("Fetch (`pages/`)", {**fetch, **INDEX}),
        ("Text (`documents/`)", {reason: EXTRACT[reason] for reason in REASONS}),
        ("Duplicates (`duplicates/`)", DUPLICATES),
        ("Removal on request (`removed/`)", REMOVED),
        ("Repeats, where asked for (`repeats/`)", REPEATED),
    ):
        yield f"\n## {title}\n\n" + _table(
            ("reason", "meaning"), [(f"`{name}`", said) for name, said in reasons.items()]
        )
    yield "\n## Filters (`documents/`)\n\n"
    yield _table(("rule", "what it does", "reasons"), [(f"`{name}`", *_told(rule)) for name, rule in RULES.items()])


def _json() -> Iterator[str]:
    yield f"# What --json prints\n\n{_WRITTEN}\n"
    yield "One JSON object, alone on standard output; progress, log lines and errors go to standard error. Where the\n"
    yield "exit status is 2 or 130 there is none. In a key, `*` stands for a name and `[]` for each item of a list.\n"
    yield 'What is marked "if any" is left out, or its list is empty, where there is nothing to tell.\n'
    for name, keys in ANSWERS.items():
        rows = [(f"`{key.path}`", key.kind, key.meaning + ("" if key.always else " (if any)")) for key in keys]
        yield f"\n## webtext {name}\n\n" + _table(("key", "type", "meaning"), rows)
    yield "\n`webtext explain`, `sample`, `stats` and `diff` have `--json` too; they print what they tell without it.\n"


def _told(rule: Rule) -> tuple[str, str]:
    """Give the first sentence of what a rule says of itself, and its reasons."""
    said = (inspect.getdoc(rule.make) or "").partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".")
    return said, ", ".join(f"`{reason}`" for reason in rule.reasons)


def _listed(names: Iterable[str]) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} and {last}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def write(directory: Path, texts: Mapping[str, str]) -> None:
    """Write pages into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), pages())
