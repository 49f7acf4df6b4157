"""Reports of state that a take-over could not read: a feed record, a log line, a metric."""

from typing import Final

from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.state import RestoredState
from liq.runtime.log_gaps import topic_gap
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings

MAX_NAMED: Final = 20
MAX_NAME_CHARACTERS: Final = 40
MAX_REASON_CHARACTERS: Final = 300

log = get_logger(__name__)


def lost_state_record(
    settings: Settings, topic: str, restored: RestoredState, outcome: str
) -> OutputRecord:
    """Return the gap record of a partition's lost snapshots; all are lost if it names none.

    `outcome` is a clause that describes how detection continues.
    """
    detail = f"{_what_is_lost(topic, restored)}; {outcome}."
    ERRORS.labels("lost_state").inc(len(restored.lost) or 1)
    log.error("lost_state", detail=detail)
    return feed_record(settings.topics.feeds, topic_gap(settings, "detect", topic, detail))


def _what_is_lost(topic: str, restored: RestoredState) -> str:
    if not restored.lost:
        return (
            f"The state of partition {restored.partition} of {topic} is lost (the topic has lost "
            "its oldest records)"
        )
    names = sorted(restored.lost)
    named = ", ".join(name[:MAX_NAME_CHARACTERS] for name in names[:MAX_NAMED])
    if len(names) > MAX_NAMED:
        named += f" and {len(names) - MAX_NAMED} more"
    reason = restored.lost[names[0]][:MAX_REASON_CHARACTERS]
    return (
        f"The state of {named} in partition {restored.partition} of {topic} cannot be read "
        f"({reason})"
    )
