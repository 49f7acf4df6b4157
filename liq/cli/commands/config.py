"""`liq config`: the effective settings."""

from liq.cli.console import exits_on_configuration_error, out


@exits_on_configuration_error
def config() -> None:
    """Print the effective settings, with secrets masked."""
    from rich.table import Column, Table

    from liq.cli.contract_lists import contract_settings, contract_sources, listed_exchanges
    from liq.cli.exchanges import pushed_exchanges
    from liq.processors.normalizers import known_exchanges
    from liq.producers.feeds.registry import ALL_FEEDS
    from liq.producers.feeds.settings import choose_targets, feed_settings
    from liq.producers.history.settings import history_settings, history_sources
    from liq.runtime.environment import environment
    from liq.runtime.settings import Settings, load_settings

    settings = load_settings()
    # Reject invalid addresses like `liq produce`.
    choose_targets(pushed_exchanges(settings), environment())
    contract_sources(listed_exchanges(), environment())
    history_sources(known_exchanges(), environment())
    table = Table("setting", "value", "meaning", title="Settings in force")
    for name, value in settings.masked().items():
        table.add_row(name, value, Settings.model_fields[name.lower()].description)
    out.print(table)
    value_column = Column("value", overflow="fold")
    table = Table("setting", value_column, "meaning", title="Settings of feeds in force")
    declared = (*feed_settings(ALL_FEEDS), *contract_settings(), *history_settings())
    for setting in dict.fromkeys(declared):
        value = environment().get(setting.name) or setting.default
        value = "***" if setting.is_secret and value else value
        table.add_row(setting.name, value, setting.meaning)
    out.print(table)
