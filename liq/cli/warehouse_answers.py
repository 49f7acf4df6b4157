"""Questions to ClickHouse from the command line: read-only, and failures as one sentence."""

import logging
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from liq.cli.outside_reads import outside_reads
from liq.runtime.errors import DependencyError
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.client import connect

# ClickHouse's own: 1 forbids settings, too, and our requests carry some.
READ_ONLY = "2"
# The engine's version and, behind a proxy, the exception's class say nothing to a reader.
_NOISE = re.compile(r"\s*\(version [^)]*\)|DB::Exception: |\(for url [^)]*\)|HTTPDriver")
_CODE = re.compile(r"(?:error )?code:? (\d+)[.,]?\s*", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"Connection refused|timed out|Name or service not known|No address associated with hostname"
    r"|Temporary failure in name resolution|Network is unreachable|No route to host"
    r"|certificate verify failed"
)
_PREAMBLE = re.compile(r"^.*?(?=Code: \d+)", re.DOTALL)


class QueryError(Exception):
    """ClickHouse refused a question; the message is its reason in a sentence."""


@contextmanager
def asking(settings: Settings) -> Iterator[Client]:
    """Open a client that can change nothing.

    Raises:
        DependencyError: ClickHouse cannot be reached, or refuses this user or database.
        QueryError: it refused a question that was asked within the statement.
    """
    # What it logs, it also raises; the reader gets it once.
    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
    try:
        client = connect(settings)
    except ClickHouseError as error:
        raise DependencyError(
            f"ClickHouse at {settings.clickhouse_url} gives no access to the database "
            f"{settings.clickhouse_database}: {sentence(error)} Check CLICKHOUSE_URL, "
            "CLICKHOUSE_USER, CLICKHOUSE_PASSWORD and CLICKHOUSE_DATABASE."
        ) from error
    with closing(client):
        # A user whose profile is read-only may not say so again.
        current = client.server_settings.get("readonly")
        if current is None or current.value == "0":
            client.set_client_setting("readonly", READ_ONLY)
        try:
            yield client
        except ClickHouseError as error:
            raise QueryError(sentence(error)) from error


def refuse_outside_reads(client: Client, question: str) -> None:
    """Make sure that a question reads the database only.

    Raises:
        QueryError: it names functions that read files, addresses or other servers.
    """
    names = client.query("SELECT name FROM system.table_functions").result_rows
    if found := outside_reads(question, [name for (name,) in names]):
        raise QueryError(
            f"The question reads outside the database, by {', '.join(found)}: not allowed here. "
            "Ask ClickHouse itself, as a user who may."
        )


def write_lines(client: Client, query: str, file_format: str, stream: BinaryIO) -> None:
    """Write an answer in one of ClickHouse's own text formats, as it comes in.

    Decimals stay exact: in JSON they are strings.
    """
    settings = {
        "output_format_json_quote_decimals": 1,
        "output_format_json_quote_64bit_integers": 0,
        "date_time_output_format": "iso",
        # Otherwise an error in mid-answer would look like a short answer.
        "http_wait_end_of_query": 1,
    }
    with client.raw_stream(query, fmt=file_format, settings=settings) as answer:
        stream.writelines(answer)
    stream.flush()


def sentence(error: ClickHouseError) -> str:
    """What ClickHouse or the network said, without the machinery's own words."""
    code = getattr(error, "code", None)
    if code is None and (reason := _UNREACHABLE.search(str(error))):
        return f"no answer ({reason[0]})."
    text = " ".join(str(error).split())
    text = _CODE.sub("", _NOISE.sub("", _PREAMBLE.sub("", text)), count=1).strip().rstrip(".:")
    return f"{text} (code {code})." if code else f"{text}."
