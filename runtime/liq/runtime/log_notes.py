"""The metadata of a committed offset: a note of the committing stage, and the name of the log.

A topic that is deleted and created again, restored or mirrored keeps its name and starts a new log.
Offsets of the old log are meaningless in the new one. So every stored offset carries the log's
name: Kafka's id of the topic. The name is empty for brokers without topic ids and for offsets that
older releases committed.
"""

import re
from typing import Final

#: Separates the note from the log's name behind it.
LOG_NOTE: Final = ";log="
_is_name: Final = re.compile(r"[0-9a-f-]{1,64}").fullmatch


def note_with_log(note: str, log: str) -> str:
    """Return the metadata to commit with an offset of a log."""
    return f"{note}{LOG_NOTE}{log}" if log else note


def split_note(text: str | None) -> tuple[str, str]:
    """Return the note and the log's name; both are empty for metadata of other programs.

    Kafka accepts a commit without metadata.
    """
    note, separator, log = (text or "").rpartition(LOG_NOTE)
    if not separator:
        return log, ""
    return (note, log) if _is_name(log) else ("", "")
