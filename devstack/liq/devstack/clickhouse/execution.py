"""Runs one request on the engine: the right connection, the right path, and the answer."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain

from liq.devstack.clickhouse.engine import Block, Engine, EngineConnection, Statistics
from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode
from liq.devstack.clickhouse.requests import ExternalTable, QueryRequest
from liq.devstack.clickhouse.sessions import Session, Sessions
from liq.devstack.clickhouse.statements import Kind, Statement

# Formats whose blocks can be sent one after another: nothing stands before, between or after them.
_STREAMED_FORMATS = frozenset(
    {
        "native", "rowbinary", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv",
        "jsoneachrow", "jsonlines", "ndjson", "jsoncompacteachrow", "jsonstringseachrow",
        "jsoncompactstringseachrow", "lineasstring", "rawblob",
    }
)  # fmt: skip


class Result:
    """An answer on its way out.

    `close` gives the connection and the session back. It must happen before the client sees the
    end of the answer: the client's next request may arrive at once and need the same session.
    """

    def __init__(
        self,
        output_format: str | None,
        statistics: Statistics,
        blocks: Iterable[bytes],
        *,
        complete: bool,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """Describe an answer; a complete one has nothing more to compute or to fail at."""
        self.output_format = output_format
        self.statistics = statistics
        self.blocks = blocks
        self.complete = complete
        self._release = release

    def close(self) -> None:
        """Give back what the answer holds; a second call does nothing."""
        release, self._release = self._release, lambda: None
        release()


class Executor:
    """Runs requests; safe to use from any thread."""

    def __init__(self, engine: Engine, sessions: Sessions, default_database: str) -> None:
        """Use one engine; requests that name no database run in the default one."""
        self._engine = engine
        self._sessions = sessions
        self._default_database = default_database

    def execute(self, request: QueryRequest, statement: Statement, data: Iterable[bytes]) -> Result:
        """Run a statement; what it wrote is stored when this returns.

        Args:
            request: Settings, parameters, session and the rest.
            statement: The statement.
            data: The rows of a data insert; not touched for other statements.

        Raises:
            ClickHouseError: The engine or a rule of the interface refused.
        """
        with ExitStack() as stack:
            connection = stack.enter_context(self._connection(request, statement))
            for table in request.external_tables:
                stack.enter_context(_external_table(connection, table))
            if statement.kind is Kind.DATA_INSERT:
                statistics = connection.insert(
                    statement.sql,
                    statement.sql_settings,
                    statement.format or "",
                    data,
                    request.parameters,
                )
                return Result(None, statistics, [], complete=True)
            output_format = statement.format or request.default_format
            if self._is_streamed(request, statement, output_format):
                blocks = connection.stream(statement.sql, output_format, request.parameters)
                return _streamed(blocks, output_format, stack)
            block = connection.run(statement.sql, output_format, request.parameters)
            answers = statement.kind is not Kind.COMMAND
            return Result(
                output_format if answers else None, block.statistics, [block.data], complete=True
            )

    @staticmethod
    def _is_streamed(request: QueryRequest, statement: Statement, output_format: str) -> bool:
        return (
            statement.kind is Kind.SELECT
            and not request.buffered
            and output_format.lower() in _STREAMED_FORMATS
        )

    @contextmanager
    def _connection(
        self, request: QueryRequest, statement: Statement
    ) -> Iterator[EngineConnection]:
        if request.session is None:
            with self._fresh_connection(request) as connection:
                yield connection
            return
        with self._sessions.hold(request.session) as session:
            if session.connection is None and statement.changes_session:
                self._give_connection(session)
            if session.connection is None:
                with self._fresh_connection(request) as connection:
                    yield connection
                return
            if request.read_only and statement.kind not in {Kind.SELECT, Kind.ANSWER}:
                raise ClickHouseError.named(
                    ErrorCode.READONLY, "A GET request only reads; send this one by POST."
                )
            with session.connection.temporarily(
                request.database, request.settings, keep_database=statement.changes_database
            ):
                yield session.connection

    @contextmanager
    def _fresh_connection(self, request: QueryRequest) -> Iterator[EngineConnection]:
        with closing(self._engine.connect()) as connection:
            connection.use(request.database or self._default_database)
            # In the engine's read-only mode 2 settings may change, so it comes with the others.
            read_only = {"readonly": "2"} if request.read_only else {}
            connection.set({**request.settings, **read_only})
            yield connection

    def _give_connection(self, session: Session) -> None:
        connection = self._engine.connect()
        connection.use(self._default_database)
        session.connection = connection


def _streamed(blocks: Generator[Block, None, None], output_format: str, stack: ExitStack) -> Result:
    """Begin a stream; one that ends with its first block is a complete answer."""
    first = next(blocks, None)
    if first is None:
        return Result(output_format, Statistics(), [], complete=True)
    second = next(blocks, None)
    if second is None:
        return Result(output_format, first.statistics, [first.data], complete=True)
    held = stack.pop_all()
    held.callback(blocks.close)
    pieces = (block.data for block in chain([first, second], blocks))
    return Result(output_format, first.statistics, pieces, complete=False, release=held.close)


@contextmanager
def _external_table(connection: EngineConnection, table: ExternalTable) -> Iterator[None]:
    """Hold a form's file as a temporary table for one statement."""
    connection.run(f"CREATE TEMPORARY TABLE {table.name} ({table.structure})".encode())
    try:
        if table.data:
            connection.insert(f"INSERT INTO {table.name}".encode(), b"", table.format, [table.data])
        yield
    finally:
        connection.run(f"DROP TEMPORARY TABLE {table.name}".encode())
