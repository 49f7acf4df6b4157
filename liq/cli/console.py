"""The terminal and the exit codes of all subcommands."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.redaction import without_logins

EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits
EXIT_DEPENDENCY = 69  # EX_UNAVAILABLE

# The width of tables in a file or a pipe.
WIDTH_WITHOUT_TERMINAL = 120

# Symbols come from exchanges, so "[link=...]" and ":gold:" in them must not act as markup.
out = Console(
    width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, markup=False, emoji=False
)
err = Console(stderr=True, markup=False, emoji=False)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def exits_on_configuration_error(
    command: Callable[Parameters, Result],
) -> Callable[Parameters, Result]:
    """Turn errors of configuration and dependencies into one sentence and an exit code."""

    @functools.wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except ConfigurationError as error:
            err.print(without_logins(str(error)), style="red", markup=False, highlight=False)
            raise typer.Exit(EXIT_CONFIGURATION) from error
        except DependencyError as error:
            err.print(without_logins(str(error)), style="red", markup=False, highlight=False)
            raise typer.Exit(EXIT_DEPENDENCY) from error

    return wrapped
