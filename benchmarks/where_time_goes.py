"""Where the time of a build goes, by stage and by function, and what Beam and start-up cost on top of the functions.

    python benchmarks/where_time_goes.py 'build/benchmarks/end-to-end/realweb/*.warc.gz' [--preset fineweb]

Three ways of doing the same: the functions in this one process, without Beam and without processes that may die, the
CPU time of each group taken around its calls; the documents stage by a plain pool of two forked processes; and the
command, `webtext build`, with one worker and with two. The command less the functions is what Beam costs, and the start
of processes that share nothing; the command less the pool (and the functions of the other stages) is that, too, against
processes that were forked with all imports done.
"""

import argparse
import copy
import functools
import json
import multiprocessing
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pipelines.stages.documents
import webtext.extract.block_features
import webtext.extract.extractors
import webtext.extract.main_text
import webtext.extract.pages
from dedup.near.sketch import sketch
from pipelines.commands.build import add_build_arguments, build_config
from pipelines.engine.runner import Engine
from pipelines.pages import page_pool, page_work
from pipelines.stages.archives.index import archives_of, index_archives
from pipelines.stages.build import BuildConfig, run_shards
from pipelines.stages.documents import Bucket, DocumentsConfig, WriteBuckets, count_documents, plan_buckets
from pipelines.stages.duplicates import run_duplicates
from pipelines.stages.kept import Kept
from pipelines.stages.stage import Stage, read_manifest, run_stage
from webtext import storage

FOLDER = Path("build/benchmarks/where-time-goes")


class Here:
    """Call the function in this process, in the place of processes of their own for pages."""

    def __init__(self, function: Callable[..., Any], *_: Any) -> None:
        """Load what the function needs."""
        self._function = copy.copy(function)

    def submit(self, *arguments: Any) -> "Future[Any]":
        """Call the function."""
        future: Future[Any] = Future()
        future.set_result(self._function(*arguments))
        return future

    def __exit__(self, *_: object) -> None:
        """Have nothing to end."""


class Clock:
    """CPU seconds by group; a group that runs inside another is taken out of it."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def around(self, group: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function that does the same, and takes its time."""

        @functools.wraps(function)
        def timed(*arguments: Any, **keywords: Any) -> Any:
            began = time.process_time()
            self._inside.append(0.0)
            try:
                return function(*arguments, **keywords)
            finally:
                taken = time.process_time() - began
                self.seconds[group] = self.seconds.get(group, 0.0) + taken - self._inside.pop()
                if self._inside:
                    self._inside[-1] += taken

        return timed

    def watch(self, group: str, owner: Any, name: str) -> None:
        """Take the time of an attribute of a module."""
        setattr(owner, name, self.around(group, getattr(owner, name)))


def watch_all(clock: Clock) -> None:
    """Take the time of every group of the documents stage."""
    modules: tuple[Any, Any, Any] = (pipelines.stages.documents, webtext.extract.pages, webtext.extract.main_text)
    documents, extract, main_text = modules
    for group, owner, name in (
        ("read the WARC record", documents, "read_response"),
        ("decode", extract, "decode_html"),
        ("parse", extract, "parse_html"),
        ("look before extraction", extract, "foreign_text"),
        ("title, author, date", extract, "read_metadata"),
        ("clean the text", extract, "clean_text"),
        ("extract: read the blocks", main_text.BlockReader, "read"),
        ("extract: count and measure them", main_text, "measure"),
        ("extract: count and measure them", webtext.extract.block_features.Features, "table"),
        ("extract: trees", main_text.Trees, "__call__"),
        ("extract: make the choice whole", main_text.Whole, "of"),
        ("extract: the second opinion", webtext.extract.extractors, "second_opinion"),
        ("language", page_work, "detect"),
        ("filters", page_work, "apply_filters"),
        ("MinHash", documents, "sketch"),
        ("write Parquet", documents, "write_bucket"),
    ):
        clock.watch(group, owner, name)
    engine = clock.around("extract: all else", webtext.extract.extractors.load_engine("webtext"))
    extract.load_engine = lambda _, **__: engine


