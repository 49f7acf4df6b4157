"""The command line: `liq --help` lists what it does."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

WORKERS: Final = "Workers"
SETUP: Final = "Setup"
OFFLINE: Final = "Without Kafka"
LAPTOP: Final = "On a laptop"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is: a module of `liq.commands`, its panel in the help, a function there."""

    module: str
    panel: str
    function: str


COMMANDS: Final = {
    "produce": Place("produce", WORKERS, "produce"),
    "replay": Place("replay", WORKERS, "replay"),
    "replay-rejected": Place("rejected", WORKERS, "replay_rejected"),
    "process": Place("process", WORKERS, "process"),
    "sink": Place("sink", WORKERS, "sink"),
    "topics": Place("topics", SETUP, "topics"),
    "migrate": Place("migrate", SETUP, "migrate"),
    "config": Place("config", SETUP, "config"),
    "venues": Place("venues", SETUP, "venues"),
    "instruments": Place("instruments", SETUP, "app"),
    "sql": Place("questions", SETUP, "sql"),
    "report": Place("questions", SETUP, "report"),
    "export": Place("export", SETUP, "export"),
    "normalize": Place("offline", OFFLINE, "normalize"),
    "detect": Place("offline", OFFLINE, "detect"),
    "tune": Place("tune", OFFLINE, "tune"),
    "dev": Place("stack", LAPTOP, "dev"),
    "demo": Place("stack", LAPTOP, "demo"),
    "rehearse": Place("rehearse", LAPTOP, "rehearse"),
}


class Commands(TyperGroup):
    """Imports a command when it is asked for.

    Each needs other libraries, and together they took half of a worker's time to start.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # By these names it lists commands, and finds what a mistyped one may have meant.
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the base class says so
        """The command, or None for an unknown name."""
        place = COMMANDS.get(cmd_name)
        return None if place is None else load(cmd_name, place)


def load(name: str, place: Place) -> Any:
    """Import a command."""
    found = getattr(import_module(f"liq.commands.{place.module}"), place.function)
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


@app.callback()
def main() -> None:
    """Liquidations of many exchanges as one truthful stream, cascades while they happen."""


if __name__ == "__main__":
    app()
