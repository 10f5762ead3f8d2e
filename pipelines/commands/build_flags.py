"""The flags of `webtext build` that say how pages become documents, what is a duplicate and what repeats."""

import argparse
from dataclasses import replace
from typing import Any

from dedup.near.against import Columns
from dedup.near.minhash import MinHashConfig
from dedup.repeats.find import RepeatsConfig
from filters import load_preset, preset_names
from filters.outside import Outside, add_rules, announced, read_rules, rules_of
from filters.presets import parse_overrides, read_preset
from filters.rules.language import Language
from pipelines.pages.page_pool import PageConfig
from pipelines.stages.documents import DocumentsConfig
from pipelines.stages.duplicates import DuplicatesConfig
from pipelines.stages.earlier import check_earlier
from webtext.extract.config import ExtractConfig
from webtext.extract.extractors import ENGINES


def add_documents_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how pages become documents."""
    default = DocumentsConfig()
    limits = default.extract
    group = parser.add_argument_group("text")
    group.add_argument(
        "--extractor",
        choices=sorted(ENGINES),
        default=limits.extractor,
        help="what finds the text in a page (default: %(default)s)",
    )
    group.add_argument(
        "--max-page-bytes",
        type=int,
        default=limits.max_bytes,
        help="bytes from which on a page is rejected as too large (default: %(default)s)",
    )
    group.add_argument(
        "--page-seconds",
        type=float,
        default=limits.seconds,
        help="CPU seconds that a page may take (default: %(default)s)",
    )
    group.add_argument("--extract-foreign", action="store_true", help=_EXTRACT_FOREIGN)
    group.add_argument("--reference", action="store_true", help=_REFERENCE)
    group = parser.add_argument_group("filters")
    group.add_argument("--preset", default=default.preset, help=f"{_PRESETS} (default: %(default)s)")
    add_rule_arguments(group)
    group.add_argument("--language", nargs="+", metavar="CODE", help="languages to keep; `any` for all (default: en)")
    group.add_argument(
        "--min-probability", type=float, help="least probability of the language (default: the preset's)"
    )
    group.add_argument(
        "--blocklist",
        nargs="+",
        metavar="FILE",
        help="files of hosts to leave out, besides the bundled list (default: none)",
    )


_PRESETS = f"rules: {', '.join(preset_names())}, or a file (`webtext filters` shows them)"
_REFERENCE = "have langdetect and datasketch, too, do all their work themselves: slower, the same bytes"
_EXTRACT_FOREIGN = "extract also what plainly is in a language that is not wanted, before the rule rejects it"


def add_rule_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare --set and --rules, which are the same wherever rules run."""
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="RULE.FIELD=VALUE", help=_SET)

    parser.add_argument("--rules", nargs="+", action="extend", default=[], metavar="FILE", help=_RULES)


_RULES = (
    "rules of your own, run after the preset's: Python files or modules, docs/how-to/add-a-filter.md (default: none)"
)
_SET = "thresholds of rules: length.min_words=50 walls.enabled=false language.languages=en,de (default: the preset's)"


def documents_config(arguments: argparse.Namespace) -> DocumentsConfig:
    """Make the configuration that flags ask for.

    Raises:
        UsageError: there is no such preset, rule or threshold.
    """
    page = page_config(arguments)
    return DocumentsConfig(page.extract, page.preset, page.overrides, minhash_config(arguments), page.outside)


def page_config(arguments: argparse.Namespace) -> PageConfig:
    """Make what says what becomes of one page.

    Raises:
        UsageError: there is no such preset, rule or threshold.
    """
    outside = outside_rules(arguments.rules)
    overrides = parse_overrides(arguments.set)
    if arguments.language:
        every = "any" in arguments.language
        overrides |= {"language.enabled": False} if every else {"language.languages": tuple(sorted(arguments.language))}
    if arguments.min_probability is not None:
        overrides["language.min_probability"] = arguments.min_probability
    if arguments.blocklist:
        overrides["blocklist.paths"] = tuple(arguments.blocklist)
    overrides |= wanted_from_outside(arguments.rules, arguments.preset, overrides)
    rules = load_preset(arguments.preset, **overrides)  # what is wrong with them shows before any work
    wanted = next((rule.languages for rule in rules if isinstance(rule, Language)), ())
    limits = (arguments.extractor, arguments.max_page_bytes, arguments.page_seconds)
    languages = () if arguments.extract_foreign else wanted
    extract = ExtractConfig(*limits, languages=languages, reference=arguments.reference)
    return PageConfig(extract, arguments.preset, tuple(sorted(overrides.items())), outside)


