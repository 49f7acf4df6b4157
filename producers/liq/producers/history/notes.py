"""The note that is committed with an offset: the progress of repairs and polls. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from liq.producers.history.paging import Progress, progress_from_json

#: Kafka accepts 4,096 bytes by default. A repair that does not fit starts anew after a crash.
MAX_NOTE_BYTES: Final = 3_500


@dataclass(slots=True)
class Note:
    """The progress of repairs by the names of their spans, and each feed's last poll (UTC, ms)."""

    progress: dict[str, Progress] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Remove everything."""
        self.progress.clear()
        self.cursors.clear()

    def add(self, other: "Note") -> None:
        """Add the entries of another note, which replace equal names."""
        self.progress.update(other.progress)
        self.cursors.update(other.cursors)


def write_note(note: Note, is_wanted: Callable[[str], bool]) -> str:
    """Return a note's entries of the wanted exchanges as JSON text, as many as fit."""
    document: dict[str, dict[str, Any]] = {"cursors": {}, "progress": {}}
    found: list[tuple[str, str, Any]] = [
        ("cursors", name, cursor) for name, cursor in note.cursors.items()
    ]
    found += [("progress", name, each.to_json()) for name, each in note.progress.items()]
    size = 0
    for part, name, value in found:
        if is_wanted(name.partition(".")[0]):
            size += len(orjson.dumps({name: value}))
            if size <= MAX_NOTE_BYTES:
                document[part][name] = value
    return orjson.dumps(document).decode() if any(document.values()) else ""


def read_note(text: str) -> Note:
    """Return the note of a text; an empty note if the text is not one of ours."""
    try:
        document = orjson.loads(text) if text else {"cursors": {}, "progress": {}}
        return Note(
            {name: progress_from_json(each) for name, each in document["progress"].items()},
            {name: int(cursor) for name, cursor in document["cursors"].items()},
        )
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return Note()
