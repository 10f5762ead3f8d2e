"""What a stage gives back: what it kept and what it rejected.

`Sift` judges records (a filter), `Derive` makes a new record of each or rejects it (fetch, extract). There is no third
shape, so nothing can be dropped without a reason: a function that returns None for "drop it" has no place to go.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from webtext.records import Rejection

REJECTED = "rejected"


class Sifted(NamedTuple):
    """What a stage kept, and what it rejected."""

    kept: PCollection
    rejected: PCollection


@dataclass
class Sift(beam.PTransform):
    """Keep the records (anything with a `url`) for which `reason_to_reject` returns None."""

    stage: str
    reason_to_reject: Callable[[Any], str | None]

    def __post_init__(self) -> None:
        super().__init__(f"Sift {self.stage}")

    def _sift(self, record: Any) -> Iterator[Any]:
        reason = self.reason_to_reject(record)
        Metrics.counter(self.stage, reason or "kept").inc()
        if reason is None:
            yield record
        else:
            yield TaggedOutput(REJECTED, Rejection(record.url, self.stage, reason))

    def expand(self, records: PCollection) -> "Sifted":
        sifted = records | beam.FlatMap(self._sift).with_output_types(
            records.element_type, rejected=Rejection
        ).with_outputs(REJECTED, main="kept")
        return Sifted(sifted.kept, sifted.rejected)


@dataclass
class Derive(beam.PTransform):
    """Make a new record of each with `derive`, which returns the record or a `Rejection`."""

    stage: str
    derive: Callable[[Any], Any]
    output_type: type

    def __post_init__(self) -> None:
        super().__init__(f"Derive {self.stage}")

    def _derive(self, record: Any) -> Iterator[Any]:
        result = self.derive(record)
        if isinstance(result, Rejection):
            Metrics.counter(self.stage, result.reason).inc()
            yield TaggedOutput(REJECTED, result)
        else:
            Metrics.counter(self.stage, "kept").inc()
            yield result

    def expand(self, records: PCollection) -> "Sifted":
        derived = records | beam.FlatMap(self._derive).with_output_types(
            self.output_type, rejected=Rejection
        ).with_outputs(REJECTED, main="kept")
        return Sifted(derived.kept, derived.rejected)
