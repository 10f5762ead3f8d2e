"""Whether a runner of Beam's does what the pipelines here ask of one: small jobs with known answers.

    python -m pipelines.engine.probe --runner=PortableRunner --job_endpoint=localhost:8099 --environment_type=LOOPBACK
    python -m pipelines.engine.probe --runner=apache_beam.runners.dask.dask_runner.DaskRunner

Each feature is a job of its own, which writes what it found as text files and is then read from outside: so a runner
that says DONE and lost something on the way is found out, too. Files go to --output, which all workers must see.
"""

import argparse
import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsDict, AsSingleton, PCollection, TaggedOutput
from apache_beam.runners.runner import PipelineResult
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from webtext import storage
from webtext.errors import UsageError

MANY = 20_000  # values of one key
_GIVEN = ("a", "b", "b", "c", "c", "c")

Answer = list[str]  # the lines that a feature's files hold together, sorted


@dataclass(frozen=True)
class Feature:
    """Something that a pipeline here asks of a runner."""

    name: str
    wire: Callable[[PCollection, str], PCollection]  # takes `_GIVEN` and the directory to write to; gives lines
    answer: Answer
    used_by: str  # the stages that want it


class _WriteLine(beam.DoFn):
    """Writes each line as a file of its own, as our stages write theirs."""

    def __init__(self, directory: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._directory = directory

    def process(self, line: str) -> None:
        with storage.create_file(storage.join(self._directory, f"line-{line}")) as stream:
            stream.write(line.encode())


def _split(letter: str) -> Iterator[object]:
    """Give "c" in a second output, and everything else in the first."""
    yield TaggedOutput("second", letter) if letter == "c" else letter


def _tagged(given: PCollection, _: str) -> PCollection:
    both = given | beam.FlatMap(_split).with_outputs("second", main="first")
    counted = [
        both[tag] | f"One {tag}" >> beam.Map(lambda letter, tag=tag: (tag, letter))
        for tag in ("first", "second")
    ]  # fmt: skip
    return counted | beam.Flatten() | beam.GroupByKey() | beam.MapTuple(_counted)


def _counted(key: str, values: Iterable[object]) -> str:
    return f"{key}={sum(1 for _ in values)}"


def _side(given: PCollection, _: str) -> PCollection:
    one = given.pipeline | "One" >> beam.Create([2])
    table = given.pipeline | "Table" >> beam.Create([("a", 1), ("b", 10), ("c", 100)])
    values = given | beam.Map(lambda letter, times, worth: (0, times * worth[letter]), AsSingleton(one), AsDict(table))
    return values | beam.GroupByKey() | beam.MapTuple(lambda _, worths: f"sum={sum(worths)}")


def _many(given: PCollection, _: str) -> PCollection:
    spread = given | beam.FlatMap(lambda letter: ((letter, b"%d" % number) for number in range(MANY)))
    return spread | beam.GroupByKey() | beam.MapTuple(_counted)


class _Bundle(beam.DoFn):
    """Holds what comes, and gives it at the end of its bundle, as a step does that works on many at once."""

    def start_bundle(self) -> None:
        self._held: list[str] = []

    def process(self, letter: str) -> None:
        self._held.append(letter)

    def finish_bundle(self) -> Iterator[object]:
        for letter in self._held:
            yield WindowedValue((letter, 1), GlobalWindow().max_timestamp(), (GlobalWindow(),))


def _held() -> beam.DoFn:
    return _Bundle()  # type: ignore[no-untyped-call]


def _bundles(given: PCollection, _: str) -> PCollection:
    return given | beam.ParDo(_held()) | beam.GroupByKey() | beam.MapTuple(_counted)


def _shuffled(given: PCollection, _: str) -> PCollection:
    return given | beam.Reshuffle() | beam.Map(lambda letter: (letter, 1)) | beam.GroupByKey() | beam.MapTuple(_counted)


def _leaves(given: PCollection, directory: str) -> PCollection:
    """Write from two ends of a graph, of which only one is given back."""
    given | "Also" >> beam.Map(lambda letter: f"also-{letter}") | "Leaf" >> beam.ParDo(_WriteLine(directory))
    return given | beam.Map(lambda letter: f"main-{letter}")


def _joined(given: PCollection, _: str) -> PCollection:
    left = given | "Left" >> beam.Map(lambda letter: (letter, 1))
    right = given.pipeline | "Create right" >> beam.Create([("c", 7), ("d", 7)])
    together = {"left": left, "right": right} | beam.CoGroupByKey()
    return together | beam.MapTuple(lambda key, sides: f"{key}={len(list(sides['left']))}+{len(list(sides['right']))}")


def _measured(given: PCollection, _: str) -> PCollection:
    def count(letter: str) -> str:
        Metrics.counter("probe", letter).inc()
        return letter

    return given | beam.Map(count)


FEATURES = (
    Feature("tagged outputs", _tagged, ["first=3", "second=3"], "harvest, duplicates, overlap"),
    Feature("side inputs", _side, ["sum=642"], "duplicates, overlap"),
    Feature(
        "GroupByKey with many values",
        *(_many, [f"a={MANY}", f"b={2 * MANY}", f"c={3 * MANY}"], "harvest, fetch, index, duplicates"),
    ),
    Feature("what a bundle holds", _bundles, ["a=1", "b=2", "c=3"], "documents, overlap"),
    Feature("Reshuffle", _shuffled, ["a=1", "b=2", "c=3"], "every stage"),
    Feature("several ends", _leaves, ["also-a", "also-b", "also-c", "main-a", "main-b", "main-c"], "every stage"),
    Feature("CoGroupByKey", _joined, ["a=1+0", "b=2+0", "c=3+1", "d=0+1"], "duplicates, repeats"),
    Feature("metrics", _measured, ["a", "b", "c"], "counters of every stage; no file depends on them"),
)


def probe(feature: Feature, arguments: Sequence[str], directory: str) -> str:
    """Run one feature's job; gives "right", or in what way it is not.

    A runner's failure of any kind is an answer here, so every exception is caught.
    """
    place = storage.join(directory, feature.name.replace(" ", "-"))
    try:
        with beam.Pipeline(options=PipelineOptions(list(arguments))) as pipeline:
            given = pipeline | "Given" >> beam.Create(list(_GIVEN))
            feature.wire(given, place) | "Write" >> beam.ParDo(_WriteLine(place))
        found = [name.removeprefix("line-") for name in storage.list_files(place)]
        if feature.wire is _measured:
            _check_counters(pipeline.result)
    except Exception as error:  # noqa: BLE001 - what a runner cannot do is what is asked
        return (
            f"fails: {type(error).__name__}: {str(error).strip().splitlines()[0][:100] if str(error).strip() else ''}"
        )
    return "right" if found == feature.answer else f"WRONG, and says it is done: {', '.join(found) or 'nothing'}"


def _check_counters(result: PipelineResult) -> None:
    counters = result.metrics().query(MetricsFilter().with_namespace("probe"))["counters"]
    found = {counter.key.metric.name: counter.result for counter in counters}
    if found != dict(Counter(_GIVEN)):
        raise RuntimeError(f"counters are {found}")


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each feature; the exit status is 1 where one is not right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", help="a directory that all workers see (default: one on this machine)")
    known, arguments = parser.parse_known_args(argv)
    if not any(word.startswith("--runner") for word in arguments):
        parser.error("name the runner that is to be probed with --runner")
    with contextlib.ExitStack() as stack:
        directory = known.output or stack.enter_context(tempfile.TemporaryDirectory(prefix="webtext-probe-"))
        if storage.list_all(directory):
            raise UsageError(f"{directory} is not empty: give another --output")
        is_right = True
        for feature in FEATURES:
            answer = probe(feature, arguments, directory)
            is_right &= answer == "right"
            print(f"{feature.name:<28} {answer} (wanted by: {feature.used_by})", flush=True)
    return int(not is_right)


if __name__ == "__main__":
    sys.exit(main())
