"""Correction of times of receipt that are not believed, on the events and with a feed record.

`liq.runtime.believed_time` has the rule. Detection and the offline tools read the believed time
from the event, so a replay of the events yields what the workers detected.
"""

from dataclasses import dataclass, field, replace
from operator import is_
from typing import Any

from liq.processors.stages.clocks import ClockEpisodes, Origin, claim_detail
from liq.runtime.believed_time import TOLERANCE_MS, Receipt, append_time_ms, is_lagging
from liq.runtime.metrics import CLOCK_CORRECTED
from liq.schemas.headers import CONNECTION, FEED, RECEIVED_AT_NS, text_header
from liq.schemas.records import FeedStatus, Liquidation, Rejected
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import Arrival

Results = list[Liquidation | Rejected]


@dataclass(slots=True)
class CheckedFrame:
    """The results of a frame, with believed times.

    `statuses` are feed records to publish. `reached_ms` is the log's time if the producer's
    heartbeats lag behind it, else 0.
    """

    results: Results
    statuses: list[FeedStatus] = field(default_factory=list)
    reached_ms: int = 0


class ReceiptCheck:
    """A check of raw records' times of receipt, which reports clocks that are not believed."""

    def __init__(self) -> None:
        """Start without an episode."""
        self._episodes = ClockEpisodes()

    def frame(
        self, message: Any, exchange: str, received: Receipt, results: Results
    ) -> CheckedFrame:
        """Return the results of a frame with believed times."""
        if not received.is_believed:
            stamped_ms = _stamped_ms(received)
            return CheckedFrame(
                [
                    replace(result, stamped_at_ms=stamped_ms)
                    if isinstance(result, Liquidation)
                    else result
                    for result in results
                ],
                self.heartbeat(message, exchange, received),
            )
        received_at_ms = received.received_at_ns // MILLISECOND_NS
        appended_ms = append_time_ms(message)
        if appended_ms is None or appended_ms <= received_at_ms + TOLERANCE_MS:
            return CheckedFrame(results)
        corrected = [_lifted(result, received_at_ms, appended_ms) for result in results]
        if all(map(is_, corrected, results)):
            return CheckedFrame(results)
        return CheckedFrame(
            corrected, self._report(message, exchange, received, appended_ms), appended_ms
        )

    def heartbeat(self, message: Any, exchange: str, received: Receipt) -> list[FeedStatus]:
        """Return a feed record, once per episode, if a record's time is not believed."""
        if received.is_believed:
            return []
        return self._report(message, exchange, received, received.received_at_ns // MILLISECOND_NS)

    def _report(
        self, message: Any, exchange: str, received: Receipt, counted_ms: int
    ) -> list[FeedStatus]:
        CLOCK_CORRECTED.labels(message.topic).inc()
        origin = Origin(
            exchange, text_header(message.headers, FEED), text_header(message.headers, CONNECTION)
        )
        detail = claim_detail(RECEIVED_AT_NS, received.stamped, _stamped_ms(received), counted_ms)
        status = self._episodes.disbelieve(origin, counted_ms, detail)
        return [] if status is None else [status]


def _stamped_ms(received: Receipt) -> int | None:
    return None if received.stamped_ns is None else received.stamped_ns // MILLISECOND_NS


def _lifted(
    result: Liquidation | Rejected, received_at_ms: int, appended_ms: int
) -> Liquidation | Rejected:
    """Return an event with the append time as its receipt if the producer's clock lags."""
    if (
        isinstance(result, Liquidation)
        and result.arrival is Arrival.LIVE
        and is_lagging(received_at_ms, result.timestamp_ms, appended_ms)
    ):
        return replace(result, received_at_ms=appended_ms, stamped_at_ms=received_at_ms)
    return result
