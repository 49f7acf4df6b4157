"""Which log an offset belongs to.

A topic that is deleted and made again, restored or mirrored keeps its name and begins a new log,
whose offsets say nothing about the old one. So what stores an offset stores the log's name with it:
Kafka's id of the topic. The name is empty where it is not known: brokers without ids, and what
older releases wrote.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

#: What was committed with an offset: the stage's own note, and the log's name behind it.
LOG_NOTE: Final = ";log="
_is_name: Final = re.compile(r"[0-9a-f-]{1,64}").fullmatch


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Where the group began to read a partition at the last assignment.

    `offset` is None where nothing was committed. `end` is where the log ends now. `is_replaced`:
    what was committed belongs to another log than the present one, `log`.
    """

    log: str = ""
    offset: int | None = None
    end: int | None = None
    is_replaced: bool = False


class Start(Enum):
    """What a new owner of a partition starts from."""

    SNAPSHOTS = "snapshots"
    NEW_LOG = "new log"
    LOST_STATE = "lost state"


def note_with_log(note: str, log: str) -> str:
    """Return what to commit with an offset of a log."""
    return f"{note}{LOG_NOTE}{log}" if log else note


def split_note(text: str | None) -> tuple[str, str]:
    """Return the stage's note and the log's name; both empty where somebody else has committed.

    Kafka lets a client commit without any text.
    """
    note, separator, log = (text or "").rpartition(LOG_NOTE)
    if not separator:
        return log, ""
    return (note, log) if _is_name(log) else ("", "")


def start_of(position: LogPosition, stored_log: str, *, is_claimed: bool) -> Start:
    """Say what the owner of a partition starts from.

    `stored_log` is the log that the snapshots are about; without `is_claimed`, the state topic has
    lost its oldest records, which every owner writes first.
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
    """Whether a state has applied an offset that the log does not have: it is of another log."""
    return position.end is not None and last_offset >= position.end
