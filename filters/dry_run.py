"""What a preset would do to a sample: how much each rule removes, alone and in its place, with examples.

A rule is easier to judge by what it throws away than by its thresholds.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from filters.catalogue import RULES
from filters.presets import Entry, make_rule, read_preset
from filters.rules.lib.steps import Filter
from webtext.hashing import hash64
from webtext.reasons import Reason
from webtext.records import Document

_EXAMPLES = 3
_EXCERPT_CHARS = 160


@dataclass(frozen=True, slots=True)
class Example:
    """A document that a rule would remove."""

    url: str
    reason: str
    detail: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What one rule does to a sample."""

    name: str
    enabled: bool
    alone: int  # documents it would remove if it were the only rule
    in_place: int  # documents it removes of those that the rules before it leave
    changed: int  # documents whose text it changes without removing them
    characters: int  # how many characters those lose
    masked: tuple[tuple[str, int], ...]  # things of each kind that it masks in them
    reasons: tuple[tuple[str, int], ...]  # counts over removed documents alone, the commonest first
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a preset does to a sample."""

    preset: str
    documents: int
    kept: int
    rules: tuple[RuleReport, ...]


class _Tally:
    """Counts for one rule while the documents pass by."""

    def __init__(self, entry: Entry, rule: Filter) -> None:
        self.entry, self.rule = entry, rule
        self.in_place = self.changed = self.characters = 0
        self.reasons: Counter[str] = Counter()
        self.masked: Counter[str] = Counter()
        self.examples: list[tuple[int, Example]] = []

    def judge(self, document: Document) -> None:
        outcome = self.rule(document)
        if isinstance(outcome, Reason):
            self.reasons[str(outcome)] += 1
            example = Example(document.url, str(outcome), outcome.detail, document.text[:_EXCERPT_CHARS])
            # The smallest hashes: a fair choice, and the same however the sample is ordered.
            self.examples.append((hash64(document.url.encode(), salt=b"example"), example))
            self.examples = sorted(self.examples, key=lambda pair: pair[0])[:_EXAMPLES]
        elif outcome is not None and outcome.text != document.text:
            self.changed += 1
            self.characters += len(document.text) - len(outcome.text)
            self.masked.update(dict(getattr(outcome, "masked", ())))

    def report(self) -> RuleReport:
        return RuleReport(
            name=self.entry.name,
            enabled=self.entry.enabled,
            alone=self.reasons.total(),
            in_place=self.in_place,
            changed=self.changed,
            characters=self.characters,
            masked=tuple(sorted(self.masked.items())),
            reasons=tuple(sorted(self.reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
            examples=tuple(example for _, example in self.examples),
        )


def dry_run(documents: Iterable[Document], preset: str = "webtext", **overrides: Any) -> DryRun:
    """Tell what each rule of a preset would remove of a sample; rules that are switched off are told of, too.

    Raises:
        UsageError: there is no such preset, rule or threshold.
    """
    found = read_preset(preset, overrides)
    tallies = [_Tally(entry, make_rule(entry, found.name)) for entry in found.entries]
    seen = kept = 0
    for document in documents:
        seen += 1
        for tally in tallies:
            tally.judge(document)
        kept += _pass_in_order(document, tallies)
    return DryRun(found.name, seen, kept, tuple(tally.report() for tally in tallies))


def _pass_in_order(document: Document, tallies: list[_Tally]) -> bool:
    for tally in tallies:
        if not tally.entry.enabled:
            continue
        outcome = tally.rule(document)
        if isinstance(outcome, Reason):
            tally.in_place += 1
            return False
        document = document if outcome is None else outcome
    return True


def format_dry_run(run: DryRun) -> str:
    """Write a dry run as a table with the examples under it."""
    lines = [
        f"preset {run.preset}: keeps {run.kept:,} of {run.documents:,} documents",
        "",
        f"{'rule':20} {'alone':>8} {'in place':>9} {'changed':>8} {'characters':>11}",
    ]
    for rule in run.rules:
        name = rule.name if rule.enabled else f"{rule.name} (off)"
        lines.append(f"{name:20} {rule.alone:8,} {rule.in_place:9,} {rule.changed:8,} {rule.characters:11,}")
    for rule in run.rules:
        if rule.masked:
            lines += ["", f"{rule.name}: masks {', '.join(f'{kind} {count:,}' for kind, count in rule.masked)}"]
        if rule.examples:
            counts = ", ".join(f"{reason} {count:,}" for reason, count in rule.reasons)
            lines += ["", f"{rule.name}: {counts}"]
        for example in rule.examples:
            excerpt = " / ".join(example.excerpt.split("\n"))
            lines += [f"  {example.url}", f"    {example.reason}: {example.detail}", f"    {excerpt}"]
    return "\n".join(lines)


def describe_preset(name_or_path: str, overrides: dict[str, Any] | None = None) -> str:
    """Write the rules of a preset with their thresholds and where each comes from.

    Raises:
        UsageError: there is no such preset.
    """
    preset = read_preset(name_or_path, overrides)
    lines = [f"preset {preset.name}", *(f"  {line}" for line in preset.description.splitlines())]
    for place, entry in enumerate(preset.entries, start=1):
        lines += ["", f"{place}. {entry.name}{'' if entry.enabled else ' (off)'}", *_describe_rule(entry)]
    return "\n".join(lines)


def describe_rules() -> str:
    """Write all rules there are, with their default thresholds, sources and reasons."""
    blocks = ["\n".join([name, *_describe_rule(Entry(name, enabled=True, settings=()))]) for name in RULES]
    return "\n\n".join(blocks)


def _describe_rule(entry: Entry) -> Iterator[str]:
    rule = RULES[entry.name]
    yield f"   {(rule.make.__doc__ or '').splitlines()[0]}"
    settings = dict(entry.settings)
    for field in dataclasses.fields(rule.make):
        value = settings.get(field.name, field.default)
        meaning, source = (field.metadata.get(name, "") for name in ("meaning", "source"))
        told = f": {meaning}" * bool(meaning) + f" [{source}]" * bool(source)
        default = "" if value == field.default else f" (default {_plain(field.default)})"
        yield f"   {field.name} = {_plain(value)}{default}{told}"
    yield f"   reasons: {', '.join(rule.reasons)}"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