def index(archives: list[str]) -> tuple[str, list[Bucket]]:
    """Index the archives, and plan the buckets."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    pages = str(FOLDER / "pages")
    index_archives(archives, None, pages, Engine(1))
    indexes = [storage.join(pages, name) for name in storage.list_files(pages, "index-*.parquet")]
    return pages, plan_buckets(indexes, read_manifest(pages).counts.kept)


def configured(preset: str) -> BuildConfig:
    """Make the configuration that the command makes of a preset."""
    parser = argparse.ArgumentParser()
    add_build_arguments(parser)
    return build_config(parser.parse_args(["--preset", preset]))


def functions(pages: str, buckets: list[Bucket], config: BuildConfig, clock: Clock) -> None:
    """Run a build's functions in this process, under a clock."""
    made, duplicates, corpus = (str(FOLDER / name) for name in ("documents", "duplicates", "corpus"))
    given = read_manifest(pages).counts.kept

    def documents(unfinished: str) -> None:
        _do(_started(unfinished, config.documents), buckets)

    watch_all(clock)
    work = clock.around("the rest of it", documents)
    run_stage(Stage("documents", made, {}, (pages,)), work, lambda unfinished: count_documents(given, unfinished))
    clock.around("duplicates", run_duplicates)(made, duplicates, config.duplicates, Engine(1))
    clock.around("shards and card", run_shards)(Kept(made, duplicates), corpus, config.shards, Engine(1))


def _started(directory: str, config: DocumentsConfig) -> WriteBuckets:
    write = WriteBuckets(directory, config)
    write.open()
    sketch("kernels are loaded by being used", config.minhash)
    return write


def _do(write: WriteBuckets, buckets: list[Bucket]) -> None:
    for bucket in buckets:
        write.do(bucket)
    write.finish()


@functools.cache
def _writer(config: DocumentsConfig) -> WriteBuckets:
    """Make what a worker of the pool holds, once a process."""
    directory = FOLDER / "pool"
    directory.mkdir(exist_ok=True)
    return _started(str(directory), config)


def _write(config: DocumentsConfig, bucket: Bucket) -> None:
    _do(_writer(config), [bucket])


def pool(buckets: list[Bucket], config: DocumentsConfig) -> float:
    """Run the documents stage by a plain pool of two processes, and give its CPU seconds."""
    before = children()
    with multiprocessing.get_context("fork").Pool(2) as workers:
        workers.map(functools.partial(_write, config), buckets, chunksize=1)
        workers.close()
        workers.join()
    return children() - before


def children() -> float:
    """Tell the CPU seconds of all processes that were begun here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def command(program: Path, archives: list[str], preset: str, workers: int) -> float:
    """Run the whole command and give its CPU seconds, children included."""
    output, before = FOLDER / "command", children()
    shutil.rmtree(output, ignore_errors=True)
    words = [str(program), "build", "--warc", *archives, "--output", str(output), "--preset", preset]
    subprocess.run([*words, "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL)
    return children() - before


def main() -> None:
    """Measure, and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", nargs="+")
    parser.add_argument("--preset", default="webtext")
    parser.add_argument("--command", type=Path, default=Path(sys.executable).with_name("webtext"))
    arguments = parser.parse_args()
    setattr(page_pool, "SandboxPool", Here)  # noqa: B010  (it stands in for a class)
    archives, config, clock = archives_of(arguments.archives), configured(arguments.preset), Clock()
    pages, buckets = clock.around("index the archive", index)(archives)
    wholes = {"documents stage by a plain pool of 2": pool(buckets, config.documents)}
    functions(pages, buckets, config, clock)
    for workers in (1, 2):
        name = f"webtext build --workers {workers}"
        wholes[name] = command(arguments.command, archives, arguments.preset, workers)
    count, total = read_manifest(pages).counts.kept, sum(clock.seconds.values())
    print(f"{count:,} pages\n\n| what | CPU s | share | ms a page |\n|---|---|---|---|")
    rows = sorted(clock.seconds.items(), key=lambda item: -item[1])
    for name, seconds in (*rows, ("all functions", total), *wholes.items()):
        print(f"| {name} | {seconds:.2f} | {seconds / total:.1%} | {seconds / count * 1000:.2f} |")
    print(json.dumps({"pages": count, "preset": arguments.preset, "functions": clock.seconds, "wholes": wholes}))


if __name__ == "__main__":
    main()
