"""Records that a destination can never store, and the share of them that stops the sink."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from liq.runtime.errors import ConfigurationError
from liq.sinks.batch import Delivered

# The stage in the rejections of a sink.
SINK_STAGE: Final = "sink"
# Fewer refused records never stop the sink, whatever their share.
SUSPICIOUS_COUNT: Final = 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that can never be stored; `reason` is a label, `detail` a sentence."""

    record: Delivered
    reason: str
    detail: str


class Refusals:
    """The refused records of one batch, each once, even if the batch is stored repeatedly."""

    def __init__(self, batch_count: int, max_share: float) -> None:
        self._batch_count = batch_count
        self._max_share = max_share
        self._refusals: dict[tuple[str, int, int], Refusal] = {}

    def add(self, refusals: Iterable[Refusal]) -> None:
        """Add refusals.

        Raises:
            ConfigurationError: the share of refused records suggests a wrong deployment.
        """
        for refusal in refusals:
            record = refusal.record
            position = (record.topic, record.partition, record.offset)
            self._refusals.setdefault(position, refusal)
        count = len(self._refusals)
        if count < SUSPICIOUS_COUNT or count <= self._max_share * self._batch_count:
            return
        first = next(iter(self._refusals.values()))
        raise ConfigurationError(
            f"{count} of {self._batch_count} records cannot be stored, which looks like a wrong "
            f"deployment; the first: {first.detail}. Nothing was committed. Compare the "
            "versions of the processors and of this sink, and check TOPIC_NAMESPACE. If the "
            "records are to be given up, set SINK_MAX_REJECTED_SHARE (now "
            f"{self._max_share:g}) to 1."
        )

    @property
    def found(self) -> Sequence[Refusal]:
        """The refusals, in the order in which they were added."""
        return tuple(self._refusals.values())
