"""`webtext plan`: what a corpus will take before it is begun, and what will not fit; afterwards, how far off that was.

It reads some megabytes of each input and extracts some pages, no more. The rates of the stages that no sample can tell
are in `plan_rates.json`, measured by `benchmarks/scale.py`.
"""

import argparse
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import StandardOptions, WorkerOptions

from dedup.overlap.bloom import machine_memory
from pipelines.commands.answer import add_json_argument, tell
from pipelines.commands.build import add_build_arguments, build_config
from pipelines.commands.fetch import add_fetch_arguments, fetch_config
from pipelines.commands.harvest import add_harvest_arguments, harvest_config
from pipelines.engine.runner import add_engine_arguments, engine_from
from pipelines.engine.timings import read_timings
from pipelines.planning.estimate import Estimate, Machine, Prices, estimate, load_rates
from pipelines.planning.plan_sample import PagesFound, sample_archives, sample_finished, sample_links, try_pages
from pipelines.report.markup import size
from pipelines.stages.archives.index import archives_of
from pipelines.stages.output import KINDS, Output
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.errors import UsageError

_GB_A_CORE = {"standard": 4.0, "highmem": 8.0, "highcpu": 1.0}
_DATAFLOW_DISK = 25  # GB, of a batch worker with the shuffle service (Dataflow's documentation)
_MACHINE = re.compile(r"[a-z]+\d[a-z]*-(standard|highmem|highcpu)-(\d+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext plan`: those of corpus and of build, which its plan is for, and its own."""
    parser.add_argument(
        "--output", "-o", default=".", help="directory where the output would go (default: %(default)s, here)"
    )
    parser.add_argument(
        "--compare", metavar="OUTPUT", help="set the plan beside what the stages of an output took (default: only plan)"
    )
    add_json_argument(parser)
    group = parser.add_argument_group("pages that are there already")
    group.add_argument("--pages", help="a finished pages directory (default: the pages are yet to be fetched)")
    group.add_argument(
        "--warc", nargs="+", metavar="FILE", help="WARC files of any origin; patterns allowed (default: none)"
    )
    group.add_argument("--links", help="has no effect on a plan, which is for all pages of --warc (default: none)")
    add_harvest_arguments(parser)
    add_fetch_arguments(parser)
    add_build_arguments(parser)
    add_engine_arguments(parser)
    add_plan_arguments(parser)


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what stands under [plan] in a configuration file: the sample, the machine and the prices."""
    default = Prices()
    group = parser.add_argument_group("sample")
    group.add_argument(
        "--sample-mb", type=int, default=16, help="MiB of the inputs to read as a sample (default: %(default)s)"
    )
    group.add_argument(
        "--sample-pages", type=int, default=100, help="pages to extract as a sample (default: %(default)s)"
    )
    group = parser.add_argument_group("machine and prices", "without a price, no money is told of")
    group.add_argument("--cores", type=int, default=0, help="cores to plan for (default: by --workers or Beam's flags)")
    for name, meaning in _PRICES.items():
        flag, value = f"--{name.replace('_', '-')}", getattr(default, name)
        group.add_argument(flag, type=float, default=value, help=f"{meaning} (default: %(default)s)")
    group.add_argument("--currency", default=default.currency, help="currency of the prices (default: %(default)s)")


_PRICES = {
    "core_hour": "price of a core for an hour",
    "gb_hour": "price of a GB of memory for an hour",
    "shuffle_gb": "price of a GB that is shuffled",
    "disk_gb_hour": "price of a GB of worker disk for an hour",
    "storage_gb_month": "price of a GB that is kept for a month",
    "gb_a_core": "GB of memory that comes with a core",
}


def plan(arguments: argparse.Namespace, beam_arguments: list[str]) -> tuple[Estimate, dict[str, Any]]:
    """Sample the inputs and estimate; give the estimate, and what it is made from.

    Raises:
        UsageError: there is no input, or it cannot be read.
    """
    if arguments.sample_mb < 1 or arguments.sample_pages < 1:
        raise UsageError("--sample-mb and --sample-pages must be at least 1")
    config = build_config(arguments)
    most_bytes = arguments.sample_mb << 20
    links = sample_links(harvest_config(arguments), most_bytes) if arguments.submissions or arguments.comments else None
    pages = _pages(arguments, most_bytes)
    if links is None and pages is None:
        raise UsageError("nothing to plan for: name --submissions, --warc or --pages, or a file that does")
    crawl = None if pages is not None else (fetch_config(arguments), arguments.slots)
    machine, prices = _machine(arguments, beam_arguments), _prices(arguments)
    found = estimate(
        links, pages, config.duplicates.minhash, crawl, load_rates(), machine, prices,
        held_out=config.shards.held_out, is_indexed=bool(arguments.pages),
    )  # fmt: skip
    made_from = {"links": links and asdict(links), "pages": pages and asdict(pages)}
    return found, {**made_from, "machine": asdict(machine), "prices": asdict(prices)}


def _pages(arguments: argparse.Namespace, most_bytes: int) -> PagesFound | None:
    documents = build_config(arguments).documents
    if arguments.warc:
        archives = archives_of(arguments.warc)
        return try_pages(sample_archives(archives, most_bytes, arguments.sample_pages), documents)
    if arguments.pages:
        return try_pages(sample_finished(arguments.pages, arguments.sample_pages), documents)
    return None


def _machine(arguments: argparse.Namespace, beam_arguments: Sequence[str]) -> Machine:
    """Tell where a run with these flags would run."""
    engine = engine_from(arguments, beam_arguments)
    options = engine.options(1 << 20)
    if options.view_as(StandardOptions).runner != "DataflowRunner":
        workers = engine.local_workers(1 << 20)
        disk = _free(arguments.output) if storage.is_local(arguments.output) else 1 << 62
        cores = arguments.cores or min(workers, os.cpu_count() or 1)
        return Machine(cores, workers, machine_memory(), disk)
    pool = options.view_as(WorkerOptions)
    cores, each = _machine_type(pool.machine_type or "n1-standard-1")
    number = pool.max_num_workers or pool.num_workers or 1
    disk = (pool.disk_size_gb or _DATAFLOW_DISK) << 30
    return Machine(arguments.cores or cores * number, cores, int(cores * each) << 30, disk, is_local=False)


def _machine_type(name: str) -> tuple[int, float]:
    """Read cores, and GB a core, off the name of a machine type.

    >>> _machine_type("n2-highmem-8")
    (8, 8.0)
    """
    found = _MACHINE.fullmatch(name)
    if found is None:
        raise UsageError(f"--machine_type={name} does not tell its cores and memory: give one such as n2-standard-4")
    return int(found[2]), _GB_A_CORE[found[1]]


def _free(output: str) -> int:
    place = Path(output).absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _prices(arguments: argparse.Namespace) -> Prices:
    given = {name: getattr(arguments, name) for name in _PRICES}
    if min(given.values()) < 0:
        raise UsageError("a price may not be negative")
    return Prices(**given, currency=arguments.currency)


def compare(found: Estimate, output: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Set each finished stage of an output beside its estimate: stage → what → (estimated, measured).

    Raises:
        UsageError: no stage of it is finished.
    """
    timings = read_timings(output)
    sides: dict[str, dict[str, tuple[float, float]]] = {}
    for stage in found.stages:
        manifest = find_manifest(Output(output).directory(stage.name)) if stage.name in KINDS else None
        if manifest is None:
            continue
        size = float(sum(file.bytes for file in manifest.files))
        sides[stage.name] = {"rows": (stage.rows, float(manifest.counts.kept)), "bytes": (stage.bytes, size)}
        if timing := timings.get(stage.name):
            sides[stage.name] |= {
                "cpu_s": (stage.cpu_s, timing.cpu_s),
                "wall_s": (stage.wall_s, timing.wall_s),
                "launcher_bytes": (stage.launcher_bytes, float(timing.launcher_bytes)),
            }
    if not sides:
        raise UsageError(f"{output} holds no finished stage to compare with")
    return sides


def lines(found: Estimate, made_from: dict[str, Any]) -> Iterator[str]:
    """Lay an estimate out as text."""
    machine, prices = Machine(**made_from["machine"]), Prices(**made_from["prices"])
    pages = made_from["pages"]
    yield f"{'stage':<12}{'rows':>14}{'output':>11}{'shuffled':>11}{'CPU':>10}{'time':>10}{'launcher':>11}{'worker':>9}"
    for stage in found.stages:
        sizes = f"{size(stage.bytes):>11}{size(stage.shuffle_bytes):>11}"
        times = f"{_time(stage.cpu_s):>10}{_time(stage.wall_s):>10}"
        memory = f"{size(stage.launcher_bytes):>11}{size(stage.worker_bytes):>9}"
        yield f"{stage.name:<12}{stage.rows:>14,.0f}{sizes}{times}{memory}"
    yield f"{'together':<12}{'':>14}{size(found.bytes):>11}{'':>11}{_time(found.cpu_s):>10}{_time(found.wall_s):>10}"
    yield f"time on {machine.cores:,} cores; n-gram filter of the whole corpus {size(found.ngram_filter_bytes)}"
    if found.cost or found.storage_a_month:
        price = f"{found.cost:,.2f} {prices.currency}, and {found.storage_a_month:,.2f} a month to keep the output"
        yield f"money at your prices: {price}" + ("" if machine.is_local else ", for the workers alone")
    yield f"pages: {pages['sampled']} extracted" if pages else "pages: assumed, nothing is fetched yet (docs/scale.md)"
    yield from (f"WARNING {told}" for told in found.warnings)


def compared_lines(sides: dict[str, dict[str, tuple[float, float]]]) -> Iterator[str]:
    """Lay a comparison out as text."""
    yield f"{'stage':<12}{'':<16}{'estimated':>14}{'measured':>14}{'ratio':>8}"
    for name, values in sides.items():
        for what, (guess, truth) in values.items():
            ratio = f"{guess / truth:8.2f}" if truth else f"{'':>8}"
            yield f"{name:<12}{what:<16}{guess:>14,.0f}{truth:>14,.0f}{ratio}"


def _time(seconds: float) -> str:
    """Write a duration.

    >>> _time(90), _time(7200), _time(400_000)
    ('1.5 min', '2.0 h', '4.6 d')
    """
    unit = next(((name, size) for name, size in _TIMES if seconds >= size), ("s", 1))
    return f"{seconds / unit[1]:,.1f} {unit[0]}"


_TIMES = (("d", 86400), ("h", 3600), ("min", 60))


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Print the plan, or how far off it was."""
    found, made_from = plan(arguments, beam_arguments)
    answer = {**asdict(found), "from": made_from}
    if arguments.compare:
        sides = compare(found, arguments.compare)
        answer["compared"] = {
            name: {what: {"estimated": guess, "measured": truth} for what, (guess, truth) in values.items()}
            for name, values in sides.items()
        }
        tell(answer, compared_lines(sides), as_json=arguments.json)
    else:
        tell(answer, lines(found, made_from), as_json=arguments.json)
    return 0
