"""The journal of an import: its position in each file, by destination, so that it can continue.

A position is written after the destination has acknowledged all events before it. So an import that
was killed repeats at most one batch, whose events have the same ids.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from liq.runtime.errors import ConfigurationError

# The version of the format of positions; those of other versions are ignored.
VERSION: Final = "1"


@dataclass(slots=True)
class Place:
    """The next line to read of a file, and whether the file is finished."""

    line: int = 1
    is_done: bool = False


@dataclass(slots=True)
class Journal:
    """The positions of one destination; without a path, they are not stored."""

    path: Path | None
    destination: str
    _all: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None, destination: str) -> "Journal":
        """Read a journal from a file, which may not exist yet.

        Raises:
            ConfigurationError: the file cannot be read, or is not a journal.
        """
        if path is None or not path.exists():
            return cls(path, destination)
        try:
            document = orjson.loads(path.read_bytes())
            places: dict[str, dict[str, Any]] = document["places"][VERSION]
            for by_file in places.values():
                for entry in by_file.values():
                    Place(int(entry["line"]), bool(entry["is_done"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{path} is no journal of `liq import` ({error}); name another file with "
                "--journal, or remove it to import everything again."
            ) from error
        return cls(path, destination, places)

    def place(self, fingerprint: str) -> Place:
        """Return the position in a file; the first line for an unknown file."""
        entry = self._all.get(self.destination, {}).get(fingerprint)
        return Place() if entry is None else Place(int(entry["line"]), bool(entry["is_done"]))

    def forget(self, fingerprints: Iterable[str]) -> None:
        """Remove the positions of some files; the journal is written at the next position."""
        for fingerprint in fingerprints:
            self._all.get(self.destination, {}).pop(fingerprint, None)

    def note(self, fingerprint: str, place: Place) -> None:
        """Store a position; all events before it must be acknowledged.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        entry = {"line": place.line, "is_done": place.is_done}
        self._all.setdefault(self.destination, {})[fingerprint] = entry
        if self.path is None:
            return
        document = {"places": {VERSION: self._all}}
        unfinished = self.path.with_name(f"{self.path.name}.unfinished")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
            unfinished.replace(self.path)
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be written ({error}); name another file with --journal."
            ) from error
