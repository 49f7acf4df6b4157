"""Storing of batches: the destination acknowledges every record, or refuses and keeps it."""

from collections.abc import Sequence
from functools import partial

from liq.runtime.logs import get_logger
from liq.runtime.metrics import REJECTED
from liq.sinks.attempts import Attempts, RowFailureError
from liq.sinks.batch import Batch, RecordsByTopic, halves, row_count
from liq.sinks.destination import Destination, Failure
from liq.sinks.refusals import SINK_STAGE, Refusal, Refusals

log = get_logger(__name__)


class Storing:
    """Stores batches in a destination, one at a time."""

    def __init__(
        self, destination: Destination, attempts: Attempts, max_rejected_share: float
    ) -> None:
        self._destination = destination
        self._attempts = attempts
        self._max_rejected_share = max_rejected_share

    async def store(self, batch: Batch) -> None:
        """Store every record of a batch; return when the destination has acknowledged them all.

        Raises:
            ConfigurationError: the share of refused records suggests a wrong deployment.
            DependencyError: the destination refuses even the refused records.
        """
        refusals = Refusals(batch.count, self._max_rejected_share)
        pending: list[RecordsByTopic] = [batch.records]
        while pending:
            part = pending.pop()
            self._destination.accept(part, refusals)
            try:
                await self._attempts.until_success(self._destination.flush)
            except RowFailureError as error:
                if row_count(part) <= 1:
                    refusals.add(self._refuse(part, error.failure))
                else:
                    first, second = halves(part)
                    pending += [second, first]
        await self._keep(refusals.found)

    def _refuse(self, records: RecordsByTopic, failure: Failure) -> list[Refusal]:
        reason = f"refused_by_{self._destination.intake.name}"
        return [
            Refusal(record, reason, failure.sentence)
            for found in records.values()
            for record in found
        ]

    async def _keep(self, refusals: Sequence[Refusal]) -> None:
        if not refusals:
            return
        for refusal in refusals:
            record = refusal.record
            log.warning(
                "record_rejected",
                reason=refusal.reason,
                detail=refusal.detail,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
        await self._attempts.until_success(partial(self._destination.keep_refused, refusals))
        REJECTED.labels("", SINK_STAGE).inc(len(refusals))
