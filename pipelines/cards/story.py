"""How a corpus was made, in words: what a reader of its card asks first, told from the manifests of its stages."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from webtext.manifest import versions

_MOST_LANGUAGES = 5  # told with their counts; the report has all


def story(
    config: Mapping[str, Any], spoken: Sequence[tuple[str, int]], posted: tuple[datetime, datetime] | None
) -> str:
    """Tell sources, dates, karma, languages, rules, duplicates, the held-out rule and versions, a line each.

    Args:
        config: of the corpus stage; its `made` (`pipelines.stages.build.made_from`) may lack any stage.
        spoken: (language, documents), the most first.
        posted: first and last of the documents' `first_posted`.
    """
    made = config.get("made", {})
    told = {
        "Sources": _sources(made),
        "Dates": _dates(posted),
        "Karma": _karma(made),
        "Languages": _languages(made, spoken),
        "Rules": _rules(made),
        "Duplicates": _duplicates(made),
        "Held out": _held_out(config),
        "Versions": ", ".join(f"{name} {number}" for name, number in versions().items()) + ".",
    }
    lines = [f"- {head}: {said}" for head, said in told.items() if said]
    filled = (
        textwrap.fill(line, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        for line in lines
    )
    return "".join(f"{line}\n" for line in filled)


def rules_left_out(config: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a stage's settings what is told in words: the rules, and the signals that were honoured."""
    return {name: value for name, value in config.items() if name not in {"rules", "opt_outs"}}


def _sources(made: Mapping[str, Any]) -> str:
    links, pages = (_named(made.get(stage)) for stage in ("links", "pages"))
    said = [f"links from {links}"] if links else []
    if pages:
        said.append(f"pages from {pages}")
    elif "pages" in made:
        captures = made["pages"]["config"].get("captures")
        said.append(f"pages from the captures of `{captures}`" if captures else "pages from the web")
    return "; ".join(said) + "." if said else ""


def _named(stage: Mapping[str, Any] | None) -> str:
    """Name the first files that a stage was given, and count the others."""
    if stage is None:
        return ""
    sources = stage["sources"]
    more = sources["files"] - len(sources["first"])
    return ", ".join(f"`{name}`" for name in sources["first"]) + (f" and {more:,} files more" if more else "")


def _dates(posted: tuple[datetime, datetime] | None) -> str:
    if posted is None:
        return "no document says when it was posted."
    first, last = (time.date().isoformat() for time in posted)
    return f"the documents' links were first posted on days from {first} to {last} (UTC)."


def _karma(made: Mapping[str, Any]) -> str:
    select = made.get("links", {}).get("config", {}).get("select")
    if select is None:
        return ""
    rule = select["karma_rule"]
    return f"links of karma {select['min_karma']} or more, by the rule `{rule}` where a link was posted more than once."


def _languages(made: Mapping[str, Any], spoken: Sequence[tuple[str, int]]) -> str:
    extract = made.get("documents", {}).get("config", {}).get("extract", {})
    asked = f"asked for: {', '.join(extract['languages']) or 'all'}; " if "languages" in extract else ""
    more = f" and {len(spoken) - _MOST_LANGUAGES:,} languages more" if len(spoken) > _MOST_LANGUAGES else ""
    found = ", ".join(f"{code} ({count:,} documents)" for code, count in spoken[:_MOST_LANGUAGES])
    return f"{asked}found: {found or 'none'}{more}."


def _rules(made: Mapping[str, Any]) -> str:
    documents = made.get("documents", {})
    if "rules" not in documents.get("config", {}):
        return ""
    rules = [_rule(rule) for rule in documents["config"]["rules"] if rule["enabled"]]
    preset = (
        f"the preset `{documents['preset']}`" if documents["preset"] else "a preset that does not come with webtext"
    )
    return f"{preset}, in this order: {', '.join(rules) or 'none'}. A threshold that is not told is the rule's default."


def _rule(rule: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{name} {_value(value)}" for name, value in rule["settings"])
    return f"`{rule['name']}`" + (f" ({settings})" if settings else "")


def _value(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _duplicates(made: Mapping[str, Any]) -> str:
    near = made.get("duplicates", {}).get("config", {})
    if "threshold" not in near:
        return ""
    return (
        "equal texts, and near-duplicates: texts whose sets of "
        f"{near['shingle_words']}-grams of words have a Jaccard similarity of {near['threshold']} or more."
    )


def _held_out(config: Mapping[str, Any]) -> str:
    if "held_out" not in config:
        return ""
    return (
        f"{config['held_out']:.1%} of the clusters of near-duplicates, chosen by a cluster's hash and each whole, are "
        "the split `validation`; a document without near-duplicates is a cluster of its own."
    )
