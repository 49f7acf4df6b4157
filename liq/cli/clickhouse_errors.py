"""The error of commands when ClickHouse does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from liq.runtime.errors import DependencyError


@contextmanager
def clickhouse_errors_as_sentences() -> Iterator[None]:
    """Turn an error of ClickHouse into a sentence for users; also usable as a decorator.

    Raises:
        DependencyError: ClickHouse failed within the block.
    """
    # A decorated command's help must not import ClickHouse's client.
    from clickhouse_connect.driver.exceptions import Error  # noqa: PLC0415

    try:
        yield
    except Error as error:
        reason = str(error).partition("\n")[0]
        raise DependencyError(
            f"ClickHouse did not do what was asked: {reason} Check CLICKHOUSE_URL, "
            "CLICKHOUSE_USER and CLICKHOUSE_PASSWORD."
        ) from error
