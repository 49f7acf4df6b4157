"""The engine in this process, and connections to it.

A process holds one engine on one directory. Every connection has settings, a current database and
temporary tables of its own, costs well under a millisecond to open, and runs beside the others; so
each request gets a fresh one and nothing of it can reach the next request.
"""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

import chdb
from chdb._exceptions import ChdbError  # what it raises; chdb.ChdbError is another class

from liq.devstack.clickhouse.errors import ClickHouseError


@dataclass(frozen=True)
class Statistics:
    """What one statement read, wrote and returned."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0  # rows that materialized views wrote are among them
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    def to_json(self) -> str:
        """Return the object of the X-ClickHouse-Summary header, numbers as strings."""
        return json.dumps(
            {
                "read_rows": str(self.read_rows),
                "read_bytes": str(self.read_bytes),
                "written_rows": str(self.written_rows),
                "written_bytes": str(self.written_bytes),
                "total_rows_to_read": "0",
                "result_rows": str(self.result_rows),
                "result_bytes": str(self.result_bytes),
                "elapsed_ns": str(self.elapsed_ns),
            }
        )


@dataclass(frozen=True)
class Block:
    """A piece of an answer in its output format: all of it, or one block of a stream."""

    data: bytes
    statistics: Statistics


class EngineConnection:
    """One connection; one statement at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def use(self, database: str) -> None:
        """Make a database the current one."""
        self.run(f"USE {quote_identifier(database)}".encode())

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings for the rest of the connection's life."""
        if settings:
            assignments = ", ".join(f"{name} = {_literal(text)}" for name, text in settings.items())
            self.run(f"SET {assignments}".encode("utf-8", "surrogateescape"))

    @contextmanager
    def temporarily(
        self, database: str | None, settings: Mapping[str, str], *, keep_database: bool
    ) -> Iterator[None]:
        """Run under another database and settings, then return to what was before.

        Args:
            database: The current database meanwhile; None changes nothing.
            settings: Settings meanwhile.
            keep_database: Leave the current database as the statement left it.
        """
        previous_database = self._current_database() if database else None
        previous_settings = self._current_settings(settings) if settings else {}
        try:
            if database:
                self.use(database)
            self.set(settings)
            yield
        finally:
            for name, value in previous_settings.items():
                self.run(f"SET {name} = {value}".encode())
            if previous_database is not None and not keep_database:
                self.use(previous_database)

    def _current_database(self) -> str:
        answer = self.run(b"SELECT currentDatabase() AS name", "JSONEachRow")
        return str(json.loads(answer.data)["name"])

    def _current_settings(self, names: Iterable[str]) -> dict[str, str]:
        listed = ", ".join(_literal(name) for name in names)
        sql = f"SELECT name, value, changed FROM system.settings WHERE name IN ({listed})"  # noqa: S608 - literals
        answer = self.run(sql.encode(), "JSONEachRow")
        rows = [json.loads(line) for line in answer.data.splitlines()]
        return {
            row["name"]: _literal(row["value"]) if row["changed"] else "DEFAULT" for row in rows
        }

    def run(
        self,
        sql: bytes,
        output_format: str = "TabSeparated",
        parameters: Mapping[str, str] | None = None,
    ) -> Block:
        """Run a statement and return its complete answer.

        Raises:
            ClickHouseError: The engine refused or failed; nothing half-done is returned.
        """
        try:
            result = self._connection.query(sql, output_format, params=dict(parameters or {}))
        except ChdbError as problem:
            raise ClickHouseError.from_engine(str(problem)) from problem
        return _block(result)

    def stream(
        self, sql: bytes, output_format: str, parameters: Mapping[str, str]
    ) -> Generator[Block, None, None]:
        """Run a SELECT and yield its blocks as the engine produces them.

        Closing the iterator cancels the statement.
        """
        try:
            with self._connection.send_query(sql, output_format, params=dict(parameters)) as result:
                for piece in result:
                    yield _block(piece)
        except ChdbError as problem:
            raise ClickHouseError.from_engine(str(problem)) from problem

    def insert(
        self,
        sql: bytes,
        sql_settings: bytes,
        input_format: str,
        chunks: Iterable[bytes],
        parameters: Mapping[str, str] | None = None,
    ) -> Statistics:
        """Feed rows to an INSERT in constant memory; they are stored when this returns.

        An error in the data, or one raised by `chunks`, stores none of the rows that the engine
        had not yet written as a full block (about a million rows), as on a server.

        The rows go through a file without a name. The engine's own streaming insert reports
        success when a constraint, a materialized view or the disk fails behind its parser.

        Args:
            sql: The statement up to its SETTINGS, or up to its FORMAT.
            sql_settings: Its SETTINGS clause, or nothing.
            input_format: Its FORMAT.
            chunks: The rows.
            parameters: Values of its placeholders.

        Raises:
            ClickHouseError: The engine refused or failed.
        """
        with TemporaryFile() as rows:
            for chunk in chunks:
                rows.write(chunk)
            rows.flush()
            rows.seek(0)
            source = f" FROM INFILE '/dev/fd/{rows.fileno()}' ".encode()
            target = f" FORMAT {input_format}".encode()
            return self.run(sql + source + sql_settings + target, parameters=parameters).statistics

    def close(self) -> None:
        """Drop the connection and its temporary tables; a running stream is cancelled."""
        self._connection.close()


class Engine:
    """The engine on a data directory, open as long as this object is."""

    def __init__(self, data_directory: Path) -> None:
        """Open the engine, creating the directory's contents on first use.

        Raises:
            ClickHouseError: Another process has the directory open, or it cannot be used.
        """
        self._path = str(data_directory)
        self._anchor = self.connect()  # the engine closes with its last connection
        about = self._anchor.run(b"SELECT version() AS v, timezone() AS tz", "JSONEachRow")
        described = json.loads(about.data)
        self.version: str = described["v"]
        self.timezone: str = described["tz"]

    def connect(self) -> EngineConnection:
        """Open a connection of its own settings, in the engine's `default` database."""
        try:
            connection = chdb.connect(self._path)  # type: ignore[no-untyped-call]  # chdb's own
            return EngineConnection(connection)
        except RuntimeError as problem:
            raise ClickHouseError.from_engine(str(problem)) from problem

    def create_database(self, name: str) -> None:
        """Create an Atomic database if it is not there."""
        self._anchor.run(
            f"CREATE DATABASE IF NOT EXISTS {quote_identifier(name)} ENGINE = Atomic".encode()
        )

    def error(self, code: int, reason: str) -> ClickHouseError:
        """Build an error under the name the engine has for a code."""
        with closing(self.connect()) as connection:
            answer = connection.run(f"SELECT errorCodeToName({code})".encode(), "TabSeparatedRaw")
        name = answer.data.decode().strip()
        return ClickHouseError(code, f"Code: {code}. DB::Exception: {reason} ({name})")

    def close(self) -> None:
        """Close the engine; every other connection must be closed already."""
        self._anchor.close()

    def __enter__(self) -> Self:
        """Return the open engine."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the engine."""
        self.close()


def quote_identifier(name: str) -> str:
    """Return a database's or table's name as SQL."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _block(result: Any) -> Block:
    data: bytes = result.bytes()
    return Block(
        data,
        Statistics(
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            result_bytes=result.bytes_read(),
            elapsed_ns=round(result.elapsed() * 1e9),
        ),
    )
