"""`webtext report OUTPUT`: one page that shows what became of every link, and what the corpus is like.

`OUTPUT/report/index.html` needs nothing but itself: no network, no server, no script for any fact (script only sorts
and filters). It is a function of the finished stages, so equal outputs give equal pages, and reading them takes memory
that does not grow with their rows.
"""

import base64
import hashlib
import json
from pathlib import Path
from string import Template
from typing import Any

from pipelines.report.answers import answers, of_what, subject
from pipelines.report.documents import documents_section
from pipelines.report.evidence import duplicates_section, kept_section, rejected_section
from pipelines.report.facts import Facts, gather
from pipelines.report.fidelity import read_domains
from pipelines.report.likeness import fidelity_section
from pipelines.report.markup import Markup, element, escape, join
from pipelines.report.overlap import overlap_section
from pipelines.report.search import search_section
from pipelines.report.sections import funnel_section, hosts_section, summary
from pipelines.report.signals import signals_section
from pipelines.report.verdicts import validation_section
from pipelines.stages.output import Output
from pipelines.stages.stale import note_corpus
from webtext import __version__, storage
from webtext.errors import UsageError

SECTIONS = (
    ("search", "Find a page"),
    ("funnel", "Funnel"),
    ("signals", "Signals"),
    ("hosts", "Hosts"),
    ("fidelity", "Beside WebText"),
    ("documents", "Documents"),
    ("kept", "Kept"),
    ("rejected", "Rejected"),
    ("duplicates", "Duplicates"),
    ("overlap", "Overlap"),
    ("validation", "Verdict"),
)


def write_report(output: str, reference_domains: Path | None = None, samples: int = 5) -> str:
    """Write `report/index.html` and `report/figures.json` of an output, and return the path of the page.

    Raises:
        UsageError: the output holds no finished stage, or the list of domains cannot be read.
    """
    reference = read_domains(reference_domains) if reference_domains else None
    facts = gather(output, reference, samples)
    place = Output(output)
    directory = place.report
    path = storage.join(directory, "index.html")
    present = storage.list_all(directory)
    if "index.html" in present and "figures.json" not in present:
        raise UsageError(f"{path} is not webtext's: nothing was changed; move it away")
    note_corpus(directory, place.corpus)
    for name, text in (("figures.json", figures(facts)), ("index.html", page(facts))):
        with storage.create_file(storage.join(directory, name)) as stream:
            stream.write(text.encode())
    return path


def page(facts: Facts) -> str:
    """Draw the page."""
    beside = Path(__file__).parent
    style, script = (beside / "page.css").read_text("utf-8"), (beside / "page.js").read_text("utf-8")
    sections = (
        search_section(facts),
        funnel_section(facts),
        signals_section(facts),
        hosts_section(facts),
        fidelity_section(facts),
        documents_section(facts),
        kept_section(facts),
        rejected_section(facts),
        duplicates_section(facts),
        overlap_section(facts.output),
        validation_section(facts.output),
    )
    contents = element("ul", *(element("li", element("a", name, href=f"#{identity}")) for identity, name in SECTIONS))
    return Template((beside / "page.html").read_text("utf-8")).substitute(
        style=style,
        style_hash=_policy_hash(style),
        script=script,
        script_hash=_policy_hash(script),
        contents=contents,
        subject=escape(subject(facts)),
        summary=join([of_what(facts), answers(facts), summary(facts)]),
        sections=join(sections),
        foot=_foot(facts),
    )


def _policy_hash(text: str) -> str:
    """Hash a script or style as a Content-Security-Policy names it, so that the page can run nothing else."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _foot(facts: Facts) -> Markup:
    name, manifest = facts.funnel.stages[-1]
    identity = element("code", manifest.fingerprint[:16])
    return element("p", f"webtext {__version__}; fingerprint of {name}: ", identity)


def figures(facts: Facts) -> str:
    """Write the numbers behind the page as JSON, for scripts."""
    found: dict[str, Any] = {
        "stages": {
            name: {
                "given": manifest.counts.given,
                "kept": manifest.counts.kept,
                "rejected": dict(manifest.counts.rejected),
            }
            for name, manifest in facts.funnel.stages
        },
        "problems": facts.problems,
        "clusters": len(facts.rejections.clusters),
    }
    if facts.corpus is not None:
        found["splits"] = {name: vars(split) for name, split in facts.corpus.splits.items()}
        found["hosts"] = len(facts.corpus.hosts)
        found["languages"] = dict(facts.corpus.languages)
    if facts.likeness is not None:
        found["fidelity"] = vars(facts.likeness.corpus or facts.likeness.given)
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
