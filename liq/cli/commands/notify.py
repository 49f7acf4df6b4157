"""`liq notify`: messages to people and services, by rules in one file."""

from typing import TYPE_CHECKING, Annotated

import typer

from liq.cli.console import EXIT_DEPENDENCY, exits_on_configuration_error, out

if TYPE_CHECKING:
    from liq.runtime.settings import Settings
    from liq.sinks.notify.rules import Rules

app = typer.Typer(add_completion=False, invoke_without_command=True)
File = Annotated[str, typer.Option("--rules", help="The file of rules, instead of NOTIFY_RULES.")]


@app.callback()
@exits_on_configuration_error
def notify(context: typer.Context) -> None:
    """Run a worker that sends alerts: signed webhooks, and chats through apprise."""
    if context.invoked_subcommand is not None:
        return
    from liq.cli.exchanges import configured_exchanges
    from liq.cli.running import run_until_signal, start_health
    from liq.cli.worker_topics import make_sure_of_topics
    from liq.runtime.settings import load_settings
    from liq.sinks.assignments import CONDITION
    from liq.sinks.notify import worker
    from liq.sinks.notify.destination import NotifyDestination

    settings = load_settings()
    rules = _rules(settings, "")
    health, server = start_health(settings, "notify", CONDITION)
    try:
        make_sure_of_topics(settings, "notify", configured_exchanges(settings), health)
        destination = NotifyDestination(settings, rules, health)
        run_until_signal(lambda stop: worker.run(settings, health, stop, destination))
    finally:
        server.stop()


@app.command()
@exits_on_configuration_error
def check(rules: File = "") -> None:
    """Check the file of rules and show its content, without sending."""
    from rich.table import Table

    from liq.runtime.settings import load_settings
    from liq.sinks.notify.describing import describe_receiver, describe_rule

    found = _rules(load_settings(), rules)
    for title, rows in (
        ("receiver", [describe_receiver(receiver) for receiver in found.receivers.values()]),
        ("rule", [describe_rule(rule) for rule in found.rules]),
    ):
        table = Table(title, "what", "how")
        for row in rows:
            table.add_row(*row)
        out.print(table)


@app.command("test")
@exits_on_configuration_error
def send_test(
    receiver: Annotated[str, typer.Argument(help="Which receiver; all of them if none.")] = "",
    rules: File = "",
) -> None:
    """Send a test message to receivers, with one attempt each and without Kafka."""
    import asyncio

    from liq.runtime.errors import ConfigurationError
    from liq.runtime.settings import load_settings
    from liq.sinks.notify.trial import attempt

    found = _rules(load_settings(), rules)
    if receiver and receiver not in found.receivers:
        raise ConfigurationError(f"{receiver!r} is no receiver of the rules.")
    chosen = [found.receivers[receiver]] if receiver else list(found.receivers.values())
    failed = False
    for each in chosen:
        is_delivered, sentence = asyncio.run(attempt(each))
        failed |= not is_delivered
        out.print(f"{each.name}: {sentence}")
    if failed:
        raise typer.Exit(EXIT_DEPENDENCY)


@app.command()
@exits_on_configuration_error
def enable(
    receiver: Annotated[str, typer.Argument(help="The receiver that was mended.")],
    rules: File = "",
) -> None:
    """Enable a receiver that was disabled because it refused messages for too long."""
    import asyncio

    from liq.runtime.errors import ConfigurationError
    from liq.runtime.settings import load_settings
    from liq.sinks.notify.enabling import enable_receiver

    settings = load_settings()
    if receiver not in _rules(settings, rules).receivers:
        raise ConfigurationError(f"{receiver!r} is no receiver of the rules.")
    asyncio.run(enable_receiver(settings, receiver))
    out.print(f"{receiver} is enabled; a running worker notices within seconds.")


def _rules(settings: "Settings", path: str) -> "Rules":
    """Read the rules from the file in the settings or on the command line."""
    from liq.runtime.environment import environment
    from liq.runtime.errors import ConfigurationError
    from liq.sinks.notify.rules_file import load_rules

    chosen = path or settings.notify_rules
    if not chosen:
        raise ConfigurationError("Set NOTIFY_RULES to a file of rules; docs/notify.md has one.")
    return load_rules(chosen, environment())
