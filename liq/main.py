"""The command line: `liq --help` lists what it does."""

import typer

from liq.commands import (
    admin,
    export,
    instruments,
    offline,
    produce,
    questions,
    rehearse,
    rejected,
    replay,
    stack,
    tune,
    venues,
    workers,
)

app = typer.Typer(
    name="liq",
    help="Liquidations of many exchanges as one truthful stream, cascades while they happen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

WORKERS = "Workers"
SETUP = "Setup"
OFFLINE = "Without Kafka"
LAPTOP = "On a laptop"

app.command(rich_help_panel=WORKERS)(produce.produce)
app.command(rich_help_panel=WORKERS)(replay.replay)
app.command(rich_help_panel=WORKERS)(rejected.replay_rejected)
app.command(rich_help_panel=WORKERS)(workers.process)
app.command(rich_help_panel=WORKERS)(workers.sink)
app.command(rich_help_panel=SETUP)(admin.topics)
app.command(rich_help_panel=SETUP)(admin.migrate)
app.command(rich_help_panel=SETUP)(admin.config)
app.command(rich_help_panel=SETUP)(venues.venues)
app.add_typer(instruments.app, name="instruments", rich_help_panel=SETUP)
app.command(rich_help_panel=SETUP)(questions.sql)
app.command(rich_help_panel=SETUP)(questions.report)
app.command(rich_help_panel=SETUP)(export.export)
app.command(rich_help_panel=OFFLINE)(offline.normalize)
app.command(rich_help_panel=OFFLINE)(offline.detect)
app.command(rich_help_panel=OFFLINE)(tune.tune)
app.command(rich_help_panel=LAPTOP)(stack.dev)
app.command(rich_help_panel=LAPTOP)(stack.demo)
app.command(rich_help_panel=LAPTOP)(rehearse.rehearse)

if __name__ == "__main__":
    app()
