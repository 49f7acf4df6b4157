"""What commands that ask ClickHouse say when it does not answer."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from clickhouse_connect.driver.exceptions import Error

from runtime.errors import DependencyError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def exits_on_clickhouse_error(
    command: Callable[Parameters, Result],
) -> Callable[Parameters, Result]:
    """Turn an error of ClickHouse's into a sentence; goes inside `exits_on_configuration_error`."""

    @functools.wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except Error as error:
            reason = str(error).partition("\n")[0]
            raise DependencyError(
                f"ClickHouse did not do what was asked: {reason} Check CLICKHOUSE_URL, "
                "CLICKHOUSE_USER and CLICKHOUSE_PASSWORD."
            ) from error

    return wrapped
