"""What a build costs against the number of documents: CPU time, memory and bytes of each stage, from 2,000 up.

    python benchmarks/scale.py --documents 2000
    python benchmarks/scale.py --documents 2000 20000 77000 200000 --genuine 'build/pages/*.warc.gz' --rates --chart

Makes sets of pages (`scale_set.py`: genuine ones, and word-edited variants with planted duplicates), runs
`webtext build` on each as anybody would, and looks at its processes from outside. What was made or measured already in
the folder is not done again. Then it checks what de-duplication found against what was planted. --rates writes the
costs that `webtext plan` reckons with, --chart draws them. CPU seconds hardly depend on what else the machine does;
wall time does, so it is not told.
"""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, astuple, dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

from process_tree import watch
from scale_chart import draw
from scale_check import check
from scale_set import Place, Variants, english_pages, find_genuine, members, write_set

from pipelines.engine.timings import read_timings
from pipelines.stages.own import unfinished_directory
from pipelines.stages.stage import read_manifest
from webtext import storage

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "benchmarks" / "scale"
GENUINE = ROOT.parent / "shared" / "realweb" / "web.warc.gz"
CHART, RATES = ROOT / "docs" / "scale.svg", ROOT / "pipelines" / "planning" / "plan_rates.json"
STAGES = ("pages", "documents", "duplicates", "corpus")
SHARE = 0.1  # the share of a set that is genuine; the rest are variants, which are shorter


@dataclass
class Cost:
    """What a stage took."""

    cpu: float = 0.0  # seconds, of all processes
    memory: int = 0  # bytes at most, of all processes: pages that are shared count once
    launcher: int = 0  # bytes at most, of the process that was started
    worker: int = 0  # bytes at most, of the largest of the others
    rows: int = 0
    bytes: dict[str, int] = field(default_factory=dict)  # sizes by kind of file


def run(archives: Path, output: Path, workers: int) -> dict[str, Cost]:
    """Build a corpus from archives and tell what each stage took, first of all `start`, before any.

    Raises:
        SystemExit: the build failed.
    """
    shutil.rmtree(output, ignore_errors=True)
    program = [sys.executable, "-c", "from pipelines.commands.cli import entry\nentry()", "build"]
    command = [*program, "--warc", str(archives / "*.warc.gz"), "--output", str(output), "--workers", str(workers)]
    costs = {name: Cost() for name in ("start", *STAGES)}
    stage, before = "start", 0.0
    with (
        (output.parent / "build.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, text=True) as running,
    ):
        for look in watch(running, 0.2 if len(list(archives.iterdir())) < 3 else 1.0):
            stage = next((name for name in STAGES if Path(unfinished_directory(str(output / name))).exists()), stage)
            cost = costs[stage]
            cost.cpu, before = cost.cpu + look.cpu - before, look.cpu
            cost.memory, cost.launcher = max(cost.memory, look.memory), max(cost.launcher, look.root)
            cost.worker = max(cost.worker, look.largest)
    if running.returncode:
        sys.exit(f"the build ended with status {running.returncode}: {output.parent / 'build.log'} says why")
    timings = read_timings(str(output))
    for name in STAGES:
        describe(costs[name], str(output / name))
        if not costs[name].memory:  # too short for a look: what the run itself noted
            costs[name].cpu, costs[name].memory = timings[name].cpu_s, timings[name].launcher_bytes
            costs[name].launcher = costs[name].memory
    return costs


def describe(cost: Cost, directory: str) -> None:
    """Add what a finished stage wrote to what it cost."""
    manifest = read_manifest(directory)
    cost.rows = manifest.counts.kept
    for file in manifest.files:
        kind = file.name.partition("-")[0].partition(".")[0]
        cost.bytes[kind] = cost.bytes.get(kind, 0) + file.bytes


def genuine_of(folder: Path, archives: list[Path]) -> tuple[list[Place], Variants]:
    """Index the genuine pages and take the words of some, or find both done."""
    index, pool = folder / "genuine.json", folder / "pool.json"
    if not pool.exists():
        places = find_genuine(archives)
        index.write_text(json.dumps([astuple(place) for place in places]))
        pool.write_text(json.dumps(english_pages(places)))
    return [Place(*row) for row in json.loads(index.read_text())], Variants(json.loads(pool.read_text()))


def measure(folder: Path, archives: list[Path], documents: int, workers: int) -> dict[str, Any]:
    """Make a set, build it, check it; or read what an earlier run found.

    Raises:
        SystemExit: the build failed.
    """
    own = folder / str(documents)
    found = own / "measured.json"
    if not found.exists():
        genuine = round(documents * SHARE)
        own.mkdir(parents=True, exist_ok=True)
        if not (own / "archives").exists():
            shutil.rmtree(own / "archives.unfinished", ignore_errors=True)
            records = members(*genuine_of(folder, archives), documents, SHARE)
            write_set(own / "archives.unfinished", records)
            (own / "archives.unfinished").rename(own / "archives")
        costs = run(own / "archives", own / "out", workers)
        checked = check(str(own / "out"), documents - genuine)
        size = sum(path.stat().st_size for path in (own / "archives").iterdir())
        result = {
            "documents": documents,
            "genuine": genuine,
            "archive_bytes": size,
            "workers": workers,
            "stages": {name: asdict(cost) for name, cost in costs.items()},
            "check": checked,
        }
        found.write_text(json.dumps(result, indent=1) + "\n")
    measured: dict[str, Any] = json.loads(found.read_text())
    return measured


def lines(result: dict[str, Any]) -> list[str]:
    """Lay a result out as text."""
    told = [f"{result['documents']:,} documents, archives of {result['archive_bytes'] / 1e6:,.0f} MB"]
    for name, cost in result["stages"].items():
        size = sum(cost["bytes"].values()) / 1e6
        peak = f"{cost['memory'] / 1e6:7,.0f} MB at most (launcher {cost['launcher'] / 1e6:,.0f})"
        told.append(f"  {name:<12}{cost['cpu']:9.1f} CPU s {peak}  {cost['rows']:>9,} rows {size:9,.1f} MB written")
    return [*told, "  " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result["check"].items())]


def main() -> None:
    """Measure each size, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[2000])
    parser.add_argument("--genuine", default=str(GENUINE), help="pattern of WARC files (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where all of it goes (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rates", action="store_true", help=f"write {RATES.relative_to(ROOT)}")
    parser.add_argument("--chart", action="store_true", help=f"draw {CHART.relative_to(ROOT)}")
    arguments = parser.parse_args()
    archives = sorted(Path(path) for path in glob(arguments.genuine))  # noqa: PTH207
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for documents in sorted(arguments.documents):
        results.append(measure(arguments.folder, archives, documents, arguments.workers))
        print("\n".join(lines(results[-1])), flush=True)
    if arguments.rates:
        with storage.create_file(str(RATES)) as stream:
            sizes = " ".join(map(str, sorted(arguments.documents)))
            command = f"python benchmarks/scale.py --documents {sizes} --genuine PATTERN --rates"
            stream.write((json.dumps({"command": command, "runs": results}, indent=1) + "\n").encode())
    if arguments.chart:
        CHART.write_text(draw(results))


if __name__ == "__main__":
    main()