def outside_rules(names: list[str]) -> tuple[Outside, ...]:
    """Read the rules that flags name and those that installed packages announce, and put them into the catalogue.

    Raises:
        UsageError: there is no such file or module, it holds no rule, or one is called as a rule of ours.
    """
    found = (*map(read_rules, names), *announced())
    add_rules(found)
    return found


def wanted_from_outside(names: list[str], preset: str, overrides: dict[str, Any]) -> dict[str, bool]:
    """Give the overrides that add the rules of files and modules to a preset which does not name them."""
    listed = {entry.name for entry in read_preset(preset, overrides).entries}
    return {f"{rule}.enabled": True for name in names for rule in rules_of(read_rules(name)) if rule not in listed}


def add_duplicates_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how duplicates are found."""
    default = MinHashConfig()
    group = parser.add_argument_group("duplicates")
    group.add_argument(
        "--threshold",
        type=float,
        default=default.threshold,
        help="Jaccard similarity from which on two documents are near-duplicates (default: %(default)s)",
    )
    group.add_argument(
        "--num-perm",
        type=int,
        default=default.num_perm,
        help="permutations of a MinHash signature (default: %(default)s)",
    )
    group.add_argument(
        "--shingle-words", type=int, default=default.shingle_words, help="words of a shingle (default: %(default)s)"
    )
    group.add_argument(
        "--recall",
        type=float,
        default=default.recall,
        help="share of the pairs at the threshold that the bands are to find (default: %(default)s)",
    )
    group.add_argument(
        "--bands", type=int, help="bands of a signature, goes with --rows (default: by --threshold and --recall)"
    )
    group.add_argument(
        "--rows", type=int, help="rows of a band, goes with --bands (default: by --threshold and --recall)"
    )
    group.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="DIR",
        help="earlier corpora whose texts are left out: outputs of ours, or any Parquet (default: none)",
    )
    columns = Columns()
    group.add_argument(
        "--against-text-field",
        default=columns.text,
        help="column of the texts in the Parquet files of --against (default: %(default)s)",
    )
    group.add_argument(
        "--against-url-field",
        default=columns.url,
        help="column of the URLs in the Parquet files of --against, if any (default: %(default)s)",
    )


def minhash_config(arguments: argparse.Namespace) -> MinHashConfig:
    """Make the configuration of sketches and bands that flags ask for.

    Raises:
        ValueError: a value is out of its range.
    """
    return MinHashConfig(
        num_perm=arguments.num_perm,
        shingle_words=arguments.shingle_words,
        threshold=arguments.threshold,
        recall=arguments.recall,
        bands=arguments.bands,
        rows=arguments.rows,
        reference=arguments.reference,
    )


def duplicates_config(arguments: argparse.Namespace) -> DuplicatesConfig:
    """Make the configuration that flags ask for.

    Raises:
        ValueError: a value is out of its range.
        UsageError: an earlier corpus holds no texts.
    """
    against = tuple(arguments.against)
    columns = Columns(arguments.against_text_field, arguments.against_url_field)
    config = DuplicatesConfig(minhash_config(arguments), against, columns)
    default = MinHashConfig()
    if replace(config.minhash, seed=default.seed, shingle_words=default.shingle_words, reference=False) != default:
        _ = config.minhash.banding  # What is wrong with it shows before any work; of the default's, nothing is.
    check_earlier(against, columns, config.minhash)
    return config


def add_repeats_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say what repeats below the document goes; nothing does by default."""
    default = RepeatsConfig()
    group = parser.add_argument_group("repeats", "taken out of documents that stay; off by default, see docs/dedup.md")
    group.add_argument(
        "--drop-repeated-lines",
        type=int,
        default=default.min_documents,
        metavar="DOCUMENTS",
        help="take out lines that so many documents have (default: 0, none)",
    )
    group.add_argument(
        "--repeated-on-hosts",
        type=int,
        default=default.min_hosts,
        metavar="HOSTS",
        help="hosts on which a line of --drop-repeated-lines stands at least (default: %(default)s)",
    )
    group.add_argument(
        "--drop-repeated-passages",
        type=int,
        default=default.passage_words,
        metavar="WORDS",
        help="leave a passage of so many words that documents share in one of them alone (default: 0, in all)",
    )


def repeats_config(arguments: argparse.Namespace, words_left: int) -> RepeatsConfig:
    """Make the configuration that flags ask for.

    Raises:
        ValueError: a value is out of its range.
    """
    return RepeatsConfig(
        min_documents=arguments.drop_repeated_lines,
        min_hosts=arguments.repeated_on_hosts,
        passage_words=arguments.drop_repeated_passages,
        words_left=words_left,
    )
