"""What a command says when it is done: lines for a person, or with --json one JSON object for a script.

The object alone goes to standard output; progress, log lines and errors go to standard error, and where the exit status
is 2 there is no object. `ANSWERS` says what each command's object holds: docs/reference/json.md is written from it, and
tests hold each command to it.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webtext.manifest import Manifest

HELP = "print one JSON object, and nothing else, on standard output (docs/reference/json.md)"


@dataclass(frozen=True)
class Key:
    """A value of an object: where it stands, its type, and what it tells.

    In a path `*` is a name (of a stage, a reason ...) and `[]` an element of a list.
    """

    path: str
    kind: str  # integer, number, string, boolean; "or null" where it may be missing
    meaning: str
    always: bool = True  # whether each answer has it; otherwise where there is something to tell


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Declare --json."""
    parser.add_argument("--json", action="store_true", help=HELP)


def tell(found: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print an answer."""
    print(json.dumps(found, indent=1, ensure_ascii=False) if as_json else "\n".join(lines))


def stages_as_json(stages: Sequence[tuple[str, Manifest]]) -> dict[str, Any]:
    """Lay finished stages out as JSON values: their counts, size and fingerprint, by directory, in order."""
    return {
        name: {
            "given": manifest.counts.given,
            "kept": manifest.counts.kept,
            "unit": manifest.counts.unit,
            "rejected": dict(manifest.counts.rejected),
            "notes": dict(manifest.counts.notes),
            "files": len(manifest.files),
            "bytes": sum(file.bytes for file in manifest.files),
            "fingerprint": manifest.fingerprint,
        }
        for name, manifest in stages
    }


_STAGES = (
    Key("output", "string", "the `--output` directory, as it was given"),
    Key("stages.*.given", "integer", "what the stage was given; the stage is named by its directory"),
    Key("stages.*.kept", "integer", "what it kept; with the sum of `rejected` this is `given`"),
    Key("stages.*.unit", "string", "what is counted: links, documents ..."),
    Key("stages.*.rejected.*", "integer", "rejected for this reason ([reasons.md](reasons.md))", always=False),
    Key("stages.*.notes.*", "integer", "counted besides; enters no sum", always=False),
    Key("stages.*.files", "integer", "files that were published"),
    Key("stages.*.bytes", "integer", "their size"),
    Key("stages.*.fingerprint", "string", "of inputs, settings and versions: equal fingerprints, equal bytes"),
)
_DRY_RUN = (
    Key("preset", "string", "its name"),
    Key("documents", "integer", "documents that were tried"),
    Key("kept", "integer", "of these, how many the preset keeps"),
    Key("rules[].name", "string", "a rule, in the preset's order"),
    Key("rules[].enabled", "boolean", "whether the preset has it switched on"),
    Key("rules[].alone", "integer", "documents that it would remove if it were the only rule"),
    Key("rules[].in_place", "integer", "documents that it removes of those that the rules before it leave"),
    Key("rules[].changed", "integer", "documents whose text it changes without removing them"),
    Key("rules[].characters", "integer", "by how many characters these become shorter"),
    Key("rules[].reasons[][]", "string or integer", "a reason, and how many it removes alone", always=False),
    Key("rules[].examples[].url", "string", "a document that it removes", always=False),
    Key("rules[].examples[].reason", "string", "why", always=False),
    Key("rules[].examples[].detail", "string", "what was measured", always=False),
    Key("rules[].examples[].excerpt", "string", "its first characters", always=False),
)
_SET = (
    ("name", "string", "a benchmark"),
    ("items", "integer", "its items"),
    ("words", "integer", "their words"),
    ("ngrams", "integer", "their n-grams, repeats included"),
    ("found", "integer", "of these, how many the filter of the corpus holds"),
    ("share", "number", "`found` of `ngrams`, from 0 to 1: GPT-2's Table 6 in per cent"),
    (
        "exact_found",
        "integer or null",
        "how many the corpus holds, by a pass over it; null where there was only a filter",
    ),
    ("exact_share", "number or null", "likewise, as a share"),
    ("distinct_ngrams", "integer", "different n-grams"),
    ("distinct_found", "integer", "of these, found by the filter"),
    ("false_hits", "integer or null", "distinct n-grams that the filter finds and the corpus has not"),
    ("missed", "integer or null", "distinct n-grams that the corpus has and the filter does not find: 0"),
    ("short_items", "integer", "items shorter than an n-gram"),
    ("short_found", "integer or null", "of these, how many stand in the corpus whole"),
    ("empty_items", "integer", "items without a word"),
    ("items_with_overlap", "integer", "items of which an n-gram is found"),
    ("mean_share", "number or null", "mean over the items of the share that is found"),
    ("median_share", "number or null", "their median"),
    ("own_train_share", "number or null", "share that the set's own training split holds, where it was given"),
)

_PLAN = (
    Key("stages[].name", "string", "a stage, as its directory is called"),
    Key("stages[].rows", "number", "what it should keep"),
    Key("stages[].bytes", "number", "what it should write"),
    Key("stages[].shuffle_bytes", "number", "what it should send through the engine's shuffle"),
    Key("stages[].launcher_bytes", "number", "memory of the process that is started"),
    Key("stages[].worker_bytes", "number", "memory of a worker and of what it starts"),
    Key("stages[].cpu_s", "number", "CPU seconds, as of this machine"),
    Key("stages[].wall_s", "number", "seconds on the cores reckoned with"),
    Key("stages[].cost", "number", "money for cores while they are held, and for what is shuffled; 0 without prices"),
    *(Key(name, "number", f"of all stages: {name}") for name in ("bytes", "cpu_s", "wall_s", "cost")),
    Key("ngram_filter_bytes", "integer", "an n-gram filter of the whole corpus, on disk and in memory"),
    Key("storage_a_month", "number", "money to keep all of it"),
    Key("warnings[]", "string", "what will not fit", always=False),
    Key("from.links", "null", "no submissions were given", always=False),
    Key("from.links.*", "number", "what the sample of the submissions came to", always=False),
    Key("from.pages", "null", "no pages are there yet: they are assumed", always=False),
    Key("from.pages.*", "number", "what the sample of the pages came to", always=False),
    Key("from.machine.*", "integer", "where it is to run: cores, worker processes, bytes of memory and of disk"),
    Key("from.machine.is_local", "boolean", "whether that is this machine"),
    Key("from.prices.*", "any", "the prices that were given, and their currency"),
    Key("compared.*.*.estimated", "number", "with `--compare`: a stage, what, and what was estimated", always=False),
    Key("compared.*.*.measured", "number", "and what the run took", always=False),
)

_LOOK = (
    Key("pages[].url", "string", "the page: a URL as it was asked for or found, or the file's"),
    Key("pages[].stage", "string", "the stage that says the verdict"),
    Key("pages[].verdict", "string", "`kept`, or the first reason to reject it"),
    Key("pages[].detail", "string", "what was measured", always=False),
    Key("pages[].text", "string", "the text, before rules change it", always=False),
    *(Key(f"pages[].{name}", "string", "what the page declares", always=False) for name in ("title", "author", "date")),
    Key("pages[].site_name", "string", "what the page declares", always=False),
    Key("pages[].language", "string", "the language of the text", always=False),
    Key("pages[].n_words", "integer", "words of the text", always=False),
    Key("pages[].rules[].rule", "string", "a rule of the preset, in their order", always=False),
    Key("pages[].rules[].verdict", "string", "`kept`, `changed`, or its reason to reject the page", always=False),
    Key("pages[].rules[].detail", "string", "what the rule measured, or changed", always=False),
)

ANSWERS: Mapping[str, Sequence[Key]] = {
    "plan": _PLAN,
    "look": _LOOK,
    "corpus": _STAGES,
    "harvest": _STAGES,
    "fetch": _STAGES,
    "build": _STAGES,
    "build --dry-run": _DRY_RUN,
    "overlap": (
        *_STAGES,
        *(Key(f"sets[].{name}", kind, meaning) for name, kind, meaning in _SET),
        Key("probes.probes", "integer", "random n-grams, which the corpus cannot hold, that were looked up"),
        Key("probes.hits", "integer", "how many of them the filter found all the same"),
        Key("probes.upper_bound", "number", "95 % confidence: its false-positive rate is below this"),
    ),
    "filters": (
        Key("rules[].name", "string", "a rule"),
        Key("rules[].summary", "string", "what it does"),
        Key("rules[].reasons[]", "string", "the reasons that it may give"),
        Key("rules[].thresholds[].name", "string", "what `--set RULE.NAME=VALUE` sets", always=False),
        Key("rules[].thresholds[].default", "any", "its default", always=False),
        Key("rules[].thresholds[].meaning", "string", "what it means", always=False),
        Key("rules[].thresholds[].source", "string", "where the default is from", always=False),
        Key("presets[].name", "string", "a preset; with `--preset` only that one"),
        Key("presets[].description", "string", "what it is for"),
        Key("presets[].rules[].name", "string", "a rule of it, in order"),
        Key("presets[].rules[].enabled", "boolean", "whether it runs"),
        Key("presets[].rules[].settings.*", "any", "a threshold that is not its default", always=False),
    ),
    "filters --try": _DRY_RUN,
    "filters --train-classifier": (Key("model", "string", "the file that was written; likewise `--train-perplexity`"),),
    "remove": (
        Key("documents", "integer", "documents that the corpus holds fewer of; below 0 where requests were taken back"),
        Key("removed", "integer", "documents that all requests so far keep out"),
        Key("rewritten[]", "string", "shards that changed", always=False),
        Key("unchanged", "integer", "shards that did not"),
        Key("met[].kind", "string", "url, host or author: the kind of a request that meets documents", always=False),
        Key("met[].value", "string", "what it names, as it is compared", always=False),
        Key("met[].documents", "number", "the documents that it keeps out", always=False),
        Key(
            "unmet[].kind",
            "string",
            "url, host or author: of a request that meets no document",
            always=False,
        ),
        Key("unmet[].value", "string", "what it names, as it is compared", always=False),
        Key("stale[]", "string", "directories that were made from the corpus as it was", always=False),
    ),
    "status": (
        Key("is_done", "boolean", "whether the corpus is finished; the exit status says it, too"),
        Key("next", "string or null", "the stage that is to be done next"),
        Key("stages.*.is_done", "boolean", "whether the stage is finished, and nothing is begun beside it"),
        Key("stages.*.tasks_done", "integer or null", "of one that is begun: tasks that are done"),
        Key("stages.*.tasks", "integer or null", "of how many, where its files tell"),
        Key("stages.*.tasks_per_s", "number or null", "tasks a second, from the first that ended to the last"),
        Key("stages.*.left_s", "number or null", "seconds for those that are left, at that rate"),
        Key("stages.*.last_task_at", "number or null", "when the last ended, in seconds since 1970"),
        Key("stages.*.is_stale", "boolean", "whether it was made from something else than what stands there now"),
        Key("stale[]", "string", "directories that were made from the corpus as it was", always=False),
    ),
    "verify": (
        Key("stages", "integer", "finished stages"),
        Key("files", "integer", "their files, all of which were read"),
        Key("bytes", "integer", "their size"),
        Key("problems[]", "string", "what is not as it was published; then the exit status is 1", always=False),
        Key("stale[]", "string", "directories that were made from the corpus as it was", always=False),
        Key("for", "string", "with `--for`: the family of models", always=False),
        Key("shape.*.documents", "integer", "with `--for`: documents of the corpus", always=False),
        Key("shape.*.with_paragraphs", "number", "share with two paragraphs or more", always=False),
        Key("shape.*.median_paragraphs", "number", "paragraphs of a document, in the median", always=False),
        Key("shape.*.median_words", "number", "words of a document, in the median", always=False),
        Key("shape.*.long", "number", "share of 512 words or more", always=False),
        Key("lacking[]", "string", "what the family cannot do without; then the exit status is 1", always=False),
    ),
}
