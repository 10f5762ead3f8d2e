"""Pages to a de-duplicated corpus, end to end: webtext beside datatrove and dolma on the same WARC files.

    make bench, or
    python benchmarks/end_to_end.py --realweb ../shared/realweb --debian FOLDER --runs 3

Each system runs its own command over the same files with the same number of workers, in turns, so that a machine that
slows down slows all of them. A run's CPU time is what the system reports of every process that the command began, its
wall time is the command's, and its memory the most that the processes of its tree held together (proportional set
sizes: a page that two share counts once). Pages a CPU second counts the pages that went in, whatever became of them.

F1 is measured on the two sets with gold text: of what each system extracts of all their pages, and of the gold pages
that it kept. On realweb's pages it is over segments, as trafilatura's evaluation counts them, and once more over the
English ones; on WCXB's it is over words, averaged over pages, and by kind of page. What each system does and leaves out
stands in end_to_end_systems.py and peers/. A line of JSON for each set goes to docs/benchmarks/end-to-end.jsonl, the
picture beside it.
"""

import argparse
import ctypes
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import end_to_end_inputs
from end_to_end_chart import write_chart
from end_to_end_systems import SYSTEMS, System
from extraction import KINDS, f1, language_of, mean, segments, word_f1
from process_tree import watch
from wcxb import read_set

FOLDER = Path("build/benchmarks/end-to-end")
HISTORY = Path("docs/benchmarks/end-to-end.jsonl")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h: orphans of the command become ours, so that their time counts


def run(command: list[str]) -> dict[str, float]:
    """Run a command to its end and tell what it took.

    Raises:
        RuntimeError: it failed.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # A folder of its own for what datatrove would keep at home.
    environment = os.environ | {"HF_HOME": str((FOLDER / "home").resolve())}
    running = subprocess.Popen(command, text=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    log = FOLDER / "log.txt"
    with log.open("w") as stream:
        reader = subprocess.Popen(["cat"], stdin=running.stderr, stdout=stream)
        seen, peak = 0.0, 0
        for look in watch(running):
            seen, peak = look.cpu, max(peak, look.memory)
        wall = time.perf_counter() - began
        reader.wait()
    _reap()
    if running.returncode:
        raise RuntimeError(f"{command} ended with status {running.returncode}: {log.read_text()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "cpu_s": max(cpu, seen), "peak_mb": peak / 1e6}


def _reap() -> None:
    """Wait for what the command left behind, for ten seconds at most."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not found:
            time.sleep(0.1)


Entries = dict[str, dict[str, Any]]


def read_news(realweb: Path) -> Entries:
    """Read realweb's gold entries by address, each with the groups that it belongs to."""
    entries = [json.loads(line) for line in (realweb / "gold.jsonl").read_text("utf-8").splitlines()]
    return {entry["url"].strip(): entry | {"group": language_of(entry)} for entry in entries}


def read_words(wcxb: Path) -> Entries:
    """Read WCXB's gold entries by address, each with its kind of page as its group."""
    return {entry["url"]: entry | {"group": entry["type"]} for entry, _ in read_set(wcxb)}


def segment_score(texts: dict[str, str], entries: Entries) -> float | None:
    """Give the F1 of texts over gold entries of segments; None where there is no entry."""
    counts: Counter[str] = Counter()
    for url, entry in entries.items():
        counts.update(segments(texts.get(url, ""), entry))
    return round(f1(counts), 4) if entries else None


def word_score(texts: dict[str, str], entries: Entries) -> float | None:
    """Give the mean F1 of words over gold entries of whole texts; None where there is no entry."""
    single = [word_f1(texts.get(url, ""), entry["text"]) for url, entry in entries.items()]
    return round(mean(single), 4) if single else None


@dataclass(frozen=True, slots=True)
class Gold:
    """How a set's texts are judged.

    Attributes:
        entries: gold entries by address.
        score: gives the F1 of texts by address over entries.
        groups: groups of entries that have a column of their own.
    """

    entries: Entries
    score: Callable[[dict[str, str], Entries], float | None]
    groups: tuple[str, ...]

    def of_group(self, group: str) -> Entries:
        """Give the entries of a group."""
        return {url: entry for url, entry in self.entries.items() if entry["group"] == group}


def scores(system: System, pages: Path, output: Path, kept: dict[str, str], gold: Gold) -> dict[str, Any]:
    """Give the F1 of what a system extracts, and of what it keeps."""
    if system.extract is not None:
        shutil.rmtree(output, ignore_errors=True)
        run(system.extract(pages, output, 2))
    texts = dict(system.extracted(output))
    there = {url: entry for url, entry in gold.entries.items() if url in kept}
    return {
        "f1": gold.score(texts, gold.entries),
        "f1_groups": {group: gold.score(texts, gold.of_group(group)) for group in gold.groups},
        "f1_kept": gold.score(kept, there),
        "gold_kept": len(there),
    }


