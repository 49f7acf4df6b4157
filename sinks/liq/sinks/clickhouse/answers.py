"""Read-only queries from the command line, with each failure as one sentence."""

import logging
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from liq.runtime.errors import DependencyError
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.outside_reads import outside_reads

#: ClickHouse's strictest mode: a query can change neither data nor its own settings.
READ_ONLY: Final = "1"
_SECONDS: Final = 60
_ROWS: Final = 1_000_000
_MEMORY_BYTES: Final = 4_000_000_000
_SECONDS_FOR_THE_ERROR: Final = 10
_LIMIT_REACHED: Final = frozenset({158, 159, 160, 241, 396})
# The server's version and, behind a proxy, the exception's class do not help a reader.
_NOISE = re.compile(r"\s*\(version [^)]*\)|DB::Exception: |\(for url [^)]*\)|HTTPDriver")
_CODE = re.compile(r"(?:error )?code:? (\d+)[.,]?\s*", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"Connection refused|timed out|Name or service not known|No address associated with hostname"
    r"|Temporary failure in name resolution|Network is unreachable|No route to host"
    r"|certificate verify failed"
)
_PREAMBLE = re.compile(r"^.*?(?=Code: \d+)", re.DOTALL)


class QueryError(Exception):
    """ClickHouse rejected a query; the message is the reason as a sentence."""


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """The limits of a query's run time (seconds) and rows; None for the defaults."""

    seconds: int | None = None
    rows: int | None = None

    @property
    def timeout_seconds(self) -> int:
        """The client's timeout: longer than the server's limit, so that its error arrives."""
        return (self.seconds or _SECONDS) + _SECONDS_FOR_THE_ERROR

    def settings(self) -> dict[str, str]:
        """Return the settings to send with each query.

        The same request sets the read-only mode, so a `SETTINGS` clause in the query cannot raise
        the limits.
        """
        return {
            "max_execution_time": str(self.seconds or _SECONDS),
            "timeout_overflow_mode": "throw",
            "max_result_rows": str(self.rows or _ROWS),
            "result_overflow_mode": "throw",
            "max_memory_usage": str(_MEMORY_BYTES),
            # A query without a client would run for nothing.
            "cancel_http_readonly_queries_on_client_close": "1",
            "readonly": READ_ONLY,
        }

    def asked_for(self) -> dict[str, str]:
        """Return only the chosen limits, for a server with its own limits."""
        chosen = {"max_execution_time": self.seconds, "max_result_rows": self.rows}
        return {name: str(value) for name, value in chosen.items() if value is not None}


@contextmanager
def asking(settings: Settings, limits: AnswerLimits = AnswerLimits()) -> Iterator[Client]:
    """Open a read-only client whose queries have a time limit.

    It logs in as CLICKHOUSE_READER_USER if that is set.

    Raises:
        DependencyError: ClickHouse cannot be reached, or rejects this user or database.
        QueryError: ClickHouse rejected a query of the `with` block.
    """
    # The client also raises what it logs, so its log would repeat each error.
    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
    try:
        client = connect(
            settings,
            as_reader=True,
            answer_timeout_seconds=limits.timeout_seconds,
        )
    except ClickHouseError as error:
        raise DependencyError(
            f"ClickHouse at {settings.clickhouse_url} gives no access to the database "
            f"{settings.clickhouse_database}: {sentence(error)} Check CLICKHOUSE_URL, "
            "CLICKHOUSE_USER, CLICKHOUSE_PASSWORD (or CLICKHOUSE_READER_USER and its password) and "
            "CLICKHOUSE_DATABASE."
        ) from error
    with closing(client):
        for name, value in _settings_to_send(client, limits).items():
            client.set_client_setting(name, value)
        try:
            yield client
        except ClickHouseError as error:
            raise QueryError(sentence(error)) from error


def _settings_to_send(client: Client, limits: AnswerLimits) -> dict[str, str]:
    current = client.server_settings.get("readonly")
    match "0" if current is None else current.value:
        case "0":
            return limits.settings()
        case "1":
            # Such a user may not change any setting; the server's limits apply.
            return {}
        case _:
            # A user with a read-only profile may not set the mode again; its profile has limits.
            return limits.asked_for()


def refuse_outside_reads(client: Client, question: str) -> None:
    """Check that a query reads only the database and runs no program.

    Raises:
        QueryError: the query calls functions that read files, addresses or other servers.
    """
    # The result is one row, so that no limit on rows rejects it.
    [(names,)] = client.query(
        "SELECT groupArray(name) FROM (SELECT name FROM system.table_functions"
        " UNION ALL SELECT name FROM system.functions WHERE origin = 'ExecutableUserDefined')"
    ).result_rows
    if found := outside_reads(question, names):
        raise QueryError(
            f"The question reads outside the database, by {', '.join(found)}: not allowed here. "
            "Ask ClickHouse itself, as a user who may."
        )


def write_lines(client: Client, query: str, file_format: str, stream: BinaryIO) -> None:
    """Stream a query's result in one of ClickHouse's own text formats.

    Decimals stay exact: in JSON they are strings.
    """
    settings = {
        "output_format_json_quote_decimals": 1,
        "output_format_json_quote_64bit_integers": 0,
        "date_time_output_format": "iso",
        # Otherwise an error during the result would look like a shorter result.
        "http_wait_end_of_query": 1,
    }
    with client.raw_stream(query, fmt=file_format, settings=settings) as answer:
        stream.writelines(answer)
    stream.flush()


def sentence(error: ClickHouseError) -> str:
    """Return the reason of an error as a sentence, without the client's and server's jargon."""
    code = getattr(error, "code", None)
    if code is None and (reason := _UNREACHABLE.search(str(error))):
        return f"no answer ({reason[0]})."
    text = " ".join(str(error).split())
    text = _CODE.sub("", _NOISE.sub("", _PREAMBLE.sub("", text)), count=1).strip().rstrip(".:")
    text = f"{text} (code {code})." if code else f"{text}."
    if code in _LIMIT_REACHED:
        text += " Ask for less, or allow more with --max-seconds and --max-rows."
    return text
