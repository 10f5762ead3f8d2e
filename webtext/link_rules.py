"""The lists by which links are named and judged: hosts, extensions, parameters (docs/harvest.md has the reasons)."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple


class LinkRules(NamedTuple):
    """The lists of link_rules.toml."""

    tracking_names: frozenset[str]
    tracking_prefixes: tuple[str, ...]
    tracking_by_domain: dict[str, frozenset[str]]
    reddit_domains: frozenset[str]
    wikipedia_domains: frozenset[str]
    media_hosts: frozenset[str]
    code_hosts: frozenset[str]
    media_extensions: frozenset[str]
    download_extensions: frozenset[str]


@cache
def link_rules() -> LinkRules:
    """Read the lists of hosts, extensions and parameters that lie beside this module."""
    rules: dict[str, Any] = tomllib.loads(resources.files("webtext").joinpath("link_rules.toml").read_text())
    return LinkRules(
        tracking_names=frozenset(rules["tracking"]["names"]),
        tracking_prefixes=tuple(rules["tracking"]["prefixes"]),
        tracking_by_domain={domain: frozenset(names) for domain, names in rules["tracking"]["by_domain"].items()},
        reddit_domains=frozenset(rules["reddit"]["domains"]),
        wikipedia_domains=frozenset(rules["wikipedia"]["domains"]),
        media_hosts=frozenset(rules["media"]["hosts"]),
        code_hosts=frozenset(rules["code"]["hosts"]),
        media_extensions=frozenset(rules["media"]["extensions"]),
        download_extensions=frozenset(rules["download"]["extensions"]),
    )