def compare(name: str, arguments: argparse.Namespace, gold: Gold | None) -> dict[str, Any]:
    """Run every system so many times on one set, in turns; give medians, single runs and outcomes.

    What is known after each turn is kept beside the pages, for a benchmark that is cut short.
    """
    pages = FOLDER / name
    result = {"set": name, "pages": json.loads((pages / "pages.json").read_text())["pages"]}
    result |= {"workers": arguments.workers, "systems": {key: {} for key in arguments.systems}}
    for turn in range(arguments.runs):
        for key, found in result["systems"].items():
            output = FOLDER / f"output-{key}"
            shutil.rmtree(output, ignore_errors=True)
            taken = run(SYSTEMS[key].command(pages, output, arguments.workers))
            print(f"{name} {key} {turn + 1}: {taken}", file=sys.stderr, flush=True)
            outcome = SYSTEMS[key].outcome(output)
            found.update(what=SYSTEMS[key].what, kept=outcome.kept, duplicates=outcome.duplicates)
            found["runs"] = [*found.get("runs", []), {figure: round(value, 1) for figure, value in taken.items()}]
            found.update(medians(result["pages"], found["runs"]))
            if gold is not None and turn == 0:
                found.update(scores(SYSTEMS[key], pages, output, outcome.texts, gold))
            (pages / "latest.json").write_text(json.dumps(result))
    return result


def medians(pages: int, runs: list[dict[str, float]]) -> dict[str, float]:
    """Give the median of each figure, and pages a second from them."""
    found = {figure: statistics.median(single[figure] for single in runs) for figure in runs[0]}
    rates = {f"pages_per_{kind}_s": round(pages / found[f"{kind}_s"], 1) for kind in ("cpu", "wall")}
    return {figure: round(value, 1) for figure, value in found.items()} | rates


def machine() -> dict[str, Any]:
    """Describe the machine, as far as a reader of the figures needs it."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if "model name" in line), "")
    memory = int(next(line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")))
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e6),
        "python": platform.python_version(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def table(result: dict[str, Any]) -> str:
    """Write a result as a table: ratios to datatrove first (to the first system where it did not run)."""
    systems = result["systems"]
    base = systems.get("datatrove") or next(iter(systems.values()))
    groups = list(base.get("f1_groups", ()))
    heads = ["ratio", "pages / CPU s", "pages / s", "peak MB", "F1", *groups, "F1 kept", "kept", "duplicates"]
    lines = [
        f"{result['set']}: {result['pages']:,} pages, {result['workers']} workers",
        "",
        f"| system | {' | '.join(heads)} |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for found in systems.values():
        ratio = found["pages_per_cpu_s"] / base["pages_per_cpu_s"]
        by_group = [found.get("f1_groups", {}).get(group) for group in groups]
        marks = (f"{mark:.4f}" if mark else "" for mark in (found.get("f1"), *by_group, found.get("f1_kept")))
        figures = [f"{ratio:.2f}", found["pages_per_cpu_s"], found["pages_per_wall_s"], f"{found['peak_mb']:.0f}"]
        row = [found["what"], *figures, *marks, f"{found['kept']:,}", found["duplicates"]]
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines)


def pooled(history: Path, since: str) -> list[dict[str, Any]]:
    """Put the runs of each set together that were begun from a time on (ISO 8601), with medians over all of them."""
    results: dict[str, dict[str, Any]] = {}
    for result in map(json.loads, _lines(str(history))):
        if result["date"] < since:
            continue
        systems = results.setdefault(result["set"], result | {"systems": {}})["systems"]
        for key, found in result["systems"].items():
            runs = systems.get(key, {}).get("runs", []) + found["runs"]
            systems[key] = systems.get(key, {}) | found | {"runs": runs} | medians(result["pages"], runs)
    return list(results.values())


def main() -> None:
    """Make the sets, run, print tables, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--realweb", type=Path, default=Path("../shared/realweb"))
    parser.add_argument(
        "--debian", type=Path, default=Path("build/benchmarks/debian"), help="WARC files of scale_pages.py"
    )
    parser.add_argument("--wcxb", type=Path, default=Path("../shared/wcxb"))
    parser.add_argument("--sets", nargs="+", default=["realweb", "english", "debian", "wcxb"])
    usual = [key for key in SYSTEMS if key != "dolma-trafilatura"]  # slow, and datatrove shows trafilatura
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=usual)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--note", default="", help="what to say of the circumstances")
    parser.add_argument("--since", help="run nothing: print tables of all runs from this time on (2026-11-21T15:40Z)")
    arguments = parser.parse_args()
    if arguments.since:
        print("\n\n".join(map(table, pooled(HISTORY, arguments.since))))
        return
    for key in arguments.systems:
        if not SYSTEMS[key].is_installed():
            print(f"{key}: left out, its environment is not there; `make bench` makes it", file=sys.stderr)
    arguments.systems = [key for key in arguments.systems if SYSTEMS[key].is_installed()]
    if not any(key.startswith("webtext") for key in arguments.systems):
        sys.exit("webtext itself is not installed in build/peers/webtext: there is nothing to compare")
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    end_to_end_inputs.make(FOLDER, arguments.realweb, arguments.debian, arguments.wcxb)
    gold = {"realweb": Gold(read_news(arguments.realweb), segment_score, ("en",))}
    if "wcxb" in arguments.sets:
        gold["wcxb"] = Gold(read_words(arguments.wcxb), word_score, KINDS)
    about = {"date": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}", "machine": machine(), "note": arguments.note}
    for name in arguments.sets:
        if not (FOLDER / name / "pages.json").exists():
            print(f"{name}: left out, its pages are not there", file=sys.stderr)
            continue
        result = about | compare(name, arguments, gold.get(name))
        print(table(result), end="\n\n", flush=True)
        with HISTORY.open("a") as stream:
            stream.write(json.dumps(result) + "\n")
    write_chart(HISTORY, HISTORY.with_suffix(".svg"))


if __name__ == "__main__":
    main()
