"""The log to which a partition's offset and stored state belong (`liq.runtime.log_notes`)."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The position at which the group began to read a partition at the last assignment.

    `offset` is None without a committed offset. `end` is the present end of the log. `is_replaced`
    is set if the committed offset belongs to another log than the present one, `log`.
    """

    log: str = ""
    offset: int | None = None
    end: int | None = None
    is_replaced: bool = False


class Start(Enum):
    """The state from which a new owner of a partition starts."""

    SNAPSHOTS = "snapshots"
    NEW_LOG = "new log"
    LOST_STATE = "lost state"


def start_of(position: LogPosition, stored_log: str, *, is_claimed: bool) -> Start:
    """Return the state from which the owner of a partition starts.

    `stored_log` is the log of the snapshots. Without `is_claimed`, the state topic has lost its
    oldest records, because every owner writes a claim first.
    """
    if stored_log and position.log:
        is_replaced = stored_log != position.log
    else:
        is_replaced = position.is_replaced
    if is_replaced:
        return Start.NEW_LOG
    if not is_claimed and position.offset:
        return Start.LOST_STATE
    return Start.SNAPSHOTS


def is_beyond(position: LogPosition, last_offset: int) -> bool:
    """Return whether a state has applied an offset beyond the log's end, of another log."""
    return position.end is not None and last_offset >= position.end
