"""Codecs between declared fields of the state and JSON.

A `Record` names the attributes of a class that a snapshot stores, each under its own name. To add a
field, add the attribute to the class and one line to the record's `later`: its value in older
snapshots. Fields of a snapshot that this release does not know are ignored. A renamed attribute, or
one with another meaning, requires a new version (`snapshot`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, cast

from liq.schemas.vocabulary import Side


class Codec:
    """A lossless conversion between a value and its JSON form."""

    def write(self, value: Any) -> Any:
        """Return the stored form of a value."""
        raise NotImplementedError

    def read(self, stored: Any) -> Any:
        """Return the value of a stored form."""
        raise NotImplementedError

    @property
    def writer(self) -> Callable[[Any], Any]:
        """Return the function that writes a value, without intermediate calls."""
        return self.write


class Value(Codec):
    """A value that two functions convert."""

    def __init__(self, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
        """Convert with the functions `write` and `read`."""
        self._write = write
        self._read = read

    def write(self, value: Any) -> Any:
        """Return the stored form of a value."""
        return self._write(value)

    def read(self, stored: Any) -> Any:
        """Return the value of a stored form."""
        return self._read(stored)

    @property
    def writer(self) -> Callable[[Any], Any]:
        """Return the function that writes."""
        return self._write


class Optional(Codec):
    """A value that may be None, which is stored as null."""

    def __init__(self, codec: Codec) -> None:
        """Convert values other than None with `codec`."""
        self._codec = codec

    def write(self, value: Any) -> Any:
        """Return the stored form of a value."""
        return None if value is None else self._codec.write(value)

    def read(self, stored: Any) -> Any:
        """Return the value of a stored form."""
        return None if stored is None else self._codec.read(stored)


class BySide(Codec):
    """Values by side, stored as an object."""

    def __init__(self, codec: Codec) -> None:
        """Convert each value with `codec`."""
        self._codec = codec

    def write(self, value: Any) -> Any:
        """Return the stored form of the values, longs first."""
        return {side.value: self._codec.write(item) for side, item in sorted(value.items())}

    def read(self, stored: Any) -> Any:
        """Return the values by side."""
        return {Side(side): self._codec.read(item) for side, item in stored.items()}


class Record(Codec):
    """The stored fields of a class whose constructor takes them as keyword arguments.

    Args:
        make: The class.
        plain: Attributes that JSON can represent: integers of 64 bits, floats, text, flags.
        coded: Attributes with a codec.
        later: The stored form of fields that older snapshots lack; such a field is plain unless it
            has a codec.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        plain: Sequence[str],
        coded: Mapping[str, Codec] | None = None,
        later: Mapping[str, Any] | None = None,
    ) -> None:
        """Declare the fields."""
        self.make = make
        self.coded = dict(coded or {})
        self.later = dict(later or {})
        self.plain = (*plain, *(name for name in self.later if name not in self.coded))
        self.names = frozenset((*self.plain, *self.coded))
        self.values_of = _attributes(self.plain)
        self._writers = [(name, codec.writer) for name, codec in self.coded.items()]

    def write(self, value: Any) -> Any:
        """Return the fields by name."""
        stored = dict(zip(self.plain, self.values_of(value), strict=True))
        for name, write in self._writers:
            stored[name] = write(getattr(value, name))
        return stored

    def read(self, stored: Any) -> Any:
        """Create an object from its stored fields.

        Raises:
            KeyError: a field is missing and has no value in `later`.
        """
        return self.make(**self.values(stored))

    def values(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of all fields; those of `later` replace missing fields."""
        found = {**self.later, **stored}
        values = {name: found[name] for name in self.plain}
        for name, codec in self.coded.items():
            values[name] = codec.read(found[name])
        return values


class Filled(Record):
    """The stored fields of a class that is created empty and then filled."""

    def read(self, stored: Any) -> Any:
        """Create an object and set its fields."""
        return self.fill(self.make(), stored)

    def fill(self, value: Any, stored: Mapping[str, Any]) -> Any:
        """Set the fields of an object; return the object."""
        for name, found in self.values(stored).items():
            setattr(value, name, found)
        return value


class Table(Codec):
    """Objects of one class, stored column by column: a list of values for each field.

    Columns take fewer bytes than rows and name each field once. A field that is itself a record is
    stored as a nested table.
    """

    def __init__(self, record: Record) -> None:
        """Store objects of `record`."""
        self._record = record
        self._tables = {
            name: Table(codec) for name, codec in record.coded.items() if isinstance(codec, Record)
        }
        self._writers = [
            (name, attrgetter(name), codec.writer)
            for name, codec in record.coded.items()
            if name not in self._tables
        ]

    def write(self, value: Any) -> Any:
        """Return the columns by name."""
        items, record = list(value), self._record
        columns: dict[str, Any] = dict.fromkeys(record.plain, ())
        if items:
            by_field = zip(*map(record.values_of, items), strict=True)
            columns = dict(zip(record.plain, by_field, strict=True))
        for name, get, write in self._writers:
            columns[name] = list(map(write, map(get, items)))
        for name, table in self._tables.items():
            columns[name] = table.write([getattr(item, name) for item in items])
        return columns

    def read(self, stored: Any) -> Any:
        """Create the objects."""
        return [self._record.read(row) for row in self.rows(stored)]

    def fill(self, values: Iterable[Any], stored: Mapping[str, Any]) -> None:
        """Set the fields of objects of a `Filled` record.

        Raises:
            TypeError: the record is not `Filled`.
            ValueError: the numbers of objects and rows differ.
        """
        record = self._record
        if not isinstance(record, Filled):
            raise TypeError("these objects cannot be changed")
        for value, row in zip(values, self.rows(stored), strict=True):
            record.fill(value, row)

    def rows(self, stored: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the stored form of each object's fields."""
        return rows(
            {
                name: self._tables[name].rows(column) if name in self._tables else column
                for name, column in stored.items()
                if name in self._record.names
            }
        )


def _attributes(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that gets these attributes of an object."""
    if len(names) > 1:
        return cast("Callable[[Any], tuple[Any, ...]]", attrgetter(*names))
    return lambda value: tuple(getattr(value, name) for name in names)


def rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Convert columns to rows.

    Raises:
        ValueError: the columns differ in length.
    """
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
