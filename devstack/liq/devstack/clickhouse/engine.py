"""The engine in this process, and connections to it.

A process runs one engine on one directory. Every connection has its own settings and current
database, opens in well under a millisecond, and runs concurrently with the others. So each request
gets a new connection, and its settings cannot affect another request.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, Self
from xml.etree.ElementTree import tostring

import chdb
from chdb._exceptions import ChdbError  # what it raises; chdb.ChdbError is another class

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode
from liq.devstack.clickhouse.statements import DataInsert
from liq.devstack.clickhouse_server.configuration import engine_xml

CONFIGURATION: Final = "rights.xml"


@dataclass(frozen=True)
class Answer:
    """A complete result in its output format, and statistics of rows read and written."""

    data: bytes
    summary: str  # the object of the X-ClickHouse-Summary header


class EngineConnection:
    """A connection, which runs one statement at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def use(self, database: str) -> None:
        """Set the current database."""
        self.run(f"USE {quote_identifier(database)}".encode())

    def use_if_there(self, database: str) -> None:
        """Set the current database; keep the engine's `default` if the database was dropped."""
        try:
            self.use(database)
        except ClickHouseError as problem:
            if problem.code != ErrorCode.UNKNOWN_DATABASE:
                raise

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings for the rest of the connection's life."""
        if settings:
            assignments = ", ".join(f"{name} = {_literal(text)}" for name, text in settings.items())
            self.run(f"SET {assignments}".encode("utf-8", "surrogateescape"))

    def run(
        self,
        sql: bytes,
        output_format: str = "TabSeparated",
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run a statement; return its complete result.

        Raises:
            ClickHouseError: The engine rejected the statement or failed.
        """
        try:
            result = self._connection.query(sql, output_format, params=dict(parameters or {}))
        except ChdbError as problem:
            raise ClickHouseError.from_engine(str(problem)) from problem
        return Answer(result.bytes(), _summary(result))

    def insert(
        self, statement: DataInsert, chunks: Iterable[bytes], parameters: Mapping[str, str]
    ) -> Answer:
        """Insert rows in constant memory; return when they are stored.

        After an error in the data, or one raised by `chunks`, only full blocks (about a million
        rows each) that the engine had already written are stored, as on a server.

        The rows go through an unnamed file, because the engine's own streaming insert reports
        success when a constraint, a materialized view or the disk fails behind its parser.

        Raises:
            ClickHouseError: The engine rejected the insert or failed.
        """
        with TemporaryFile() as rows:
            for chunk in chunks:
                rows.write(chunk)
            rows.flush()
            rows.seek(0)
            source = f" FROM INFILE '/dev/fd/{rows.fileno()}' ".encode()
            target = f" FORMAT {statement.format}".encode()
            sql = statement.head + source + statement.settings + target
            return self.run(sql, parameters=parameters)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Engine:
    """The engine on a data directory, open as long as this object is."""

    def __init__(self, data_directory: Path) -> None:
        """Open the engine; create the directory's contents on first use.

        Raises:
            ClickHouseError: Another process has opened the directory, or it is not usable.
        """
        rights = data_directory / CONFIGURATION
        rights.write_bytes(tostring(engine_xml(rights)))
        self._address = f"{data_directory}?config-file={rights}"
        self._anchor = self.connect()  # the engine closes with its last connection
        about = self._anchor.run(b"SELECT version() AS v, timezone() AS tz", "JSONEachRow")
        described = json.loads(about.data)
        self.version: str = described["v"]
        self.timezone: str = described["tz"]

    def connect(self) -> EngineConnection:
        """Open a connection with its own settings, in the engine's `default` database."""
        try:
            connection = chdb.connect(self._address)  # type: ignore[no-untyped-call]  # chdb's own
            return EngineConnection(connection)
        except RuntimeError as problem:
            raise ClickHouseError.from_engine(str(problem)) from problem

    def create_database(self, name: str) -> None:
        """Create an Atomic database if it does not exist."""
        self._anchor.run(
            f"CREATE DATABASE IF NOT EXISTS {quote_identifier(name)} ENGINE = Atomic".encode()
        )

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


def _summary(result: Any) -> str:
    return json.dumps(
        {
            "read_rows": str(result.storage_rows_read()),
            "read_bytes": str(result.storage_bytes_read()),
            "written_rows": str(result.rows_written()),
            "written_bytes": str(result.bytes_written()),
            "result_rows": str(result.rows_read()),
            "result_bytes": str(result.bytes_read()),
            "elapsed_ns": str(round(result.elapsed() * 1e9)),
        }
    )
