"""A job for another engine before it is submitted: its flags, checked, and with `--dry_run=True` what it would be.

Nobody is asked for either: what Dataflow documents of its flags ("Pipeline options") stands here.
"""

from collections.abc import Callable, Iterator

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    TestOptions,
    WorkerOptions,
)
from apache_beam.portability.api import beam_runner_api_pb2

from webtext.errors import UsageError

MOST_BYTES = 10_000_000  # Dataflow refuses a larger graph ("Quotas and limits")
_NEEDED = ("project", "region", "temp_location")  # what Dataflow cannot do without
_OURS = {"dry_run", "save_main_session"}  # no options of the job


def check_flags(options: PipelineOptions) -> None:
    """See that Dataflow, if it is asked, can do what its flags say; that their values are some, Beam has seen.

    Raises:
        UsageError: it cannot.
    """
    standard, workers = options.view_as(StandardOptions), options.view_as(WorkerOptions)
    if standard.runner != "DataflowRunner":
        return
    if standard.streaming:
        raise UsageError("--streaming is for streams; every job of webtext is a batch")
    if workers.num_workers and workers.max_num_workers and workers.num_workers > workers.max_num_workers:
        raise UsageError(
            f"--num_workers {workers.num_workers} is more than --max_num_workers {workers.max_num_workers}"
        )
    if workers.autoscaling_algorithm == "NONE" and not workers.num_workers:
        raise UsageError(
            "--autoscaling_algorithm=NONE wants --num_workers: there would be as few as Dataflow begins with"
        )


def is_dry(options: PipelineOptions) -> bool:
    """Tell whether a job is only to be described."""
    return str(options.view_as(TestOptions).dry_run) == "True"


def submission(construct: Callable[[beam.Pipeline], None], options: PipelineOptions) -> Iterator[str]:
    """Describe the job that a runner would be given, as lines.

    Raises:
        UsageError: the runner could not take it.
    """
    runner = options.view_as(StandardOptions).runner
    pipeline = beam.Pipeline("FnApiRunner", PipelineOptions([]))  # a graph is the same for every runner
    construct(pipeline)
    graph = pipeline.to_runner_api()
    size = graph.ByteSize()
    if runner == "DataflowRunner":
        _check(options, size)
    yield f"{runner} would be given, and was not:"
    given = options.get_all_options(drop_default=True)
    yield from (f"  --{name}={value}" for name, value in sorted(given.items()) if name not in _OURS)
    yield f"  a graph of {len(graph.components.transforms):,} transforms, {size:,} bytes:"
    yield from (f"    {name}" for name in _steps(graph))


def _steps(graph: beam_runner_api_pb2.Pipeline) -> list[str]:
    """Name the steps that the pipeline is made of, in order, without what they are made of."""
    transforms = graph.components.transforms
    (root,) = (transforms[name] for name in graph.root_transform_ids)
    return [transforms[name].unique_name for name in root.subtransforms]


def _check(options: PipelineOptions, size: int) -> None:
    cloud = options.view_as(GoogleCloudOptions)
    missing = [f"--{name}" for name in _NEEDED if not getattr(cloud, name)]
    if missing:
        raise UsageError(f"Dataflow wants {', '.join(missing)} too")
    if size > MOST_BYTES:
        raise UsageError(f"the graph has {size:,} bytes, and Dataflow takes {MOST_BYTES:,}: give fewer input files")
