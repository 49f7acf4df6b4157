"""The command line: `liq --help` lists what it does."""

import platform
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from liq.cli.docstrings import docstring

WORKERS: Final = "Workers"
SETUP: Final = "Setup"
OFFLINE: Final = "Without Kafka"
LAPTOP: Final = "On a laptop"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a command: its module, its panel in the help, the function with its help text.

    The function of a command with subcommands is the callback of `group`, a Typer app.
    """

    module: str
    panel: str
    function: str
    group: str | None = None


COMMANDS: Final = {
    "produce": Place("liq.cli.commands.produce", WORKERS, "produce"),
    "replay": Place("liq.cli.commands.replay", WORKERS, "replay"),
    "replay-rejected": Place("liq.cli.commands.rejected", WORKERS, "replay_rejected"),
    "reference": Place("liq.cli.commands.reference", WORKERS, "reference"),
    "backfill": Place("liq.cli.commands.backfill", WORKERS, "backfill"),
    "process": Place("liq.cli.commands.process", WORKERS, "process"),
    "sink": Place("liq.cli.commands.sink", WORKERS, "sink"),
    "notify": Place("liq.cli.commands.notify", WORKERS, "notify", group="app"),
    "serve": Place("liq.cli.commands.serve", WORKERS, "serve"),
    "doctor": Place("liq.cli.commands.doctor", SETUP, "doctor"),
    "topics": Place("liq.cli.commands.topics", SETUP, "topics", group="app"),
    "migrate": Place("liq.cli.commands.migrate", SETUP, "migrate"),
    "rights": Place("liq.cli.commands.rights", SETUP, "rights", group="app"),
    "config": Place("liq.cli.commands.config", SETUP, "config"),
    "venues": Place("liq.cli.commands.venues", SETUP, "venues"),
    "instruments": Place("liq.cli.commands.instruments", SETUP, "instruments", group="app"),
    "watch": Place("liq.cli.commands.watch", SETUP, "watch"),
    "sql": Place("liq.cli.commands.questions", SETUP, "sql"),
    "report": Place("liq.cli.commands.questions", SETUP, "report"),
    "quality": Place("liq.cli.commands.quality", SETUP, "quality"),
    "export": Place("liq.cli.commands.export", SETUP, "export"),
    "import": Place("liq.cli.commands.importing", SETUP, "import_events"),
    "normalize": Place("liq.cli.commands.offline", OFFLINE, "normalize"),
    "detect": Place("liq.cli.commands.offline", OFFLINE, "detect"),
    "tune": Place("liq.cli.commands.tune", OFFLINE, "tune"),
    "backtest": Place("liq.cli.commands.backtest", OFFLINE, "run"),
}

#: Distributions whose versions matter in bug reports.
SHOWN_VERSIONS: Final = (
    *("liquidation-schemas", "liquidation-devstack", "aiokafka", "faust-streaming"),
    *("clickhouse-connect", "fastapi", "mcp"),
)

#: A module of the pure core, which `make wheel` and the image compile.
COMPILED: Final = "liq.processors.cascades.engine"

# Entry points of this group are commands of other packages, `NAME = MODULE:FUNCTION`.
PLUGGED_IN: Final = "liq.commands"
# Used only for the sentence with the package to install if the devstack is missing.
DEVSTACK_COMMANDS: Final = ("demo", "dev", "rehearse")


def plugged_in() -> dict[str, Place]:
    """Return the commands that installed packages add, such as those of the devstack."""
    return {
        point.name: Place(point.module, LAPTOP, point.attr)
        for point in entry_points(group=PLUGGED_IN)
    }


class Commands(TyperGroup):
    """The group of commands, which imports a command's module only when the command runs.

    `liq --help` imports no module, because together they import every library of every worker.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Typer lists commands by these names, and suggests one of them for a typo.
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command's name and help text for the list, or None for an unknown name."""
        place = self._find(cmd_name)
        if place is not None:
            return summarize(cmd_name, place)
        if cmd_name in DEVSTACK_COMMANDS:
            ctx.fail(
                f"`liq {cmd_name}` is a command of the devstack, which is not installed: "
                "pip install 'liquidation-engine[devstack]'."
            )
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command in the arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        place = None if name is None else self._find(name)
        return name, command if name is None or place is None else load(name, place), rest

    def list_commands(self, ctx: Any) -> list[str]:
        """Return every command's name, those of other packages last."""
        self._add_plugged_in()
        return super().list_commands(ctx)

    def _find(self, name: str) -> Place | None:
        return COMMANDS.get(name) or self._add_plugged_in().get(name)

    def _add_plugged_in(self) -> dict[str, Place]:
        """Find commands of other packages, which is slow and which workers never need."""
        found = plugged_in()
        self.commands.update(dict.fromkeys(found))  # type: ignore[arg-type]
        return found


def summarize(name: str, place: Place) -> Any:
    """Return a command with its help text only, for the list of commands.

    If another package's source does not have the command's function, the command is imported.
    """
    text = docstring(place.module, place.function)
    if text is None:
        return load(name, place)
    return TyperCommand(name, help=text, rich_help_panel=place.panel)


def load(name: str, place: Place) -> Any:
    """Import a command."""
    found = getattr(import_module(place.module), place.group or place.function)
    parent = typer.Typer(add_completion=False)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name, rich_help_panel=place.panel)
        return get_group(parent).commands[name]
    parent.command(name, rich_help_panel=place.panel)(found)
    return get_command(parent)


app = typer.Typer(
    name="liq",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def print_version(is_wanted: bool) -> None:
    """Print what runs here, for reports of faults."""
    if is_wanted:
        parts = [f"{name} {version(name)}" for name in SHOWN_VERSIONS if is_installed(name)]
        typer.echo(f"liq {version('liquidation-engine')}")
        typer.echo(f"Python {platform.python_version()} on {platform.platform()}")
        typer.echo("\n".join(parts))
        typer.echo(f"Detector and normalizers: {'compiled' if is_compiled() else 'pure Python'}")
        raise typer.Exit


def is_compiled() -> bool:
    """Return whether the pure core is compiled, as in the image."""
    spec = find_spec(COMPILED)
    return spec is not None and (spec.origin or "").endswith(tuple(EXTENSION_SUFFIXES))


def is_installed(name: str) -> bool:
    """Return whether a distribution is installed; extras may not be."""
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=print_version, is_eager=True, help="Show versions and exit."
        ),
    ] = False,
) -> None:
    """Liquidations of many exchanges as one truthful stream, cascades while they happen."""


if __name__ == "__main__":
    app()
