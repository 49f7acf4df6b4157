"""The horizon of an answer: the time up to which it is complete, and the stage behind. Pure."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from liq.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from liq.web.board import Document

#: A stage that is later than this is behind.
BEHIND_MS: Final = 30 * SECOND_MS
#: A detector without a status for this long is dead: it writes one every five seconds.
SILENT_MS: Final = 30 * SECOND_MS


@dataclass(frozen=True, slots=True)
class Horizon:
    """The times (UTC, ms) up to which liquidations and alerts are complete, and any fault in words.

    `liquidations_until_ms` is the log's own clock. None means unknown.
    """

    now_ms: int
    liquidations_until_ms: int | None
    alerts_until_ms: int | None
    detector_behind_ms: int | None
    is_complete: bool
    sentence: str

    def document(self) -> dict[str, Any]:
        """Return the horizon as JSON for an answer."""
        return asdict(self)


def horizon(
    *,
    now_ms: int,
    clock_ms: int | None,
    status: Document | None,
    is_caught_up: bool,
    trouble: str = "",
) -> Horizon:
    """Return the horizon; `trouble` is the reason why the server cannot read Kafka, or empty."""
    decided = None if status is None else status.get("assets_decided_until_ms")
    behind = None if status is None else status.get("behind_ms")
    sentence = ""
    if trouble:
        sentence = "The server cannot read Kafka now: what follows is not known yet."
    elif not is_caught_up:
        sentence = "The server is still reading the last day."
    elif clock_ms is None:
        sentence = "No heartbeat has come yet: no producer or no normalizer runs."
    elif clock_ms < now_ms - BEHIND_MS:
        late = in_words(now_ms - clock_ms)
        sentence = f"The log is {late} behind: a replay runs, or a stage is late."
    elif status is None or status["timestamp_ms"] < now_ms - SILENT_MS:
        sentence = "The detector says nothing: cascades may run without an alert."
    elif behind is not None and behind > BEHIND_MS:
        sentence = f"The detector is {in_words(behind)} behind: alerts come late."
    return Horizon(now_ms, clock_ms, decided, behind, not sentence, sentence)


def in_words(duration_ms: int) -> str:
    """Return a duration in the largest unit of which it has at least two: `143 days`."""
    for unit_ms, name in ((DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes")):
        if duration_ms >= 2 * unit_ms:
            return f"{duration_ms // unit_ms} {name}"
    return f"{duration_ms // SECOND_MS} seconds"
