"""A small site over a finished output, for the machine that it runs on: ask what became of a link, and see why.

Read only: there are forms that ask and no others, no script, no cookie. It answers under loopback names alone, so that
a page of the web cannot ask it through a name of its own (DNS rebinding).
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, abort, request

from pipelines.report.difference import Difference, Piece
from pipelines.report.markup import Markup, element, folded, join, link, note, share, table, whole
from pipelines.report.questions import MOST_ROWS, Answer, Questions
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import KINDS
from webtext.errors import UsageError

Findings = list[dict[str, Any]]
Explain = Callable[[str, str], Findings]
Told = Callable[[str, Findings], str]
Compare = Callable[[str, str, str], Difference | None]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_NOTHING_ELSE = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_FIELDS = (
    ("url", "What became of a URL?", "https://example.com/a-page"),
    ("host", "Of a host's links?", "example.com"),
    ("words", "Which documents say …?", "words of a text"),
)
_BEGINNING = 400  # characters of an excerpt that stand in a table
_HEADINGS = {"url", "stage", "verdict"}
_LABELS = {
    "near_duplicate": "near-duplicate of",
    "near_duplicate_chain": "by a chain a near-duplicate of",
    "kept": "kept",
}
_OWN = """form{display:flex;flex-wrap:wrap;gap:.75rem 1.25rem;align-items:end;margin:1rem 0 2rem}
form label{flex:1 1 15rem;font-size:.9rem;color:var(--quiet)}form input{display:block;width:100%;font:inherit;
padding:.45rem .6rem;color:var(--ink);background:var(--sheet);border:1px solid var(--quiet);border-radius:.3rem}
form button{font:inherit;padding:.45rem 1.1rem;border-radius:.3rem;border:1px solid var(--first);cursor:pointer;
background:var(--first);color:var(--paper)}td .url{overflow-wrap:anywhere}
.answer{font-size:1.1rem;overflow-wrap:anywhere}.known td:first-child{width:12rem}
.known td,.listed td{vertical-align:top}
@media(max-width:40rem){.known td:first-child{width:9rem}.listed thead{display:none}
.listed tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--rule)}
.listed td{display:block;border:0;padding:.1rem 0;overflow-wrap:anywhere}
.listed td:empty{display:none}.listed td::before{content:attr(data-head) ": ";color:var(--quiet)}
.listed td[data-head=url]::before{content:""}}"""


def make_site(output: str, explain: Explain, compare: Compare, tell: Told) -> Flask:
    """Make the site of an output; its `test_client` asks it without a network.

    Args:
        output: the output to ask, on this machine.
        explain: what `webtext explain` finds of a URL in an output.
        compare: the texts of two near-duplicates of an output side by side.
        tell: a sentence of what was found of a URL.

    Raises:
        UsageError: the output holds no finished stage.
    """
    funnel, questions, site = Funnel.of(output), Questions(output), Flask("webtext", static_folder=None)
    if not funnel.stages:
        raise UsageError(f"{output} holds no finished stage: give an output of `webtext corpus` or `webtext build`")
    style = (Path(__file__).parent / "page.css").read_text("utf-8") + _OWN
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )

    @site.before_request
    def only_here() -> None:
        name = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if name not in LOOPBACK:
            abort(403)

    @site.after_request
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    def shown(path: str, view: Callable[[], tuple[str, Markup]]) -> None:
        def answer() -> str:
            title, content = view()
            return _page(title, content, style, Path(output).name)

        site.add_url_rule(path, path, answer)

    shown("/", lambda: ("What became of the links", _start(funnel)))
    shown("/ask", lambda: _ask(questions, lambda url: _url(output, url, (explain, compare, tell))))
    shown("/reason", lambda: _reason(questions, _given("stage"), _given("reason"), _offset()))
    shown("/cluster", lambda: _cluster(questions, _given("id")))
    return site


def _given(name: str) -> str:
    return request.args.get(name, "").strip()


def _offset() -> int:
    text = _given("from")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _page(title: str, content: Markup, style: str, name: str) -> str:
    head = join(
        [
            Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            element("title", f"{title} · {name}"),
            element("style", Markup(style)),
        ]
    )
    home = element("p", element("a", name, href="/"), class_="note")
    body = join([element("header", home, element("h1", title)), element("main", _forms(), content)])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _forms() -> Markup:
    fields = [
        element("label", said, element("input", name=name, placeholder=example, value=_given(name), autocomplete="off"))
        for name, said, example in _FIELDS
    ]
    return element("form", *fields, element("button", "Ask"), action="/ask", method="get", role="search")


def _start(funnel: Funnel) -> Markup:
    stages = [
        (
            KINDS[name].title,
            whole(done.counts.given),
            whole(done.counts.kept),
            share(done.counts.kept, done.counts.given),
        )
        for name, done in funnel.stages
    ]
    reasons = [
        (KINDS[name].title, _reason_link(name, reason), whole(links))
        for name, done in funnel.stages
        for reason, links in sorted(done.counts.rejected.items(), key=lambda item: (-item[1], item[0]))
    ]
    return join(
        [
            element("h2", "Stages"),
            table(["stage", "given", "kept", "share"], stages),
            element("h2", "Reasons"),
            table(["stage", "reason", "links"], reasons, words=2),
        ]
    )


def _ask(questions: Questions, explained: Callable[[str], Markup]) -> tuple[str, Markup]:
    if url := _given("url"):
        return "What became of a URL", explained(url)
    if host := _given("host"):
        return f"The links of {host}", _listed(questions.of_host(host), ("url", "stage", "reason", "detail"))
    if words := _given("words"):
        answer = questions.of_words(words)
        said = note(f"{whole(answer.total)} of {whole(answer.looked_at)} documents looked at say this.")
        return f"Documents that say “{words}”", join([said, _listed(answer, ("url", "title", "excerpt"))])
    return "Ask something", note("Give a URL, a host, or words.")


def _url(output: str, url: str, asked: tuple[Explain, Compare, Told]) -> Markup:
    explain, compare, tell = asked
    findings = explain(output, url)
    parts = [element("p", tell(url, findings), ".", class_="answer")]
    if findings:
        parts.append(element("p", link(findings[0].get("url", url))))
    for finding in findings:
        facts = [
            (name, _fact(name, value)) for name, value in finding.items() if name not in {"url", "stage", "verdict"}
        ]
        title = f"{KINDS[finding['stage']].title}: {_LABELS.get(finding['verdict'], finding['verdict'])}"
        parts += [element("h2", title), table(["", ""], facts, words=2, class_="known")]
        if finding["verdict"].startswith("near_duplicate"):
            parts.append(_side_by_side(compare(output, finding["kept_url"], finding["url"])))
    return join(parts)


def _fact(name: str, value: Any) -> Any:
    if name in {"kept_url", "final_url", "fetch_url"}:
        return element("a", value, class_="url", href=f"/ask?url={_quoted(value)}")
    if isinstance(value, float):
        return f"{value:.3f}"
    if name == "cluster":
        return element("a", value, href=f"/cluster?id={_quoted(value)}")
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _side_by_side(found: Difference | None) -> Markup:
    if found is None:
        return note("The text of the one that stays lies in an earlier corpus.")
    rows = [
        (f"{row.equal} equal paragraphs", "") if row.equal else (_marked(row.left), _marked(row.right))
        for row in found.rows
    ]
    left_out = [note(f"{found.left_out} paragraphs more are not shown.")] if found.left_out else []
    return join([table(["the one that stays", "this one"], rows, words=2), *left_out])


def _marked(pieces: Sequence[Piece]) -> Markup:
    return join(element("mark", piece.text) if piece.changed else piece.text for piece in pieces)


def _reason(questions: Questions, stage: str, reason: str, offset: int) -> tuple[str, Markup]:
    if stage not in KINDS:
        abort(404)
    answer = questions.of_reason(stage, reason, offset)
    columns = ("url", "detail", "kept_url", "similarity", "excerpt")
    used = [name for name in columns if any(row[name] not in (None, "") for row in answer.rows)] or ["url"]
    more = offset + MOST_ROWS
    next_page = element("a", "more", href=f"/reason?stage={_quoted(stage)}&reason={_quoted(reason)}&from={more}")
    shown = [_listed(answer, used, offset), *([element("p", next_page)] if more < answer.total else [])]
    return f"{KINDS[stage].title}: {reason}", join(shown)


def _cluster(questions: Questions, identity: str) -> tuple[str, Markup]:
    answer = questions.of_cluster(identity)
    return f"Cluster {identity}", _listed(answer, ("url", "kept", "similarity", "n_words", "id"))


def _listed(answer: Answer, columns: Sequence[str], offset: int = 0) -> Markup:
    if not answer.rows:
        return note("Nothing.")
    rows = [[_cell(name, row.get(name)) for name in columns] for row in answer.rows]
    said = f"{offset + 1:,} to {offset + len(rows):,} of {answer.total:,}"
    return join([note(said), table(list(columns), rows, words=len(columns), class_="listed")])


def _cell(name: str, value: Any) -> Any:
    if name in {"url", "kept_url"} and value:
        return element("a", value, class_="url", href=f"/ask?url={_quoted(value)}")
    if name == "excerpt" and value and len(value) > _BEGINNING:
        return folded(join([value[:_BEGINNING], " …"]), element("blockquote", value, dir="auto"))
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "stage" and value in KINDS:
        return KINDS[value].title
    return "" if value is None else value


def _reason_link(stage: str, reason: str) -> Markup:
    return element("a", reason, href=f"/reason?stage={_quoted(stage)}&reason={_quoted(reason)}")


def _quoted(value: Any) -> str:
    return quote(str(value), safe="")
