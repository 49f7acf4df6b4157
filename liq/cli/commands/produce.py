"""`liq produce`: the live producer, from exchanges to the raw topics."""

import asyncio
from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error


@exits_on_configuration_error
def produce(
    exchanges: Annotated[
        list[str] | None,
        typer.Argument(help="Exchanges to connect to; EXCHANGES, or every known one, if absent."),
    ] = None,
    node: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Follow the fills that a Hyperliquid node writes into this folder, too.",
        ),
    ] = "",
    node_from: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            help="Where to begin without a cursor in the log: newest, oldest or 20251010/21.",
        ),
    ] = "newest",
) -> None:
    """Connect to exchanges and publish their frames byte for byte into the raw topics."""
    from liq.cli.exchanges import pushed_exchanges
    from liq.cli.rights.missing import require_rights
    from liq.cli.running import run_until_signal, start_health
    from liq.producers.feeds.settings import choose_targets
    from liq.producers.feeds.shards import WHOLE, producer_name, slot_shard
    from liq.producers.live import CONDITIONS, NODE_FEED, exchanges_of, node_files
    from liq.producers.live import produce as produce_live
    from liq.runtime.beating import beating
    from liq.runtime.environment import environment
    from liq.runtime.errors import ConfigurationError
    from liq.runtime.settings import load_settings

    settings = load_settings()
    named = tuple(dict.fromkeys(name.lower() for name in exchanges or ()))
    shard = slot_shard(settings.worker_slot, settings.produce_shards)
    if shard is None:
        raise ConfigurationError(
            f"PRODUCE_SHARDS is {settings.produce_shards}, and WORKER_SLOT {settings.worker_slot} "
            "ends with no number; name slots produce-0, produce-1 and so on."
        )
    if node and shard != WHOLE:
        raise ConfigurationError("--node reads one node: give it a process without PRODUCE_SHARDS.")
    chosen = choose_targets(named or pushed_exchanges(settings), environment(), shard)
    # Heartbeats and connections carry the name of the shard.
    settings = settings.model_copy(
        update={"worker_slot": producer_name(settings.worker_slot, shard)}
    )
    files = node_files(node, node_from) if node else None
    if files is not None and NODE_FEED.exchange not in {each.feed.exchange for each in chosen}:
        raise ConfigurationError("--node is for hyperliquid; name it among the exchanges.")
    health, server = start_health(settings, "produce", *CONDITIONS)

    async def work(stop: asyncio.Event) -> None:
        async with beating(health):
            await require_rights(settings, "produce", exchanges_of(chosen))
        await produce_live(settings, chosen, health, stop, node=files)

    try:
        run_until_signal(work)
    finally:
        server.stop()
