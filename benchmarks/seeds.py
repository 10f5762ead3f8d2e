"""Every command that serves a system of the seeds, run on one corpus, each with its time: writes docs/seeds.md.

    python benchmarks/seeds.py OUTPUT --benchmarks ../shared/realweb/benchmarks --work build/seeds --page docs/seeds.md

OUTPUT is that of `webtext corpus`. What a step said and took lies in the work folder: a stopped run goes on. The runs
are small (half a million tokens): they show that the ways fit together and what they cost, not what a model can. Items
that serve as examples are those of the files' first parts; the last ones are scored.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SETS = {"lambada": "lambada_openai", "piqa": "piqa", "arc_easy": "arc_easy", "winograd": "winograd_wsc"}
SCORED = 40  # items of each set that are scored
OBJECTIVES = ("bert", "roberta", "albert", "electra", "xlnet", "t5", "prefix-lm")
_CPU = ["--device", "cpu"]
SHAPE = ["--vocab-size", "1024", "--block-size", "256", "--tokens", "500k", "--tokens-per-step", "4096", *_CPU]
SWEEP = ["--sizes", "1x16", "1x32", "2x32", "2x48", "--tokens", "24k", "48k", "96k", "192k", "--flops", "1e12", *_CPU]
_WEBTEXT = Path(sys.executable).with_name("webtext")
_SAID = 56  # lines at most that the page shows of a step


def split_sets(benchmarks: Path, work: Path) -> None:
    """Write the items that are scored, and those that serve as examples, of each set."""
    for name, file in SETS.items():
        lines = (benchmarks / f"{file}.jsonl").read_text("utf-8").splitlines(keepends=True)
        (work / f"{name}.jsonl").write_text("".join(lines[-SCORED:]), "utf-8")
        (work / f"{name}.examples.jsonl").write_text("".join(lines[:-SCORED][:500]), "utf-8")


def steps(output: Path, benchmarks: Path, work: Path) -> dict[str, list[str]]:
    """The commands by the name of their step, in order."""
    corpus, webtext = str(output / "corpus"), [str(_WEBTEXT)]
    pretrain = [sys.executable, str(Path(__file__).parents[1] / "examples" / "pretrain.py"), corpus, "--objective"]
    on = [part for name in SETS for part in ("--on", f"{name}={work / name}.jsonl")]
    examples = [part for name in SETS for part in ("--examples", f"{name}={work / name}.examples.jsonl")]
    runs = [str(work / size) for size in ("tiny", "small")]
    dirty = str(work / "overlap" / "dirty.json")
    return {
        "What the corpus carries (BERT)": [*webtext, "verify", str(output), "--for", "bert"],
        "GPT-2: a tiny run": [*webtext, "train", corpus, "--output", runs[0], "--size", "tiny", *SHAPE],
        "GPT-2: a small run": [*webtext, "train", corpus, "--output", runs[1], "--size", "small", *SHAPE],
        "GPT-2: overlap with the sets": [
            *webtext, "overlap", corpus, *(f"{name}={work / name}.jsonl" for name in SETS), "--output", str(work)
        ],
        "GPT-3: zero, one and five shots": [
            *webtext, "evaluate", runs[1], *on, *examples, "--shots", "0,1,5", "--dirty", dirty, *_CPU
        ],
        "GPT-2: memorisation by size": [
            *webtext, "memorization", *runs, "--corpus", corpus, "--output", str(work / "memorization"), *_CPU
        ],
        "GPT-1: transfer": [
            *webtext, "probe", runs[1], "--against", runs[0], "--on", f"copa={benchmarks / 'copa.jsonl'}", *_CPU
        ],
        "Scaling laws": [*webtext, "scale", corpus, "--output", str(work / "scale"), *SWEEP],
        **{f"Objective: {name}": [*pretrain, name] for name in OBJECTIVES},
    }  # fmt: skip


def run(command: Sequence[str]) -> dict[str, float | str]:
    """Run one command: what it printed, and the seconds it took, by the clock and of all its processes on the CPU."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"said": done.stdout, "seconds": time.monotonic() - started, "cpu": cpu}


def shown(command: Sequence[str], places: dict[str, str]) -> str:
    """A command line as a person writes it."""
    line = " ".join(command).replace(str(_WEBTEXT), "webtext")
    line = line.replace(f"{sys.executable} {Path(__file__).parents[1]}/", "python ")
    return named(line, places)


def named(text: str, places: dict[str, str]) -> str:
    """A text with names in place of this machine's folders."""
    for path, name in places.items():
        text = text.replace(path, name)
    return text


def page(found: dict[str, dict[str, float | str]], commands: dict[str, list[str]], places: dict[str, str]) -> str:
    """The page: times in one table, then what each step said."""
    rows = [f"| {name} | {one['seconds']:,.0f} | {one['cpu']:,.0f} |" for name, one in found.items()]
    parts = []
    for name, one in found.items():
        lines = named(str(one["said"]), places).rstrip().split("\n")
        kept = lines if len(lines) <= _SAID else [*lines[:_SAID], f"... {len(lines) - _SAID} lines more"]
        parts.append(f"## {name}\n\n```\n$ {shown(commands[name], places)}\n" + "\n".join(kept) + "\n```\n")
    return _PAGE.format(cores=os.cpu_count(), machine=platform.machine(), rows="\n".join(rows), parts="\n".join(parts))


_PAGE = """# The systems of the seeds, each run once

This page is written by `python benchmarks/seeds.py` (its head tells how): every command that serves a system of the
seeds, on the corpus that `webtext corpus` makes of realweb (`RS_web.zst`, `web.warc.gz`), with its time on {cores}
cores ({machine}) that other work kept busy: go by the CPU seconds. The runs are tiny; their figures say that the ways
fit together, and nothing about what a model can. What each system needs of a corpus is in
[explanation.md](explanation.md), how the commands are used in [training.md](training.md).

| step | seconds by the clock | CPU seconds |
|---|---|---|
{rows}

{parts}"""


def main() -> None:
    """Run what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="an output of `webtext corpus`")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder of realweb's benchmarks")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs, and of what each step said")
    parser.add_argument("--page", type=Path, default=Path("docs/seeds.md"), help="(default docs/seeds.md)")
    arguments = parser.parse_args()
    output, benchmarks, work = (path.resolve() for path in (arguments.output, arguments.benchmarks, arguments.work))
    work.mkdir(parents=True, exist_ok=True)
    split_sets(benchmarks, work)
    note, commands = work / "steps.json", steps(output, benchmarks, work)
    found = json.loads(note.read_text("utf-8")) if note.is_file() else {}
    for name, command in commands.items():
        if name not in found:
            found[name] = run(command)
            note.write_text(json.dumps(found, indent=1), "utf-8")
            print(f"{name}: {found[name]['seconds']:,.0f} s", flush=True)
    places = {str(work): "work", str(benchmarks): "benchmarks", str(output): "out"}
    arguments.page.write_text(page({name: found[name] for name in commands}, commands, places), "utf-8")


if __name__ == "__main__":
    main()
